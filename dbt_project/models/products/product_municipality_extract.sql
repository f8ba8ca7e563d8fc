{{ config(materialized='incremental', meta={'sliced_by': 'recipient_municipality_no'}) }}

with

purchases as (
    select * from {{ slice_of(ref('fct_purchases')) }}
),

suppliers as (
    select * from {{ ref('dim_suppliers') }}
),

final as (
    select
        purchases.municipality_no as recipient_municipality_no,
        purchases.period_month,
        purchases._delivery_id as delivery_id,
        cast(
            substr(coalesce(purchases.fiscal_period, purchases.period_month), 1, 4) as integer
        ) as fiscal_year,
        purchases.fiscal_period,
        purchases.voucher_no,
        purchases.line_no,
        purchases.voucher_type,
        purchases.posting_date,
        purchases.invoice_date,
        purchases.invoice_no,
        purchases.supplier_ledger_code,
        purchases.org_no,
        purchases.payee_name as supplier_name,
        suppliers.legal_form,
        purchases.payee_kind,
        suppliers.supplier_municipality_no,
        suppliers.nace_code,
        purchases.local_account,
        purchases.local_account_text,
        purchases.kostra_art,
        purchases.kostra_function,
        purchases.cost_centre,
        purchases.project_code,
        purchases.net_amount_nok,
        purchases.vat_amount_nok,
        purchases.category_key as spend_category,
        purchases.cpv_code,
        purchases.category_method as classification_method,
        purchases.category_confidence as classification_confidence,
        purchases.contract_id,
        purchases.contract_match,
        purchases.stream,
        purchases.scope as scope_flag,
        purchases.quality_flags,
        purchases.purchase_line_id,
        purchases._file_sha256 as file_sha256,
        purchases._row_no as row_no,
        purchases._xpath as xpath
    from purchases
    left join suppliers on purchases.org_no = suppliers.org_no
)

select * from final
