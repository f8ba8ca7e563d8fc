-- Every line of spend with its payee: who, of what kind, a workshop on that day or not. A view: its
-- readers take the columns that they need.
{{ config(materialized='view', meta={'sliced_by': 'municipality_no'}) }}

with

identified as (
    select * from {{ slice_of(ref('int_purchases__identified')) }}
),

registered as (
    select * from {{ ref('int_suppliers__registered') }}
),

workshops as (
    select * from {{ ref('stg_registers__workshops') }}
),

member_org_nos as (
    select * from {{ ref('stg_registers__member_org_nos') }}
),

-- One row a number, so that a line is looked up once: whose unit it is, and when.
units as (
    select
        org_no,
        list(
            struct_pack(
                municipality_no := municipality_no, valid_from := valid_from, valid_to := valid_to
            )
        ) as holders
    from member_org_nos
    group by org_no
),

paid as (
    select
        identified.*,
        list_filter(
            units.holders, lambda holder: {{ holds_on('holder', 'identified.spend_date') }}
        ) as unit_holders,
        coalesce(
            list_bool_or(
                list_transform(
                    unit_holders,
                    lambda holder: holder['municipality_no'] = identified.municipality_no
                )
            ), false
        ) as is_own_unit
    from identified
    left join units on identified.org_no = units.org_no
),

final as (
    select
        paid.* exclude (unit_holders, is_own_unit),
        coalesce(registered.name, paid.seller_name, paid.supplier_name) as payee_name,
        case
            when registered.legal_form = 'ENK'
                then 'sole_proprietor'
            when
                registered.legal_form in ('KOMM', 'FYLK', 'STAT', 'ORGL', 'KF', 'FKF', 'IKS')
                then 'public_body'
            when registered.org_no is not null
                then 'legal_entity'
            when paid.kostra_art in ('160', '165')
                then 'natural_person'
            when paid.org_no is null and upper(paid.seller_country) != 'NO'
                then 'foreign'
            else 'unknown'
        end as payee_kind,
        registered.org_no is not null as is_registered,
        paid.is_own_unit
        or coalesce(paid.kostra_art = '290', false)
        or (paid.org_no is null and coalesce(paid.voucher_type = 'KF', false)) as is_internal,
        not paid.is_own_unit and coalesce(len(paid.unit_holders), 0) > 0 as is_recharge,
        workshops.org_no as workshop_org_no,
        coalesce(
            paid.org_no,
            'name:' || {{ hash_of(['paid.municipality_no', 'paid.normalised_name']) }}
        ) as payee_key
    from paid
    left join registered on paid.org_no = registered.org_no
    left join workshops
        on
            paid.org_no = workshops.org_no
            and {{ holds_on('workshops', 'paid.spend_date') }}
)

select * from final
