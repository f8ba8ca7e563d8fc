-- What is known of every organisation number: the latest company register, then the workshops
-- register.
with

companies as (
    select * from {{ ref('stg_brreg__companies') }}
),

delivery_periods as (
    select * from {{ ref('stg_landing__delivery_periods') }}
    where source = 'brreg'
),

workshops as (
    select * from {{ ref('stg_registers__workshops') }}
),

delivered as (
    select
        _delivery_id,
        max(sequence) as sequence
    from delivery_periods
    group by _delivery_id
),

latest_companies as (
    select companies.*
    from companies
    inner join delivered on companies._delivery_id = delivered._delivery_id
    qualify
        row_number() over (
            partition by companies.org_no
            order by delivered.sequence desc, companies._delivery_id asc, companies._row_no asc
        ) = 1
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
        coalesce(latest_companies.is_bankrupt, false) as is_bankrupt,
        latest_companies.deleted_on
    from latest_companies
    full outer join latest_workshops on latest_companies.org_no = latest_workshops.org_no
)

select * from final
