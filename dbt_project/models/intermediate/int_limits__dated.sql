-- The limits that bind each member on each day: the law's, or its own where that is lower. A day
-- that the law has no row for has none.
with

members as (
    -- A member can have several rows in time.
    select distinct municipality_no
    from {{ ref('stg_registers__members') }}
),

thresholds as (
    select * from {{ ref('thresholds') }}
    where
        rule_key in ('law_entry', 'national_notice', 'eea')
        and buyer_type in ('any', 'municipality')
        and valid_from is not null
),

local_limits as (
    select * from {{ ref('stg_registers__local_limits') }}
),

contract_types as (
    select unnest(['goods_services', 'special_services']) as contract_type
),

laws as (
    select
        members.municipality_no,
        thresholds.rule_key,
        contract_types.contract_type,
        thresholds.amount_nok_ex_vat as law_nok,
        thresholds.source as law_source,
        contains(thresholds.confidence, 'to confirm') as is_to_confirm,
        thresholds.valid_from,
        thresholds.valid_to
    from members
    cross join thresholds
    inner join contract_types
        on thresholds.contract_type in ('any', contract_types.contract_type)
),

locals as (
    select
        local_limits.municipality_no,
        local_limits.limit_key as rule_key,
        contract_types.contract_type,
        local_limits.amount_nok as local_nok,
        local_limits.source as local_source,
        local_limits.valid_from,
        local_limits.valid_to
    from local_limits
    cross join contract_types
),

turns as (
    select
        municipality_no,
        rule_key,
        contract_type,
        valid_from as turns_on
    from laws
    union
    select
        municipality_no,
        rule_key,
        contract_type,
        valid_to + 1 as turns_on
    from laws
    union
    select
        municipality_no,
        rule_key,
        contract_type,
        valid_from as turns_on
    from locals
    union
    select
        municipality_no,
        rule_key,
        contract_type,
        valid_to + 1 as turns_on
    from locals
),

spans as (
    select
        municipality_no,
        rule_key,
        contract_type,
        turns_on as valid_from,
        lead(turns_on) over (
            partition by municipality_no, rule_key, contract_type order by turns_on
        ) - 1 as valid_to
    from turns
    where turns_on is not null
),

final as (
    select
        spans.municipality_no,
        spans.rule_key,
        spans.contract_type,
        laws.law_source,
        locals.local_source,
        -- An absent one does not count.
        least(laws.law_nok, locals.local_nok) as limit_nok,
        laws.law_nok,
        locals.local_nok,
        laws.is_to_confirm,
        spans.valid_from,
        spans.valid_to
    from spans
    inner join laws
        on
            spans.municipality_no = laws.municipality_no
            and spans.rule_key = laws.rule_key
            and spans.contract_type = laws.contract_type
            and {{ holds_on('laws', 'spans.valid_from') }}
    left join locals
        on
            spans.municipality_no = locals.municipality_no
            and spans.rule_key = locals.rule_key
            and spans.contract_type = locals.contract_type
            and {{ holds_on('locals', 'spans.valid_from') }}
)

select * from final
