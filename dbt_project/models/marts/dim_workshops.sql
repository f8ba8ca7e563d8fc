with

workshops as (
    select * from {{ ref('stg_registers__workshops') }}
),

final as (
    select
        org_no as workshop_org_no,
        municipality_no,
        name as workshop_name,
        document_reference,
        control_confirmed as is_control_confirmed,
        direct_private_capital as has_direct_private_capital,
        valid_from,
        valid_to
    from workshops
)

select * from final
