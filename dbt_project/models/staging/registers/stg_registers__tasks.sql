select * from {{ source('registers', 'register_tasks') }}
