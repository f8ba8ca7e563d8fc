-- Every dated row of a rule, by table and key: limits of the law, and the registers whose holes
-- would change figures without a word.
with

thresholds as (
    select * from {{ ref('thresholds') }}
    -- An undated row is a proposal that never held.
    where valid_from is not null
),

unioned as (
    select
        'all' as municipality_no,
        'thresholds' as rule_table,
        rule_key || ' ' || contract_type as rule_key,
        true as is_needed_always,
        valid_from,
        valid_to
    from thresholds

    union all

    select
        municipality_no,
        'charts_of_accounts' as rule_table,
        local_account as rule_key,
        false as is_needed_always,
        valid_from,
        valid_to
    from {{ ref('stg_registers__charts_of_accounts') }}

    union all

    select
        municipality_no,
        'members' as rule_table,
        municipality_no as rule_key,
        false as is_needed_always,
        valid_from,
        valid_to
    from {{ ref('stg_registers__members') }}

    union all

    select
        'all' as municipality_no,
        'workshops' as rule_table,
        org_no as rule_key,
        false as is_needed_always,
        valid_from,
        valid_to
    from {{ ref('stg_registers__workshops') }}

    union all

    select
        owner_municipality_no as municipality_no,
        'workshop_owners' as rule_table,
        workshop_org_no as rule_key,
        false as is_needed_always,
        valid_from,
        valid_to
    from {{ ref('stg_registers__workshop_owners') }}
),

final as (
    select
        municipality_no,
        rule_table,
        rule_key,
        is_needed_always,
        row_number() over (
            partition by municipality_no, rule_table, rule_key
            order by valid_from, coalesce(valid_to, date '9999-12-31')
        ) as place,
        valid_from,
        coalesce(valid_to, date '9999-12-31') as valid_to
    from unioned
)

select * from final
