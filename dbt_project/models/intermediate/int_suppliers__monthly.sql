-- What each payee sold for by month and category to one municipality: what concentration on
-- suppliers is reckoned from.
{{ config(materialized='incremental') }}

with

lines as (
    select * from {{ slice_of(ref('int_kpis__lines')) }}
    where in_procurement
),

final as (
    select
        municipality_no,
        period_month,
        category_key,
        payee_key,
        cast(sum(net_amount_nok) as decimal(18, 2)) as net_amount_nok
    from lines
    group by municipality_no, period_month, category_key, payee_key
)

select * from final
