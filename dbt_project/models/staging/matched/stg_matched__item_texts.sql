select * from {{ source('matched', 'item_texts') }}
