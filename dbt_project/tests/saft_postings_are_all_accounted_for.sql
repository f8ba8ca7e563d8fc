-- Every posting of an accepted SAF-T file is spend, known not to be, or waiting for its account to
-- be explained; and what is spend is among the postings that purchases are made from.
with

postings as (
    select
        municipality_no,
        {{ month_of(first_day_of('fiscal_period')) }} as period_month,
        count(*) as row_count,
        sum(amount) filter (where currency = 'NOK') as amount_nok
    from {{ ref('stg_ledger__postings') }}
    where _source = 'saft'
    group by all
),

measures as (
    select
        municipality_no,
        period_month,
        sum(row_count) as row_count,
        sum(amount_nok) as amount_nok
    from {{ ref('fct_reconciliation') }}
    where measure in ('saft_purchases', 'saft_not_purchases', 'saft_unclassified')
    group by all
),

counted as (
    select
        municipality_no,
        {{ month_of(first_day_of('fiscal_period')) }} as period_month,
        count(*) as row_count
    from {{ ref('int_ledger__postings') }}
    where _source = 'saft'
    group by all
),

purchases as (
    select * from {{ ref('fct_reconciliation') }}
    where measure = 'saft_purchases'
)

select
    coalesce(postings.municipality_no, measures.municipality_no) as municipality_no,
    coalesce(postings.period_month, measures.period_month) as period_month
from postings
full outer join measures
    on
        postings.municipality_no = measures.municipality_no
        and postings.period_month = measures.period_month
where
    postings.row_count is distinct from measures.row_count
    or coalesce(postings.amount_nok, 0) is distinct from coalesce(measures.amount_nok, 0)

union all

select
    coalesce(purchases.municipality_no, counted.municipality_no) as municipality_no,
    coalesce(purchases.period_month, counted.period_month) as period_month
from purchases
full outer join counted
    on
        purchases.municipality_no = counted.municipality_no
        and purchases.period_month = counted.period_month
where purchases.row_count is distinct from counted.row_count
