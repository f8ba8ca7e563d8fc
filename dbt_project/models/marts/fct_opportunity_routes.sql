with

routes as (
    select * from {{ ref('int_opportunities__routes') }}
),

route_list as (
    select * from {{ ref('routes') }}
),

reasons as (
    select * from {{ ref('route_reasons') }}
),

final as (
    select
        routes.workshop_org_no,
        routes.municipality_no,
        routes.category_key,
        routes.route_key,
        route_list.label_en,
        route_list.label_no,
        reasons.state,
        routes.reason_key,
        reasons.text_en as reason_en,
        reasons.text_no as reason_no,
        route_list.rule,
        route_list.source as rule_source,
        routes.limit_source,
        route_list.check_en,
        route_list.check_no,
        route_list.position,
        cast(routes.limit_nok as decimal(18, 2)) as limit_nok,
        cast(routes.limit_at_start_nok as decimal(18, 2)) as limit_at_start_nok,
        cast(routes.law_limit_nok as decimal(18, 2)) as law_limit_nok,
        cast(routes.local_limit_nok as decimal(18, 2)) as local_limit_nok,
        routes.is_limit_to_confirm,
        routes.available_from,
        routes.looked_at_on
    from routes
    inner join route_list on routes.route_key = route_list.route_key
    inner join reasons
        on routes.route_key = reasons.route_key and routes.reason_key = reasons.reason_key
)

select * from final
