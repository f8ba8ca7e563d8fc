-- K34 and K35: the adapted work places and hours that members' purchases carry, and what workshops have free,
-- by what they report themselves.
with

totals as (
    select * from {{ ref('int_kpis__workshop_totals') }}
    where workshop_org_no != 'all' and category_key != 'all' and account_class = 'all'
),

needs_periods as (
    select * from {{ ref('int_needs__periods') }}
    where is_latest
),

reported as (
    select * from {{ ref('int_opportunities__capacity') }}
),

capabilities as (
    select * from {{ ref('stg_registers__workshop_capabilities') }}
),

months as (
    -- A period has one row per month.
    select distinct
        period_start,
        period_end
    from {{ ref('int_kpis__periods') }}
    where period_kind = 'month'
),

carried as (
    select
        totals.municipality_no,
        totals.workshop_org_no,
        totals.product_nok,
        totals.product_nok * reported.places_per_million_nok / 1000000 as places,
        totals.product_nok * reported.hours_per_million_nok / 1000000 as hours,
        totals.period_start,
        totals.period_end
    from totals
    inner join needs_periods
        on
            totals.period_start = needs_periods.period_start
            and totals.period_end = needs_periods.period_end
    left join reported
        on
            totals.workshop_org_no = reported.workshop_org_no
            and totals.category_key = reported.category_key
    where totals.has_product
),

capacities as (
    select
        capabilities.workshop_org_no,
        capabilities.category_key,
        sum(capabilities.monthly_capacity_nok) as monthly_capacity_nok,
        months.period_start,
        months.period_end
    from capabilities
    inner join months on {{ holds_on('capabilities', 'months.period_end') }}
    group by
        capabilities.workshop_org_no,
        capabilities.category_key,
        months.period_start,
        months.period_end
),

cells as (
    select
        'K34' as kpi_key,
        'places_carried' as measure,
        municipality_no,
        workshop_org_no,
        'all' as category_key,
        sum(places) as numerator,
        coalesce(sum(abs(product_nok)) filter (where places is not null), 0)
        / nullif(sum(abs(product_nok)), 0) as coverage,
        period_start,
        period_end
    from carried
    group by municipality_no, workshop_org_no, period_start, period_end

    union all

    select
        'K34' as kpi_key,
        'hours_carried' as measure,
        municipality_no,
        workshop_org_no,
        'all' as category_key,
        sum(hours) as numerator,
        coalesce(sum(abs(product_nok)) filter (where hours is not null), 0)
        / nullif(sum(abs(product_nok)), 0) as coverage,
        period_start,
        period_end
    from carried
    group by municipality_no, workshop_org_no, period_start, period_end

    union all

    select
        'K35' as kpi_key,
        'free_capacity' as measure,
        'all' as municipality_no,
        capacities.workshop_org_no,
        capacities.category_key,
        greatest(0, capacities.monthly_capacity_nok - coalesce(totals.product_nok, 0))
            as numerator,
        1 as coverage,
        capacities.period_start,
        capacities.period_end
    from capacities
    left join totals
        on
            totals.municipality_no = 'all'
            and capacities.workshop_org_no = totals.workshop_org_no
            and capacities.category_key = totals.category_key
            and capacities.period_start = totals.period_start
            and capacities.period_end = totals.period_end
    -- Nothing reported is not nothing free.
    where capacities.monthly_capacity_nok is not null
),

final as (
    select
        kpi_key,
        measure,
        municipality_no,
        workshop_org_no,
        category_key,
        'all' as account_class,
        false as is_ratio,
        false as has_claim,
        cast(null as varchar) as known_state,
        numerator,
        cast(null as decimal(38, 2)) as denominator,
        coverage,
        period_start,
        period_end
    from cells
)

select * from final
