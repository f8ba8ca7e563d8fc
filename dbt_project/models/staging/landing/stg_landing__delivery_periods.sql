select * from {{ source('landing', 'delivery_periods') }}
