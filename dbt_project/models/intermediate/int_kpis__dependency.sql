-- K14: a workshop's sales to its buyers over its own income, for calendar years and twelve months.
with

totals as (
    select * from {{ ref('int_kpis__workshop_totals') }}
    where
        period_kind in ('year', 'twelve_months')
        and workshop_org_no != 'all'
        and has_product
),

workshops as (
    select * from {{ ref('stg_registers__workshops') }}
),

periods as (
    select * from {{ ref('int_kpis__periods') }}
),

accounts as (
    select * from {{ ref('stg_registers__workshop_accounts') }}
),

claims as (
    select * from {{ ref('stg_registers__claims') }}
    where kpi_key = 'K14'
),

-- A workshop that sold nothing depends on nobody: a zero, not a gap.
grid as (
    -- A period has one row per month.
    select distinct
        'all' as municipality_no,
        workshops.org_no as workshop_org_no,
        'all' as category_key,
        'all' as account_class,
        cast(0 as decimal(38, 2)) as product_nok,
        periods.months_with_data,
        periods.months_in_period,
        periods.period_start,
        periods.period_end
    from workshops
    inner join periods
        on
            periods.period_kind in ('year', 'twelve_months')
            and workshops.valid_from <= periods.period_end
            and coalesce(workshops.valid_to, date '9999-12-31') >= periods.period_start

    union all

    select
        municipality_no,
        workshop_org_no,
        category_key,
        account_class,
        product_nok,
        months_with_data,
        months_in_period,
        period_start,
        period_end
    from totals
),

sales as (
    select
        municipality_no,
        workshop_org_no,
        category_key,
        account_class,
        sum(product_nok) as product_nok,
        -- Each row holds its period's own counts.
        min(months_with_data) / min(months_in_period) as coverage,
        period_start,
        period_end
    from grid
    group by
        municipality_no,
        workshop_org_no,
        category_key,
        account_class,
        period_start,
        period_end
),

income as (
    select
        workshop_org_no,
        valid_from as period_start,
        valid_to as period_end,
        unnest(['over_total_income', 'over_sales_income']) as measure,
        unnest([total_income_nok, sales_income_nok]) as income_nok
    from accounts
    -- Where both lie for one period, the annual accounts are the audited ones.
    qualify
        row_number() over (
            partition by workshop_org_no, valid_from, valid_to order by account_kind asc
        ) = 1
),

measures as (
    select unnest(['over_total_income', 'over_sales_income']) as measure
),

claimed as (
    -- Several claims can be about one workshop.
    select distinct workshop_org_no
    from claims
    where workshop_org_no is not null
),

final as (
    select
        'K14' as kpi_key,
        measures.measure,
        sales.municipality_no,
        sales.workshop_org_no,
        sales.category_key,
        sales.account_class,
        true as is_ratio,
        claimed.workshop_org_no is not null as has_claim,
        cast(null as varchar) as known_state,
        sales.product_nok as numerator,
        income.income_nok as denominator,
        sales.coverage,
        sales.period_start,
        sales.period_end
    from sales
    cross join measures
    left join income
        on
            sales.workshop_org_no = income.workshop_org_no
            and sales.period_start = income.period_start
            and sales.period_end = income.period_end
            and measures.measure = income.measure
    left join claimed on sales.workshop_org_no = claimed.workshop_org_no
)

select * from final
