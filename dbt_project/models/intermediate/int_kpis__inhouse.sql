-- K16: the part of a workshop's turnover that its owners stand for, over the three latest whole
-- years, by every reading of what turnover is. An indicator, never a verdict.
with

periods as (
    select
        period_end,
        if(month(period_end) = 12, year(period_end), year(period_end) - 1) as last_year
    from {{ ref('int_needs__periods') }}
    where is_latest
),

workshops as (
    select * from {{ ref('stg_registers__workshops') }}
),

accounts as (
    select * from {{ ref('stg_registers__workshop_accounts') }}
    where account_kind = 'annual' and date_diff('day', valid_from, valid_to) between 360 and 370
),

owners as (
    select * from {{ ref('stg_registers__workshop_owners') }}
),

purchases as (
    select * from {{ ref('int_kpis__workshop_totals') }}
    where
        period_kind = 'year'
        and months_with_data = 12
        and municipality_no != 'all'
        and category_key = 'all'
        and account_class = 'all'
),

thresholds as (
    select * from {{ ref('thresholds') }}
    where rule_key = 'inhouse_activity'
),

-- Where the accounts do not say what the owners bought, a whole year of their purchases does.
owner_purchases as (
    select
        purchases.workshop_org_no,
        purchases.period_end,
        sum(purchases.product_nok + purchases.inclusion_nok) as bought_nok
    from purchases
    inner join owners
        on
            purchases.workshop_org_no = owners.workshop_org_no
            and purchases.municipality_no = owners.owner_municipality_no
            and {{ holds_on('owners', 'purchases.period_end') }}
    group by purchases.workshop_org_no, purchases.period_end
),

known as (
    select
        workshops.org_no as workshop_org_no,
        bool_and(
            coalesce(workshops.control_confirmed, false)
            and not coalesce(workshops.direct_private_capital, true)
            and workshops.document_reference is not null
        ) as is_documented,
        periods.last_year,
        periods.period_end
    from workshops
    inner join periods on {{ holds_on('workshops', 'periods.period_end') }}
    group by workshops.org_no, periods.last_year, periods.period_end
),

yearly as (
    select
        known.workshop_org_no,
        year(accounts.valid_to) as account_year,
        max(coalesce(accounts.owner_sales_nok, owner_purchases.bought_nok)) as owner_sales_nok,
        max(accounts.total_income_nok) as all_income_nok,
        max(accounts.total_income_nok - accounts.programme_income_nok)
            as without_programme_income_nok,
        max(accounts.sales_income_nok) as sales_nok
    from known
    inner join accounts
        on
            known.workshop_org_no = accounts.workshop_org_no
            and year(accounts.valid_to) between known.last_year - 2 and known.last_year
    left join owner_purchases
        on
            accounts.workshop_org_no = owner_purchases.workshop_org_no
            and accounts.valid_to = owner_purchases.period_end
    group by known.workshop_org_no, year(accounts.valid_to)
),

-- A year that lacks a number leaves the sum without one.
summed as (
    select
        workshop_org_no,
        if(count(owner_sales_nok) = 3, sum(owner_sales_nok), null) as owner_sales_nok,
        if(count(all_income_nok) = 3, sum(all_income_nok), null) as all_income_nok,
        if(count(without_programme_income_nok) = 3, sum(without_programme_income_nok), null)
            as without_programme_income_nok,
        if(count(sales_nok) = 3, sum(sales_nok), null) as sales_nok
    from yearly
    group by workshop_org_no
),

readings as (
    select
        known.workshop_org_no,
        known.is_documented,
        known.last_year,
        unnest([
            'inhouse_ratio_all_income',
            'inhouse_ratio_without_programme_income',
            'inhouse_ratio_of_sales'
        ]) as measure,
        summed.owner_sales_nok,
        unnest([
            summed.all_income_nok, summed.without_programme_income_nok, summed.sales_nok
        ]) as turnover_nok,
        thresholds.amount_nok_ex_vat / 100 as least_ratio
    from known
    left join summed on known.workshop_org_no = summed.workshop_org_no
    left join thresholds on {{ holds_on('thresholds', 'known.period_end') }}
),

judged as (
    select
        *,
        count(*) filter (where owner_sales_nok > least_ratio * turnover_nok) over workshop as met,
        count(*) filter (where turnover_nok > 0 and owner_sales_nok is not null) over workshop
            as readable
    from readings
    window workshop as (partition by workshop_org_no)
),

final as (
    select
        'K16' as kpi_key,
        measure,
        'all' as municipality_no,
        workshop_org_no,
        'all' as category_key,
        'all' as account_class,
        true as is_ratio,
        false as has_claim,
        case
            when not is_documented or readable < 3 then 'insufficient'
            when met = 3 then 'indicates_met'
            when met = 0 then 'indicates_not_met'
            else 'depends_on_reading'
        end as known_state,
        owner_sales_nok as numerator,
        turnover_nok as denominator,
        if(readable = 3, 1, null) as coverage,
        make_date(last_year - 2, 1, 1) as period_start,
        make_date(last_year, 12, 31) as period_end
    from judged
)

select * from final
