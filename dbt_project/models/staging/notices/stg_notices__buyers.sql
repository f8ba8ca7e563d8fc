with

delivered as (
    select * from {{ source('notices', 'notice_buyers') }}
),

accepted as (
    select * from delivered
    where {{ accepted_periods("'all'") }}
),

final as (
    select
        municipality_no,
        notice_id,
        version,
        party_id,
        org_no,
        other_org_nos,
        name,
        country,
        legal_type,
        buyer_no,
        is_group_lead,
        _delivery_id,
        _file_sha256,
        _row_no
    from accepted
)

select * from final
