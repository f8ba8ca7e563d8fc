with

rejects as (
    select * from {{ ref('stg_landing__rejects') }}
),

final as (
    select
        reject_id,
        municipality_no,
        source,
        severity,
        rule,
        file_name,
        column_name,
        raw,
        message,
        stated_month,
        amount as amount_nok,
        _delivery_id,
        _file_sha256,
        _row_no,
        _xpath
    from rejects
)

select * from final
