select * from {{ source('registers', 'register_collaborations') }}
