-- Closed by default: a figure is published when its measure is named here.
{%- set published = [
    'procurement_spend',
    'addressable_spend',
    'workshop_product_spend',
    'workshop_spend_ratio',
    'workshop_addressable_ratio',
    'workshop_inclusion_spend',
    'workshop_transfer',
    'over_total_income',
    'over_sales_income',
] %}

with

figures as (
    select * from {{ ref('fct_kpis') }}
),

kpis as (
    select * from {{ ref('dim_kpis') }}
),

final as (
    select
        figures.municipality_no as recipient_municipality_no,
        figures.kpi_key,
        figures.measure,
        kpis.label_no,
        figures.workshop_org_no,
        figures.category_key,
        figures.account_class,
        figures.period_start,
        figures.period_end,
        figures.numerator,
        figures.denominator,
        figures.value,
        figures.coverage,
        figures.state
    from figures
    inner join kpis on figures.kpi_key = kpis.kpi_key and figures.measure = kpis.measure
    where
        figures.municipality_no != 'all'
        and figures.measure in (
            {% for measure in published %}'{{ measure }}'{{ ',' if not loop.last }}
            {% endfor %}
        )
)

select * from final
