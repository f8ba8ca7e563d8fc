select * from {{ source('registers', 'register_targets') }}
