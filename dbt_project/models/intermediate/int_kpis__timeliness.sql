-- K30: how soon after a month its books are in, and how many of the months are. A month is in with
-- its first ledger or SAF-T file that was not withdrawn; of a member that has never handed in one,
-- with its first e-invoices of the month.
with

delivery_periods as (
    select * from {{ ref('stg_landing__delivery_periods') }}
    where state in ('accepted', 'superseded')
),

outcomes as (
    select * from {{ ref('stg_landing__outcomes') }}
),

members as (
    select * from {{ ref('stg_registers__members') }}
),

periods as (
    select * from {{ ref('int_kpis__periods') }}
),

-- Days since 1970, in UTC on every machine.
received as (
    select
        municipality_no,
        _delivery_id,
        min(date '1970-01-01' + cast(floor(epoch(received_at) / 86400) as integer)) as received_on
    from outcomes
    where step = 'landed'
    group by municipality_no, _delivery_id
),

books as (
    select
        delivery_periods.municipality_no,
        {{ first_day_of('delivery_periods.fiscal_period') }} as month_start,
        received.received_on
    from delivery_periods
    inner join received
        on
            delivery_periods.municipality_no = received.municipality_no
            and delivery_periods._delivery_id = received._delivery_id
    where delivery_periods.source in ('ledger', 'saft')
),

e_invoices as (
    select
        outcomes.municipality_no,
        cast(outcomes.covered_from || '-01' as date) as first_month,
        cast(outcomes.covered_to || '-01' as date) as last_month,
        received.received_on
    from outcomes
    inner join received
        on
            outcomes.municipality_no = received.municipality_no
            and outcomes._delivery_id = received._delivery_id
    where
        outcomes.step = 'parsed'
        and outcomes.source = 'ehf'
        and outcomes.covered_from is not null
        and outcomes.municipality_no not in (select municipality_no from books)
        and outcomes._delivery_id in (select _delivery_id from delivery_periods)
),

arrivals as (
    select
        municipality_no,
        month_start,
        received_on
    from books
    where month_start is not null

    union all

    select
        municipality_no,
        cast(
            unnest(generate_series(first_month, last_month, interval 1 month)) as date
        ) as month_start,
        received_on
    from e_invoices
),

first_arrivals as (
    select
        municipality_no,
        month_start,
        min(received_on) as received_on
    from arrivals
    group by municipality_no, month_start
),

-- Of every member each month is expected from its first one, of one that has never delivered from
-- anybody's first, to the last that anybody has delivered.
spans as (
    select
        min(month_start) as first_month,
        max(month_start) as last_month
    from first_arrivals
),

firsts as (
    select
        municipality_no,
        min(month_start) as first_month
    from first_arrivals
    group by municipality_no
),

asked as (
    select
        members.municipality_no,
        members.valid_from,
        members.valid_to,
        cast(
            unnest(
                generate_series(
                    coalesce(firsts.first_month, spans.first_month),
                    spans.last_month,
                    interval 1 month
                )
            ) as date
        ) as month_start
    from members
    cross join spans
    left join firsts on members.municipality_no = firsts.municipality_no
),

expected as (
    select
        asked.municipality_no,
        asked.month_start,
        first_arrivals.received_on,
        if(
            first_arrivals.received_on is not null,
            greatest(
                date_diff('day', last_day(asked.month_start), first_arrivals.received_on), 0
            ),
            null
        ) as days
    from asked
    left join first_arrivals
        on
            asked.municipality_no = first_arrivals.municipality_no
            and asked.month_start = first_arrivals.month_start
    where {{ holds_on('asked', 'last_day(asked.month_start)') }}
),

dates as (
    -- A period has one row per month.
    select distinct
        period_start,
        period_end
    from periods
),

sums as (
    select
        if(grouping(expected.municipality_no) = 1, 'all', expected.municipality_no)
            as municipality_no,
        sum(expected.days) as days,
        count(expected.received_on) as delivered,
        count(*) as expected_months,
        dates.period_start,
        dates.period_end
    from expected
    inner join dates on expected.month_start between dates.period_start and dates.period_end
    group by dates.period_start, dates.period_end, cube (expected.municipality_no)
),

cells as (
    select
        *,
        'all' as workshop_org_no,
        'all' as category_key,
        'all' as account_class,
        delivered as delivered_identified_nok,
        expected_months as delivered_all_nok,
        1 as every_identified_nok,
        1 as every_all_nok
    from sums
),

final as (
    {{ kpi_figures([
        {'key': 'K30', 'measure': 'days_to_delivery', 'of': 'days', 'over': 'delivered',
         'set': 'delivered', 'state': state_of('delivered / expected_months')},
        {'key': 'K30', 'measure': 'delivered_period_ratio', 'of': 'delivered',
         'over': 'expected_months', 'set': 'every', 'state': "'ok'"},
    ]) }}
)

select * from final
