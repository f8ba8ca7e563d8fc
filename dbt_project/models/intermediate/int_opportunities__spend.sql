-- What each workshop could deliver to each member in the latest twelve months, what of it workshops
-- did, and when in the year it was bought.
with

periods as (
    select * from {{ ref('int_needs__periods') }}
    where is_latest
),

members as (
    select * from {{ ref('stg_registers__members') }}
),

categories as (
    select * from {{ ref('workshop_categories') }}
    where kind = 'product'
),

reached as (
    select * from {{ ref('int_workshops__reached') }}
),

lines as (
    select * from {{ ref('int_kpis__lines') }}
    where in_addressable
),

cells as (
    select
        reached.workshop_org_no,
        reached.municipality_no,
        reached.category_key,
        bool_or(reached.is_declared) as is_declared,
        periods.period_start,
        periods.period_end
    from reached
    cross join periods
    inner join categories on reached.category_key = categories.category_key
    inner join members
        on
            reached.municipality_no = members.municipality_no
            and {{ holds_on('members', 'periods.period_end') }}
    where {{ holds_on('reached', 'periods.period_end') }}
    group by
        reached.workshop_org_no,
        reached.municipality_no,
        reached.category_key,
        periods.period_start,
        periods.period_end
),

reachable as (
    select
        unnest(lines.reached_by) as workshop_org_no,
        lines.municipality_no,
        lines.category_key,
        lines.workshop_org_no as paid_org_no,
        lines.net_amount_nok,
        substr(lines.period_month, 6, 2) as calendar_month
    from lines
    inner join periods
        on lines.spend_date between periods.period_start and periods.period_end
),

monthly as (
    select
        workshop_org_no,
        municipality_no,
        category_key,
        calendar_month,
        cast(ceil(cast(calendar_month as integer) / 3) as integer) as quarter_no,
        sum(net_amount_nok) as addressable_nok,
        sum(net_amount_nok) filter (where paid_org_no = workshop_org_no) as own_nok,
        sum(net_amount_nok) filter (where paid_org_no != workshop_org_no) as other_workshops_nok,
        sum(net_amount_nok) filter (where paid_org_no is null) as unserved_nok
    from reachable
    group by workshop_org_no, municipality_no, category_key, calendar_month
),

sums as (
    select
        workshop_org_no,
        municipality_no,
        category_key,
        -- The earliest of several equal months.
        arg_max(calendar_month, row(addressable_nok, -cast(calendar_month as integer)))
            as strongest_month,
        sum(addressable_nok) as addressable_nok,
        sum(own_nok) as own_nok,
        sum(other_workshops_nok) as other_workshops_nok,
        max(addressable_nok) as strongest_month_nok,
        {% for quarter in [1, 2, 3, 4] %}
            sum(addressable_nok) filter (where quarter_no = {{ quarter }})
                as quarter_{{ quarter }}_nok,
        {% endfor %}
        sum(unserved_nok) as unserved_nok
    from monthly
    group by workshop_org_no, municipality_no, category_key
),

final as (
    select
        cells.workshop_org_no,
        cells.municipality_no,
        cells.category_key,
        sums.strongest_month,
        coalesce(sums.addressable_nok, 0) as addressable_nok,
        coalesce(sums.own_nok, 0) as own_nok,
        coalesce(sums.other_workshops_nok, 0) as other_workshops_nok,
        -- Credits beyond what was bought leave nothing to win.
        greatest(0, coalesce(sums.unserved_nok, 0)) as unserved_nok,
        sums.strongest_month_nok / if(sums.addressable_nok > 0, sums.addressable_nok, null)
            as strongest_month_ratio,
        {% for quarter in [1, 2, 3, 4] %}
            coalesce(sums.quarter_{{ quarter }}_nok, 0)
            / if(sums.addressable_nok > 0, sums.addressable_nok, null)
                as quarter_{{ quarter }}_ratio,
        {% endfor %}
        cells.is_declared,
        cells.period_start,
        cells.period_end
    from cells
    left join sums
        on
            cells.workshop_org_no = sums.workshop_org_no
            and cells.municipality_no = sums.municipality_no
            and cells.category_key = sums.category_key
)

select * from final
