with

reached as (
    select * from {{ ref('int_workshops__reached') }}
),

final as (
    select
        workshop_org_no,
        municipality_no,
        category_key,
        is_declared,
        valid_from,
        valid_to
    from reached
)

select * from final
