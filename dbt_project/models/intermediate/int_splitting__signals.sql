-- Questions about splitting, never findings, for the latest twelve months: several invoices of one
-- supplier for one need just below the limit within 90 days; or a supplier outside every contract
-- that is paid the limit or more. The limit is the one in force on the first invoice's day; whether
-- the one of the last day of the twelve months would still ask is said beside it.
with

periods as (
    select * from {{ ref('int_needs__periods') }}
    where is_latest
),

lines as (
    select * from {{ ref('int_kpis__lines') }}
    where in_procurement_any_payee
),

categories as (
    select * from {{ ref('workshop_categories') }}
),

limits as (
    select * from {{ ref('int_limits__dated') }}
    where rule_key = 'law_entry'
),

invoices as (
    select
        lines.municipality_no,
        lines.payee_key,
        lines.category_key,
        lines.invoice_id,
        min(lines.spend_date) as invoiced_on,
        sum(lines.net_amount_nok) as net_nok,
        coalesce(
            sum(lines.net_amount_nok) filter (where not lines.in_contract_supplier), 0
        ) as off_contract_nok,
        periods.period_start,
        periods.period_end
    from lines
    inner join periods
        on lines.spend_date between periods.period_start and periods.period_end
    where lines.category_key != 'unclassified'
    group by
        lines.municipality_no,
        lines.payee_key,
        lines.category_key,
        lines.invoice_id,
        periods.period_start,
        periods.period_end
),

limited as (
    select
        invoices.*,
        limits.limit_nok,
        end_limits.limit_nok as limit_at_end_nok
    from invoices
    left join categories on invoices.category_key = categories.category_key
    inner join limits
        on
            invoices.municipality_no = limits.municipality_no
            and limits.contract_type
            = if(categories.is_cpv_special_service = 'Y', 'special_services', 'goods_services')
            and {{ holds_on('limits', 'invoices.invoiced_on') }}
    left join limits as end_limits
        on
            limits.municipality_no = end_limits.municipality_no
            and limits.contract_type = end_limits.contract_type
            and {{ holds_on('end_limits', 'invoices.period_end') }}
),

-- Each invoice as the first of 90 days, by the limit of its own day.
runs as (
    select
        firsts.municipality_no,
        firsts.payee_key,
        firsts.category_key,
        firsts.invoice_id as first_invoice_id,
        firsts.limit_nok,
        firsts.limit_at_end_nok,
        firsts.invoiced_on as first_invoiced_on,
        max(others.invoiced_on) as last_invoiced_on,
        count(*) as invoices,
        sum(others.net_nok) as net_nok,
        firsts.period_start,
        firsts.period_end
    from limited as firsts
    inner join limited as others
        on
            firsts.municipality_no = others.municipality_no
            and firsts.payee_key = others.payee_key
            and firsts.category_key = others.category_key
            and others.invoiced_on between firsts.invoiced_on and firsts.invoiced_on + 89
    where
        firsts.net_nok >= 0.8 * firsts.limit_nok
        and firsts.net_nok < firsts.limit_nok
        and others.net_nok >= 0.8 * firsts.limit_nok
        and others.net_nok < firsts.limit_nok
    group by
        firsts.municipality_no,
        firsts.payee_key,
        firsts.category_key,
        firsts.invoice_id,
        firsts.limit_nok,
        firsts.limit_at_end_nok,
        firsts.invoiced_on,
        firsts.period_start,
        firsts.period_end
    having count(*) >= 3 and sum(others.net_nok) >= firsts.limit_nok
),

-- One question a supplier and need: the 90 days with the most invoices, the earliest of several.
near_limit as (
    select * from runs
    qualify
        row_number() over (
            partition by municipality_no, payee_key, category_key
            order by invoices desc, first_invoiced_on asc, first_invoice_id asc
        ) = 1
),

paid as (
    select
        municipality_no,
        payee_key,
        category_key,
        arg_min(limit_nok, row(invoiced_on, invoice_id)) as limit_nok,
        any_value(limit_at_end_nok) as limit_at_end_nok,
        min(invoiced_on) as first_invoiced_on,
        max(invoiced_on) as last_invoiced_on,
        count(*) filter (where off_contract_nok != 0) as invoices,
        sum(off_contract_nok) as net_nok,
        period_start,
        period_end
    from limited
    group by municipality_no, payee_key, category_key, period_start, period_end
),

final as (
    select
        municipality_no,
        payee_key,
        category_key,
        'invoices_below_limit' as signal,
        invoices,
        net_nok,
        limit_nok,
        limit_at_end_nok,
        coalesce(net_nok >= limit_at_end_nok, true) as is_above_limit_at_end,
        first_invoiced_on,
        last_invoiced_on,
        period_start,
        period_end
    from near_limit

    union all

    select
        municipality_no,
        payee_key,
        category_key,
        'off_contract_above_limit' as signal,
        invoices,
        net_nok,
        limit_nok,
        limit_at_end_nok,
        coalesce(net_nok >= limit_at_end_nok, true) as is_above_limit_at_end,
        first_invoiced_on,
        last_invoiced_on,
        period_start,
        period_end
    from paid
    where net_nok >= limit_nok
)

select * from final
