-- Months whose purchases are in, by member and over all. Of a member that hands in books (a ledger
-- or SAF-T): those of which books count, whatever else is dated in the month; of another: those
-- that it has purchases in. Over all: those in which that holds for every member of the month's
-- last day.
with

delivery_periods as (
    select * from {{ ref('stg_landing__delivery_periods') }}
    where source in ('ledger', 'saft') and state != 'withdrawn'
),

totals as (
    select * from {{ ref('int_kpis__totals') }}
    where municipality_no != 'all' and period_end = last_day(period_start)
),

members as (
    select * from {{ ref('stg_registers__members') }}
),

by_member as (
    select
        municipality_no,
        {{ first_day_of('fiscal_period') }} as month_start
    from delivery_periods
    where state = 'accepted'

    union

    select
        municipality_no,
        period_start as month_start
    from totals
    where municipality_no not in (select municipality_no from delivery_periods)
),

months as (
    -- A month is delivered by many members.
    select distinct month_start
    from by_member
    where month_start is not null
),

over_all as (
    select
        'all' as municipality_no,
        months.month_start
    from months
    inner join members on {{ holds_on('members', 'last_day(months.month_start)') }}
    left join by_member
        on
            members.municipality_no = by_member.municipality_no
            and months.month_start = by_member.month_start
    group by months.month_start
    having bool_and(by_member.municipality_no is not null)
),

final as (
    select
        municipality_no,
        month_start
    from by_member
    where month_start is not null

    union all

    select
        municipality_no,
        month_start
    from over_all
)

select * from final
