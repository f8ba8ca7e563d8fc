-- The steps from all that was read sum to the total of each municipality and month, and the total
-- is K01, to the øre.
with

waterfall as (
    select * from {{ ref('fct_spend_waterfall') }}
),

sums as (
    select
        municipality_no,
        period_month,
        coalesce(sum(amount_nok) filter (where step_kind != 'total'), 0) as steps_nok,
        coalesce(sum(amount_nok) filter (where step_kind = 'total'), 0) as total_nok,
        count(*) filter (where step_order is null) as steps_without_name
    from waterfall
    group by municipality_no, period_month
),

figures as (
    select
        municipality_no,
        {{ month_of('period_start') }} as period_month,
        numerator
    from {{ ref('fct_kpis') }}
    where
        kpi_key = 'K01'
        and workshop_org_no = 'all'
        and category_key = 'all'
        and account_class = 'all'
        and municipality_no != 'all'
        and period_end = last_day(period_start)
)

select
    coalesce(sums.municipality_no, figures.municipality_no) as municipality_no,
    coalesce(sums.period_month, figures.period_month) as period_month,
    sums.steps_nok,
    sums.total_nok,
    figures.numerator
from sums
full outer join figures
    on
        sums.municipality_no = figures.municipality_no
        and sums.period_month = figures.period_month
where
    coalesce(sums.steps_without_name, 0) != 0
    or coalesce(sums.steps_nok, 0) != coalesce(sums.total_nok, 0)
    or coalesce(sums.total_nok, 0) != coalesce(figures.numerator, 0)
