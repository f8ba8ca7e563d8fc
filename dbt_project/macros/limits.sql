{#
    In which band of a limit an amount lies; null where either is not known. A net credit lies in
    the lowest.
#}
{% macro band_of(amount, limit) -%}
    case
        when {{ amount }} is null or {{ limit }} is null then null
        when {{ amount }} < 0.6 * {{ limit }} then 'below_0.6'
        when {{ amount }} < 0.8 * {{ limit }} then '0.6_to_0.8'
        when {{ amount }} < {{ limit }} then '0.8_to_1.0'
        else 'at_or_above'
    end
{%- endmacro %}

{#
    Whether a contract or framework of somebody else, as a row of int_opportunities__contracts,
    binds its members.
#}
{% macro binds_members(contracts) -%}
    {{ contracts }}.exclusivity != 'no'
{%- endmacro %}
