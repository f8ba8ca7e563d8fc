{#
    The sets of purchase lines that figures are made of, by name. int_kpis__lines says in in_<name> which lines are in
    each; figures sum by that column, and the trace of a figure lists by it (kpi_parts.csv names the set).
#}
{% macro line_sets() -%}
    {{ return([
        'procurement',
        'addressable',
        'workshop_product',
        'workshop_inclusion',
        'workshop_transfer',
    ]) }}
{%- endmacro %}
