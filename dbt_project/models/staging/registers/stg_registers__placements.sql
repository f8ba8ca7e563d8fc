select * from {{ source('registers', 'register_placements') }}
