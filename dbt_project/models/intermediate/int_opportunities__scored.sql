-- K21: what each workshop could win of each need of each member, on the last day of the latest
-- twelve months: what is unserved, capped by what the workshop has free, times how feasible it is.
--   1    the need is below the limit, or the workshop is on a contract in force for it
--   0.6  the contract that stands in the way ends within twelve months, options counted as used
--   0.3  a competition can be reserved
--   0    locked: an exclusive framework, or one of which that is not known, lasts longer
-- Empty where the limit, twelve months of purchases or a possible monopoly is not known.
with

spend as (
    select * from {{ ref('int_opportunities__spend') }}
),

watched as (
    select * from {{ ref('int_needs__watched') }}
    where is_latest
),

contracts as (
    select * from {{ ref('int_opportunities__contracts') }}
),

capacities as (
    select * from {{ ref('int_opportunities__capacity') }}
),

fallbacks as (
    select * from {{ ref('int_opportunities__fallbacks') }}
),

-- Of contracts for one need, the workshop's own and others'.
contracted as (
    select
        spend.workshop_org_no,
        spend.municipality_no,
        spend.category_key,
        bool_or(contracts.supplier_org_no = spend.workshop_org_no and not contracts.is_in_option)
            as is_on_contract,
        bool_or(contracts.supplier_org_no = spend.workshop_org_no and contracts.is_in_option)
            as is_perhaps_on_contract,
        bool_or(contracts.supplier_org_no is null) as is_supplier_unknown,
        bool_or(
            not {{ is_same('contracts.supplier_org_no', 'spend.workshop_org_no') }}
            and {{ binds_members('contracts') }} and not contracts.is_in_option
        ) as is_bound,
        bool_or(
            not {{ is_same('contracts.supplier_org_no', 'spend.workshop_org_no') }}
            and {{ binds_members('contracts') }} and contracts.is_in_option
        ) as is_perhaps_bound,
        count(*) filter (
            where not {{ is_same('contracts.supplier_org_no', 'spend.workshop_org_no') }}
        ) as other_contracts,
        list(contracts.contract_id order by contracts.contract_id) as contract_ids,
        -- What stands in the way ends with the last contract that binds, else with the last of all;
        -- one without an end never does.
        max(coalesce(contracts.ends_on, date '9999-12-31')) filter (
            where not {{ is_same('contracts.supplier_org_no', 'spend.workshop_org_no') }}
            and {{ binds_members('contracts') }}
        ) as binding_until,
        max(coalesce(contracts.ends_on, date '9999-12-31')) filter (
            where not {{ is_same('contracts.supplier_org_no', 'spend.workshop_org_no') }}
        ) as others_until,
        max(coalesce(contracts.own_end, date '9999-12-31')) filter (
            where not {{ is_same('contracts.supplier_org_no', 'spend.workshop_org_no') }}
        ) as others_own_end
    from spend
    inner join contracts
        on
            spend.municipality_no = contracts.municipality_no
            and spend.category_key = contracts.category_key
    group by spend.workshop_org_no, spend.municipality_no, spend.category_key
),

cells as (
    select
        spend.*,
        coalesce(watched.bought_nok, 0) as bought_nok,
        coalesce(watched.months_with_data, 0) as months_with_data,
        watched.classified_nok / nullif(watched.all_nok, 0) as classified_ratio,
        watched.started_on,
        {% for name in ['entry', 'national', 'eea'] %}
            watched.{{ name }}_limit_at_end_nok,
            watched.{{ name }}_limit_at_start_nok,
            watched.{{ name }}_law_nok,
            watched.{{ name }}_local_nok,
            watched.{{ name }}_law_source,
            watched.{{ name }}_local_source,
            watched.is_{{ name }}_to_confirm,
        {% endfor %}
        watched.headroom_at_end_nok as headroom_nok,
        coalesce(contracted.is_on_contract, false) as is_on_contract,
        coalesce(contracted.is_perhaps_on_contract, false) as is_perhaps_on_contract,
        coalesce(contracted.is_supplier_unknown, false) as is_supplier_unknown,
        coalesce(contracted.is_bound, false) as is_bound,
        coalesce(contracted.is_perhaps_bound, false) as is_perhaps_bound,
        coalesce(contracted.other_contracts, 0) as other_contracts,
        coalesce(contracted.contract_ids, []) as contract_ids,
        contracted.binding_until,
        contracted.others_until,
        contracted.others_own_end,
        coalesce(contracted.binding_until, contracted.others_until) as waits_until,
        capacities.monthly_capacity_nok,
        capacities.free_capacity_nok,
        capacities.places_per_million_nok,
        coalesce(fallbacks.supplier_org_nos, []) as fallback_supplier_org_nos,
        coalesce(fallbacks.suppliers, 0) as fallback_suppliers,
        -- Most of the need paid to an inter-municipal company: perhaps its monopoly.
        coalesce(
            fallbacks.intermunicipal_nok > 0.5 * watched.bought_nok and watched.bought_nok > 0,
            false
        ) as is_perhaps_locked,
        list_filter(
            list(spend.workshop_org_no) over (
                partition by spend.municipality_no, spend.category_key
                order by spend.workshop_org_no
                rows between unbounded preceding and unbounded following
            ),
            lambda other: other != spend.workshop_org_no
        ) as fallback_workshop_org_nos
    from spend
    left join watched
        on
            spend.municipality_no = watched.municipality_no
            and spend.category_key = watched.category_key
    left join contracted
        on
            spend.workshop_org_no = contracted.workshop_org_no
            and spend.municipality_no = contracted.municipality_no
            and spend.category_key = contracted.category_key
    left join capacities
        on
            spend.workshop_org_no = capacities.workshop_org_no
            and spend.category_key = capacities.category_key
    left join fallbacks
        on
            spend.municipality_no = fallbacks.municipality_no
            and spend.category_key = fallbacks.category_key
),

judged as (
    select
        *,
        case
            when is_on_contract then 'on_contract'
            when
                (is_bound or is_perhaps_bound)
                and binding_until <= last_day(period_end + interval 12 month)
                then 'contract_ends'
            when is_bound or is_perhaps_bound then 'locked'
            when is_perhaps_locked then 'perhaps_locked'
            when entry_limit_at_end_nok is null then 'limit_unknown'
            when bought_nok < entry_limit_at_end_nok and months_with_data < 12
                then 'purchases_incomplete'
            when bought_nok < entry_limit_at_end_nok then 'below_limit'
            when others_until <= last_day(period_end + interval 12 month) then 'contract_ends'
            else 'reserved_competition'
        end as feasibility_reason
    from cells
),

final as (
    select
        *,
        least(unserved_nok, free_capacity_nok) as winnable_nok,
        -- What a framework binds cannot be bought directly until it ends.
        case
            when is_bound or is_perhaps_bound then 0
            when headroom_nok is not null then least(headroom_nok, unserved_nok)
        end as headroom_to_workshop_nok,
        case feasibility_reason
            when 'on_contract' then cast(1 as decimal(3, 1))
            when 'below_limit' then cast(1 as decimal(3, 1))
            when 'contract_ends' then cast(0.6 as decimal(3, 1))
            when 'reserved_competition' then cast(0.3 as decimal(3, 1))
            when 'locked' then cast(0 as decimal(3, 1))
        end as feasibility
    from judged
)

select * from final
