-- Every opportunity has every way to buy of the list, each with a reason that the list of reasons
-- has; and what binds the member to another supplier leaves neither direct purchase nor self-supply
-- open.
with

opportunities as (
    select * from {{ ref('fct_opportunities') }}
),

routes as (
    select * from {{ ref('fct_opportunity_routes') }}
),

ways as (
    select count(*) as ways from {{ ref('routes') }}
),

counted as (
    select
        opportunities.workshop_org_no,
        opportunities.municipality_no,
        opportunities.category_key,
        count(routes.route_key) as found,
        count(*) filter (
            where opportunities.is_bound
            and routes.route_key in ('direct_purchase', 'self_supply')
            and routes.state = 'open'
        ) as wrongly_open
    from opportunities
    left join routes
        on
            opportunities.workshop_org_no = routes.workshop_org_no
            and opportunities.municipality_no = routes.municipality_no
            and opportunities.category_key = routes.category_key
    group by
        opportunities.workshop_org_no,
        opportunities.municipality_no,
        opportunities.category_key
)

select counted.*
from counted
cross join ways
where counted.found != ways.ways or counted.wrongly_open > 0
