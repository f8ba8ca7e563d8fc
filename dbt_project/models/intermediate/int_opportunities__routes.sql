-- The ways to buy that each opportunity has on its day, each with the reason why it is open, closed
-- or to be asked about; the state is the reason's (route_reasons). What is not known is never open.
with

cells as (
    select * from {{ ref('int_opportunities__scored') }}
),

workshops as (
    select * from {{ ref('stg_registers__workshops') }}
),

owners as (
    select * from {{ ref('stg_registers__workshop_owners') }}
),

contracts as (
    select * from {{ ref('int_opportunities__contracts') }}
),

inhouse as (
    select
        workshop_org_no,
        any_value(known_state) as inhouse_state
    from {{ ref('int_kpis__inhouse') }}
    group by workshop_org_no
),

reserved as (
    -- A reserved contract covers several members.
    select distinct supplier_org_no as workshop_org_no
    from contracts
    where is_reserved and not is_in_option and supplier_org_no is not null
),

facts as (
    select
        cells.*,
        owners.workshop_org_no is not null as is_owner,
        workshops.control_confirmed,
        workshops.direct_private_capital,
        workshops.document_reference is not null as has_document,
        inhouse.inhouse_state,
        reserved.workshop_org_no is not null as is_reserved_holder
    from cells
    left join workshops
        on
            cells.workshop_org_no = workshops.org_no
            and {{ holds_on('workshops', 'cells.period_end') }}
    left join owners
        on
            cells.workshop_org_no = owners.workshop_org_no
            and cells.municipality_no = owners.owner_municipality_no
            and {{ holds_on('owners', 'cells.period_end') }}
    left join inhouse on cells.workshop_org_no = inhouse.workshop_org_no
    left join reserved on cells.workshop_org_no = reserved.workshop_org_no
),

reasoned as (
    select
        workshop_org_no,
        municipality_no,
        category_key,
        'direct_purchase' as route_key,
        case
            when is_bound then 'framework'
            when is_perhaps_bound then 'framework_in_option'
            when entry_limit_at_end_nok is null then 'limit_unknown'
            when bought_nok >= entry_limit_at_end_nok then 'over_limit'
            when is_perhaps_locked then 'perhaps_locked'
            when months_with_data < 12 then 'purchases_incomplete'
            when bought_nok >= entry_limit_at_start_nok then 'limit_changed'
            else 'below_limit'
        end as reason_key,
        entry_limit_at_end_nok as limit_nok,
        entry_limit_at_start_nok as limit_at_start_nok,
        entry_law_nok as law_limit_nok,
        entry_local_nok as local_limit_nok,
        if(entry_local_nok <= entry_law_nok, entry_local_source, entry_law_source) as limit_source,
        coalesce(is_entry_to_confirm, false) as is_limit_to_confirm,
        cast(null as date) as available_from,
        period_end as looked_at_on
    from facts

    union all

    select
        workshop_org_no,
        municipality_no,
        category_key,
        'quotes' as route_key,
        case
            when is_bound or is_perhaps_bound then 'framework'
            when national_limit_at_end_nok is null then 'limit_unknown'
            when bought_nok >= national_limit_at_end_nok then 'over_limit'
            when is_perhaps_locked then 'perhaps_locked'
            when months_with_data < 12 then 'purchases_incomplete'
            when is_national_to_confirm then 'limit_to_confirm'
            else 'below_limit'
        end as reason_key,
        national_limit_at_end_nok as limit_nok,
        national_limit_at_start_nok as limit_at_start_nok,
        national_law_nok as law_limit_nok,
        national_local_nok as local_limit_nok,
        if(national_local_nok <= national_law_nok, national_local_source, national_law_source)
            as limit_source,
        coalesce(is_national_to_confirm, false) as is_limit_to_confirm,
        cast(null as date) as available_from,
        period_end as looked_at_on
    from facts

    union all

    select
        workshop_org_no,
        municipality_no,
        category_key,
        'self_supply' as route_key,
        case
            when is_bound then 'framework'
            when not is_owner then 'not_owner'
            when direct_private_capital then 'private_capital'
            when not control_confirmed then 'no_control'
            when inhouse_state = 'indicates_not_met' then 'activity_too_small'
            when is_perhaps_bound then 'framework_in_option'
            when is_perhaps_locked then 'perhaps_locked'
            when control_confirmed is null or direct_private_capital is null or not has_document
                then 'facts_missing'
            when coalesce(inhouse_state, 'insufficient') = 'insufficient' then 'activity_unknown'
            when inhouse_state = 'depends_on_reading' then 'activity_depends'
            when inhouse_state = 'indicates_met' then 'indicated'
            else 'activity_unknown'
        end as reason_key,
        null as limit_nok,
        null as limit_at_start_nok,
        null as law_limit_nok,
        null as local_limit_nok,
        null as limit_source,
        false as is_limit_to_confirm,
        null as available_from,
        period_end as looked_at_on
    from facts

    union all

    select
        workshop_org_no,
        municipality_no,
        category_key,
        'call_off' as route_key,
        case
            when is_on_contract then 'on_contract'
            when is_perhaps_on_contract then 'contract_in_option'
            when is_supplier_unknown then 'supplier_unknown'
            else 'not_on_contract'
        end as reason_key,
        null as limit_nok,
        null as limit_at_start_nok,
        null as law_limit_nok,
        null as local_limit_nok,
        null as limit_source,
        false as is_limit_to_confirm,
        null as available_from,
        period_end as looked_at_on
    from facts

    union all

    select
        workshop_org_no,
        municipality_no,
        category_key,
        'reserved' as route_key,
        case
            when is_bound or is_perhaps_bound then 'framework'
            when is_perhaps_locked then 'perhaps_locked'
            when is_reserved_holder then 'workforce_shown'
            else 'workforce_unknown'
        end as reason_key,
        null as limit_nok,
        null as limit_at_start_nok,
        null as law_limit_nok,
        null as local_limit_nok,
        null as limit_source,
        false as is_limit_to_confirm,
        null as available_from,
        period_end as looked_at_on
    from facts

    union all

    select
        workshop_org_no,
        municipality_no,
        category_key,
        'open_competition' as route_key,
        case
            when is_bound or is_perhaps_bound then 'framework'
            when is_perhaps_locked then 'perhaps_locked'
            else 'always'
        end as reason_key,
        eea_limit_at_end_nok as limit_nok,
        eea_limit_at_start_nok as limit_at_start_nok,
        eea_law_nok as law_limit_nok,
        eea_local_nok as local_limit_nok,
        if(eea_local_nok <= eea_law_nok, eea_local_source, eea_law_source) as limit_source,
        coalesce(is_eea_to_confirm, false) as is_limit_to_confirm,
        null as available_from,
        period_end as looked_at_on
    from facts

    union all

    select
        workshop_org_no,
        municipality_no,
        category_key,
        'wait_for_expiry' as route_key,
        case
            when other_contracts = 0 then 'no_contract'
            when waits_until = date '9999-12-31' then 'no_end'
            else 'ends'
        end as reason_key,
        null as limit_nok,
        null as limit_at_start_nok,
        null as law_limit_nok,
        null as local_limit_nok,
        null as limit_source,
        false as is_limit_to_confirm,
        if(waits_until < date '9999-12-31', waits_until + 1, null) as available_from,
        period_end as looked_at_on
    from facts
),

final as (
    select * from reasoned
)

select * from final
