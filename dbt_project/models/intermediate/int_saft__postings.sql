-- Postings of SAF-T files. They are a company's whole books: only what stands on a cost account is
-- spend, and a cost line has its supplier from the line on the supplier's account beside it.
{{ config(materialized='incremental') }}

with

postings as (
    select
        *,
        -- The transaction is where the line stands.
        regexp_replace(_xpath, '/Line\[[0-9]+\]$', '') as transaction_path,
        {{ within_fiscal_year(
            'coalesce(posting_date, ' ~ first_day_of('fiscal_period') ~ ')', 'fiscal_period'
        ) }} as account_date
    from {{ slice_of(ref('stg_ledger__postings')) }}
    where _source = 'saft'
),

charts as (
    select * from {{ ref('int_accounts__dated') }}
),

file_accounts as (
    select
        *,
        case when starts_with(upper(grouping_category), 'KA') then grouping_code end as file_art,
        case
            when not starts_with(upper(coalesce(grouping_category, '')), 'KA')
                then coalesce(standard_account, grouping_code)
        end as file_standard_account
    from {{ slice_of(ref('stg_saft__accounts')) }}
),

-- What all lines of a transaction share, if they do.
transactions as (
    select
        municipality_no,
        _delivery_id,
        _file_sha256,
        transaction_path,
        min(supplier_ledger_code) as supplier_ledger_code,
        min(supplier_name) as supplier_name,
        min(stated_supplier_org_no) as stated_supplier_org_no,
        min(invoice_no) as invoice_no,
        count(distinct supplier_ledger_code) as suppliers,
        count(distinct invoice_no) as invoices
    from postings
    group by municipality_no, _delivery_id, _file_sha256, transaction_path
),

joined as (
    select
        postings.*,
        charts.kostra_art as chart_art,
        file_accounts.file_art,
        file_accounts.file_standard_account,
        transactions.supplier_ledger_code as shared_supplier_ledger_code,
        transactions.supplier_name as shared_supplier_name,
        transactions.stated_supplier_org_no as shared_supplier_org_no,
        transactions.invoice_no as shared_invoice_no,
        transactions.suppliers,
        transactions.invoices
    from postings
    left join charts
        on
            postings.municipality_no = charts.municipality_no
            and postings.local_account = charts.local_account
            and {{ holds_on('charts', 'postings.account_date') }}
    left join file_accounts
        on
            postings.municipality_no = file_accounts.municipality_no
            and postings._delivery_id = file_accounts._delivery_id
            and postings._file_sha256 = file_accounts._file_sha256
            and postings.local_account = file_accounts.local_account
    left join transactions
        on
            postings.municipality_no = transactions.municipality_no
            and postings._delivery_id = transactions._delivery_id
            and postings._file_sha256 = transactions._file_sha256
            and postings.transaction_path = transactions.transaction_path
),

final as (
    select
        posting_id,
        municipality_no,
        case
            when supplier_ledger_code is null and suppliers = 1 then shared_supplier_org_no
            else stated_supplier_org_no
        end as stated_supplier_org_no,
        voucher_type,
        voucher_no,
        line_no,
        case
            when invoice_no is null and invoices = 1 then shared_invoice_no
            else coalesce(invoice_no, source_document_no)
        end as invoice_no,
        case
            when supplier_ledger_code is null and suppliers = 1 then shared_supplier_ledger_code
            else supplier_ledger_code
        end as supplier_ledger_code,
        case
            when supplier_ledger_code is null and suppliers = 1 then shared_supplier_name
            else supplier_name
        end as supplier_name,
        local_account,
        local_account_text,
        coalesce(chart_art, file_art) as stated_kostra_art,
        -- The member's chart decides, else the KOSTRA art that the file states, else its standard
        -- account (NS 4102).
        case
            when coalesce(chart_art, file_art) is not null
                then
                    if(
                        {{ is_expense_art('coalesce(chart_art, file_art)') }},
                        'purchase', 'not_purchase'
                    )
            when file_standard_account is not null
                then
                    if(
                        {{ is_cost_account('file_standard_account') }},
                        'purchase', 'not_purchase'
                    )
            else 'unclassified'
        end as treatment,
        kostra_function,
        cost_centre,
        project_code,
        contract_reference,
        fiscal_period,
        posting_role,
        amount_kind,
        currency,
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
    from joined
)

select * from final
