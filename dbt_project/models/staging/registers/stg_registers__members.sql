select * from {{ source('registers', 'register_members') }}
