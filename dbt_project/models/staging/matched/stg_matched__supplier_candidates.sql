select * from {{ source('matched', 'supplier_candidates') }}
