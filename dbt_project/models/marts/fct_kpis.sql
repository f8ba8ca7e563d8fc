with

figures as (
    select * from {{ ref('int_kpis__figures') }}
),

months as (
    select * from {{ ref('int_months__delivered') }}
),

periods as (
    -- A period has many figures.
    select distinct
        municipality_no,
        period_start,
        period_end
    from figures
),

-- A period with a month that is not in says so, whoever looks at it.
complete_periods as (
    select
        periods.municipality_no,
        periods.period_start,
        periods.period_end
    from periods
    inner join months
        on
            periods.municipality_no = months.municipality_no
            and months.month_start between periods.period_start and periods.period_end
    group by periods.municipality_no, periods.period_start, periods.period_end
    having count(*) = datediff('month', periods.period_start, periods.period_end) + 1
),

judged as (
    select
        figures.*,
        complete_periods.municipality_no is null as is_incomplete
    from figures
    left join complete_periods
        on
            figures.municipality_no = complete_periods.municipality_no
            and figures.period_start = complete_periods.period_start
            and figures.period_end = complete_periods.period_end
),

final as (
    select
        kpi_key,
        measure,
        municipality_no,
        workshop_org_no,
        category_key,
        account_class,
        case
            when is_ratio and denominator is null and has_claim then 'claim_only'
            when is_ratio and coalesce(denominator, 0) <= 0 then 'insufficient'
            when numerator is null then 'insufficient'
            when known_state is not null then known_state
            when coverage is null then 'insufficient'
            when is_incomplete or coverage < {{ var('low_coverage_below') }} then 'low_coverage'
            else 'ok'
        end as state,
        {{ in_ore('numerator') }} as numerator,
        {{ in_ore('denominator') }} as denominator,
        cast(
            case
                when not is_ratio then numerator
                when denominator > 0 then round(numerator / denominator, 6)
            end as decimal(24, 6)
        ) as value,
        cast(round(coverage, 6) as decimal(9, 6)) as coverage,
        period_start,
        period_end
    from judged
)

select * from final
