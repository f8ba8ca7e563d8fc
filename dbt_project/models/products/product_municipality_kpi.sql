with

figures as (
    select * from {{ ref('fct_kpis') }}
),

kpis as (
    select * from {{ ref('dim_kpis') }}
),

final as (
    select
        figures.municipality_no as recipient_municipality_no,
        figures.kpi_key,
        figures.measure,
        kpis.label_no,
        figures.workshop_org_no,
        figures.category_key,
        figures.account_class,
        figures.period_start,
        figures.period_end,
        figures.numerator,
        figures.denominator,
        figures.value,
        figures.coverage,
        figures.state
    from figures
    inner join kpis on figures.kpi_key = kpis.kpi_key and figures.measure = kpis.measure
    where figures.municipality_no != 'all'
)

select * from final
