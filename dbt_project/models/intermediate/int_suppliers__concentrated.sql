-- How concentrated each municipality's purchases are on few suppliers: for every calendar year and
-- every twelve months that one of its own months is in. Whether figures are made for such a period
-- depends on what others delivered, and is decided where they are made (int_kpis__suppliers).
{{ config(materialized='incremental') }}

with

monthly as (
    select * from {{ slice_of(ref('int_suppliers__monthly')) }}
),

months as (
    -- A month has many payees.
    select distinct
        period_month,
        cast(period_month || '-01' as date) as month_start
    from monthly
),

ends as (
    select
        period_month,
        cast(month_start + to_months(cast(unnest(generate_series(0, 11)) as integer)) as date)
            as last_month
    from months
),

windows as (
    select
        period_month,
        make_date(year(month_start), 1, 1) as period_start,
        make_date(year(month_start), 12, 31) as period_end
    from months

    union

    select
        period_month,
        cast(last_month - interval 11 month as date) as period_start,
        last_day(last_month) as period_end
    from ends
),

-- A number for each payee: its key is long, and what follows holds some millions of them.
payees as (
    select
        payee_key,
        cast(row_number() over (order by payee_key) as integer) as payee_no
    from monthly
    group by payee_key
),

by_category as (
    select
        monthly.municipality_no,
        monthly.category_key,
        payees.payee_no,
        sum(monthly.net_amount_nok) as net_amount_nok,
        windows.period_start,
        windows.period_end
    from monthly
    inner join payees on monthly.payee_key = payees.payee_key
    inner join windows on monthly.period_month = windows.period_month
    group by
        monthly.municipality_no,
        monthly.category_key,
        payees.payee_no,
        windows.period_start,
        windows.period_end
),

by_supplier as (
    select
        municipality_no,
        if(grouping(category_key) = 1, 'all', category_key) as category_key,
        payee_no,
        cast(sum(net_amount_nok) as decimal(18, 2)) as net_amount_nok,
        period_start,
        period_end
    from by_category
    group by municipality_no, payee_no, period_start, period_end, rollup (category_key)
    having sum(net_amount_nok) > 0
),

final as (
    {{ concentration('by_supplier') }}
)

select * from final
