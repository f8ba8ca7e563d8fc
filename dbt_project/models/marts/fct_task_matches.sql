with

matched as (
    select * from {{ ref('int_tasks__matched') }}
),

final as (
    select
        task_id,
        municipality_no,
        workshop_org_no,
        category_key,
        feasibility_reason,
        cast(estimated_value_nok as decimal(18, 2)) as estimated_value_nok,
        cast(free_capacity_nok as decimal(18, 2)) as free_capacity_nok,
        place,
        is_declared,
        is_within_capacity,
        needed_from,
        needed_to
    from matched
)

select * from final
