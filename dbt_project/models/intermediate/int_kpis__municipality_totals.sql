-- Sums and counts over all categories, by municipality and account class, each also over all, for
-- every period. Invoices are counted over all account classes only.
{%- set line_sets = [
    'procurement',
    'procurement_any_payee',
    'registered_payee',
    'reserved_contract',
    'local_municipality',
    'local_consortium',
    'local_county',
    'classified',
] %}

with

lines as (
    select * from {{ ref('int_kpis__lines') }}
),

periods as (
    select * from {{ ref('int_kpis__periods') }}
),

-- Once over the lines; what is over all is summed from these few rows.
monthly_cells as (
    select
        period_month,
        municipality_no,
        account_class,
        {% for line_set in line_sets %}
            sum(net_amount_nok) filter (where in_{{ line_set }}) as {{ line_set }}_nok,
        {% endfor %}
        sum(abs(net_amount_nok)) filter (where in_procurement) as procurement_identified_nok,
        sum(abs(net_amount_nok)) filter (where is_procurement) as procurement_all_nok,
        sum(abs(net_amount_nok)) filter (
            where in_procurement and payee_municipality_no is not null
        ) as located_identified_nok,
        count(*) filter (where in_procurement_any_payee) as procurement_any_payee_lines,
        count(*) filter (where in_registered_payee) as registered_payee_lines
    from lines
    group by period_month, municipality_no, account_class
),

monthly_amounts as (
    select
        period_month,
        if(grouping(municipality_no) = 1, 'all', municipality_no) as municipality_no,
        if(grouping(account_class) = 1, 'all', account_class) as account_class,
        {% for line_set in line_sets %}
            sum({{ line_set }}_nok) as {{ line_set }}_nok,
        {% endfor %}
        sum(procurement_identified_nok) as procurement_identified_nok,
        sum(procurement_all_nok) as procurement_all_nok,
        sum(located_identified_nok) as located_identified_nok,
        sum(procurement_any_payee_lines) as procurement_any_payee_lines,
        sum(registered_payee_lines) as registered_payee_lines
    from monthly_cells
    group by period_month, cube (municipality_no, account_class)
),

invoices as (
    select
        period_month,
        municipality_no,
        invoice_id,
        bool_or(in_einvoice) as in_einvoice,
        bool_or(in_einvoice_with_contract) as in_einvoice_with_contract,
        bool_or(in_small_invoice) as in_small_invoice
    from lines
    where in_invoice
    group by period_month, municipality_no, invoice_id
),

monthly_invoices as (
    select
        period_month,
        if(grouping(municipality_no) = 1, 'all', municipality_no) as municipality_no,
        'all' as account_class,
        count(*) as invoices,
        count(*) filter (where in_einvoice) as einvoices,
        count(*) filter (where in_einvoice_with_contract) as einvoices_with_contract,
        count(*) filter (where in_small_invoice) as small_invoices
    from invoices
    group by period_month, cube (municipality_no)
),

final as (
    select
        monthly_amounts.municipality_no,
        monthly_amounts.account_class,
        {% for line_set in line_sets %}
            coalesce(sum(monthly_amounts.{{ line_set }}_nok), 0) as {{ line_set }}_nok,
        {% endfor %}
        coalesce(sum(monthly_amounts.procurement_identified_nok), 0) as procurement_identified_nok,
        coalesce(sum(monthly_amounts.procurement_all_nok), 0) as procurement_all_nok,
        coalesce(sum(monthly_amounts.located_identified_nok), 0) as located_identified_nok,
        sum(monthly_amounts.procurement_any_payee_lines) as procurement_any_payee_lines,
        sum(monthly_amounts.registered_payee_lines) as registered_payee_lines,
        coalesce(sum(monthly_invoices.invoices), 0) as invoices,
        coalesce(sum(monthly_invoices.einvoices), 0) as einvoices,
        coalesce(sum(monthly_invoices.einvoices_with_contract), 0) as einvoices_with_contract,
        coalesce(sum(monthly_invoices.small_invoices), 0) as small_invoices,
        periods.period_kind,
        periods.period_start,
        periods.period_end
    from monthly_amounts
    inner join periods on monthly_amounts.period_month = periods.period_month
    left join monthly_invoices
        on
            monthly_amounts.period_month = monthly_invoices.period_month
            and monthly_amounts.municipality_no = monthly_invoices.municipality_no
            and monthly_amounts.account_class = monthly_invoices.account_class
    where monthly_amounts.account_class in ('operating', 'investment', 'all')
    group by
        monthly_amounts.municipality_no,
        monthly_amounts.account_class,
        periods.period_kind,
        periods.period_start,
        periods.period_end
)

select * from final
