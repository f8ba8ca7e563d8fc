select * from {{ source('registers', 'register_ripple') }}
