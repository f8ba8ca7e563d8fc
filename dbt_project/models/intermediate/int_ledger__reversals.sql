-- Postings that take an earlier one back (accruals and their reversals, corrections, credits
-- without a number), each with what it takes back. Both then count in the month of the earlier
-- one: they net to zero there, and nothing counts twice.
{{ config(materialized='incremental') }}

with

postings as (
    select
        municipality_no,
        posting_id,
        posting_role,
        fiscal_period,
        net_amount_nok,
        coalesce(invoice_date, posting_date, {{ first_day_of('fiscal_period') }}) as posting_day,
        row(
            coalesce(fiscal_period, ''), coalesce(posting_date, date '1900-01-01'), _delivery_id,
            _file_sha256, _row_no, posting_id
        ) as place,
        coalesce(supplier_org_no, supplier_ledger_code, normalised_supplier_name) is not null
            as has_supplier,
        {{ hash_of([
            'supplier_org_no', 'supplier_ledger_code', 'normalised_supplier_name', 'local_account',
            'kostra_function', 'cost_centre', 'project_code', 'abs(net_amount_nok)'
        ]) }} as pair_key
    from {{ slice_of(ref('int_ledger__postings')) }}
    where
        net_amount_nok != 0
        and (normalised_invoice_no is null or posting_role in ('accrual', 'reversal'))
),

-- (1) Where the texts say accrual and reversal, the first is taken back by the first, and so on.
numbered as (
    select
        *,
        row_number() over (
            partition by municipality_no, pair_key, net_amount_nok > 0 order by place
        ) as turn
    from postings
    where posting_role in ('accrual', 'reversal')
),

pairs_by_text as (
    select
        debits.municipality_no,
        debits.posting_id as debit_posting_id,
        credits.posting_id as credit_posting_id
    from numbered as debits
    inner join numbered as credits
        on
            debits.municipality_no = credits.municipality_no
            and debits.pair_key = credits.pair_key
            and debits.turn = credits.turn
    where debits.net_amount_nok > 0 and credits.net_amount_nok < 0
),

-- (2) Else a supplier's two opposite amounts in one place, where there are no others like them.
remaining as (
    select postings.*
    from postings
    left join pairs_by_text as as_debit
        on
            postings.municipality_no = as_debit.municipality_no
            and postings.posting_id = as_debit.debit_posting_id
    left join pairs_by_text as as_credit
        on
            postings.municipality_no = as_credit.municipality_no
            and postings.posting_id = as_credit.credit_posting_id
    where
        as_debit.debit_posting_id is null
        and as_credit.credit_posting_id is null
        and (postings.has_supplier or postings.posting_role is not null)
),

only_pairs as (
    select
        municipality_no,
        min(posting_id) filter (where net_amount_nok > 0) as debit_posting_id,
        min(posting_id) filter (where net_amount_nok < 0) as credit_posting_id
    from remaining
    group by municipality_no, pair_key
    having count(*) = 2 and sum(net_amount_nok) = 0
),

pairs as (
    select
        *,
        'posting_text' as reversal_method
    from pairs_by_text

    union all

    select
        *,
        'only_opposite' as reversal_method
    from only_pairs
),

ordered as (
    select
        pairs.municipality_no,
        pairs.reversal_method,
        if(debits.place <= credits.place, debits, credits) as earlier,
        if(debits.place <= credits.place, credits, debits) as later
    from pairs
    inner join postings as debits
        on
            pairs.municipality_no = debits.municipality_no
            and pairs.debit_posting_id = debits.posting_id
    inner join postings as credits
        on
            pairs.municipality_no = credits.municipality_no
            and pairs.credit_posting_id = credits.posting_id
),

final as (
    select
        later.posting_id,
        earlier.posting_id as reversed_posting_id,
        ordered.municipality_no,
        ordered.reversal_method,
        coalesce(earlier.posting_role, '') = 'accrual'
        or coalesce(later.posting_role, '') = 'accrual'
            as is_accrual,
        earlier.posting_day as reversed_day
    from ordered
    where
        date_diff(
            'month', {{ first_day_of('earlier.fiscal_period') }},
            {{ first_day_of('later.fiscal_period') }}
        ) <= {{ var('reversal_months') }}
)

select * from final
