-- K23: where a member lies among those of its size: which part of the others has a lower figure.
-- Where fewer members of its size have one than are needed, it lies among all of them instead, by
-- what is counted per inhabitant.
with

spend as (
    select * from {{ ref('int_kpis__spend') }}
    where
        measure in ('workshop_spend_ratio', 'workshop_addressable_ratio')
        and workshop_org_no = 'all'
        and category_key = 'all'
),

contracts as (
    select * from {{ ref('int_kpis__contracts') }}
    where measure = 'contract_compliance_loose' and category_key = 'all'
),

local as (
    select * from {{ ref('int_kpis__local') }}
    where measure = 'local_spend_ratio'
),

members as (
    select * from {{ ref('stg_registers__members') }}
),

periods as (
    -- A period has one row per month.
    select distinct
        period_start,
        period_end
    from {{ ref('int_kpis__periods') }}
    where period_kind in ('year', 'twelve_months')
),

compared as (
    select * from spend
    union all by name
    select * from contracts
    union all by name
    select * from local
),

-- The seven size groups of Norwegian statistics on suppliers; the last day's inhabitants decide.
sized as (
    select
        members.municipality_no,
        members.inhabitants,
        case
            when members.inhabitants < 2000 then 1
            when members.inhabitants < 5000 then 2
            when members.inhabitants < 10000 then 3
            when members.inhabitants < 20000 then 4
            when members.inhabitants < 50000 then 5
            when members.inhabitants < 100000 then 6
            else 7
        end as size_group,
        periods.period_start,
        periods.period_end
    from members
    inner join periods on {{ holds_on('members', 'periods.period_end') }}
    qualify
        row_number() over (
            partition by members.municipality_no, periods.period_start, periods.period_end
            order by members.valid_from desc
        ) = 1
),

figures as (
    select
        compared.measure,
        compared.municipality_no,
        compared.account_class,
        sized.size_group,
        round(compared.numerator / nullif(compared.denominator, 0), 6) as ratio,
        round(compared.numerator / nullif(sized.inhabitants, 0), 6) as nok_per_inhabitant,
        compared.coverage,
        compared.period_start,
        compared.period_end
    from compared
    inner join sized
        on
            compared.municipality_no = sized.municipality_no
            and compared.period_start = sized.period_start
            and compared.period_end = sized.period_end
    where compared.denominator > 0
),

placed as (
    select
        *,
        count(*) over in_group as in_group,
        count(*) over in_all as in_all,
        rank() over (in_group order by ratio) - 1 as below_in_group,
        rank() over (in_all order by nok_per_inhabitant) - 1 as below_in_all,
        count(*) over (
            partition by measure, account_class, period_start, period_end, size_group, ratio
        ) - 1 as equal_in_group,
        count(*) over (
            partition by measure, account_class, period_start, period_end, nok_per_inhabitant
        ) - 1 as equal_in_all
    from figures
    window
        in_group as (partition by measure, account_class, period_start, period_end, size_group),
        in_all as (partition by measure, account_class, period_start, period_end)
),

final as (
    select
        'K23' as kpi_key,
        measure || '_in_size_group' as measure,
        municipality_no,
        'all' as workshop_org_no,
        'all' as category_key,
        account_class,
        true as is_ratio,
        false as has_claim,
        cast(null as varchar) as known_state,
        if(in_group >= {{ var('least_peers') }}, below_in_group + 0.5 * equal_in_group, null)
            as numerator,
        if(in_group >= {{ var('least_peers') }}, in_group - 1, null) as denominator,
        coverage,
        period_start,
        period_end
    from placed

    union all

    select
        'K23' as kpi_key,
        measure || '_among_all_per_inhabitant' as measure,
        municipality_no,
        'all' as workshop_org_no,
        'all' as category_key,
        account_class,
        true as is_ratio,
        false as has_claim,
        cast(null as varchar) as known_state,
        if(in_all >= {{ var('least_peers') }}, below_in_all + 0.5 * equal_in_all, null)
            as numerator,
        if(in_all >= {{ var('least_peers') }}, in_all - 1, null) as denominator,
        coverage,
        period_start,
        period_end
    from placed
    where in_group < {{ var('least_peers') }}
)

select * from final
