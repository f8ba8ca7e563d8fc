with

contracts as (
    select * from {{ ref('stg_registers__contracts') }}
),

final as (
    select
        contract_id,
        title as contract_title,
        category_key,
        supplier_org_no,
        exclusivity,
        notice_id,
        estimated_value_nok,
        is_reserved,
        valid_from as starts_on,
        valid_to as ends_on,
        options_to
    from contracts
)

select * from final
