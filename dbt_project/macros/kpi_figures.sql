{#
    A family of figures: one select per figure over the relation `cells`, with the columns of every family. `of` is its
    numerator, `over` its denominator (none for an amount), `set` the set whose identified part is its coverage, `where`
    which cells it is made for (all as a rule), `state` a state that only the family can know (none as a rule).
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
        {{ figure.state or 'cast(null as varchar)' }} as known_state,
        {{ figure.of }} as numerator,
        {{ figure.over or 'cast(null as decimal(38, 2))' }} as denominator,
        {{ figure.set }}_identified_nok / nullif({{ figure.set }}_all_nok, 0) as coverage,
        period_start,
        period_end
    from cells
    {% if figure.where %}where {{ figure.where }}{% endif %}
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
{%- endmacro %}

{# Every figure of the families named, one under the other, in one set of types. #}
{% macro kpi_families(families) -%}
    {% for family in families %}
    select
        kpi_key,
        measure,
        municipality_no,
        workshop_org_no,
        category_key,
        account_class,
        is_ratio,
        has_claim,
        known_state,
        cast(numerator as decimal(38, 6)) as numerator,
        cast(denominator as decimal(38, 6)) as denominator,
        cast(coverage as double) as coverage,
        period_start,
        period_end
    from {{ ref(family) }}
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
{%- endmacro %}

{#
    The state of a figure that is not made of months of purchases: how much of it is known decides
    alone.
#}
{% macro state_of(coverage) -%}
    if(coalesce({{ coverage }}, 0) < {{ var('low_coverage_below') }}, 'low_coverage', 'ok')
{%- endmacro %}

{#
    An amount of up to 38 digits with six decimals, to the øre. Few have more than eighteen digits; where they need not be
    reckoned in 128 bits, that costs a tenth.
#}
{% macro in_ore(amount) -%}
    coalesce(
        cast(try_cast({{ amount }} as decimal(18, 6)) as decimal(18, 2)), cast({{ amount }} as decimal(18, 2))
    )
{%- endmacro %}
