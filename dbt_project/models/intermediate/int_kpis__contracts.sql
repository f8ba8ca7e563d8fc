-- K10 to K12: what is bought under a contract where one is in force, and what is bought beside it.
with

lines as (
    select * from {{ ref('int_kpis__lines') }}
    where is_contract_covered
),

periods as (
    select * from {{ ref('int_kpis__periods') }}
),

totals as (
    select * from {{ ref('int_kpis__totals') }}
),

-- Once over the lines; what is over all is summed from these few rows.
monthly_cells as (
    select
        period_month,
        municipality_no,
        category_key,
        account_class,
        sum(net_amount_nok) filter (where in_contract_covered) as covered_nok,
        sum(net_amount_nok) filter (where in_contract_reference) as reference_nok,
        sum(net_amount_nok) filter (where in_contract_supplier) as supplier_nok,
        sum(net_amount_nok) filter (where in_maverick_strict) as maverick_strict_nok,
        sum(net_amount_nok) filter (where in_maverick_loose) as maverick_loose_nok,
        sum(net_amount_nok) filter (where in_workshop_beside_contract) as beside_nok,
        sum(abs(net_amount_nok)) filter (where in_contract_covered) as covered_identified_nok,
        sum(abs(net_amount_nok)) as covered_all_nok
    from lines
    group by period_month, municipality_no, category_key, account_class
),

monthly as (
    select
        period_month,
        if(grouping(municipality_no) = 1, 'all', municipality_no) as municipality_no,
        if(grouping(category_key) = 1, 'all', category_key) as category_key,
        if(grouping(account_class) = 1, 'all', account_class) as account_class,
        sum(covered_nok) as covered_nok,
        sum(reference_nok) as reference_nok,
        sum(supplier_nok) as supplier_nok,
        sum(maverick_strict_nok) as maverick_strict_nok,
        sum(maverick_loose_nok) as maverick_loose_nok,
        sum(beside_nok) as beside_nok,
        sum(covered_identified_nok) as covered_identified_nok,
        sum(covered_all_nok) as covered_all_nok
    from monthly_cells
    group by period_month, cube (municipality_no, category_key, account_class)
),

sums as (
    select
        monthly.municipality_no,
        monthly.category_key,
        monthly.account_class,
        coalesce(sum(monthly.covered_nok), 0) as covered_nok,
        coalesce(sum(monthly.reference_nok), 0) as reference_nok,
        coalesce(sum(monthly.supplier_nok), 0) as supplier_nok,
        coalesce(sum(monthly.maverick_strict_nok), 0) as maverick_strict_nok,
        coalesce(sum(monthly.maverick_loose_nok), 0) as maverick_loose_nok,
        coalesce(sum(monthly.beside_nok), 0) as beside_nok,
        coalesce(sum(monthly.covered_identified_nok), 0) as covered_identified_nok,
        sum(monthly.covered_all_nok) as covered_all_nok,
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
),

-- Every category that a contract covers, and over all categories every municipality with purchases.
cells as (
    select
        totals.municipality_no,
        'all' as workshop_org_no,
        totals.category_key,
        totals.account_class,
        coalesce(sums.covered_nok, 0) as covered_nok,
        coalesce(sums.reference_nok, 0) as reference_nok,
        coalesce(sums.supplier_nok, 0) as supplier_nok,
        sums.maverick_strict_nok,
        sums.maverick_loose_nok,
        sums.beside_nok,
        totals.procurement_nok,
        coalesce(sums.covered_identified_nok, 0) as covered_identified_nok,
        coalesce(sums.covered_all_nok, 0) as covered_all_nok,
        totals.procurement_identified_nok,
        totals.procurement_all_nok,
        totals.period_start,
        totals.period_end
    from totals
    left join sums
        on
            totals.municipality_no = sums.municipality_no
            and totals.category_key = sums.category_key
            and totals.account_class = sums.account_class
            and totals.period_start = sums.period_start
            and totals.period_end = sums.period_end
    where
        totals.procurement_all_nok > 0
        and (totals.category_key = 'all' or sums.municipality_no is not null)
),

final as (
    {{ kpi_figures([
        {'key': 'K10', 'measure': 'contract_compliance_strict', 'of': 'reference_nok',
         'over': 'covered_nok', 'set': 'covered'},
        {'key': 'K10', 'measure': 'contract_compliance_loose', 'of': 'supplier_nok',
         'over': 'covered_nok', 'set': 'covered'},
        {'key': 'K11', 'measure': 'contract_coverage', 'of': 'covered_nok',
         'over': 'procurement_nok', 'set': 'procurement', 'where': "category_key = 'all'"},
        {'key': 'K12', 'measure': 'maverick_spend_strict', 'of': 'maverick_strict_nok',
         'set': 'covered'},
        {'key': 'K12', 'measure': 'maverick_spend_loose', 'of': 'maverick_loose_nok',
         'set': 'covered'},
        {'key': 'K12', 'measure': 'workshop_beside_contract', 'of': 'beside_nok',
         'set': 'covered'},
    ]) }}
)

select * from final
