with

figures as (
    select * from {{ ref('fct_kpis') }}
    where
        kpi_key = 'K14'
        and measure = 'over_total_income'
        and category_key = 'all'
        and account_class = 'all'
),

accounts as (
    select * from {{ ref('fct_workshop_accounts') }}
    qualify
        row_number() over (
            partition by workshop_org_no, period_start, period_end order by account_kind asc
        ) = 1
),

final as (
    select
        figures.workshop_org_no as recipient_org_no,
        figures.period_start,
        figures.period_end,
        figures.municipality_no,
        figures.numerator as sales_nok,
        figures.denominator as total_income_nok,
        figures.value as dependency_ratio,
        figures.state,
        accounts.turnover_source
    from figures
    left join accounts
        on
            figures.workshop_org_no = accounts.workshop_org_no
            and figures.period_start = accounts.period_start
            and figures.period_end = accounts.period_end
)

select * from final
