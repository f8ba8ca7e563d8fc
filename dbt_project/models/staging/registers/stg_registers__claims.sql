select * from {{ source('registers', 'register_claims') }}
