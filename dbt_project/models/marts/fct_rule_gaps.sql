-- RC10: rule rows that are missing or overlap on days that figures use. In a finished warehouse
-- there are none: the build stops.
with

faults as (
    select * from {{ ref('int_rules__faults') }}
),

met_days as (
    -- A day has many lines.
    select distinct spend_date
    from {{ ref('int_purchases__classified') }}
),

-- As a rule nothing was bought on a day that a rule is at fault for, and no more is read.
faulty_days as (
    select distinct met_days.spend_date
    from met_days
    inner join faults on met_days.spend_date between faults.first_day and faults.last_day
),

procured as (
    select
        lines.municipality_no,
        lines.purchase_line_id
    from {{ ref('int_kpis__lines') }} as lines
    inner join faulty_days on lines.spend_date = faulty_days.spend_date
    where lines.in_procurement
),

purchases as (
    select
        purchases.municipality_no,
        purchases.org_no,
        purchases.workshop_org_no,
        procured.purchase_line_id is not null as is_procurement,
        coalesce(categories.is_cpv_special_service = 'Y', false) as is_special_service,
        purchases.spend_date
    from {{ ref('int_purchases__classified') }} as purchases
    inner join faulty_days on purchases.spend_date = faulty_days.spend_date
    left join procured
        on
            purchases.municipality_no = procured.municipality_no
            and purchases.purchase_line_id = procured.purchase_line_id
    left join {{ ref('workshop_categories') }} as categories
        on purchases.category_key = categories.category_key
    -- A day that contradicts its own fiscal period is a slip of the pen, no day that a rule is
    -- read for.
    where
        purchases.fiscal_period is null
        or abs(
            date_diff('month', {{ first_day_of('purchases.fiscal_period') }}, purchases.spend_date)
        ) <= {{ var('months_from_fiscal_period') }}
),

-- A day has many lines.
procurement_days as (
    select
        spend_date,
        is_special_service,
        count(*) as row_count
    from purchases
    where is_procurement
    group by spend_date, is_special_service
),

-- Which rule is read for what.
used as (
    select
        faults.*,
        procurement_days.row_count,
        procurement_days.spend_date as day_in_use
    from faults
    inner join procurement_days
        on
            procurement_days.spend_date between faults.first_day and faults.last_day
            and (
                faults.rule_key in (
                    'law_entry any', 'national_notice goods_services', 'eea goods_services'
                )
                or (
                    procurement_days.is_special_service
                    and faults.rule_key in (
                        'national_notice special_services', 'eea special_services'
                    )
                )
            )
    where faults.rule_table = 'thresholds'

    union all

    select
        faults.*,
        1 as row_count,
        purchases.spend_date as day_in_use
    from faults
    inner join purchases
        on
            faults.municipality_no = purchases.municipality_no
            and purchases.spend_date between faults.first_day and faults.last_day
    where faults.rule_table = 'members'

    union all

    select
        faults.*,
        1 as row_count,
        purchases.spend_date as day_in_use
    from faults
    inner join purchases
        on
            faults.rule_key = purchases.org_no
            and purchases.spend_date between faults.first_day and faults.last_day
    where faults.rule_table = 'workshops'

    union all

    select
        faults.*,
        1 as row_count,
        purchases.spend_date as day_in_use
    from faults
    inner join purchases
        on
            faults.rule_key = purchases.workshop_org_no
            and faults.municipality_no = purchases.municipality_no
            and purchases.spend_date between faults.first_day and faults.last_day
    where faults.rule_table = 'workshop_owners'

    union all

    select
        faults.*,
        1 as row_count,
        postings.account_date as day_in_use
    from faults
    inner join {{ ref('int_ledger__postings') }} as postings
        on
            faults.municipality_no = postings.municipality_no
            and faults.rule_key = postings.local_account
            and postings.account_date between faults.first_day and faults.last_day
    where faults.rule_table = 'charts_of_accounts'
),

final as (
    select
        municipality_no,
        rule_table,
        rule_key,
        problem,
        if(
            rule_table = 'thresholds', 'dbt_project/seeds/thresholds.csv',
            'registers/' || rule_table || '.csv'
        ) as stands_in,
        cast(sum(row_count) as bigint) as row_count,
        first_day,
        last_day,
        min(day_in_use) as first_day_in_use,
        max(day_in_use) as last_day_in_use
    from used
    group by municipality_no, rule_table, rule_key, problem, first_day, last_day
)

select * from final
