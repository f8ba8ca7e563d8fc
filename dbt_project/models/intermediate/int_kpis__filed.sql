-- K29: the ledger against what was filed as KOSTRA accounts, by series of arts (1xx to 4xx: what is
-- bought and transferred). How much is known is how many of the year's months are in the ledger.
with

years as (
    select
        municipality_no,
        account_class,
        year(period_start) as fiscal_year,
        period_start,
        period_end
    from {{ ref('int_kpis__municipality_totals') }}
    where period_kind = 'year' and account_class in ('operating', 'investment')
),

filed_accounts as (
    select * from {{ ref('stg_registers__filed_accounts') }}
),

postings as (
    select * from {{ ref('int_ledger__postings') }}
),

filed as (
    select
        municipality_no,
        account_class,
        year(valid_from) as fiscal_year,
        substr(kostra_art, 1, 1) as art_series,
        sum(amount_nok) as filed_nok
    from filed_accounts
    where substr(kostra_art, 1, 1) between '1' and '4'
    group by municipality_no, account_class, fiscal_year, art_series
),

posted as (
    select
        municipality_no,
        account_class,
        cast(substr(fiscal_period, 1, 4) as integer) as fiscal_year,
        substr(kostra_art, 1, 1) as art_series,
        sum(net_amount_nok) as posted_nok
    from postings
    where substr(kostra_art, 1, 1) between '1' and '4'
    group by municipality_no, account_class, fiscal_year, art_series
),

-- Periods above twelve are postings at the year's end.
months as (
    select
        municipality_no,
        cast(substr(fiscal_period, 1, 4) as integer) as fiscal_year,
        count(distinct fiscal_period) as months_posted
    from postings
    where substr(fiscal_period, 6, 2) between '01' and '12'
    group by municipality_no, fiscal_year
),

-- What is booked on a series that nothing was filed on is a difference too, where the year's
-- accounts were filed at all.
gaps as (
    select
        coalesce(filed.municipality_no, posted.municipality_no) as municipality_no,
        coalesce(filed.account_class, posted.account_class) as account_class,
        coalesce(filed.fiscal_year, posted.fiscal_year) as fiscal_year,
        sum(abs(coalesce(posted.posted_nok, 0) - coalesce(filed.filed_nok, 0))) as gap_nok,
        sum(filed.filed_nok) as filed_nok
    from filed
    full join posted
        on
            filed.municipality_no = posted.municipality_no
            and filed.account_class = posted.account_class
            and filed.fiscal_year = posted.fiscal_year
            and filed.art_series = posted.art_series
    group by
        coalesce(filed.municipality_no, posted.municipality_no),
        coalesce(filed.account_class, posted.account_class),
        coalesce(filed.fiscal_year, posted.fiscal_year)
    having count(filed.filed_nok) > 0
),

final as (
    select
        'K29' as kpi_key,
        'reconciliation_gap' as measure,
        years.municipality_no,
        'all' as workshop_org_no,
        'all' as category_key,
        years.account_class,
        true as is_ratio,
        false as has_claim,
        cast(null as varchar) as known_state,
        gaps.gap_nok as numerator,
        gaps.filed_nok as denominator,
        coalesce(months.months_posted, 0) / 12 as coverage,
        years.period_start,
        years.period_end
    from years
    left join gaps
        on
            years.municipality_no = gaps.municipality_no
            and years.account_class = gaps.account_class
            and years.fiscal_year = gaps.fiscal_year
    left join months
        on
            years.municipality_no = months.municipality_no
            and years.fiscal_year = months.fiscal_year
)

select * from final
