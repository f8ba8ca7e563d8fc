with

scored as (
    select * from {{ ref('int_opportunities__scored') }}
),

routes as (
    select * from {{ ref('int_opportunities__routes') }}
),

reasons as (
    select * from {{ ref('route_reasons') }}
),

route_list as (
    select * from {{ ref('routes') }}
),

route_states as (
    select
        routes.workshop_org_no,
        routes.municipality_no,
        routes.category_key,
        list(routes.route_key order by route_list.position) filter (where reasons.state = 'open')
            as open_routes,
        list(routes.route_key order by route_list.position) filter (
            where reasons.state = 'unknown_ask'
        ) as asked_routes
    from routes
    inner join route_list on routes.route_key = route_list.route_key
    inner join reasons
        on routes.route_key = reasons.route_key and routes.reason_key = reasons.reason_key
    group by routes.workshop_org_no, routes.municipality_no, routes.category_key
),

final as (
    select
        scored.workshop_org_no,
        scored.municipality_no,
        scored.category_key,
        scored.feasibility_reason,
        coalesce(route_states.open_routes, []) as open_routes,
        coalesce(route_states.asked_routes, []) as asked_routes,
        scored.contract_ids,
        scored.fallback_workshop_org_nos,
        scored.fallback_supplier_org_nos,
        scored.strongest_month,
        cast(scored.addressable_nok as decimal(18, 2)) as addressable_nok,
        cast(scored.own_nok as decimal(18, 2)) as own_nok,
        cast(scored.other_workshops_nok as decimal(18, 2)) as other_workshops_nok,
        cast(scored.unserved_nok as decimal(18, 2)) as unserved_nok,
        cast(scored.monthly_capacity_nok as decimal(18, 2)) as monthly_capacity_nok,
        cast(scored.free_capacity_nok as decimal(18, 2)) as free_capacity_nok,
        cast(scored.winnable_nok as decimal(18, 2)) as winnable_nok,
        cast(scored.places_per_million_nok as decimal(18, 6)) as places_per_million_nok,
        scored.feasibility,
        cast(scored.winnable_nok * scored.feasibility as decimal(18, 2)) as opportunity_score_nok,
        cast(scored.bought_nok as decimal(18, 2)) as bought_nok,
        cast(scored.entry_limit_at_end_nok as decimal(18, 2)) as entry_limit_nok,
        cast(scored.entry_limit_at_start_nok as decimal(18, 2)) as entry_limit_at_start_nok,
        cast(scored.headroom_nok as decimal(18, 2)) as direct_purchase_headroom_nok,
        cast(scored.headroom_to_workshop_nok as decimal(18, 2)) as headroom_to_workshop_nok,
        cast(scored.quarter_1_ratio as decimal(9, 6)) as quarter_1_ratio,
        cast(scored.quarter_2_ratio as decimal(9, 6)) as quarter_2_ratio,
        cast(scored.quarter_3_ratio as decimal(9, 6)) as quarter_3_ratio,
        cast(scored.quarter_4_ratio as decimal(9, 6)) as quarter_4_ratio,
        cast(scored.strongest_month_ratio as decimal(9, 6)) as strongest_month_ratio,
        cast(scored.classified_ratio as decimal(9, 6)) as classified_ratio,
        scored.fallback_suppliers,
        scored.months_with_data,
        scored.is_declared,
        scored.is_on_contract,
        scored.is_bound or scored.is_perhaps_bound as is_bound,
        nullif(scored.others_own_end, date '9999-12-31') as contract_ends_on,
        nullif(scored.waits_until, date '9999-12-31') as contract_ends_with_options_on,
        scored.started_on as need_started_on,
        scored.period_start,
        scored.period_end
    from scored
    left join route_states
        on
            scored.workshop_org_no = route_states.workshop_org_no
            and scored.municipality_no = route_states.municipality_no
            and scored.category_key = route_states.category_key
)

select * from final
