-- Every line of spend with its scope, category, stream and month.
{{ config(materialized='incremental') }}

with

payees as (
    select * from {{ slice_of(ref('int_purchases__payees')) }}
),

categorised as (
    select * from {{ slice_of(ref('int_purchases__categorised')) }}
),

functions as (
    select * from {{ ref('kostra_sensitive_functions') }}
),

scoped as (
    select
        payees.*,
        categorised.cpv_category_key,
        categorised.cpv_kind,
        categorised.category_key,
        categorised.category_method,
        categorised.category_confidence,
        categorised.is_misbooked_cofunding,
        case
            when payees.is_vat then 'vat'
            -- Bought from another member, on whatever account: its own purchases are counted there.
            when payees.is_recharge and coalesce(payees.account_scope, '') != 'transfer'
                then 'public_sector'
            -- Co-funding of sheltered places is no purchase, whatever account it stands on.
            when categorised.is_misbooked_cofunding then 'transfer'
            when payees.account_scope is not null then payees.account_scope
            when categorised.cpv_kind = 'product' then 'core'
            when categorised.cpv_kind = 'inclusion' then 'core_service_replacement'
            else 'unknown'
        end as scope
    from payees
    left join categorised
        on
            payees.municipality_no = categorised.municipality_no
            and payees.purchase_line_id = categorised.purchase_line_id
),

final as (
    select
        scoped.purchase_line_id,
        scoped.municipality_no,
        scoped.document_id,
        scoped.posting_id,
        coalesce(
            scoped.document_id,
            {{ hash_of([
                'scoped.municipality_no', 'scoped.payee_key', 'scoped.supplier_ledger_code',
                'coalesce(scoped.normalised_invoice_no, scoped.voucher_no, scoped.posting_id)'
            ]) }}
        ) as invoice_id,
        scoped.org_no,
        scoped.payee_key,
        scoped.payee_name,
        scoped.payee_kind,
        scoped.payee_method,
        scoped.payee_confidence,
        scoped.supplier_ledger_code,
        scoped.workshop_org_no,
        scoped.voucher_type,
        scoped.voucher_no,
        scoped.line_no,
        scoped.invoice_no,
        scoped.document_type,
        scoped.contract_reference,
        scoped.order_reference,
        scoped.local_account,
        scoped.local_account_text,
        scoped.kostra_art,
        scoped.kostra_function,
        functions.privacy_class as function_privacy_class,
        scoped.cost_centre,
        scoped.project_code,
        case
            when scoped.account_class is not null then scoped.account_class
            when scoped.evidence = 'ehf' and scoped.cpv_category_key is not null then 'operating'
            else 'unknown'
        end as account_class,
        scoped.category_key,
        scoped.category_method,
        scoped.category_confidence,
        scoped.cpv_code,
        scoped.scope,
        case
            when scoped.workshop_org_no is null or scoped.scope = 'vat' then 'none'
            when scoped.scope = 'transfer' then 'transfer'
            when
                scoped.cpv_kind = 'inclusion'
                or (scoped.kostra_art = '370' and scoped.kostra_function in ('273', '276'))
                then 'inclusion'
            else 'product'
        end as stream,
        scoped.evidence,
        scoped.match_method,
        scoped.match_confidence,
        scoped.posting_role,
        scoped.reversal_key,
        scoped.vat_basis,
        scoped.fiscal_period,
        {{ month_of('scoped.spend_date') }} as period_month,
        scoped.period_basis,
        scoped.original_currency,
        concat_ws(
            ';',
            if(scoped.net_amount_nok is null, 'currency_unconverted', null),
            if(
                scoped.local_account is not null and scoped.account_class is null,
                'account_not_in_chart', null
            ),
            if(
                scoped.kostra_art is not null and scoped.account_scope is null,
                'kostra_art_not_valid', null
            ),
            if(
                coalesce(scoped.seller_org_no, scoped.supplier_org_no) is null,
                'org_no_missing', null
            ),
            if(
                coalesce(scoped.seller_org_no, scoped.supplier_org_no) is not null
                and scoped.stated_org_no is null,
                'org_no_invalid', null
            ),
            if(
                scoped.org_no is not null and not scoped.is_registered,
                'org_no_not_in_register', null
            ),
            if(
                scoped.period_basis in ('posting_date', 'fiscal_period', 'corrected_posting'),
                'invoice_date_missing', null
            ),
            if(scoped.vat_basis != 'net', 'vat_basis_' || scoped.vat_basis, null),
            if(
                scoped.vat_basis = 'gross' and scoped.vat_amount_nok is null and not scoped.is_vat
                and scoped.evidence in ('posting', 'posting_and_ehf'),
                'vat_rate_unknown', null
            ),
            if(
                scoped.posting_role = 'accrual' and scoped.reversal_key is null
                and scoped.document_id is null,
                'accrual_open', null
            ),
            if(
                scoped.is_recharge
                and scoped.account_scope not in ('public_sector', 'transfer', 'vat'),
                'recharge_misbooked', null
            ),
            if(scoped.is_misbooked_cofunding, 'cofunding_misbooked', null),
            if(scoped.documents_of_group > 1, 'several_invoices', null)
        ) as quality_flags,
        cast(scoped.net_amount_nok as decimal(18, 2)) as net_amount_nok,
        cast(scoped.vat_amount_nok as decimal(18, 2)) as vat_amount_nok,
        cast(scoped.original_amount as decimal(18, 2)) as original_amount,
        scoped.is_credit_note,
        scoped.is_internal,
        scoped.is_recharge,
        scoped.invoice_date,
        scoped.posting_date,
        scoped.spend_date,
        scoped._source,
        scoped._delivery_id,
        scoped._file_sha256,
        scoped._row_no,
        scoped._xpath,
        scoped._posting_delivery_id,
        scoped._posting_file_sha256,
        scoped._posting_row_no,
        scoped._posting_xpath
    from scoped
    -- Whatever year: a retired function that is still in use stays as private as it was.
    left join functions on scoped.kostra_function = functions.kostra_function
)

select * from final
