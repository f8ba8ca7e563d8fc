with

postings as (
    select * from {{ ref('stg_ledger__postings') }}
),

accounts as (
    select * from {{ ref('int_accounts__dated') }}
),

dated as (
    select
        *,
        {{ normalised_org_no('stated_supplier_org_no') }} as supplier_org_no,
        {{ normalised_invoice_no('invoice_no') }} as normalised_invoice_no,
        coalesce(posting_date, invoice_date, {{ first_day_of('fiscal_period') }}) as account_date
    from postings
),

final as (
    select
        dated.posting_id,
        dated.municipality_no,
        dated.supplier_org_no,
        dated.voucher_type,
        dated.voucher_no,
        dated.line_no,
        dated.invoice_no,
        dated.normalised_invoice_no,
        dated.supplier_ledger_code,
        dated.supplier_name,
        dated.local_account,
        coalesce(dated.local_account_text, accounts.local_account_text) as local_account_text,
        accounts.account_class,
        accounts.kostra_art,
        accounts.category_key as account_category_key,
        if(
            dated.account_date between accounts.scope_from and accounts.scope_to,
            accounts.scope, null
        ) as account_scope,
        dated.kostra_function,
        dated.cost_centre,
        dated.project_code,
        dated.contract_reference,
        dated.fiscal_period,
        coalesce(dated.amount_kind, 'unknown') as vat_basis,
        dated.currency as original_currency,
        dated.amount as original_amount,
        if(dated.currency = 'NOK', dated.amount, null) as net_amount_nok,
        {{ is_valid_org_no('dated.supplier_org_no') }} as is_org_no_valid,
        accounts.local_account is not null as is_in_chart,
        coalesce(accounts.kostra_art = '429', false) as is_vat,
        dated.posting_date,
        dated.invoice_date,
        dated._source,
        dated._delivery_id,
        dated._file_sha256,
        dated._row_no,
        dated._xpath
    from dated
    left join accounts
        on
            dated.municipality_no = accounts.municipality_no
            and dated.local_account = accounts.local_account
            and {{ holds_on('accounts', 'dated.account_date') }}
)

select * from final
