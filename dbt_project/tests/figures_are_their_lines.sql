-- Every number over all categories and account classes that kpi_parts declares a sum of purchase
-- lines is that sum, to the øre: what a figure is made of and what it is traced by are the same
-- lines. One workshop's and one category's are held by our tests.
with

figures as (
    select
        kpi_key,
        measure,
        municipality_no,
        unnest(['numerator', 'denominator']) as part,
        unnest([numerator, denominator]) as stated_nok,
        period_start,
        period_end
    from {{ ref('fct_kpis') }}
    where workshop_org_no = 'all' and category_key = 'all' and account_class = 'all'
),

monthly as (
    {% for line_set in line_sets() %}
        select
            '{{ line_set }}' as line_set,
            if(grouping(municipality_no) = 1, 'all', municipality_no) as municipality_no,
            cast(period_month || '-01' as date) as month_start,
            sum(net_amount_nok) as net_amount_nok
        from {{ ref('fct_kpi_lines') }}
        where in_{{ line_set }}
        group by period_month, cube (municipality_no)
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
),

final as (
    select
        figures.kpi_key,
        figures.measure,
        figures.part,
        figures.municipality_no,
        figures.period_start,
        figures.period_end,
        any_value(figures.stated_nok) as stated_nok,
        coalesce(sum(monthly.net_amount_nok), 0) as lines_nok
    from figures
    inner join {{ ref('kpi_parts') }} as parts
        on
            figures.kpi_key = parts.kpi_key
            and figures.measure = parts.measure
            and figures.part = parts.part
            and parts.quantity = 'net_amount_nok'
    left join monthly
        on
            parts.line_set = monthly.line_set
            and figures.municipality_no = monthly.municipality_no
            and monthly.month_start between figures.period_start and figures.period_end
    where figures.stated_nok is not null
    group by
        figures.kpi_key,
        figures.measure,
        figures.part,
        figures.municipality_no,
        figures.period_start,
        figures.period_end
)

select * from final
where stated_nok != lines_nok
