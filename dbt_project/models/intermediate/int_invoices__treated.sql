-- How each e-invoice enters spend: through its lines, line by line with a posting, through its
-- postings, by itself because no ledger covers its month, or not at all until it is posted. What
-- one voucher was booked for is treated as one.
{{ config(materialized='incremental') }}

with

documents as (
    select
        documents.*,
        groups.group_id
    from {{ slice_of(ref('int_ehf__documents')) }} as documents
    inner join {{ slice_of(ref('int_invoices__grouped')) }} as groups
        on
            documents.municipality_no = groups.municipality_no
            and documents.document_id = groups.document_id
),

invoiced as (
    select
        municipality_no,
        group_id,
        count(*) as documents,
        sum(lines) as lines,
        sum(allowance_charges) as allowance_charges,
        sum(content_amount) as content_amount,
        sum(coalesce(tax_amount, 0)) as tax_amount,
        if(
            count(distinct vat_rate) = 1 and count(vat_rate) = count(*), min(vat_rate), null
        ) as vat_rate,
        bool_and(currency = 'NOK') as is_nok
    from documents
    group by municipality_no, group_id
),

matches as (
    select * from {{ slice_of(ref('int_invoices__matched')) }}
),

matched_postings as (
    select
        postings.*,
        matches.document_id as group_id
    from {{ slice_of(ref('int_ledger__postings')) }} as postings
    inner join matches
        on
            postings.municipality_no = matches.municipality_no
            and postings.posting_id = matches.posting_id
),

posted as (
    select
        municipality_no,
        group_id,
        count(*) filter (where not is_vat) as postings,
        count(distinct coalesce(local_account, '')) filter (where not is_vat) as accounts,
        bool_and(is_vat or net_amount_nok is not null) as is_nok,
        coalesce(sum(net_amount_nok) filter (where not is_vat), 0) as net_amount,
        coalesce(sum(net_amount_nok) filter (where is_vat), 0) as vat_amount,
        arg_min(
            posting_id, row(-abs(coalesce(net_amount_nok, 0)), _delivery_id, _row_no, posting_id)
        ) filter (where not is_vat) as main_posting_id
    from matched_postings
    group by municipality_no, group_id
),

paired as (
    select
        municipality_no,
        group_id,
        count(*) as pairs
    from {{ slice_of(ref('int_invoices__paired')) }}
    group by municipality_no, group_id
),

-- VAT that was booked as cost, not as compensable: what the postings hold beyond the lines is just
-- the VAT that is booked nowhere else.
joined as (
    select
        invoiced.*,
        posted.group_id is not null as is_matched,
        coalesce(posted.postings, 0) as postings,
        posted.accounts,
        posted.is_nok as is_posted_in_nok,
        posted.main_posting_id,
        coalesce(paired.pairs, 0) as pairs,
        invoiced.tax_amount - posted.vat_amount as unposted_tax,
        posted.net_amount - invoiced.content_amount as beyond_lines
    from invoiced
    left join posted
        on
            invoiced.municipality_no = posted.municipality_no
            and invoiced.group_id = posted.group_id
    left join paired
        on
            invoiced.municipality_no = paired.municipality_no
            and invoiced.group_id = paired.group_id
),

final as (
    select
        documents.document_id,
        documents.municipality_no,
        documents.group_id,
        joined.main_posting_id,
        case
            when not joined.is_matched and documents.has_ledger_month
                then 'unposted'
            when not joined.is_matched
                then 'ehf'
            -- (1) only VAT was posted, or an amount is not in NOK: the books alone say how much
            when joined.postings = 0 or not joined.is_nok or not joined.is_posted_in_nok
                then 'postings'
            when joined.accounts = 1
                then 'lines'
            when
                joined.allowance_charges = 0
                and joined.lines = joined.postings
                and joined.pairs = joined.postings
                then 'pairs'
            else 'postings'
        end as treatment,
        joined.documents as documents_of_group,
        joined.postings,
        joined.content_amount as group_amount,
        cast(
            case
                when
                    joined.is_nok
                    and abs(joined.unposted_tax) > 1
                    and abs(joined.beyond_lines - joined.unposted_tax) <= 1
                    then joined.unposted_tax
                else 0
            end as decimal(18, 2)
        ) as included_vat_amount,
        joined.tax_amount as group_tax_amount,
        joined.vat_rate as group_vat_rate
    from documents
    inner join joined
        on
            documents.municipality_no = joined.municipality_no
            and documents.group_id = joined.group_id
)

select * from final
