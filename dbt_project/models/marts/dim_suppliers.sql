with

registered as (
    select * from {{ ref('int_suppliers__registered') }}
),

purchases as (
    select * from {{ ref('int_purchases__classified') }}
),

met as (
    -- A payee has many lines.
    select distinct org_no
    from purchases
    where org_no is not null
),

workshops as (
    select org_no
    from registered
    where is_workshop
),

numbers as (
    select org_no from met
    union
    select org_no from workshops
),

final as (
    select
        numbers.org_no,
        registered.known_name as supplier_name,
        registered.legal_form,
        registered.business_municipality_no as supplier_municipality_no,
        registered.nace_code,
        coalesce(registered.is_workshop, false) as is_workshop,
        coalesce(registered.is_bankrupt, false) as is_bankrupt,
        registered.org_no is not null as is_registered,
        registered.deleted_on
    from numbers
    left join registered on numbers.org_no = registered.org_no
)

select * from final
