-- The contracts that cover each member's needs on the last day of the latest twelve months, options
-- counted as used. Whether an option has been used is not known: in its own term a contract is in
-- force, in option time it may be.
with

periods as (
    select * from {{ ref('int_needs__periods') }}
    where is_latest
),

contracts as (
    select * from {{ ref('stg_registers__contracts') }}
),

contract_members as (
    select * from {{ ref('stg_registers__contract_members') }}
),

categories as (
    select * from {{ ref('workshop_categories') }}
    where kind = 'product'
),

dated as (
    select
        contracts.contract_id,
        contracts.category_key,
        contracts.supplier_org_no,
        contracts.exclusivity,
        contracts.is_reserved,
        contracts.valid_to as own_end,
        -- A contract without an end has none with options either.
        if(contracts.valid_to is null, null, greatest(contracts.options_to, contracts.valid_to))
            as ends_on,
        coalesce(contracts.valid_to < periods.period_end, false) as is_in_option,
        periods.period_end as looked_at_on
    from contracts
    cross join periods
    inner join categories on contracts.category_key = categories.category_key
    where
        periods.period_end between
        contracts.valid_from
        and case
            when contracts.valid_to is null then date '9999-12-31'
            else greatest(contracts.options_to, contracts.valid_to)
        end
    -- The row that holds last, where the register has several of one contract.
    qualify
        row_number() over (
            partition by contracts.contract_id order by contracts.valid_from desc
        ) = 1
),

-- A member can leave a contract and come back; one that is in it to its own end is in its options.
final as (
    select distinct
        contract_members.municipality_no,
        dated.category_key,
        dated.contract_id,
        dated.supplier_org_no,
        dated.exclusivity,
        dated.is_reserved,
        dated.is_in_option,
        dated.own_end,
        dated.ends_on,
        dated.looked_at_on
    from dated
    inner join contract_members
        on
            dated.contract_id = contract_members.contract_id
            and dated.looked_at_on >= contract_members.valid_from
            and coalesce(contract_members.valid_to, date '9999-12-31')
            >= least(dated.looked_at_on, coalesce(dated.own_end, dated.looked_at_on))
)

select * from final
