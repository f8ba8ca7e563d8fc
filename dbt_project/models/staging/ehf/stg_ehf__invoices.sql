with

delivered as (
    select * from {{ source('ehf', 'ehf_invoices') }}
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
        seller_org_no as stated_seller_org_no,
        document_type,
        invoice_no,
        seller_name,
        seller_country,
        currency,
        order_reference,
        contract_reference,
        accounting_cost,
        billed_invoice_no,
        document_no,
        line_count,
        cast(if(is_credit_note, -1, 1) * tax_exclusive_amount as decimal(18, 2))
            as tax_exclusive_amount,
        cast(if(is_credit_note, -1, 1) * tax_amount as decimal(18, 2)) as tax_amount,
        cast(if(is_credit_note, -1, 1) * payable_amount as decimal(18, 2)) as payable_amount,
        coalesce(is_credit_note, false) as is_credit_note,
        invoice_date,
        due_date,
        _delivery_id,
        _file_sha256,
        _row_no,
        _xpath
    from accepted
)

select * from final
