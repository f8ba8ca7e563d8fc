-- Published claims against the figures of the same kind, workshop and period, and against each
-- other: a part of the income (K14) and sales in kroner (K03) say together what the income is.
with

claims as (
    select
        *,
        coalesce(municipality_no, 'all') as claimed_of_municipality_no,
        coalesce(workshop_org_no, 'all') as claimed_of_workshop_org_no
    from {{ ref('stg_registers__claims') }}
),

kpis as (
    select * from {{ ref('kpis') }}
),

figures as (
    select * from {{ ref('int_kpis__figures') }}
    where category_key = 'all' and account_class = 'all'
),

together as (
    select
        ratios.claimed_of_municipality_no,
        ratios.claimed_of_workshop_org_no,
        min(amounts.claimed_value / nullif(ratios.claimed_value, 0)) as implied_income_nok,
        ratios.valid_from,
        ratios.valid_to
    from claims as ratios
    inner join claims as amounts
        on
            ratios.claimed_of_municipality_no = amounts.claimed_of_municipality_no
            and ratios.claimed_of_workshop_org_no = amounts.claimed_of_workshop_org_no
            and ratios.valid_from = amounts.valid_from
            and {{ is_same('ratios.valid_to', 'amounts.valid_to') }}
    where ratios.kpi_key = 'K14' and amounts.kpi_key = 'K03'
    group by
        ratios.claimed_of_municipality_no,
        ratios.claimed_of_workshop_org_no,
        ratios.valid_from,
        ratios.valid_to
),

compared as (
    select
        claims.claim_id,
        claims.kpi_key,
        kpis.measure,
        claims.claimed_of_municipality_no as municipality_no,
        claims.claimed_of_workshop_org_no as workshop_org_no,
        claims.source,
        claims.claimed_value,
        figures.numerator,
        figures.denominator,
        case
            when not figures.is_ratio then figures.numerator
            when figures.denominator > 0 then round(figures.numerator / figures.denominator, 6)
        end as found_value,
        together.implied_income_nok,
        claims.valid_from as period_start,
        claims.valid_to as period_end
    from claims
    inner join kpis on claims.kpi_key = kpis.kpi_key
    left join figures
        on
            claims.kpi_key = figures.kpi_key
            and kpis.measure = figures.measure
            and claims.claimed_of_municipality_no = figures.municipality_no
            and claims.claimed_of_workshop_org_no = figures.workshop_org_no
            and claims.valid_from = figures.period_start
            and claims.valid_to = figures.period_end
    left join together
        on
            claims.claimed_of_municipality_no = together.claimed_of_municipality_no
            and claims.claimed_of_workshop_org_no = together.claimed_of_workshop_org_no
            and claims.valid_from = together.valid_from
            and {{ is_same('claims.valid_to', 'together.valid_to') }}
),

final as (
    select
        claim_id,
        kpi_key,
        measure,
        municipality_no,
        workshop_org_no,
        source,
        case
            when found_value is null then 'not_checkable'
            when
                abs(found_value - claimed_value)
                <= {{ var('claim_agrees_within') }} * abs(claimed_value)
                then 'agrees'
            else 'differs'
        end as finding,
        cast(claimed_value as decimal(24, 6)) as claimed_value,
        cast(found_value as decimal(24, 6)) as found_value,
        cast(numerator as decimal(18, 2)) as numerator,
        cast(denominator as decimal(18, 2)) as denominator,
        cast(implied_income_nok as decimal(18, 2)) as implied_income_nok,
        -- Both claims cannot be true where the accounts say another income.
        abs(implied_income_nok - denominator) > {{ var('claim_agrees_within') }} * denominator
            as contradicts_accounts,
        period_start,
        period_end
    from compared
)

select * from final
