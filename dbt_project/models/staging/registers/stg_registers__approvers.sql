select * from {{ source('registers', 'register_approvers') }}
