-- Which postings belong to which e-invoice, over all periods.
with

documents as (
    select * from {{ ref('int_ehf__documents') }}
    where normalised_invoice_no is not null
),

postings as (
    select
        *,
        coalesce(voucher_no, '') as voucher,
        concat_ws(
            '|', coalesce(supplier_org_no, ''), coalesce(supplier_ledger_code, ''),
            coalesce({{ normalised_name('supplier_name') }}, '')
        ) as supplier
    from {{ ref('int_ledger__postings') }}
    where normalised_invoice_no is not null
),

vouchers as (
    select
        municipality_no,
        supplier_org_no,
        normalised_invoice_no,
        voucher,
        coalesce(sum(net_amount_nok) filter (where not is_vat), 0) as net_amount_nok,
        min(invoice_date) as invoice_date
    from postings
    where supplier_org_no is not null
    group by municipality_no, supplier_org_no, normalised_invoice_no, voucher
),

-- (1) Same organisation number and invoice number. A supplier may use a number twice (an invoice
-- and its credit note, a new year): then each voucher goes to the document that it is nearest to in
-- amount, then in date.
vouchers_by_org_no as (
    select
        vouchers.municipality_no,
        vouchers.supplier_org_no,
        vouchers.normalised_invoice_no,
        vouchers.voucher,
        arg_min(
            documents.document_id,
            row(
                abs(vouchers.net_amount_nok - coalesce(documents.tax_exclusive_amount, 0)),
                abs(coalesce(date_diff('day', vouchers.invoice_date, documents.invoice_date), 0)),
                documents.document_id
            )
        ) as document_id
    from vouchers
    inner join documents
        on
            vouchers.municipality_no = documents.municipality_no
            and vouchers.supplier_org_no = documents.seller_org_no
            and vouchers.normalised_invoice_no = documents.normalised_invoice_no
    group by
        vouchers.municipality_no,
        vouchers.supplier_org_no,
        vouchers.normalised_invoice_no,
        vouchers.voucher
),

by_org_no as (
    select
        postings.municipality_no,
        postings.posting_id,
        vouchers_by_org_no.document_id
    from postings
    inner join vouchers_by_org_no
        on
            postings.municipality_no = vouchers_by_org_no.municipality_no
            and postings.supplier_org_no = vouchers_by_org_no.supplier_org_no
            and postings.normalised_invoice_no = vouchers_by_org_no.normalised_invoice_no
            and postings.voucher = vouchers_by_org_no.voucher
),

-- (2) Else same invoice number and net total, where exactly one supplier's postings and one
-- document have them.
remaining_documents as (
    select documents.*
    from documents
    left join by_org_no
        on
            documents.municipality_no = by_org_no.municipality_no
            and documents.document_id = by_org_no.document_id
    where by_org_no.document_id is null and documents.currency = 'NOK'
),

remaining_postings as (
    select postings.*
    from postings
    left join by_org_no
        on
            postings.municipality_no = by_org_no.municipality_no
            and postings.posting_id = by_org_no.posting_id
    where by_org_no.posting_id is null
),

remaining_totals as (
    select
        municipality_no,
        supplier,
        normalised_invoice_no,
        sum(net_amount_nok) filter (where not is_vat) as net_amount_nok
    from remaining_postings
    group by municipality_no, supplier, normalised_invoice_no
),

only_totals as (
    select
        municipality_no,
        normalised_invoice_no,
        net_amount_nok,
        min(supplier) as supplier
    from remaining_totals
    where net_amount_nok is not null
    group by municipality_no, normalised_invoice_no, net_amount_nok
    having count(*) = 1
),

only_documents as (
    select
        municipality_no,
        normalised_invoice_no,
        tax_exclusive_amount,
        min(document_id) as document_id
    from remaining_documents
    group by municipality_no, normalised_invoice_no, tax_exclusive_amount
    having count(*) = 1
),

by_amount as (
    select
        remaining_postings.municipality_no,
        remaining_postings.posting_id,
        only_documents.document_id
    from only_totals
    inner join only_documents
        on
            only_totals.municipality_no = only_documents.municipality_no
            and only_totals.normalised_invoice_no = only_documents.normalised_invoice_no
            and only_totals.net_amount_nok = only_documents.tax_exclusive_amount
    inner join remaining_postings
        on
            only_totals.municipality_no = remaining_postings.municipality_no
            and only_totals.normalised_invoice_no = remaining_postings.normalised_invoice_no
            and only_totals.supplier = remaining_postings.supplier
),

final as (
    select
        posting_id,
        document_id,
        municipality_no,
        'org_no_invoice_no' as match_method,
        cast({{ var('confidence_org_no') }} as decimal(3, 2)) as match_confidence
    from by_org_no

    union all

    select
        posting_id,
        document_id,
        municipality_no,
        'invoice_no_amount' as match_method,
        cast({{ var('confidence_invoice_no_amount') }} as decimal(3, 2)) as match_confidence
    from by_amount
)

select * from final
