{#
    How concentrated what suppliers sold for is, from a relation with one row per municipality_no, category_key, period and
    payee_no: what they sold for, what the average krone's supplier sold for, the three largest, the tail of the smallest
    four in five. A supplier counts with its net sum where that is above zero. A square of a large supplier does not fit
    eighteen digits.
#}
{% macro concentration(by_supplier) -%}
    select
        municipality_no,
        category_key,
        sum(net_amount_nok) as supplied_nok,
        sum(cast(net_amount_nok as decimal(38, 2)) * net_amount_nok) / sum(net_amount_nok)
            as weighted_nok,
        sum(net_amount_nok) filter (where place <= 3) as top_3_nok,
        coalesce(sum(net_amount_nok) filter (where place > suppliers - floor(suppliers * 0.8)), 0)
            as tail_nok,
        period_start,
        period_end
    from (
        select
            *,
            row_number() over (
                partition by municipality_no, category_key, period_start, period_end
                order by net_amount_nok desc, payee_no asc
            ) as place,
            count(*) over (
                partition by municipality_no, category_key, period_start, period_end
            ) as suppliers
        from {{ by_supplier }}
    )
    group by municipality_no, category_key, period_start, period_end
{%- endmacro %}
