-- What each workshop can deliver of each category beyond what it sells to members: its reported
-- monthly capacity less its mean monthly sales in the latest twelve months, for twelve months.
-- Sales to others are not known by category, so it is an upper bound. Places and hours per million
-- are those of the departments that deliver it, over all that these report that they can deliver in
-- a year.
with

periods as (
    select * from {{ ref('int_needs__periods') }}
    where is_latest
),

capabilities as (
    select * from {{ ref('stg_registers__workshop_capabilities') }}
),

departments as (
    select * from {{ ref('stg_registers__workshop_departments') }}
),

lines as (
    select * from {{ ref('int_kpis__lines') }}
),

months as (
    select count(distinct lines.period_month) as months_with_data
    from lines
    inner join periods
        on lines.spend_date between periods.period_start and periods.period_end
),

sales as (
    select
        lines.workshop_org_no,
        lines.category_key,
        sum(lines.net_amount_nok) as sold_nok
    from lines
    inner join periods
        on lines.spend_date between periods.period_start and periods.period_end
    where lines.in_workshop_product
    group by lines.workshop_org_no, lines.category_key
),

reported as (
    select
        capabilities.workshop_org_no,
        capabilities.category_key,
        capabilities.department,
        capabilities.monthly_capacity_nok,
        departments.places,
        departments.hours_per_year,
        -- A department that delivers several things has its places for all of them; where one of
        -- them has no capacity, what a place stands for is not known.
        if(
            bool_and(capabilities.monthly_capacity_nok is not null) over of_department,
            sum(capabilities.monthly_capacity_nok) over of_department,
            null
        ) as department_monthly_nok
    from capabilities
    inner join periods on {{ holds_on('capabilities', 'periods.period_end') }}
    left join departments
        on
            capabilities.workshop_org_no = departments.workshop_org_no
            and capabilities.department = departments.department
            and {{ holds_on('departments', 'periods.period_end') }}
    window of_department as (
        partition by capabilities.workshop_org_no, capabilities.department
    )
),

capacities as (
    select
        workshop_org_no,
        category_key,
        sum(monthly_capacity_nok) as monthly_capacity_nok,
        if(
            bool_and(places is not null and department_monthly_nok > 0),
            1000000 * sum(places) / sum(12 * department_monthly_nok),
            null
        ) as places_per_million_nok,
        if(
            bool_and(hours_per_year is not null and department_monthly_nok > 0),
            1000000 * sum(hours_per_year) / sum(12 * department_monthly_nok),
            null
        ) as hours_per_million_nok
    from reported
    group by workshop_org_no, category_key
),

final as (
    select
        capacities.workshop_org_no,
        capacities.category_key,
        capacities.monthly_capacity_nok,
        capacities.places_per_million_nok,
        capacities.hours_per_million_nok,
        coalesce(sales.sold_nok, 0) as sold_nok,
        greatest(
            0,
            12 * capacities.monthly_capacity_nok
            - 12 * coalesce(sales.sold_nok, 0) / nullif(months.months_with_data, 0)
        ) as free_capacity_nok
    from capacities
    cross join months
    left join sales
        on
            capacities.workshop_org_no = sales.workshop_org_no
            and capacities.category_key = sales.category_key
    -- Nothing reported is not nothing free.
    where capacities.monthly_capacity_nok is not null
)

select * from final
