select * from {{ source('registers', 'register_consents') }}
