-- Every line of spend with its payee: who, of what kind, a workshop on that day or not.
{{ config(materialized='incremental') }}

with

payees as (
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

final as (
    select
        payees.*,
        coalesce(registered.name, payees.seller_name, payees.supplier_name) as payee_name,
        case
            when registered.legal_form = 'ENK'
                then 'sole_proprietor'
            when
                registered.legal_form in ('KOMM', 'FYLK', 'STAT', 'ORGL', 'KF', 'FKF', 'IKS')
                then 'public_body'
            when registered.org_no is not null
                then 'legal_entity'
            when payees.kostra_art in ('160', '165')
                then 'natural_person'
            when payees.org_no is null and upper(payees.seller_country) != 'NO'
                then 'foreign'
            else 'unknown'
        end as payee_kind,
        registered.org_no is not null as is_registered,
        member_org_nos.org_no is not null
        or coalesce(payees.kostra_art = '290', false)
        or (payees.org_no is null and coalesce(payees.voucher_type = 'KF', false)) as is_internal,
        member_org_nos.org_no is null
        and exists (
            select 1
            from member_org_nos as others
            where
                payees.org_no = others.org_no
                and payees.municipality_no != others.municipality_no
                and {{ holds_on('others', 'payees.spend_date') }}
        ) as is_recharge,
        workshops.org_no as workshop_org_no,
        coalesce(
            payees.org_no,
            'name:' || {{ hash_of(['payees.municipality_no', 'payees.normalised_name']) }}
        ) as payee_key
    from payees
    left join registered on payees.org_no = registered.org_no
    left join workshops
        on
            payees.org_no = workshops.org_no
            and {{ holds_on('workshops', 'payees.spend_date') }}
    left join member_org_nos
        on
            payees.municipality_no = member_org_nos.municipality_no
            and payees.org_no = member_org_nos.org_no
            and {{ holds_on('member_org_nos', 'payees.spend_date') }}
)

select * from final
