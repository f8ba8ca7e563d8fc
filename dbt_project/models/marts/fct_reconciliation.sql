{{ config(materialized='incremental') }}

with

postings as (
    select * from {{ slice_of(ref('int_purchases__posted')) }}
),

delivered as (
    select * from {{ slice_of(ref('int_deliveries__summed')) }}
),

purchases as (
    select * from {{ slice_of(ref('int_purchases__classified')) }}
),

saft_postings as (
    select
        municipality_no,
        {{ month_of(first_day_of('fiscal_period')) }} as period_month,
        treatment,
        if(currency = 'NOK', amount, null) as amount_nok
    from {{ slice_of(ref('int_saft__postings')) }}
),

documents as (
    select
        documents.*,
        treatments.treatment
    from {{ slice_of(ref('int_ehf__documents')) }} as documents
    inner join {{ slice_of(ref('int_invoices__treated')) }} as treatments
        on
            documents.municipality_no = treatments.municipality_no
            and documents.document_id = treatments.document_id
),

unioned as (
    select
        municipality_no,
        {{ month_of(first_day_of('fiscal_period')) }} as period_month,
        'ledger_postings' as measure,
        net_amount_nok as amount_nok
    from postings

    union all

    select
        municipality_no,
        {{ month_of(first_day_of('fiscal_period')) }} as period_month,
        'ledger_without_ehf' as measure,
        net_amount_nok as amount_nok
    from postings
    where document_id is null

    union all

    select
        municipality_no,
        {{ month_of(first_day_of('fiscal_period')) }} as period_month,
        'ledger_with_ehf' as measure,
        net_amount_nok as amount_nok
    from postings
    where document_id is not null

    union all

    select
        municipality_no,
        {{ month_of(first_day_of('fiscal_period')) }} as period_month,
        case
            when posting_role = 'accrual' and reversal_key is null then 'accruals_open'
            when posting_role = 'accrual' then 'accruals_taken_back'
            else 'reversals'
        end as measure,
        net_amount_nok as amount_nok
    from postings
    where reversal_key is not null or posting_role = 'accrual'

    union all

    select
        municipality_no,
        {{ month_of(first_day_of('fiscal_period')) }} as period_month,
        'included_vat' as measure,
        net_amount_nok as amount_nok
    from purchases
    where evidence = 'included_vat'

    union all

    select
        municipality_no,
        {{ month_of(first_day_of('fiscal_period')) }} as period_month,
        'purchases_from_postings' as measure,
        net_amount_nok as amount_nok
    from purchases
    where evidence != 'ehf'

    union all

    select
        municipality_no,
        {{ month_of(first_day_of('fiscal_period')) }} as period_month,
        'difference' as measure,
        net_amount_nok as amount_nok
    from purchases
    where evidence = 'difference'

    union all

    select
        municipality_no,
        period_month,
        'saft_postings' as measure,
        amount_nok
    from saft_postings

    union all

    select
        municipality_no,
        period_month,
        case treatment
            when 'purchase' then 'saft_purchases'
            when 'not_purchase' then 'saft_not_purchases'
            else 'saft_unclassified'
        end as measure,
        amount_nok
    from saft_postings

    union all

    select
        municipality_no,
        {{ month_of('invoice_date') }} as period_month,
        'ehf_documents' as measure,
        if(currency = 'NOK', content_amount, null) as amount_nok
    from documents

    union all

    select
        municipality_no,
        {{ month_of('invoice_date') }} as period_month,
        'ehf_lines_beyond_total' as measure,
        content_amount - coalesce(tax_exclusive_amount, 0) as amount_nok
    from documents
    where currency = 'NOK' and not ({{ is_same('content_amount', 'tax_exclusive_amount') }})

    union all

    select
        municipality_no,
        {{ month_of('invoice_date') }} as period_month,
        case treatment
            when 'ehf' then 'ehf_as_spend'
            when 'unposted' then 'ehf_unposted'
            else 'ehf_matched'
        end as measure,
        if(currency = 'NOK', content_amount, null) as amount_nok
    from documents
),

-- What was read from files, all of it and by what became of it.
read_in as (
    select
        municipality_no,
        period_month,
        source,
        unnest(['delivered', state]) as state,
        row_count,
        amount_nok
    from delivered
),

final as (
    select
        municipality_no,
        coalesce(period_month, 'none') as period_month,
        measure,
        count(*) as row_count,
        cast(coalesce(sum(amount_nok), 0) as decimal(18, 2)) as amount_nok
    from unioned
    group by municipality_no, coalesce(period_month, 'none'), measure

    union all

    select
        municipality_no,
        period_month,
        source || '_read_' || state as measure,
        cast(sum(row_count) as bigint) as row_count,
        cast(sum(amount_nok) as decimal(18, 2)) as amount_nok
    from read_in
    group by municipality_no, period_month, source, state
)

select * from final
