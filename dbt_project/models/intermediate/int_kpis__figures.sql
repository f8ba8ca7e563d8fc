-- Every figure of every family, before the states that all figures share.
{{ config(materialized='view') }}

with

final as (
    {{ kpi_families([
        'int_kpis__dependency',
        'int_kpis__spend',
    ]) }}
)

select * from final
