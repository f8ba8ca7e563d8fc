with

delivered as (
    select * from {{ source('ehf', 'ehf_billing_references') }}
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
        billed_invoice_no,
        billed_invoice_date,
        _delivery_id,
        _file_sha256,
        _row_no,
        _xpath
    from accepted
)

select * from final
