-- A view: what is asked of it is one figure's lines, and the tables below it hold them already.
{{ config(materialized='view') }}

with

parts as (
    select * from {{ ref('kpi_parts') }}
),

lines as (
    select * from {{ ref('fct_kpi_lines') }}
),

purchases as (
    select * from {{ ref('fct_purchases') }}
),

lines_by_set as (
    {% for line_set in line_sets() %}
        select
            '{{ line_set }}' as line_set,
            purchase_line_id,
            municipality_no,
            reached_by,
            spend_date
        from lines
        where in_{{ line_set }}
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
),

final as (
    select
        parts.kpi_key,
        parts.measure,
        parts.part,
        parts.quantity,
        parts.narrowed_by,
        lines_by_set.municipality_no,
        lines_by_set.purchase_line_id,
        purchases.invoice_id,
        if(
            purchases.payee_kind in ('legal_entity', 'public_body'), purchases.org_no, null
        ) as org_no,
        if(
            purchases.payee_kind in ('legal_entity', 'public_body'), purchases.payee_name, null
        ) as payee_name,
        purchases.payee_kind,
        purchases.workshop_org_no,
        purchases.voucher_no,
        purchases.invoice_no,
        purchases.local_account,
        purchases.category_key,
        purchases.account_class,
        purchases.scope,
        purchases.period_month,
        lines_by_set.reached_by,
        purchases.net_amount_nok,
        lines_by_set.spend_date,
        purchases._source,
        purchases._delivery_id,
        purchases._file_sha256,
        purchases._row_no,
        purchases._xpath,
        purchases._posting_delivery_id,
        purchases._posting_file_sha256,
        purchases._posting_row_no,
        purchases._posting_xpath
    from parts
    inner join lines_by_set on parts.line_set = lines_by_set.line_set
    inner join purchases
        on
            lines_by_set.municipality_no = purchases.municipality_no
            and lines_by_set.purchase_line_id = purchases.purchase_line_id
)

select * from final
