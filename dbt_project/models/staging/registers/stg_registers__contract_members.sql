select * from {{ source('registers', 'register_contract_members') }}
