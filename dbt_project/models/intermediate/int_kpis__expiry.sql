-- K22: contracts in workshop categories that end, all options used, within 6, 12 and 18 months of
-- the period's last day. What is in force on that day counts, whole, for every member that it
-- covers, and once over all.
with

contracts as (
    select * from {{ ref('stg_registers__contracts') }}
),

contract_members as (
    select * from {{ ref('stg_registers__contract_members') }}
),

categories as (
    select * from {{ ref('workshop_categories') }}
    where kind = 'product'
),

periods as (
    select * from {{ ref('int_kpis__periods') }}
),

totals as (
    select * from {{ ref('int_kpis__municipality_totals') }}
    where account_class = 'all'
),

dates as (
    -- A period has one row per month.
    select distinct
        period_start,
        period_end
    from periods
),

in_force as (
    select
        contracts.contract_id,
        contracts.category_key,
        contracts.estimated_value_nok,
        contracts.valid_to as own_end,
        greatest(contracts.options_to, contracts.valid_to) as ends_on,
        dates.period_start,
        dates.period_end
    from contracts
    inner join categories on contracts.category_key = categories.category_key
    inner join dates
        on
            dates.period_end between
            contracts.valid_from
            and coalesce(greatest(contracts.options_to, contracts.valid_to), date '9999-12-31')
    -- The row that holds last, where the register has several of one contract.
    qualify
        row_number() over (
            partition by contracts.contract_id, dates.period_start, dates.period_end
            order by contracts.valid_from desc
        ) = 1
),

-- A member can leave a contract and come back; one that is in it to its own end is in its options.
covered as (
    select distinct
        in_force.*,
        contract_members.municipality_no
    from in_force
    inner join contract_members
        on
            in_force.contract_id = contract_members.contract_id
            and in_force.period_end >= contract_members.valid_from
            and coalesce(contract_members.valid_to, date '9999-12-31')
            >= least(in_force.period_end, coalesce(in_force.own_end, in_force.period_end))
),

counted as (
    select * from covered

    union

    select * replace ('all' as municipality_no)
    from covered
),

windows as (
    select unnest([6, 12, 18]) as months
),

sums as (
    select
        counted.municipality_no,
        windows.months,
        if(grouping(counted.category_key) = 1, 'all', counted.category_key) as category_key,
        coalesce(
            sum(counted.estimated_value_nok) filter (
                where counted.ends_on <= last_day(counted.period_end + to_months(windows.months))
            ), 0
        ) as expiring_nok,
        count(*) filter (
            where counted.ends_on <= last_day(counted.period_end + to_months(windows.months))
        ) as expiring,
        count(counted.estimated_value_nok) filter (
            where counted.ends_on <= last_day(counted.period_end + to_months(windows.months))
        ) as expiring_valued,
        counted.period_start,
        counted.period_end
    from counted
    cross join windows
    group by
        counted.municipality_no,
        windows.months,
        counted.period_start,
        counted.period_end,
        cube (counted.category_key)
),

-- Over all categories every municipality with purchases has a figure, an empty one where no
-- contract covers it.
grid as (
    select
        totals.municipality_no,
        windows.months,
        'all' as category_key,
        totals.period_start,
        totals.period_end
    from totals
    cross join windows

    union

    select
        municipality_no,
        months,
        category_key,
        period_start,
        period_end
    from sums
),

cells as (
    select
        grid.municipality_no,
        grid.months,
        'all' as workshop_org_no,
        grid.category_key,
        'all' as account_class,
        sums.expiring_nok,
        if(sums.expiring = 0, 1, sums.expiring_valued / sums.expiring) as value_identified_nok,
        1 as value_all_nok,
        grid.period_start,
        grid.period_end
    from grid
    left join sums
        on
            grid.municipality_no = sums.municipality_no
            and grid.months = sums.months
            and grid.category_key = sums.category_key
            and grid.period_start = sums.period_start
            and grid.period_end = sums.period_end
),

final as (
    {{ kpi_figures([
        {'key': 'K22', 'measure': 'contracts_expiring_6_months', 'of': 'expiring_nok',
         'set': 'value', 'where': 'months = 6', 'state': state_of('value_identified_nok')},
        {'key': 'K22', 'measure': 'contracts_expiring_12_months', 'of': 'expiring_nok',
         'set': 'value', 'where': 'months = 12', 'state': state_of('value_identified_nok')},
        {'key': 'K22', 'measure': 'contracts_expiring_18_months', 'of': 'expiring_nok',
         'set': 'value', 'where': 'months = 18', 'state': state_of('value_identified_nok')},
    ]) }}
)

select * from final
