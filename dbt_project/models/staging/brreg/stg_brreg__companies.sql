with

delivered as (
    select * from {{ source('brreg', 'companies') }}
),

accepted as (
    select * from delivered
    where {{ accepted_periods("'all'") }}
),

final as (
    select
        org_no,
        name,
        upper(legal_form) as legal_form,
        business_municipality_no,
        nace_code,
        sector_code,
        parent_org_no,
        employees,
        is_bankrupt,
        is_vat_registered,
        is_sub_unit,
        registered_on,
        deleted_on,
        closed_on,
        _delivery_id,
        _file_sha256,
        _row_no
    from accepted
)

select * from final
