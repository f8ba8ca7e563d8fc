with

delivered as (
    select * from {{ source('ehf', 'ehf_tax_subtotals') }}
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
        currency,
        vat_category,
        exemption_reason_code,
        taxable_amount,
        tax_amount,
        vat_rate,
        _delivery_id,
        _file_sha256,
        _row_no,
        _xpath
    from accepted
)

select * from final
