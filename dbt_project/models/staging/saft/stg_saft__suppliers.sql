with

delivered as (
    select * from {{ source('saft', 'saft_suppliers') }}
),

accepted as (
    select * from delivered
    where {{ accepted_in_part() }}
),

final as (
    select
        municipality_no,
        supplier_org_no as stated_supplier_org_no,
        supplier_ledger_code,
        supplier_name,
        supplier_country,
        balance_account,
        opening_debit_amount,
        opening_credit_amount,
        closing_debit_amount,
        closing_credit_amount,
        _delivery_id,
        _file_sha256,
        _row_no,
        _xpath
    from accepted
)

select * from final
