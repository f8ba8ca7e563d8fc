-- A posting and the one that takes it back sum to zero, in one month and one scope.
select
    municipality_no,
    reversal_key,
    count(*) as row_count,
    sum(net_amount_nok) as net_amount_nok
from {{ ref('fct_purchases') }}
where reversal_key is not null
group by municipality_no, reversal_key
having
    sum(net_amount_nok) != 0
    or count(distinct period_month) != 1
    or count(distinct posting_role) filter (where posting_role = 'reversal') != 1
