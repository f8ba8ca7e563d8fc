with

kpis as (
    select * from {{ ref('kpis') }}
),

final as (
    select
        kpi_key,
        measure,
        label_en,
        label_no,
        unit,
        states,
        description
    from kpis
)

select * from final
