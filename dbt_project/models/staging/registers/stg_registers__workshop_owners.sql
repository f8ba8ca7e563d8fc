select * from {{ source('registers', 'register_workshop_owners') }}
