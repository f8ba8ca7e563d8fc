select * from {{ source('landing', 'document_states') }}
