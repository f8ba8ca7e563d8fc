with

accounts as (
    select * from {{ ref('int_accounts__dated') }}
),

final as (
    select
        municipality_no,
        local_account,
        local_account_text,
        account_class,
        kostra_art,
        category_key,
        scope,
        valid_from,
        valid_to,
        scope_from,
        scope_to
    from accounts
)

select * from final
