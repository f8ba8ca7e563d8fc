with

accounts as (
    select * from {{ ref('stg_registers__workshop_accounts') }}
),

final as (
    select
        workshop_org_no,
        account_kind,
        source as turnover_source,
        total_income_nok,
        sales_income_nok,
        programme_income_nok,
        owner_sales_nok,
        valid_from as period_start,
        valid_to as period_end
    from accounts
    -- Without an end there is no period to compare with.
    where valid_to is not null
)

select * from final
