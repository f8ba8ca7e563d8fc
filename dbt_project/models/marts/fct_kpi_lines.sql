{{ config(materialized='incremental') }}

with

lines as (
    select * from {{ slice_of(ref('int_kpis__lines')) }}
),

final as (
    select
        lines.purchase_line_id,
        lines.municipality_no,
        lines.workshop_org_no,
        lines.category_key,
        lines.account_class,
        lines.period_month,
        lines.net_amount_nok,
        {% for line_set in line_sets() %}
            lines.in_{{ line_set }},
        {% endfor %}
        lines.reached_by,
        lines.spend_date
    from lines
)

select * from final
