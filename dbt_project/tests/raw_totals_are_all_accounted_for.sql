-- Every row that was read from a file, and every øre of it, is accepted or has the state that says
-- why not; what is accepted is all there is to the warehouse; and the books are with or without
-- e-invoice.
with

measures as (
    select
        *,
        regexp_extract(measure, '^(ledger|saft|ehf)_read_', 1) as read_from
    from {{ ref('fct_reconciliation') }}
),

-- Left and right of each identity: rows and øre are the same on both sides.
sides as (
    select
        'what was read: ' || read_from as identity,
        municipality_no,
        period_month,
        if(ends_with(measure, '_delivered'), row_count, -row_count) as row_count,
        if(ends_with(measure, '_delivered'), amount_nok, -amount_nok) as amount_nok
    from measures
    where read_from != ''

    union all

    select
        'accepted postings' as identity,
        municipality_no,
        period_month,
        if(read_from = '', -row_count, row_count) as row_count,
        if(read_from = '', -amount_nok, amount_nok) as amount_nok
    from measures
    where
        measure in (
            'ledger_read_accepted', 'saft_read_accepted', 'ledger_postings', 'saft_not_purchases',
            'saft_unclassified'
        )

    union all

    -- An e-invoice whose lines go beyond its total is no document more.
    select
        'accepted e-invoices' as identity,
        municipality_no,
        period_month,
        case measure
            when 'ehf_documents' then -row_count when 'ehf_read_accepted' then row_count else 0
        end as row_count,
        if(measure = 'ehf_documents', -amount_nok, amount_nok) as amount_nok
    from measures
    where measure in ('ehf_read_accepted', 'ehf_lines_beyond_total', 'ehf_documents')

    union all

    select
        'postings with and without e-invoice' as identity,
        municipality_no,
        period_month,
        if(measure = 'ledger_postings', row_count, -row_count) as row_count,
        if(measure = 'ledger_postings', amount_nok, -amount_nok) as amount_nok
    from measures
    where measure in ('ledger_postings', 'ledger_with_ehf', 'ledger_without_ehf')
)

select
    identity,
    municipality_no,
    period_month,
    sum(row_count) as rows_missing,
    sum(amount_nok) as nok_missing
from sides
group by identity, municipality_no, period_month
having rows_missing != 0 or nok_missing != 0
