with

delivered as (
    select * from {{ source('ehf', 'ehf_item_classifications') }}
),

accepted as (
    select * from delivered
    where {{ accepted_documents() }}
),

final as (
    select
        {{ hash_of(['municipality_no', '_delivery_id', '_file_sha256', 'document_no']) }}
            as document_id,
        municipality_no,
        line_row_no,
        list_id,
        list_version,
        class_code,
        _delivery_id,
        _file_sha256,
        _row_no,
        _xpath
    from accepted
)

select * from final
