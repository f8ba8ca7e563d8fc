-- K19 and K20: how much of a workshop's turnover goes on in the region, as it reports, and what the
-- members' purchases from workshops do there by that.
with

ripple as (
    select * from {{ ref('stg_registers__ripple') }}
    where turnover_nok > 0
),

totals as (
    select * from {{ ref('int_kpis__workshop_totals') }}
    where
        period_kind in ('year', 'twelve_months')
        and workshop_org_no != 'all'
        and category_key = 'all'
        and account_class = 'all'
        and has_product
),

-- The report whose period began last, of those that began in or before the period.
sales as (
    select
        totals.municipality_no,
        totals.workshop_org_no,
        totals.product_nok,
        (ripple.regional_purchases_nok + ripple.resident_net_pay_nok) / ripple.turnover_nok
            as ripple_ratio,
        totals.period_start,
        totals.period_end
    from totals
    left join ripple
        on
            totals.workshop_org_no = ripple.workshop_org_no
            and totals.period_end >= ripple.valid_from
    qualify
        row_number() over (
            partition by
                totals.municipality_no,
                totals.workshop_org_no,
                totals.period_start,
                totals.period_end
            order by ripple.valid_from desc nulls last
        ) = 1
),

effects as (
    select
        municipality_no,
        if(grouping(workshop_org_no) = 1, 'all', workshop_org_no) as workshop_org_no,
        sum(product_nok * ripple_ratio) as effect_nok,
        coalesce(sum(abs(product_nok)) filter (where ripple_ratio is not null), 0)
        / nullif(sum(abs(product_nok)), 0) as coverage,
        period_start,
        period_end
    from sales
    group by municipality_no, period_start, period_end, cube (workshop_org_no)
),

cells as (
    select
        'K19' as kpi_key,
        'ripple_ratio' as measure,
        'all' as municipality_no,
        workshop_org_no,
        true as is_ratio,
        'ok' as known_state,
        regional_purchases_nok + resident_net_pay_nok as numerator,
        turnover_nok as denominator,
        1 as coverage,
        valid_from as period_start,
        valid_to as period_end
    from ripple
    -- Without an end there is no period.
    where valid_to is not null

    union all

    select
        'K20' as kpi_key,
        'ripple_effect' as measure,
        municipality_no,
        workshop_org_no,
        false as is_ratio,
        null as known_state,
        effect_nok as numerator,
        null as denominator,
        coverage,
        period_start,
        period_end
    from effects
),

final as (
    select
        kpi_key,
        measure,
        municipality_no,
        workshop_org_no,
        'all' as category_key,
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
