-- Every accepted e-invoice is matched, counted by itself or waiting to be posted; none is two of
-- these.
with

reconciliation as (
    select * from {{ ref('fct_reconciliation') }}
    where measure in ('ehf_documents', 'ehf_matched', 'ehf_as_spend', 'ehf_unposted')
)

select
    municipality_no,
    period_month,
    sum(if(measure = 'ehf_documents', row_count, -row_count)) as documents_missing,
    sum(if(measure = 'ehf_documents', amount_nok, -amount_nok)) as nok_missing
from reconciliation
group by municipality_no, period_month
having documents_missing != 0 or nok_missing != 0
