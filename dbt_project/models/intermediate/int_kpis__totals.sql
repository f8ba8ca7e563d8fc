-- Sums of the sets by municipality, category and account class, each also over all, for every
-- period.
with

monthly_cells as (
    select * from {{ ref('int_kpis__monthly_totals') }}
),

periods as (
    select * from {{ ref('int_kpis__periods') }}
),

monthly as (
    select
        period_month,
        if(grouping(municipality_no) = 1, 'all', municipality_no) as municipality_no,
        if(grouping(category_key) = 1, 'all', category_key) as category_key,
        if(grouping(account_class) = 1, 'all', account_class) as account_class,
        sum(procurement_nok) as procurement_nok,
        sum(procurement_identified_nok) as procurement_identified_nok,
        sum(procurement_all_nok) as procurement_all_nok,
        sum(addressable_nok) as addressable_nok,
        sum(addressable_identified_nok) as addressable_identified_nok,
        sum(addressable_all_nok) as addressable_all_nok,
        sum(product_identified_nok) as product_identified_nok,
        sum(product_all_nok) as product_all_nok,
        sum(paid_identified_nok) as paid_identified_nok,
        sum(paid_all_nok) as paid_all_nok
    from monthly_cells
    group by period_month, cube (municipality_no, category_key, account_class)
),

final as (
    select
        monthly.municipality_no,
        monthly.category_key,
        monthly.account_class,
        coalesce(sum(monthly.procurement_nok), 0) as procurement_nok,
        coalesce(sum(monthly.procurement_identified_nok), 0) as procurement_identified_nok,
        coalesce(sum(monthly.procurement_all_nok), 0) as procurement_all_nok,
        coalesce(sum(monthly.addressable_nok), 0) as addressable_nok,
        coalesce(sum(monthly.addressable_identified_nok), 0) as addressable_identified_nok,
        coalesce(sum(monthly.addressable_all_nok), 0) as addressable_all_nok,
        coalesce(sum(monthly.product_identified_nok), 0) as product_identified_nok,
        coalesce(sum(monthly.product_all_nok), 0) as product_all_nok,
        coalesce(sum(monthly.paid_identified_nok), 0) as paid_identified_nok,
        coalesce(sum(monthly.paid_all_nok), 0) as paid_all_nok,
        periods.period_start,
        periods.period_end
    from monthly
    inner join periods on monthly.period_month = periods.period_month
    where monthly.account_class in ('operating', 'investment', 'all')
    group by
        monthly.municipality_no,
        monthly.category_key,
        monthly.account_class,
        periods.period_start,
        periods.period_end
)

select * from final
