{{ config(materialized='incremental') }}

with

lines as (
    select * from {{ slice_of(ref('int_purchases__classified')) }}
),

contracts as (
    select * from {{ slice_of(ref('int_contracts__lines')) }}
),

final as (
    select
        lines.purchase_line_id,
        lines.municipality_no,
        lines.invoice_id,
        lines.org_no,
        lines.payee_key,
        lines.payee_name,
        lines.payee_kind,
        lines.payee_method,
        lines.supplier_ledger_code,
        lines.workshop_org_no,
        lines.voucher_type,
        lines.voucher_no,
        lines.line_no,
        lines.invoice_no,
        lines.document_type,
        lines.contract_reference,
        lines.order_reference,
        contracts.contract_id,
        coalesce(contracts.contract_match, 'none') as contract_match,
        lines.local_account,
        lines.local_account_text,
        lines.kostra_art,
        lines.kostra_function,
        lines.function_privacy_class,
        lines.cost_centre,
        lines.project_code,
        lines.account_class,
        lines.category_key,
        lines.category_method,
        lines.cpv_code,
        lines.scope,
        lines.stream,
        lines.evidence,
        lines.match_method,
        lines.posting_role,
        lines.reversal_key,
        lines.vat_basis,
        lines.original_currency,
        lines.fiscal_period,
        lines.period_month,
        lines.period_basis,
        lines.quality_flags,
        lines.payee_confidence,
        lines.category_confidence,
        lines.match_confidence,
        lines.net_amount_nok,
        lines.vat_amount_nok,
        lines.original_amount,
        lines.is_credit_note,
        lines.is_internal,
        lines.is_recharge,
        lines.invoice_date,
        lines.posting_date,
        lines.spend_date,
        lines._source,
        lines._delivery_id,
        lines._file_sha256,
        lines._row_no,
        lines._xpath,
        lines._posting_delivery_id,
        lines._posting_file_sha256,
        lines._posting_row_no,
        lines._posting_xpath
    from lines
    left join contracts
        on
            lines.municipality_no = contracts.municipality_no
            and lines.purchase_line_id = contracts.purchase_line_id
)

select * from final
