select * from {{ source('registers', 'register_supplier_corrections') }}
