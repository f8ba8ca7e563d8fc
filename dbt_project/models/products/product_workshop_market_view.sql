with

capabilities as (
    select * from {{ ref('bridge_workshop_capabilities') }}
    where is_declared
),

categories as (
    select * from {{ ref('dim_categories') }}
    where kind = 'product'
),

purchases as (
    select
        *,
        cast(substr(period_month, 1, 4) as integer) as year
    from {{ ref('fct_purchases') }}
),

limits as (
    select * from {{ ref('dim_rules') }}
    where rule_key = 'law_entry'
),

covered_years as (
    select
        year,
        last_day(cast(max(period_month) || '-01' as date)) as last_day_covered
    from purchases
    where year is not null
    group by year
),

-- A workshop's market: what it declares, in any part of the year that has data.
cells as (
    -- Several capability rows in time can name one cell.
    select distinct
        capabilities.workshop_org_no,
        capabilities.municipality_no,
        capabilities.category_key,
        categories.parent_key,
        covered_years.year,
        covered_years.last_day_covered
    from capabilities
    inner join categories on capabilities.category_key = categories.category_key
    inner join covered_years
        on
            capabilities.valid_from <= covered_years.last_day_covered
            and coalesce(capabilities.valid_to, date '9999-12-31')
            >= make_date(covered_years.year, 1, 1)
),

payees as (
    select
        municipality_no,
        category_key,
        year,
        payee_key,
        sum(net_amount_nok) as net_nok,
        sum(abs(net_amount_nok)) as magnitude_nok
    from purchases
    where
        scope in ('core', 'core_service_replacement')
        and payee_kind not in ('natural_person', 'unknown')
        and not is_internal
        and net_amount_nok is not null
    group by municipality_no, category_key, year, payee_key
),

contributions as (
    select
        cells.workshop_org_no,
        cells.municipality_no,
        cells.category_key,
        cells.year,
        payees.payee_key,
        payees.net_nok,
        payees.magnitude_nok,
        payees.payee_key = cells.workshop_org_no as is_own
    from cells
    inner join payees
        on
            cells.municipality_no = payees.municipality_no
            and cells.category_key = payees.category_key
            and cells.year = payees.year
),

sums as (
    select
        workshop_org_no,
        municipality_no,
        category_key,
        year,
        sum(net_nok) as addressable_nok,
        sum(net_nok) filter (where is_own) as own_nok,
        sum(net_nok) filter (where not is_own) as other_nok,
        -- Candidates decide: owner groups, consents and earlier releases are the recipient's.
        string_agg(
            payee_key || '|' || cast(net_nok as varchar) || '|' || cast(magnitude_nok as varchar),
            ';' order by payee_key
        ) as contributions
    from contributions
    group by workshop_org_no, municipality_no, category_key, year
),

final as (
    select
        cells.workshop_org_no as recipient_org_no,
        cells.year,
        cells.municipality_no,
        cells.category_key as spend_category,
        coalesce(cells.parent_key, '') as category_group,
        coalesce(sums.contributions, '') as contributions,
        cast(coalesce(sums.addressable_nok, 0) as decimal(18, 2)) as addressable_nok,
        cast(coalesce(sums.own_nok, 0) as decimal(18, 2)) as own_nok,
        cast(coalesce(sums.other_nok, 0) as decimal(18, 2)) as other_nok,
        limits.amount_nok_ex_vat as law_entry_nok,
        limits.confidence as law_entry_rule_confidence
    from cells
    left join sums
        on
            cells.workshop_org_no = sums.workshop_org_no
            and cells.municipality_no = sums.municipality_no
            and cells.category_key = sums.category_key
            and cells.year = sums.year
    left join limits on {{ holds_on('limits', 'cells.last_day_covered') }}
)

select * from final
