-- From all that was read to K01, by municipality and month; the steps sum to the total, to the
-- øre.
with

steps as (
    select * from {{ ref('int_spend__steps') }}
),

step_names as (
    select * from {{ ref('waterfall_steps') }}
),

final as (
    select
        steps.municipality_no,
        steps.period_month,
        step_names.step_order,
        steps.step_key,
        step_names.step_kind,
        step_names.label_en,
        step_names.label_no,
        steps.row_count,
        steps.amount_nok
    from steps
    left join step_names on steps.step_key = step_names.step_key
)

select * from final
