with

outcomes as (
    select * from {{ ref('stg_landing__outcomes') }}
),

final as (
    select
        municipality_no,
        source,
        source_name,
        step,
        outcome,
        rule,
        message,
        covered_from,
        covered_to,
        sequence,
        files,
        rows_in,
        rows_out,
        rejects,
        issues,
        received_at,
        _delivery_id
    from outcomes
)

select * from final
