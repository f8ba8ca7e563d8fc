with

members as (
    select * from {{ ref('stg_registers__members') }}
),

final as (
    select
        municipality_no,
        name as municipality_name,
        agreement,
        inhabitants,
        valid_from,
        valid_to
    from members
)

select * from final
