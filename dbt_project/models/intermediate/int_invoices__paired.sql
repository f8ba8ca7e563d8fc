-- Lines of a group of e-invoices that pair off one to one with its postings by amount, without or
-- with VAT; the pairs are complete only where both counts say so (int_invoices__treated).
{{ config(materialized='incremental') }}

with

groups as (
    select * from {{ slice_of(ref('int_invoices__grouped')) }}
),

matches as (
    select * from {{ slice_of(ref('int_invoices__matched')) }}
),

net_postings as (
    select
        postings.municipality_no,
        postings.posting_id,
        postings.net_amount_nok,
        matches.document_id as group_id
    from {{ slice_of(ref('int_ledger__postings')) }} as postings
    inner join matches
        on
            postings.municipality_no = matches.municipality_no
            and postings.posting_id = matches.posting_id
    where not postings.is_vat
),

document_rows as (
    select
        document_rows.municipality_no,
        document_rows.document_id,
        document_rows.row_kind,
        document_rows._row_no,
        document_rows.amount,
        coalesce(document_rows.vat_amount, 0) as vat_amount,
        groups.group_id
    from {{ slice_of(ref('int_ehf__rows')) }} as document_rows
    inner join groups
        on
            document_rows.municipality_no = groups.municipality_no
            and document_rows.document_id = groups.document_id
),

candidates as (
    select
        net_postings.municipality_no,
        net_postings.group_id,
        net_postings.posting_id,
        document_rows.document_id,
        document_rows.row_kind,
        document_rows._row_no,
        net_postings.net_amount_nok != document_rows.amount as is_gross
    from net_postings
    inner join document_rows
        on
            net_postings.municipality_no = document_rows.municipality_no
            and net_postings.group_id = document_rows.group_id
            and (
                net_postings.net_amount_nok = document_rows.amount
                or net_postings.net_amount_nok = document_rows.amount + document_rows.vat_amount
            )
),

-- An amount without VAT comes before one with VAT.
nearest as (
    select * from candidates
    qualify
        is_gross = min(is_gross) over (partition by municipality_no, posting_id)
        and is_gross
        = min(is_gross) over (partition by municipality_no, document_id, row_kind, _row_no)
),

counted as (
    select
        *,
        count(*) over (partition by municipality_no, posting_id) as rows_of_posting,
        count(*) over (partition by municipality_no, document_id, row_kind, _row_no)
            as postings_of_row
    from nearest
),

final as (
    select
        posting_id,
        municipality_no,
        group_id,
        document_id,
        row_kind,
        _row_no,
        is_gross
    from counted
    where rows_of_posting = 1 and postings_of_row = 1
)

select * from final
