-- Sums of the sets by municipality, month, category and account class: what totals of longer
-- periods and of all are summed from.
{{ config(materialized='incremental') }}

with

lines as (
    select * from {{ slice_of(ref('int_kpis__lines')) }}
),

final as (
    select
        municipality_no,
        period_month,
        category_key,
        account_class,
        sum(net_amount_nok) filter (where in_procurement) as procurement_nok,
        sum(abs(net_amount_nok)) filter (where in_procurement)
            as procurement_identified_nok,
        sum(abs(net_amount_nok)) filter (where is_procurement) as procurement_all_nok,
        sum(net_amount_nok) filter (where in_addressable) as addressable_nok,
        sum(abs(net_amount_nok)) filter (where in_addressable)
            as addressable_identified_nok,
        sum(abs(net_amount_nok)) filter (where is_addressable) as addressable_all_nok,
        sum(abs(net_amount_nok)) filter (where is_product and is_identified)
            as product_identified_nok,
        sum(abs(net_amount_nok)) filter (where is_product) as product_all_nok,
        sum(abs(net_amount_nok)) filter (where (is_procurement or is_transfer) and is_identified)
            as paid_identified_nok,
        sum(abs(net_amount_nok)) filter (where is_procurement or is_transfer) as paid_all_nok
    from lines
    group by municipality_no, period_month, category_key, account_class
)

select * from final
