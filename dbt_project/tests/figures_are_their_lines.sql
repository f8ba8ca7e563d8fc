-- Every number over all categories and account classes that kpi_parts declares to be the sum of
-- purchase lines, or a count of lines or of invoices, is that, to the øre and to the line: what a
-- figure is made of and what it is traced by are the same lines. One workshop's and one category's
-- are held by our tests.
with

figures as (
    select
        kpi_key,
        measure,
        municipality_no,
        unnest(['numerator', 'denominator']) as part,
        unnest([numerator, denominator]) as stated,
        period_start,
        period_end
    from {{ ref('fct_kpis') }}
    where workshop_org_no = 'all' and category_key = 'all' and account_class = 'all'
),

-- An invoice has lines of these sets in one month only, so months can be summed. A set of invoices
-- that is not named here comes to no invoices, and its figures differ.
{% set invoice_sets = ['invoice', 'einvoice', 'einvoice_with_contract', 'small_invoice'] %}

invoiced as (
    select
        {% for line_set in invoice_sets %}
            bool_or(lines.in_{{ line_set }}) as in_{{ line_set }},
        {% endfor %}
        lines.municipality_no,
        lines.period_month,
        purchases.invoice_id
    from {{ ref('fct_kpi_lines') }} as lines
    inner join {{ ref('fct_purchases') }} as purchases
        on
            lines.municipality_no = purchases.municipality_no
            and lines.purchase_line_id = purchases.purchase_line_id
    where lines.in_invoice
    group by lines.municipality_no, lines.period_month, purchases.invoice_id
),

monthly as (
    {% for line_set in line_sets() %}
        select
            '{{ line_set }}' as line_set,
            unnest(['net_amount_nok', 'lines']) as quantity,
            if(grouping(municipality_no) = 1, 'all', municipality_no) as municipality_no,
            cast(period_month || '-01' as date) as month_start,
            unnest([sum(net_amount_nok), count(*)]) as found
        from {{ ref('fct_kpi_lines') }}
        where in_{{ line_set }}
        group by period_month, cube (municipality_no)
        union all
    {% endfor %}
    {% for line_set in invoice_sets %}
        select
            '{{ line_set }}' as line_set,
            'invoices' as quantity,
            if(grouping(municipality_no) = 1, 'all', municipality_no) as municipality_no,
            cast(period_month || '-01' as date) as month_start,
            count(*) as found
        from invoiced
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
        any_value(figures.stated) as stated,
        coalesce(sum(monthly.found), 0) as found
    from figures
    inner join {{ ref('kpi_parts') }} as parts
        on
            figures.kpi_key = parts.kpi_key
            and figures.measure = parts.measure
            and figures.part = parts.part
            and parts.quantity in ('net_amount_nok', 'lines', 'invoices')
    left join monthly
        on
            parts.line_set = monthly.line_set
            and parts.quantity = monthly.quantity
            and figures.municipality_no = monthly.municipality_no
            and monthly.month_start between figures.period_start and figures.period_end
    where figures.stated is not null
    group by
        figures.kpi_key,
        figures.measure,
        figures.part,
        figures.municipality_no,
        figures.period_start,
        figures.period_end
)

select * from final
where stated != found
