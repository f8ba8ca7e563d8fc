with

owners as (
    select * from {{ ref('stg_registers__workshop_owners') }}
),

final as (
    select
        workshop_org_no,
        owner_municipality_no,
        ownership_fraction,
        valid_from,
        valid_to
    from owners
)

select * from final
