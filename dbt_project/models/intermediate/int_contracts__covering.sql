-- Which contract covers which municipality, and when: the contract's own days within the member's.
with

contracts as (
    select * from {{ ref('stg_registers__contracts') }}
),

contract_members as (
    select * from {{ ref('stg_registers__contract_members') }}
),

final as (
    select
        contracts.contract_id,
        contract_members.municipality_no,
        contracts.supplier_org_no,
        contracts.category_key,
        contracts.is_reserved,
        contracts.exclusivity,
        greatest(contracts.valid_from, contract_members.valid_from) as valid_from,
        least(
            coalesce(contracts.valid_to, date '9999-12-31'),
            coalesce(contract_members.valid_to, date '9999-12-31')
        ) as valid_to
    from contracts
    inner join contract_members on contracts.contract_id = contract_members.contract_id
    where
        greatest(contracts.valid_from, contract_members.valid_from)
        <= least(
            coalesce(contracts.valid_to, date '9999-12-31'),
            coalesce(contract_members.valid_to, date '9999-12-31')
        )
)

select * from final
