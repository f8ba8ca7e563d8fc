select * from {{ source('matched', 'supplier_names') }}
