with

delivered as (
    select * from {{ source('ehf', 'ehf_invoice_lines') }}
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
        line_no,
        cpv_code,
        unspsc_code,
        accounting_cost,
        {{ item_text_digest() }} as text_digest,
        line_extension_amount as stated_amount,
        vat_rate,
        _delivery_id,
        _file_sha256,
        _row_no,
        _xpath
    from accepted
)

select * from final
