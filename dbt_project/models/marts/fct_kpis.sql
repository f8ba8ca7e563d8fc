with

totals as (
    select * from {{ ref('int_kpis__totals') }}
),

workshop_totals as (
    select * from {{ ref('int_kpis__workshop_totals') }}
),

dependency as (
    select * from {{ ref('int_kpis__dependency') }}
),

-- Every cell with its own sums, those of the whole set that it is held against, and how much of it
-- is identified.
cells as (
    select
        totals.municipality_no,
        'all' as workshop_org_no,
        totals.category_key,
        totals.account_class,
        totals.procurement_nok,
        totals.addressable_nok,
        coalesce(workshop_totals.product_nok, 0) as product_nok,
        coalesce(workshop_totals.inclusion_nok, 0) as inclusion_nok,
        coalesce(workshop_totals.transfer_nok, 0) as transfer_nok,
        totals.procurement_identified_nok,
        totals.procurement_all_nok,
        totals.addressable_identified_nok,
        totals.addressable_all_nok,
        totals.product_identified_nok,
        totals.product_all_nok,
        totals.paid_identified_nok,
        totals.paid_all_nok,
        totals.procurement_all_nok > 0 as has_procurement,
        totals.addressable_all_nok > 0 as has_addressable,
        totals.product_all_nok > 0 as has_product,
        coalesce(workshop_totals.has_inclusion, false) or totals.category_key = 'all'
            as has_inclusion,
        coalesce(workshop_totals.has_transfer, false) or totals.category_key = 'all'
            as has_transfer,
        totals.period_start,
        totals.period_end
    from totals
    left join workshop_totals
        on
            totals.municipality_no = workshop_totals.municipality_no
            and workshop_totals.workshop_org_no = 'all'
            and totals.category_key = workshop_totals.category_key
            and totals.account_class = workshop_totals.account_class
            and totals.period_start = workshop_totals.period_start
            and totals.period_end = workshop_totals.period_end

    union all

    select
        workshop_totals.municipality_no,
        workshop_totals.workshop_org_no,
        workshop_totals.category_key,
        workshop_totals.account_class,
        totals.procurement_nok,
        workshop_totals.addressable_nok,
        workshop_totals.product_nok,
        workshop_totals.inclusion_nok,
        workshop_totals.transfer_nok,
        totals.procurement_identified_nok,
        totals.procurement_all_nok,
        totals.addressable_identified_nok,
        totals.addressable_all_nok,
        totals.product_identified_nok,
        totals.product_all_nok,
        totals.paid_identified_nok,
        totals.paid_all_nok,
        workshop_totals.has_product as has_procurement,
        workshop_totals.has_addressable,
        workshop_totals.has_product,
        workshop_totals.has_inclusion,
        workshop_totals.has_transfer,
        workshop_totals.period_start,
        workshop_totals.period_end
    from workshop_totals
    inner join totals
        on
            workshop_totals.municipality_no = totals.municipality_no
            and workshop_totals.category_key = totals.category_key
            and workshop_totals.account_class = totals.account_class
            and workshop_totals.period_start = totals.period_start
            and workshop_totals.period_end = totals.period_end
    where workshop_totals.workshop_org_no != 'all'
),

figures as (
    {{ kpi_figures([
        {'key': 'K01', 'measure': 'procurement_spend', 'of': 'procurement_nok', 'set': 'procurement',
         'where': "has_procurement and workshop_org_no = 'all'"},
        {'key': 'K02', 'measure': 'addressable_spend', 'of': 'addressable_nok', 'set': 'addressable',
         'where': 'has_addressable'},
        {'key': 'K03', 'measure': 'workshop_product_spend', 'of': 'product_nok', 'set': 'product',
         'where': 'has_product'},
        {'key': 'K04', 'measure': 'workshop_spend_ratio', 'of': 'product_nok',
         'over': 'procurement_nok', 'set': 'procurement', 'where': 'has_procurement'},
        {'key': 'K05', 'measure': 'workshop_addressable_ratio', 'of': 'product_nok',
         'over': 'addressable_nok', 'set': 'addressable', 'where': 'has_addressable'},
        {'key': 'K06', 'measure': 'workshop_inclusion_spend', 'of': 'inclusion_nok', 'set': 'paid',
         'where': 'has_inclusion'},
        {'key': 'K06', 'measure': 'workshop_transfer', 'of': 'transfer_nok', 'set': 'paid',
         'where': 'has_transfer'},
    ]) }}

    union all

    select
        'K14' as kpi_key,
        measure,
        municipality_no,
        workshop_org_no,
        category_key,
        account_class,
        true as is_ratio,
        has_claim,
        numerator,
        denominator,
        coverage,
        period_start,
        period_end
    from dependency
),

-- A period with months that nobody has handed anything in for says so, whoever looks at it.
months_with_purchases as (
    select
        municipality_no,
        period_start as month_start
    from totals
    where period_end = last_day(period_start)
    group by municipality_no, period_start
),

periods as (
    select
        municipality_no,
        period_start,
        period_end
    from totals
    group by municipality_no, period_start, period_end
),

incomplete_periods as (
    select
        periods.municipality_no,
        periods.period_start,
        periods.period_end
    from periods
    left join months_with_purchases
        on
            periods.municipality_no = months_with_purchases.municipality_no
            and months_with_purchases.month_start
            between periods.period_start and periods.period_end
    group by periods.municipality_no, periods.period_start, periods.period_end
    having
        count(months_with_purchases.month_start)
        < datediff('month', periods.period_start, periods.period_end) + 1
),

judged as (
    select
        figures.*,
        incomplete_periods.municipality_no is not null as is_incomplete
    from figures
    left join incomplete_periods
        on
            figures.municipality_no = incomplete_periods.municipality_no
            and figures.period_start = incomplete_periods.period_start
            and figures.period_end = incomplete_periods.period_end
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
            when coverage is null then 'insufficient'
            when is_incomplete or coverage < {{ var('low_coverage_below') }} then 'low_coverage'
            else 'ok'
        end as state,
        cast(numerator as decimal(18, 2)) as numerator,
        cast(denominator as decimal(18, 2)) as denominator,
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
