-- What workshops were paid, and what each of them could have delivered, by municipality, workshop,
-- category and account class, each also over all, for every period.
with

lines as (
    select * from {{ ref('int_kpis__lines') }}
),

periods as (
    select * from {{ ref('int_kpis__periods') }}
),

paid as (
    select
        period_month,
        municipality_no,
        workshop_org_no,
        category_key,
        account_class,
        if(in_workshop_product, net_amount_nok, null) as product_nok,
        if(in_workshop_inclusion, net_amount_nok, null) as inclusion_nok,
        if(in_workshop_transfer, net_amount_nok, null) as transfer_nok
    from lines
    where in_workshop_product or in_workshop_inclusion or in_workshop_transfer
),

paid_monthly as (
    select
        period_month,
        if(grouping(municipality_no) = 1, 'all', municipality_no) as municipality_no,
        if(grouping(workshop_org_no) = 1, 'all', workshop_org_no) as workshop_org_no,
        if(grouping(category_key) = 1, 'all', category_key) as category_key,
        if(grouping(account_class) = 1, 'all', account_class) as account_class,
        sum(product_nok) as product_nok,
        sum(inclusion_nok) as inclusion_nok,
        sum(transfer_nok) as transfer_nok,
        count(product_nok) as product_lines,
        count(inclusion_nok) as inclusion_lines,
        count(transfer_nok) as transfer_lines
    from paid
    group by period_month, cube (municipality_no, workshop_org_no, category_key, account_class)
),

-- Once over the lines; many are reached by the same workshops.
reached as (
    select
        period_month,
        municipality_no,
        reached_by,
        category_key,
        account_class,
        sum(net_amount_nok) as net_amount_nok
    from lines
    where in_addressable
    group by period_month, municipality_no, reached_by, category_key, account_class
),

reachable as (
    select
        period_month,
        municipality_no,
        unnest(reached_by) as workshop_org_no,
        category_key,
        account_class,
        net_amount_nok
    from reached
),

reachable_monthly as (
    select
        period_month,
        if(grouping(municipality_no) = 1, 'all', municipality_no) as municipality_no,
        workshop_org_no,
        if(grouping(category_key) = 1, 'all', category_key) as category_key,
        if(grouping(account_class) = 1, 'all', account_class) as account_class,
        sum(net_amount_nok) as addressable_nok
    from reachable
    group by period_month, workshop_org_no, cube (municipality_no, category_key, account_class)
),

monthly as (
    select
        period_month,
        municipality_no,
        workshop_org_no,
        category_key,
        account_class,
        cast(null as decimal(38, 2)) as addressable_nok,
        product_nok,
        inclusion_nok,
        transfer_nok,
        product_lines,
        inclusion_lines,
        transfer_lines
    from paid_monthly

    union all

    select
        period_month,
        municipality_no,
        workshop_org_no,
        category_key,
        account_class,
        addressable_nok,
        null as product_nok,
        null as inclusion_nok,
        null as transfer_nok,
        0 as product_lines,
        0 as inclusion_lines,
        0 as transfer_lines
    from reachable_monthly
),

final as (
    select
        monthly.municipality_no,
        monthly.workshop_org_no,
        monthly.category_key,
        monthly.account_class,
        coalesce(sum(monthly.addressable_nok), 0) as addressable_nok,
        coalesce(sum(monthly.product_nok), 0) as product_nok,
        coalesce(sum(monthly.inclusion_nok), 0) as inclusion_nok,
        coalesce(sum(monthly.transfer_nok), 0) as transfer_nok,
        count(monthly.addressable_nok) > 0 as has_addressable,
        sum(monthly.product_lines) > 0 as has_product,
        sum(monthly.inclusion_lines) > 0 as has_inclusion,
        sum(monthly.transfer_lines) > 0 as has_transfer,
        periods.period_kind,
        min(periods.months_with_data) as months_with_data,
        min(periods.months_in_period) as months_in_period,
        periods.period_start,
        periods.period_end
    from monthly
    inner join periods on monthly.period_month = periods.period_month
    where monthly.account_class in ('operating', 'investment', 'all')
    group by
        monthly.municipality_no,
        monthly.workshop_org_no,
        monthly.category_key,
        monthly.account_class,
        periods.period_kind,
        periods.period_start,
        periods.period_end
)

select * from final
