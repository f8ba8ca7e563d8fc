-- Which notices are in force. (1) The same notice and version handed in twice counts as it came
-- last. (2) Of one notice the highest version counts. (3) A notice that another one changes is
-- superseded, and one that another one takes back is cancelled, as is the notice that does so.
with

lots as (
    select * from {{ ref('stg_notices__lots') }}
),

outcomes as (
    select * from {{ ref('stg_landing__outcomes') }}
    where step = 'landed'
),

received as (
    select
        municipality_no,
        _delivery_id,
        max(received_at) as received_at
    from outcomes
    group by municipality_no, _delivery_id
),

-- Every row of a document says the same of the notice: the first one stands for it.
documents as (
    select
        municipality_no,
        notice_id,
        version,
        lower(notice_id) as notice_key,
        lower(notice_id || '-' || version) as version_key,
        lower(changed_notice) as changed_key,
        coalesce(change_reason = 'cancel', false) as is_cancelling,
        _delivery_id,
        _file_sha256
    from lots
    where _row_no = 1
),

placed as (
    select
        documents.*,
        row_number() over (
            partition by documents.notice_key, documents.version
            order by
                received.received_at desc nulls last,
                documents.municipality_no asc,
                documents._delivery_id asc,
                documents._file_sha256 asc
        ) as place_of_version
    from documents
    left join received
        on
            documents.municipality_no = received.municipality_no
            and documents._delivery_id = received._delivery_id
),

counted as (
    select
        *,
        row_number() over (
            partition by notice_key
            order by try_cast(version as integer) desc nulls last, version desc
        ) as place_of_notice
    from placed
    where place_of_version = 1
),

changes as (
    select
        changed_key,
        max(is_cancelling) as is_cancelling
    from counted
    where changed_key is not null and changed_key != version_key
    group by changed_key
),

final as (
    select
        placed.municipality_no,
        placed.notice_id,
        placed.version,
        case
            when counted.version_key is null then 'repeated'
            when changes.is_cancelling then 'cancelled'
            when counted.place_of_notice > 1 or changes.changed_key is not null then 'superseded'
            when counted.is_cancelling then 'cancelled'
            else 'current'
        end as state,
        placed._delivery_id,
        placed._file_sha256
    from placed
    left join counted
        on
            placed.municipality_no = counted.municipality_no
            and placed._delivery_id = counted._delivery_id
            and placed._file_sha256 = counted._file_sha256
    left join changes on placed.version_key = changes.changed_key
)

select * from final
