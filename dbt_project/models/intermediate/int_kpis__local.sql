-- K18: how much of what is bought goes to suppliers near the buyer.
with

totals as (
    select * from {{ ref('int_kpis__municipality_totals') }}
),

cells as (
    select
        *,
        'all' as workshop_org_no,
        'all' as category_key,
        located_identified_nok as local_identified_nok,
        procurement_all_nok as local_all_nok
    from totals
    where procurement_all_nok > 0
),

final as (
    {{ kpi_figures([
        {'key': 'K18', 'measure': 'local_spend_ratio', 'of': 'local_municipality_nok',
         'over': 'procurement_nok', 'set': 'local'},
        {'key': 'K18', 'measure': 'consortium_spend_ratio', 'of': 'local_consortium_nok',
         'over': 'procurement_nok', 'set': 'local'},
        {'key': 'K18', 'measure': 'county_spend_ratio', 'of': 'local_county_nok',
         'over': 'procurement_nok', 'set': 'local'},
    ]) }}
)

select * from final
