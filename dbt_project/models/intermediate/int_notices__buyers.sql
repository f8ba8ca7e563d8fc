-- Who buys, in the members' terms: one row per notice and member that is among its buyers, by
-- any of the numbers that the buyer states; one row with municipality_no 'none' where no member
-- is. A notice without a date is held against every number that a member ever had.
with

buyers as (
    select * from {{ ref('stg_notices__buyers') }}
),

lots as (
    select * from {{ ref('stg_notices__lots') }}
),

member_org_nos as (
    select * from {{ ref('stg_registers__member_org_nos') }}
),

documents as (
    select
        municipality_no as delivered_by,
        coalesce(issue_date, publication_date) as noticed_on,
        _delivery_id,
        _file_sha256
    from lots
    where _row_no = 1
),

numbers as (
    select
        municipality_no as delivered_by,
        buyer_no,
        is_group_lead,
        unnest(string_split(concat_ws(',', org_no, other_org_nos), ',')) as org_no,
        _delivery_id,
        _file_sha256
    from buyers
),

counted as (
    select
        delivered_by,
        _delivery_id,
        _file_sha256,
        count(distinct buyer_no) as buyers,
        string_agg(distinct nullif(org_no, ''), ',' order by nullif(org_no, '')) as buyer_org_nos
    from numbers
    group by delivered_by, _delivery_id, _file_sha256
),

members as (
    select
        numbers.delivered_by,
        member_org_nos.municipality_no,
        numbers._delivery_id,
        numbers._file_sha256,
        -- The municipality itself before what belongs to it or buys for it.
        min_by(
            member_org_nos.role,
            list_position(
                ['municipality', 'enterprise', 'sub-unit', 'host'], member_org_nos.role
            )
        ) as buyer_role,
        bool_or(numbers.is_group_lead) as is_group_lead
    from numbers
    inner join documents
        on
            numbers.delivered_by = documents.delivered_by
            and numbers._delivery_id = documents._delivery_id
            and numbers._file_sha256 = documents._file_sha256
    inner join member_org_nos
        on
            numbers.org_no = member_org_nos.org_no
            and (
                documents.noticed_on is null
                or documents.noticed_on between
                member_org_nos.valid_from
                and coalesce(member_org_nos.valid_to, date '9999-12-31')
            )
    group by
        numbers.delivered_by,
        member_org_nos.municipality_no,
        numbers._delivery_id,
        numbers._file_sha256
),

final as (
    select
        coalesce(members.municipality_no, 'none') as municipality_no,
        documents.delivered_by,
        members.buyer_role,
        counted.buyer_org_nos,
        coalesce(counted.buyers, 0) as buyers,
        members.is_group_lead,
        documents._delivery_id,
        documents._file_sha256
    from documents
    left join counted
        on
            documents.delivered_by = counted.delivered_by
            and documents._delivery_id = counted._delivery_id
            and documents._file_sha256 = counted._file_sha256
    left join members
        on
            documents.delivered_by = members.delivered_by
            and documents._delivery_id = members._delivery_id
            and documents._file_sha256 = members._file_sha256
)

select * from final
