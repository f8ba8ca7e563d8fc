-- K24 and K25: how concentrated purchases are on few suppliers, and how long the tail of small ones
-- is; for calendar years and twelve months, of each municipality and of all together.
with

monthly as (
    select * from {{ ref('int_suppliers__monthly') }}
),

periods as (
    select * from {{ ref('int_kpis__periods') }}
    where period_kind in ('year', 'twelve_months')
),

totals as (
    select * from {{ ref('int_kpis__totals') }}
    where account_class = 'all'
),

counts as (
    select * from {{ ref('int_kpis__municipality_totals') }}
    where account_class = 'all' and period_kind in ('year', 'twelve_months')
),

-- A number for each payee: its key is long, and what follows holds some millions of them.
payees as (
    select
        payee_key,
        cast(row_number() over (order by payee_key) as integer) as payee_no
    from monthly
    group by payee_key
),

of_all as (
    select
        monthly.period_month,
        monthly.category_key,
        payees.payee_no,
        sum(monthly.net_amount_nok) as net_amount_nok
    from monthly
    inner join payees on monthly.payee_key = payees.payee_key
    group by monthly.period_month, monthly.category_key, payees.payee_no
),

by_category as (
    select
        of_all.category_key,
        of_all.payee_no,
        sum(of_all.net_amount_nok) as net_amount_nok,
        periods.period_start,
        periods.period_end
    from of_all
    inner join periods on of_all.period_month = periods.period_month
    group by of_all.category_key, of_all.payee_no, periods.period_start, periods.period_end
),

by_supplier as (
    select
        'all' as municipality_no,
        if(grouping(category_key) = 1, 'all', category_key) as category_key,
        payee_no,
        cast(sum(net_amount_nok) as decimal(18, 2)) as net_amount_nok,
        period_start,
        period_end
    from by_category
    group by payee_no, period_start, period_end, rollup (category_key)
    having sum(net_amount_nok) > 0
),

concentrated as (
    select * from {{ ref('int_suppliers__concentrated') }}

    union all

    {{ concentration('by_supplier') }}
),

cells as (
    select
        totals.municipality_no,
        'all' as workshop_org_no,
        totals.category_key,
        totals.account_class,
        concentrated.supplied_nok,
        concentrated.weighted_nok,
        concentrated.top_3_nok,
        concentrated.tail_nok,
        counts.small_invoices,
        totals.procurement_identified_nok,
        totals.procurement_all_nok,
        1 as every_identified_nok,
        1 as every_all_nok,
        totals.period_start,
        totals.period_end
    from totals
    inner join counts
        on
            totals.municipality_no = counts.municipality_no
            and totals.period_start = counts.period_start
            and totals.period_end = counts.period_end
    left join concentrated
        on
            totals.municipality_no = concentrated.municipality_no
            and totals.category_key = concentrated.category_key
            and totals.period_start = concentrated.period_start
            and totals.period_end = concentrated.period_end
    where totals.procurement_all_nok > 0
),

final as (
    {{ kpi_figures([
        {'key': 'K24', 'measure': 'supplier_hhi', 'of': 'weighted_nok', 'over': 'supplied_nok',
         'set': 'procurement'},
        {'key': 'K24', 'measure': 'top_3_supplier_ratio', 'of': 'top_3_nok', 'over': 'supplied_nok',
         'set': 'procurement'},
        {'key': 'K25', 'measure': 'tail_spend', 'of': 'tail_nok', 'set': 'procurement',
         'where': "category_key = 'all'"},
        {'key': 'K25', 'measure': 'small_invoices', 'of': 'small_invoices', 'set': 'every',
         'where': "category_key = 'all'"},
    ]) }}
)

select * from final
