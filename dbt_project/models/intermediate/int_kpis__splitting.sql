-- K09: how many questions about splitting there are, of the latest twelve months, by municipality
-- and category; a member with purchases and no question has a zero.
with

signals as (
    select * from {{ ref('int_splitting__signals') }}
),

needs as (
    select * from {{ ref('int_needs__sums') }}
    where is_latest
),

counted as (
    select
        municipality_no,
        if(grouping(category_key) = 1, 'all', category_key) as category_key,
        count(*) filter (where signal = 'invoices_below_limit') as below_limit,
        count(*) filter (where signal = 'off_contract_above_limit') as off_contract
    from signals
    group by municipality_no, cube (category_key)
),

members as (
    select
        municipality_no,
        any_value(classified_nok) as classified_nok,
        any_value(all_nok) as all_nok,
        period_start,
        period_end
    from needs
    group by municipality_no, period_start, period_end
),

grid as (
    select
        municipality_no,
        'all' as category_key
    from members

    union

    select
        municipality_no,
        category_key
    from counted
),

cells as (
    select
        grid.municipality_no,
        'all' as workshop_org_no,
        grid.category_key,
        'all' as account_class,
        coalesce(counted.below_limit, 0) as below_limit,
        coalesce(counted.off_contract, 0) as off_contract,
        members.classified_nok as need_identified_nok,
        members.all_nok as need_all_nok,
        members.period_start,
        members.period_end
    from grid
    inner join members on grid.municipality_no = members.municipality_no
    left join counted
        on
            grid.municipality_no = counted.municipality_no
            and grid.category_key = counted.category_key
),

final as (
    {{ kpi_figures([
        {'key': 'K09', 'measure': 'splitting_invoices_below_limit', 'of': 'below_limit',
         'set': 'need'},
        {'key': 'K09', 'measure': 'splitting_off_contract_above_limit', 'of': 'off_contract',
         'set': 'need'},
    ]) }}
)

select * from final
