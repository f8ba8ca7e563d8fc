-- K24 and K25: how concentrated purchases are on few suppliers, and how long the tail of small ones
-- is; for calendar years and twelve months. A supplier counts with its net sum where that is above
-- zero.
with

lines as (
    select * from {{ ref('int_kpis__lines') }}
    where in_procurement
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
    from lines
    group by payee_key
),

monthly as (
    select
        lines.period_month,
        lines.municipality_no,
        lines.category_key,
        payees.payee_no,
        cast(sum(lines.net_amount_nok) as decimal(18, 2)) as net_amount_nok
    from lines
    inner join payees on lines.payee_key = payees.payee_key
    group by lines.period_month, lines.municipality_no, lines.category_key, payees.payee_no
),

by_period as (
    select
        monthly.municipality_no,
        monthly.category_key,
        monthly.payee_no,
        sum(monthly.net_amount_nok) as net_amount_nok,
        periods.period_start,
        periods.period_end
    from monthly
    inner join periods on monthly.period_month = periods.period_month
    group by
        monthly.municipality_no,
        monthly.category_key,
        monthly.payee_no,
        periods.period_start,
        periods.period_end
),

by_supplier as (
    select
        payee_no,
        if(grouping(municipality_no) = 1, 'all', municipality_no) as municipality_no,
        if(grouping(category_key) = 1, 'all', category_key) as category_key,
        cast(sum(net_amount_nok) as decimal(18, 2)) as net_amount_nok,
        period_start,
        period_end
    from by_period
    group by period_start, period_end, payee_no, cube (municipality_no, category_key)
    having sum(net_amount_nok) > 0
),

placed as (
    select
        *,
        row_number() over (
            partition by municipality_no, category_key, period_start, period_end
            order by net_amount_nok desc, payee_no asc
        ) as place,
        count(*) over (
            partition by municipality_no, category_key, period_start, period_end
        ) as suppliers
    from by_supplier
),

-- A square of kroner over the kroner: what the average krone's supplier sells for. The square of a
-- large supplier does not fit eighteen digits.
concentrated as (
    select
        municipality_no,
        category_key,
        sum(net_amount_nok) as supplied_nok,
        sum(cast(net_amount_nok as decimal(38, 2)) * net_amount_nok) / sum(net_amount_nok)
            as weighted_nok,
        sum(net_amount_nok) filter (where place <= 3) as top_3_nok,
        coalesce(sum(net_amount_nok) filter (where place > suppliers - floor(suppliers * 0.8)), 0)
            as tail_nok,
        period_start,
        period_end
    from placed
    group by municipality_no, category_key, period_start, period_end
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
