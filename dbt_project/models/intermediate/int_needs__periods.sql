-- Twelve months back: from each month where the data reach that far, and from the latest one in
-- any case. The latest is one that was over when something was last received: what is dated
-- later is part of a month, or mistyped.
with

periods as (
    select * from {{ ref('int_kpis__periods') }}
),

outcomes as (
    select * from {{ ref('stg_landing__outcomes') }}
    where step = 'landed'
),

-- In UTC on every machine.
received as (
    select max(date '1970-01-01' + cast(floor(epoch(received_at) / 86400) as integer)) as last_day
    from outcomes
),

latest as (
    select max(periods.period_end) as period_end
    from periods
    cross join received
    where
        periods.period_kind = 'month'
        and periods.period_end <= coalesce(received.last_day, periods.period_end)
),

windows as (
    -- A period has one row per month.
    select distinct
        periods.period_start,
        periods.period_end
    from periods
    inner join latest on periods.period_end <= latest.period_end
    where periods.period_end = last_day(periods.period_start + interval 11 month)

    union

    select
        cast(date_trunc('month', period_end) - interval 11 month as date) as period_start,
        period_end
    from latest
    where period_end is not null
),

final as (
    select
        windows.period_end = latest.period_end as is_latest,
        windows.period_start,
        windows.period_end
    from windows
    cross join latest
)

select * from final
