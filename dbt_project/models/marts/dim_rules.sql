with

thresholds as (
    select * from {{ ref('thresholds') }}
),

final as (
    select
        rule_key,
        buyer_type,
        contract_type,
        consequence,
        confidence,
        source,
        amount_nok_ex_vat,
        contains(confidence, 'to confirm') as is_to_confirm,
        valid_from,
        valid_to
    from thresholds
    -- An undated row is a proposal that never held.
    where valid_from is not null
)

select * from final
