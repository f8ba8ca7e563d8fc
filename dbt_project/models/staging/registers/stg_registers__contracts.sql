select * from {{ source('registers', 'register_contracts') }}
