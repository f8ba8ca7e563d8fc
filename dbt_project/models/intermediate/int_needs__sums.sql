-- What each member bought of each need in twelve months, whoever was paid. A need is a product
-- category. Open orders are in no source; the sum is of what was invoiced or booked.
with

lines as (
    select * from {{ ref('int_kpis__lines') }}
    where in_procurement_any_payee
),

periods as (
    select * from {{ ref('int_needs__periods') }}
),

categories as (
    select * from {{ ref('workshop_categories') }}
    where kind = 'product'
),

monthly as (
    select
        municipality_no,
        period_month,
        sum(abs(net_amount_nok)) as all_nok,
        sum(abs(net_amount_nok)) filter (where in_classified) as classified_nok
    from lines
    group by municipality_no, period_month
),

monthly_needs as (
    select
        municipality_no,
        category_key,
        period_month,
        payee_key,
        sum(net_amount_nok) as net_nok,
        min(spend_date) as first_spend_date
    from lines
    where category_key in (select category_key from categories)
    group by municipality_no, category_key, period_month, payee_key
),

months as (
    select distinct period_month
    from monthly
),

-- Which months a period has, so that sums of months are met by equal keys.
period_months as (
    select
        months.period_month,
        periods.is_latest,
        periods.period_start,
        periods.period_end
    from periods
    inner join months
        on
            months.period_month
            between {{ month_of('periods.period_start') }} and {{ month_of('periods.period_end') }}
),

members as (
    select
        monthly.municipality_no,
        count(*) as months_with_data,
        sum(monthly.classified_nok) as classified_nok,
        sum(monthly.all_nok) as all_nok,
        period_months.is_latest,
        period_months.period_start,
        period_months.period_end
    from monthly
    inner join period_months on monthly.period_month = period_months.period_month
    group by
        monthly.municipality_no,
        period_months.is_latest,
        period_months.period_start,
        period_months.period_end
),

needs as (
    select
        monthly_needs.municipality_no,
        monthly_needs.category_key,
        sum(monthly_needs.net_nok) as bought_nok,
        count(distinct monthly_needs.payee_key) as suppliers,
        min(monthly_needs.first_spend_date) as started_on,
        period_months.period_start,
        period_months.period_end
    from monthly_needs
    inner join period_months on monthly_needs.period_month = period_months.period_month
    group by
        monthly_needs.municipality_no,
        monthly_needs.category_key,
        period_months.period_start,
        period_months.period_end
),

final as (
    select
        members.municipality_no,
        categories.category_key,
        if(categories.is_cpv_special_service = 'Y', 'special_services', 'goods_services')
            as contract_type,
        coalesce(needs.bought_nok, 0) as bought_nok,
        coalesce(needs.suppliers, 0) as suppliers,
        members.months_with_data,
        members.classified_nok,
        members.all_nok,
        needs.municipality_no is not null as is_bought,
        members.is_latest,
        needs.started_on,
        members.period_start,
        members.period_end
    from members
    cross join categories
    left join needs
        on
            members.municipality_no = needs.municipality_no
            and categories.category_key = needs.category_key
            and members.period_start = needs.period_start
            and members.period_end = needs.period_end
)

select * from final
