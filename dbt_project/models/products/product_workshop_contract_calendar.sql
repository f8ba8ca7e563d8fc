with

capabilities as (
    select * from {{ ref('bridge_workshop_capabilities') }}
    where is_declared
),

contracts as (
    select * from {{ ref('dim_contracts') }}
),

contract_members as (
    select * from {{ ref('bridge_contract_members') }}
),

covered as (
    select
        contract_id,
        string_agg(distinct municipality_no, ';' order by municipality_no)
            as covers_municipalities
    from contract_members
    group by contract_id
),

latest_contracts as (
    select *
    from contracts
    -- A renewed contract keeps its number.
    qualify row_number() over (partition by contract_id order by starts_on desc) = 1
),

final as (
    -- Several municipalities of the area can be covered.
    select distinct
        capabilities.workshop_org_no as recipient_org_no,
        contracts.contract_id,
        contracts.contract_title,
        contracts.category_key as spend_category,
        covered.covers_municipalities,
        contracts.ends_on,
        contracts.options_to,
        contracts.is_reserved as reserved_flag,
        contracts.notice_id
    from latest_contracts as contracts
    inner join covered on contracts.contract_id = covered.contract_id
    inner join contract_members on contracts.contract_id = contract_members.contract_id
    inner join capabilities
        on
            contract_members.municipality_no = capabilities.municipality_no
            and contracts.category_key = capabilities.category_key
)

select * from final
