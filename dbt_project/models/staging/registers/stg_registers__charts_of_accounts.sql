select * from {{ source('registers', 'register_charts_of_accounts') }}
