-- K33, K36 and K37: what registers alone say: placements hosted by half-year, targets that councils
-- have set against what was reached, what became of opportunities by year.
with

placements as (
    select * from {{ ref('stg_registers__placements') }}
),

targets as (
    select * from {{ ref('stg_registers__targets') }}
),

outcomes as (
    select * from {{ ref('stg_registers__opportunity_outcomes') }}
),

spend as (
    select * from {{ ref('int_kpis__spend') }}
    where
        measure = 'workshop_addressable_ratio'
        and workshop_org_no = 'all'
        and category_key = 'all'
        and account_class = 'operating'
        and denominator > 0
),

periods as (
    select * from {{ ref('int_needs__periods') }}
),

hosted as (
    select
        municipality_no,
        workshop_org_no,
        placements,
        make_date(year(valid_from), if(month(valid_from) <= 6, 1, 7), 1) as period_start
    from placements
),

-- Twelve months that end while the target holds.
reached as (
    select
        targets.municipality_no,
        targets.target,
        targets.baseline,
        cast(spend.numerator / spend.denominator as decimal(12, 9)) as reached_ratio,
        spend.coverage,
        periods.period_start,
        periods.period_end
    from targets
    inner join periods on {{ holds_on('targets', 'periods.period_end') }}
    left join spend
        on
            targets.municipality_no = spend.municipality_no
            and periods.period_start = spend.period_start
            and periods.period_end = spend.period_end
    where targets.kpi_key = 'K05'
    qualify
        row_number() over (
            partition by targets.municipality_no, periods.period_start, periods.period_end
            order by targets.valid_from desc
        ) = 1
),

cells as (
    select
        'K33' as kpi_key,
        'placements_hosted' as measure,
        municipality_no,
        if(grouping(workshop_org_no) = 1, 'all', workshop_org_no) as workshop_org_no,
        'all' as category_key,
        false as is_ratio,
        'ok' as known_state,
        sum(placements) as numerator,
        null as denominator,
        1 as coverage,
        period_start,
        last_day(period_start + interval 5 month) as period_end
    from hosted
    group by municipality_no, period_start, cube (workshop_org_no)

    union all

    -- In percentage points; a target below the baseline is reached downwards.
    select
        'K36' as kpi_key,
        'target_progress' as measure,
        municipality_no,
        'all' as workshop_org_no,
        'all' as category_key,
        true as is_ratio,
        null as known_state,
        100 * (reached_ratio - baseline) * sign(target - baseline) as numerator,
        100 * abs(target - baseline) as denominator,
        coverage,
        period_start,
        period_end
    from reached

    union all

    select
        'K37' as kpi_key,
        'opportunities_' || outcome as measure,
        municipality_no,
        if(grouping(workshop_org_no) = 1, 'all', workshop_org_no) as workshop_org_no,
        'all' as category_key,
        false as is_ratio,
        'ok' as known_state,
        count(*) as numerator,
        null as denominator,
        1 as coverage,
        make_date(year(valid_from), 1, 1) as period_start,
        make_date(year(valid_from), 12, 31) as period_end
    from outcomes
    group by municipality_no, outcome, year(valid_from), cube (workshop_org_no)
),

final as (
    select
        kpi_key,
        measure,
        municipality_no,
        workshop_org_no,
        category_key,
        'all' as account_class,
        is_ratio,
        false as has_claim,
        known_state,
        numerator,
        denominator,
        coverage,
        period_start,
        period_end
    from cells
)

select * from final
