-- K01 to K06: what is bought, what workshops could deliver of it, and what they were paid.
with

totals as (
    select * from {{ ref('int_kpis__totals') }}
),

workshop_totals as (
    select * from {{ ref('int_kpis__workshop_totals') }}
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

final as (
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
)

select * from final
