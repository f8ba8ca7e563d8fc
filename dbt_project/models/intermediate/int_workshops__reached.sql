-- Where a workshop can deliver what, and when.
with

capabilities as (
    select * from {{ ref('stg_registers__workshop_capabilities') }}
),

workshops as (
    select * from {{ ref('stg_registers__workshops') }}
),

declared as (
    -- The list may name a municipality twice.
    select distinct
        workshop_org_no,
        {{ parts_of('delivery_municipality_nos') }} as municipality_no,
        category_key,
        true as is_declared,
        valid_from,
        valid_to
    from capabilities
),

-- A workshop also reaches the municipality that it lies in; where it is declared, that says more.
at_home as (
    select
        capabilities.workshop_org_no,
        workshops.municipality_no,
        capabilities.category_key,
        false as is_declared,
        greatest(capabilities.valid_from, workshops.valid_from) as valid_from,
        nullif(
            least(
                coalesce(capabilities.valid_to, date '9999-12-31'),
                coalesce(workshops.valid_to, date '9999-12-31')
            ),
            date '9999-12-31'
        ) as valid_to
    from capabilities
    inner join workshops on capabilities.workshop_org_no = workshops.org_no
    where
        workshops.municipality_no is not null
        and not list_contains(
            string_split(capabilities.delivery_municipality_nos, ';'), workshops.municipality_no
        )
        and greatest(capabilities.valid_from, workshops.valid_from)
        <= least(
            coalesce(capabilities.valid_to, date '9999-12-31'),
            coalesce(workshops.valid_to, date '9999-12-31')
        )
),

final as (
    select * from declared
    union all
    select * from at_home
)

select * from final
