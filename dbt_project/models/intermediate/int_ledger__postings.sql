{{ config(materialized='incremental') }}

with

from_ledgers as (
    select * from {{ slice_of(ref('stg_ledger__postings')) }}
    where _source = 'ledger'
),

from_saft as (
    select * from {{ slice_of(ref('int_saft__postings')) }}
    where treatment = 'purchase'
),

postings as (
    select * from from_ledgers
    union all by name
    select * from from_saft
),

arts as (
    select * from {{ ref('kostra_arts') }}
),

accounts as (
    select * from {{ ref('int_accounts__dated') }}
),

dated as (
    select
        *,
        {{ normalised_org_no('stated_supplier_org_no') }} as supplier_org_no,
        {{ normalised_invoice_no('invoice_no') }} as normalised_invoice_no,
        {{ normalised_name('supplier_name') }} as normalised_supplier_name,
        {{ within_fiscal_year(
            'coalesce(posting_date, invoice_date, ' ~ first_day_of('fiscal_period') ~ ')',
            'fiscal_period'
        ) }} as account_date
    from postings
),

final as (
    select
        dated.posting_id,
        dated.municipality_no,
        -- What is booked together: a supplier's postings of one invoice number in one voucher.
        {{ hash_of([
            'dated.municipality_no', 'dated.supplier_org_no', 'dated.supplier_ledger_code',
            'dated.normalised_supplier_name', 'dated.normalised_invoice_no',
            'coalesce(dated.voucher_no, dated.posting_id)'
        ]) }} as voucher_key,
        dated.supplier_org_no,
        dated.voucher_type,
        dated.voucher_no,
        dated.line_no,
        dated.invoice_no,
        dated.normalised_invoice_no,
        dated.supplier_ledger_code,
        dated.supplier_name,
        dated.normalised_supplier_name,
        dated.local_account,
        coalesce(dated.local_account_text, accounts.local_account_text) as local_account_text,
        accounts.account_class,
        coalesce(accounts.kostra_art, dated.stated_kostra_art) as kostra_art,
        accounts.category_key as account_category_key,
        accounts.vat_basis as account_vat_basis,
        accounts.vat_rate as account_vat_rate,
        case
            when accounts.local_account is null
                then
                    if(
                        year(dated.account_date) between coalesce(arts.valid_from_year, 1900)
                        and coalesce(arts.valid_to_year, 9999), arts.scope, null
                    )
            when dated.account_date between accounts.scope_from and accounts.scope_to
                then accounts.scope
        end as account_scope,
        dated.kostra_function,
        dated.cost_centre,
        dated.project_code,
        dated.contract_reference,
        dated.fiscal_period,
        dated.posting_role,
        coalesce(dated.amount_kind, 'unknown') as stated_vat_basis,
        coalesce(dated.foreign_currency, dated.currency) as original_currency,
        if(
            dated.foreign_currency is null, dated.amount, dated.foreign_amount
        ) as original_amount,
        if(dated.currency = 'NOK', dated.amount, null) as net_amount_nok,
        {{ is_valid_org_no('dated.supplier_org_no') }} as is_org_no_valid,
        accounts.local_account is not null as is_in_chart,
        coalesce(
            coalesce(accounts.kostra_art, dated.stated_kostra_art) = '429', false
        ) as is_vat,
        dated.posting_date,
        dated.invoice_date,
        dated.account_date,
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
    left join arts on dated.stated_kostra_art = arts.kostra_art
)

select * from final
