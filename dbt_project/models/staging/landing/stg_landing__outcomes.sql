select * from {{ source('landing', 'outcomes') }}
