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
        'contract_covered',
        'contract_reference',
        'contract_supplier',
        'workshop_beside_contract',
        'maverick_strict',
        'maverick_loose',
        'reserved_contract',
        'local_municipality',
        'local_consortium',
        'local_county',
        'procurement_any_payee',
        'registered_payee',
        'classified',
        'invoice',
        'einvoice',
        'einvoice_with_contract',
        'small_invoice',
    ]) }}
{%- endmacro %}
