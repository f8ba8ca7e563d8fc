-- Suppliers in members' ledgers whose number is missing or wrong and whose number is known from
-- elsewhere: what the owner of the ledger is asked to mend.
with

quality as (
    select * from {{ ref('int_suppliers__quality') }}
),

registered as (
    select * from {{ ref('int_suppliers__registered') }}
),

final as (
    select
        quality.municipality_no,
        quality.ledger_code,
        quality.name_in_ledger,
        quality.org_no_in_ledger,
        quality.matched_org_no,
        registered.known_name as matched_name,
        quality.match_method,
        quality.issue,
        quality.match_confidence,
        quality.lines,
        quality.net_amount_nok,
        quality.first_spend_date,
        quality.last_spend_date
    from quality
    inner join registered on quality.matched_org_no = registered.org_no
)

select * from final
