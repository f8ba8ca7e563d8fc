{#
    One select per figure over the relation `cells`: `of` is its numerator, `over` its denominator (none for an amount),
    `set` the set whose identified part is its coverage, `where` which cells it is made for.
#}
{% macro kpi_figures(figures) -%}
    {% for figure in figures %}
    select
        '{{ figure.key }}' as kpi_key,
        '{{ figure.measure }}' as measure,
        municipality_no,
        workshop_org_no,
        category_key,
        account_class,
        {{ 'true' if figure.over else 'false' }} as is_ratio,
        false as has_claim,
        {{ figure.of }} as numerator,
        {{ figure.over or 'cast(null as decimal(38, 2))' }} as denominator,
        {{ figure.set }}_identified_nok / nullif({{ figure.set }}_all_nok, 0) as coverage,
        period_start,
        period_end
    from cells
    where {{ figure.where }}
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
{%- endmacro %}
