select * from {{ source('registers', 'register_recipients') }}
