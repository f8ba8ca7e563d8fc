select * from {{ source('registers', 'register_filed_accounts') }}
