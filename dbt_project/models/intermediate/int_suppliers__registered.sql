-- What is known of every organisation number: the company register as received last, whichever of
-- its sources brought it, then the workshops register. A deleted unit's answer says little more
-- than that: what it leaves out stands as it was last known.
with

companies as (
    select * from {{ ref('stg_brreg__companies') }}
),

delivery_periods as (
    select * from {{ ref('stg_landing__delivery_periods') }}
    where source = 'brreg'
),

outcomes as (
    select * from {{ ref('stg_landing__outcomes') }}
    where source = 'brreg' and step = 'landed' and outcome = 'ok'
),

workshops as (
    select * from {{ ref('stg_registers__workshops') }}
),

delivered as (
    select
        delivery_periods._delivery_id,
        max(delivery_periods.sequence) as sequence,
        max(outcomes.received_at) as received_at
    from delivery_periods
    left join outcomes on delivery_periods._delivery_id = outcomes._delivery_id
    group by delivery_periods._delivery_id
),

placed_companies as (
    select
        companies.*,
        row_number() over (
            partition by companies.org_no
            order by
                delivered.received_at desc nulls last,
                delivered.sequence desc,
                companies._delivery_id asc,
                companies._row_no asc
        ) as place
    from companies
    inner join delivered on companies._delivery_id = delivered._delivery_id
),

latest_companies as (
    select
        org_no,
        first(name order by place) filter (where name is not null) as name,
        first(legal_form order by place) filter (where legal_form is not null) as legal_form,
        first(business_municipality_no order by place) filter (
            where business_municipality_no is not null
        ) as business_municipality_no,
        first(nace_code order by place) filter (where nace_code is not null) as nace_code,
        first(is_sub_unit order by place) filter (where is_sub_unit is not null) as is_sub_unit,
        first(is_bankrupt order by place) as is_bankrupt,
        first(deleted_on order by place) as deleted_on
    from placed_companies
    group by org_no
),

latest_workshops as (
    select *
    from workshops
    qualify row_number() over (partition by org_no order by valid_from desc) = 1
),

final as (
    select
        coalesce(latest_companies.org_no, latest_workshops.org_no) as org_no,
        latest_companies.name,
        coalesce(latest_companies.name, latest_workshops.name) as known_name,
        latest_companies.legal_form,
        coalesce(
            latest_companies.business_municipality_no, latest_workshops.municipality_no
        ) as business_municipality_no,
        latest_companies.nace_code,
        latest_workshops.org_no is not null as is_workshop,
        coalesce(latest_companies.is_sub_unit, false) as is_sub_unit,
        coalesce(latest_companies.is_bankrupt, false) as is_bankrupt,
        latest_companies.deleted_on
    from latest_companies
    full outer join latest_workshops on latest_companies.org_no = latest_workshops.org_no
)

select * from final
