-- K15 and K17: how much a workshop leans on few buyers, and how its owners use it.
with

totals as (
    select * from {{ ref('int_kpis__workshop_totals') }}
    where
        period_kind in ('year', 'twelve_months')
        and municipality_no != 'all'
        and workshop_org_no != 'all'
        and category_key = 'all'
        and account_class = 'all'
        and has_product
),

accounts as (
    select * from {{ ref('stg_registers__workshop_accounts') }}
    -- Where both lie for one period, the annual accounts are the audited ones.
    qualify
        row_number() over (
            partition by workshop_org_no, valid_from, valid_to order by account_kind asc
        ) = 1
),

owners as (
    select * from {{ ref('stg_registers__workshop_owners') }}
),

periods as (
    select * from {{ ref('int_kpis__periods') }}
),

dates as (
    -- A period has one row per month.
    select distinct
        months_with_data / months_in_period as coverage,
        period_start,
        period_end
    from periods
    where period_kind = 'twelve_months'
),

sales as (
    select
        workshop_org_no,
        -- The square of a large customer does not fit eighteen digits.
        sum(cast(product_nok as decimal(38, 2)) * product_nok) as squared_nok,
        max(product_nok) as largest_nok,
        sum(product_nok) as sold_nok,
        min(months_with_data) / min(months_in_period) as coverage,
        period_start,
        period_end
    from totals
    where product_nok > 0
    group by workshop_org_no, period_start, period_end
),

-- Sales to others are one sum: each of these customers is taken to be small.
compared as (
    select
        sales.*,
        accounts.outside_sales_nok,
        sales.sold_nok + coalesce(accounts.outside_sales_nok, 0) as all_sold_nok
    from sales
    left join accounts
        on
            sales.workshop_org_no = accounts.workshop_org_no
            and sales.period_start = accounts.valid_from
            and sales.period_end = accounts.valid_to
),

owned as (
    select
        owners.workshop_org_no,
        owners.owner_municipality_no,
        owners.ownership_fraction,
        coalesce(totals.product_nok, 0) as bought_nok,
        dates.coverage,
        dates.period_start,
        dates.period_end
    from owners
    inner join dates on {{ holds_on('owners', 'dates.period_end') }}
    left join totals
        on
            owners.workshop_org_no = totals.workshop_org_no
            and owners.owner_municipality_no = totals.municipality_no
            and dates.period_start = totals.period_start
            and dates.period_end = totals.period_end
),

cells as (
    select
        'K15' as kpi_key,
        unnest(['customer_hhi', 'top_customer_ratio']) as measure,
        'all' as municipality_no,
        workshop_org_no,
        if(outside_sales_nok is null, 'low_coverage', null) as known_state,
        unnest([squared_nok / all_sold_nok, largest_nok]) as numerator,
        all_sold_nok as denominator,
        coverage,
        period_start,
        period_end
    from compared

    union all

    select
        'K17' as kpi_key,
        'owner_utilisation' as measure,
        'all' as municipality_no,
        workshop_org_no,
        null as known_state,
        count(*) filter (where bought_nok > 0) as numerator,
        count(*) as denominator,
        min(coverage) as coverage,
        period_start,
        period_end
    from owned
    group by workshop_org_no, period_start, period_end

    union all

    select
        'K17' as kpi_key,
        'sales_per_ownership' as measure,
        owner_municipality_no as municipality_no,
        workshop_org_no,
        null as known_state,
        bought_nok as numerator,
        ownership_fraction as denominator,
        coverage,
        period_start,
        period_end
    from owned
),

final as (
    select
        kpi_key,
        measure,
        municipality_no,
        workshop_org_no,
        'all' as category_key,
        'all' as account_class,
        true as is_ratio,
        false as has_claim,
        known_state,
        numerator,
        denominator,
        coverage,
        period_start,
        period_end
    from cells
)

select * from final
