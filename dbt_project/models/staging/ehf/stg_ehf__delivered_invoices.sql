-- Every e-invoice that was read, accepted or not: what sums are held against.
with

delivered as (
    select * from {{ source('ehf', 'ehf_invoices') }}
),

final as (
    select
        municipality_no,
        currency,
        document_no,
        cast(if(is_credit_note, -1, 1) * tax_exclusive_amount as decimal(18, 2))
            as tax_exclusive_amount,
        invoice_date,
        _delivery_id,
        _file_sha256,
        _row_no,
        _xpath
    from delivered
)

select * from final
