-- Each need against the limits: those of the day it started on (its first purchase in the twelve
-- months, else their last day) and those of their last day. The two differ where a limit changed
-- between.
{%- set limits = {'entry': 'law_entry', 'national': 'national_notice', 'eea': 'eea'} %}
with

needs as (
    select * from {{ ref('int_needs__sums') }}
),

limits as (
    select * from {{ ref('int_limits__dated') }}
),

covering as (
    select * from {{ ref('int_contracts__covering') }}
),

readings as (
    select
        municipality_no,
        category_key,
        contract_type,
        unnest(['start', 'end']) as reading,
        unnest([coalesce(started_on, period_end), period_end]) as read_on,
        period_start,
        period_end
    from needs
),

read_limits as (
    select
        readings.municipality_no,
        readings.category_key,
        readings.reading,
        limits.rule_key,
        limits.limit_nok,
        limits.law_nok,
        limits.local_nok,
        limits.law_source,
        limits.local_source,
        limits.is_to_confirm,
        readings.period_start,
        readings.period_end
    from readings
    inner join limits
        on
            readings.municipality_no = limits.municipality_no
            and readings.contract_type = limits.contract_type
            and {{ holds_on('limits', 'readings.read_on') }}
),

-- Days that belong to several rows of law are refused elsewhere; the lowest limit binds.
pivoted as (
    select
        municipality_no,
        category_key,
        {% for name, rule_key in limits.items() %}
            {% for reading in ['start', 'end'] %}
                min(limit_nok) filter (
                    where rule_key = '{{ rule_key }}' and reading = '{{ reading }}'
                ) as {{ name }}_limit_at_{{ reading }}_nok,
            {% endfor %}
            min(law_nok) filter (where rule_key = '{{ rule_key }}' and reading = 'end')
                as {{ name }}_law_nok,
            min(local_nok) filter (where rule_key = '{{ rule_key }}' and reading = 'end')
                as {{ name }}_local_nok,
            min(law_source) filter (where rule_key = '{{ rule_key }}' and reading = 'end')
                as {{ name }}_law_source,
            min(local_source) filter (where rule_key = '{{ rule_key }}' and reading = 'end')
                as {{ name }}_local_source,
            bool_or(is_to_confirm) filter (where rule_key = '{{ rule_key }}')
                as is_{{ name }}_to_confirm,
        {% endfor %}
        period_start,
        period_end
    from read_limits
    group by municipality_no, category_key, period_start, period_end
),

contracts as (
    select
        needs.municipality_no,
        needs.category_key,
        bool_or(covering.exclusivity != 'no') as is_closed_to_others,
        needs.period_start,
        needs.period_end
    from needs
    inner join covering
        on
            needs.municipality_no = covering.municipality_no
            and needs.category_key = covering.category_key
            and {{ holds_on('covering', 'needs.period_end') }}
    group by
        needs.municipality_no,
        needs.category_key,
        needs.period_start,
        needs.period_end
),

final as (
    select
        needs.municipality_no,
        needs.category_key,
        needs.contract_type,
        case
            when contracts.is_closed_to_others then 'covered_closed'
            when contracts.municipality_no is not null then 'covered_open'
            else 'none'
        end as contract_status,
        {% for name in limits %}
            {% for reading in ['start', 'end'] %}
                {%- set limit = 'pivoted.' ~ name ~ '_limit_at_' ~ reading ~ '_nok' %}
                {{ band_of('needs.bought_nok', limit) }} as {{ name }}_band_at_{{ reading }},
            {% endfor %}
            pivoted.{{ name }}_law_source,
            pivoted.{{ name }}_local_source,
        {% endfor %}
        needs.bought_nok,
        {% for name in limits %}
            pivoted.{{ name }}_limit_at_start_nok,
            pivoted.{{ name }}_limit_at_end_nok,
            pivoted.{{ name }}_law_nok,
            pivoted.{{ name }}_local_nok,
        {% endfor %}
        {% for reading in ['end', 'start'] %}
            -- Without a limit there is no room to speak of, and no zero either.
            if(
                pivoted.entry_limit_at_{{ reading }}_nok is null,
                null,
                greatest(0, pivoted.entry_limit_at_{{ reading }}_nok - needs.bought_nok)
            ) as headroom_at_{{ reading }}_nok,
        {% endfor %}
        needs.suppliers,
        needs.months_with_data,
        needs.classified_nok,
        needs.all_nok,
        {% for name in limits %}
            coalesce(pivoted.is_{{ name }}_to_confirm, false) as is_{{ name }}_to_confirm,
        {% endfor %}
        needs.is_bought,
        needs.is_latest,
        needs.started_on,
        needs.period_start,
        needs.period_end
    from needs
    left join pivoted
        on
            needs.municipality_no = pivoted.municipality_no
            and needs.category_key = pivoted.category_key
            and needs.period_start = pivoted.period_start
            and needs.period_end = pivoted.period_end
    left join contracts
        on
            needs.municipality_no = contracts.municipality_no
            and needs.category_key = contracts.category_key
            and needs.period_start = contracts.period_start
            and needs.period_end = contracts.period_end
)

select * from final
