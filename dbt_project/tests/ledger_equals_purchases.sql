-- Every øre of an accepted ledger is in purchases, per municipality and fiscal month.
with

reconciliation as (
    select * from {{ ref('fct_reconciliation') }}
)

select
    municipality_no,
    period_month,
    sum(amount_nok) filter (where measure = 'ledger_postings') as posted_nok,
    sum(amount_nok) filter (where measure = 'purchases_from_postings') as purchased_nok
from reconciliation
where measure in ('ledger_postings', 'purchases_from_postings')
group by municipality_no, period_month
having posted_nok is distinct from purchased_nok
