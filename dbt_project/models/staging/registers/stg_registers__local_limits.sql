select * from {{ source('registers', 'register_local_limits') }}
