-- The periods that figures are made for: months with data, calendar years that they touch, and
-- twelve months back from each month where the data reach that far.
with

purchases as (
    select * from {{ ref('int_purchases__classified') }}
),

months as (
    -- A month has many lines.
    select distinct cast(period_month || '-01' as date) as month_start
    from purchases
    where period_month is not null
),

first_months as (
    select min(month_start) as first_month
    from months
),

periods as (
    select
        month_start as period_start,
        last_day(month_start) as period_end,
        'month' as period_kind
    from months

    union all

    select
        cast(month_start - interval 11 month as date) as period_start,
        last_day(month_start) as period_end,
        'twelve_months' as period_kind
    from months
    cross join first_months
    where month_start - interval 11 month >= first_month

    union all

    select
        make_date(year(month_start), 1, 1) as period_start,
        make_date(year(month_start), 12, 31) as period_end,
        'year' as period_kind
    from months
),

-- Many months touch one year, and a window can be a year.
dated_periods as (
    select
        period_start,
        period_end,
        max(period_kind) as period_kind
    from periods
    group by period_start, period_end
),

final as (
    select
        {{ month_of('months.month_start') }} as period_month,
        dated_periods.period_kind,
        count(*) over (
            partition by dated_periods.period_start, dated_periods.period_end
        ) as months_with_data,
        date_diff('month', dated_periods.period_start, dated_periods.period_end)
        + 1 as months_in_period,
        dated_periods.period_start,
        dated_periods.period_end
    from dated_periods
    inner join months
        on months.month_start between dated_periods.period_start and dated_periods.period_end
)

select * from final
