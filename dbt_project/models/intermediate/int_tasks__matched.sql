-- Tasks that members need done on the last day of the latest twelve months or later, with the
-- workshops that deliver the category there: proposals, the nearest first.
with

tasks as (
    select * from {{ ref('stg_registers__tasks') }}
),

opportunities as (
    select * from {{ ref('int_opportunities__scored') }}
),

matched as (
    select
        tasks.task_id,
        tasks.municipality_no,
        opportunities.workshop_org_no,
        tasks.category_key,
        opportunities.feasibility_reason,
        tasks.estimated_value_nok,
        opportunities.free_capacity_nok,
        opportunities.is_declared,
        tasks.estimated_value_nok <= opportunities.free_capacity_nok as is_within_capacity,
        tasks.valid_from as needed_from,
        tasks.valid_to as needed_to
    from tasks
    inner join opportunities
        on
            tasks.municipality_no = opportunities.municipality_no
            and tasks.category_key = opportunities.category_key
            and coalesce(tasks.valid_to, date '9999-12-31') >= opportunities.period_end
    -- The row that holds last, where the register has several of one task.
    qualify
        row_number() over (
            partition by tasks.task_id, opportunities.workshop_org_no
            order by tasks.valid_from desc
        ) = 1
),

final as (
    select
        *,
        row_number() over (
            partition by task_id
            order by
                coalesce(is_within_capacity, false) desc,
                is_declared desc,
                workshop_org_no asc
        ) as place
    from matched
)

select * from final
