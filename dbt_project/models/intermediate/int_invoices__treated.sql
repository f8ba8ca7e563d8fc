-- How each e-invoice enters spend: through its lines, line by line with a posting, through its
-- postings, by itself because no ledger covers its month, or not at all until it is posted.
with

documents as (
    select * from {{ ref('int_ehf__documents') }}
),

document_rows as (
    select * from {{ ref('int_ehf__rows') }}
),

matches as (
    select * from {{ ref('int_invoices__matched') }}
),

net_postings as (
    select
        postings.*,
        matches.document_id
    from {{ ref('int_ledger__postings') }} as postings
    inner join matches
        on
            postings.municipality_no = matches.municipality_no
            and postings.posting_id = matches.posting_id
    where not postings.is_vat
),

matched_documents as (
    -- One row per posting in matches.
    select distinct
        municipality_no,
        document_id
    from matches
),

posted as (
    select
        municipality_no,
        document_id,
        count(*) as postings,
        count(distinct coalesce(local_account, '')) as accounts,
        count(distinct net_amount_nok) as distinct_amounts,
        bool_and(net_amount_nok is not null) as is_nok,
        arg_min(
            posting_id, row(-abs(coalesce(net_amount_nok, 0)), _delivery_id, _row_no, posting_id)
        ) as main_posting_id
    from net_postings
    group by municipality_no, document_id
),

invoiced as (
    select
        municipality_no,
        document_id,
        count(distinct amount) as distinct_amounts
    from document_rows
    group by municipality_no, document_id
),

-- Lines and postings that share an amount within an invoice.
paired as (
    select
        net_postings.municipality_no,
        net_postings.document_id,
        count(distinct net_postings.net_amount_nok) as shared_amounts
    from net_postings
    inner join document_rows
        on
            net_postings.municipality_no = document_rows.municipality_no
            and net_postings.document_id = document_rows.document_id
            and net_postings.net_amount_nok = document_rows.amount
    group by net_postings.municipality_no, net_postings.document_id
),

final as (
    select
        documents.document_id,
        documents.municipality_no,
        posted.main_posting_id,
        case
            when matched_documents.document_id is null and documents.has_ledger_month
                then 'unposted'
            when matched_documents.document_id is null
                then 'ehf'
            -- (1) only VAT was posted, or an amount is not in NOK: the books alone say how much
            when posted.document_id is null or documents.currency != 'NOK' or not posted.is_nok
                then 'postings'
            when posted.accounts = 1
                then 'lines'
            when
                documents.allowance_charges = 0
                and documents.lines = posted.postings
                and invoiced.distinct_amounts = documents.lines
                and posted.distinct_amounts = posted.postings
                and paired.shared_amounts = posted.postings
                then 'pairs'
            else 'postings'
        end as treatment,
        coalesce(posted.postings, 0) as postings
    from documents
    left join matched_documents
        on
            documents.municipality_no = matched_documents.municipality_no
            and documents.document_id = matched_documents.document_id
    left join posted
        on
            documents.municipality_no = posted.municipality_no
            and documents.document_id = posted.document_id
    left join invoiced
        on
            documents.municipality_no = invoiced.municipality_no
            and documents.document_id = invoiced.document_id
    left join paired
        on
            documents.municipality_no = paired.municipality_no
            and documents.document_id = paired.document_id
)

select * from final
