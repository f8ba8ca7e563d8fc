with

contract_members as (
    select * from {{ ref('stg_registers__contract_members') }}
),

final as (
    select
        contract_id,
        municipality_no,
        valid_from,
        valid_to
    from contract_members
)

select * from final
