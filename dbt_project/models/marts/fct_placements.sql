with

placements as (
    select * from {{ ref('stg_registers__placements') }}
),

final as (
    select
        municipality_no,
        workshop_org_no,
        placements,
        valid_from as period_start,
        valid_to as period_end
    from placements
)

select * from final
