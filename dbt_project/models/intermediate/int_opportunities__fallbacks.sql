-- Who else delivers each need to each member: suppliers on its contracts first, then those it paid
-- most in the latest twelve months. Workshops and whoever may be a person are left out.
with

periods as (
    select * from {{ ref('int_needs__periods') }}
    where is_latest
),

purchases as (
    select * from {{ ref('int_purchases__classified') }}
    where
        scope in ('core', 'core_service_replacement')
        and payee_kind in ('legal_entity', 'public_body')
        and org_no is not null
        and not is_internal
        and net_amount_nok is not null
),

contracts as (
    select * from {{ ref('int_opportunities__contracts') }}
    where supplier_org_no is not null
),

registered as (
    select * from {{ ref('int_suppliers__registered') }}
),

categories as (
    select * from {{ ref('workshop_categories') }}
    where kind = 'product'
),

paid as (
    select
        purchases.municipality_no,
        purchases.category_key,
        purchases.org_no,
        sum(purchases.net_amount_nok) as paid_nok
    from purchases
    inner join categories on purchases.category_key = categories.category_key
    inner join periods
        on purchases.spend_date between periods.period_start and periods.period_end
    group by purchases.municipality_no, purchases.category_key, purchases.org_no
),

named as (
    select
        municipality_no,
        category_key,
        org_no,
        paid_nok,
        false as is_on_contract
    from paid

    union all

    select
        municipality_no,
        category_key,
        supplier_org_no as org_no,
        cast(0 as decimal(38, 2)) as paid_nok,
        true as is_on_contract
    from contracts
),

suppliers as (
    select
        named.municipality_no,
        named.category_key,
        named.org_no,
        any_value(registered.legal_form) as legal_form,
        sum(named.paid_nok) as paid_nok,
        bool_or(named.is_on_contract) as is_on_contract
    from named
    left join registered on named.org_no = registered.org_no
    where
        not coalesce(registered.is_workshop, false)
        and registered.legal_form is distinct from 'ENK'
    group by named.municipality_no, named.category_key, named.org_no
),

ranked as (
    select
        *,
        row_number() over (
            partition by municipality_no, category_key
            order by is_on_contract desc, paid_nok desc, org_no asc
        ) as place
    from suppliers
    where is_on_contract or paid_nok > 0
),

final as (
    select
        municipality_no,
        category_key,
        list(org_no order by place) filter (where place <= 5) as supplier_org_nos,
        count(*) as suppliers,
        -- What an inter-municipal company is paid for may be its monopoly.
        coalesce(sum(paid_nok) filter (where legal_form = 'IKS'), 0) as intermunicipal_nok
    from ranked
    group by municipality_no, category_key
)

select * from final
