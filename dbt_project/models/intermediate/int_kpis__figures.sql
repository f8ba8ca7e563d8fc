-- Every figure of every family, before the states that all figures share.
{{ config(materialized='view') }}

with

final as (
    {{ kpi_families([
        'int_kpis__contracts',
        'int_kpis__customers',
        'int_kpis__dependency',
        'int_kpis__expiry',
        'int_kpis__filed',
        'int_kpis__inhouse',
        'int_kpis__local',
        'int_kpis__opportunities',
        'int_kpis__peers',
        'int_kpis__plans',
        'int_kpis__quality',
        'int_kpis__reserved',
        'int_kpis__ripple',
        'int_kpis__spend',
        'int_kpis__splitting',
        'int_kpis__suppliers',
        'int_kpis__thresholds',
        'int_kpis__timeliness',
        'int_kpis__work',
    ]) }}
)

select * from final
