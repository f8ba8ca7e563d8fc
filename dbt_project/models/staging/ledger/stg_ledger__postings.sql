with

delivered as (
    select * from {{ source('ledger', 'ledger_postings') }}
),

accepted as (
    select * from delivered
    where {{ accepted_periods('delivered.fiscal_period') }}
),

final as (
    select
        {{ hash_of(['municipality_no', '_delivery_id', '_file_sha256', '_row_no']) }}
            as posting_id,
        municipality_no,
        supplier_org_no as stated_supplier_org_no,
        voucher_type,
        voucher_no,
        line_no,
        invoice_no,
        source_document_no,
        supplier_ledger_code,
        supplier_name,
        local_account,
        local_account_text,
        {{ function_of('kostra_function') }} as kostra_function,
        cost_centre,
        project_code,
        {{ posting_text_digest() }} as text_digest,
        contract_reference,
        fiscal_period,
        {{ posting_role_of('posting_text') }} as posting_role,
        amount_kind,
        coalesce(upper(currency), 'NOK') as currency,
        foreign_currency,
        amount,
        foreign_amount,
        posting_date,
        invoice_date,
        _source,
        _delivery_id,
        _file_sha256,
        _row_no,
        _xpath
    from accepted
)

select * from final
