select * from {{ source('registers', 'register_opportunity_outcomes') }}
