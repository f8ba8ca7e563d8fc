with

delivery_periods as (
    select * from {{ ref('stg_landing__delivery_periods') }}
),

final as (
    select
        municipality_no,
        source,
        source_name,
        fiscal_period,
        state,
        superseded_by,
        reason,
        sequence,
        rows,
        _delivery_id
    from delivery_periods
)

select * from final
