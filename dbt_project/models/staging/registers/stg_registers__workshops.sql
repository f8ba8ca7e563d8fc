select * from {{ source('registers', 'register_workshops') }}
