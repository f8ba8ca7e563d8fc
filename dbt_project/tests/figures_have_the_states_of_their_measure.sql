-- Every figure is of a measure that the list of KPIs has, in a state that the measure may have.
with

figures as (
    select
        kpi_key,
        measure,
        state,
        count(*) as figures
    from {{ ref('fct_kpis') }}
    group by kpi_key, measure, state
),

kpis as (
    select * from {{ ref('dim_kpis') }}
)

select figures.*
from figures
left join kpis
    on
        figures.kpi_key = kpis.kpi_key
        and figures.measure = kpis.measure
        and list_contains(string_split(kpis.states, ';'), figures.state)
where kpis.kpi_key is null
