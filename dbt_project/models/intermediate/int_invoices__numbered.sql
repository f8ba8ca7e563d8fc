-- Which voucher belongs to which e-invoice by the invoice number that both state.
{{ config(materialized='incremental') }}

with

documents as (
    select * from {{ slice_of(ref('int_ehf__documents')) }}
    where normalised_invoice_no is not null
),

vouchers as (
    select * from {{ slice_of(ref('int_ledger__vouchers')) }}
    where normalised_invoice_no is not null
),

-- (1) Same organisation number and invoice number. A supplier may use a number twice (an invoice
-- and its credit note, a new year): then each voucher goes to the document that it is nearest to in
-- amount, then in date.
by_org_no as (
    select
        vouchers.municipality_no,
        vouchers.voucher_key,
        arg_min(
            documents.document_id,
            row(
                abs(
                    coalesce(vouchers.net_amount_nok, 0)
                    - coalesce(documents.tax_exclusive_amount, 0)
                ),
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
    group by vouchers.municipality_no, vouchers.voucher_key
),

remaining_documents as (
    select documents.*
    from documents
    left join by_org_no
        on
            documents.municipality_no = by_org_no.municipality_no
            and documents.document_id = by_org_no.document_id
    where by_org_no.document_id is null
),

remaining_vouchers as (
    select vouchers.*
    from vouchers
    left join by_org_no
        on
            vouchers.municipality_no = by_org_no.municipality_no
            and vouchers.voucher_key = by_org_no.voucher_key
    where by_org_no.voucher_key is null
),

-- One invoice may stand in several vouchers.
bills as (
    select
        municipality_no,
        bill_key,
        any_value(normalised_invoice_no) as normalised_invoice_no,
        any_value(normalised_supplier_name) as normalised_supplier_name,
        if(count(distinct currency) = 1, min(currency), null) as currency,
        sum(amount) as amount
    from remaining_vouchers
    group by municipality_no, bill_key
),

-- (2) Else same invoice number and total, with or without VAT, where exactly one supplier's
-- postings and one document have them.
pairs_by_amount as (
    select
        bills.municipality_no,
        bills.bill_key,
        documents.document_id,
        count(*) over (partition by bills.municipality_no, bills.bill_key) as documents_of_bill,
        count(*) over (partition by bills.municipality_no, documents.document_id)
            as bills_of_document
    from bills
    inner join remaining_documents as documents
        on
            bills.municipality_no = documents.municipality_no
            and bills.normalised_invoice_no = documents.normalised_invoice_no
            and bills.currency = documents.currency
            and (
                bills.amount = documents.tax_exclusive_amount
                or bills.amount = documents.tax_exclusive_amount + documents.tax_amount
            )
),

by_amount as (
    select * from pairs_by_amount
    where documents_of_bill = 1 and bills_of_document = 1
),

-- (3) Else same invoice number and name, where that is one supplier's postings and one document.
pairs_by_name as (
    select
        bills.municipality_no,
        bills.bill_key,
        documents.document_id,
        count(*) over (partition by bills.municipality_no, bills.bill_key) as documents_of_bill,
        count(*) over (partition by bills.municipality_no, documents.document_id)
            as bills_of_document
    from bills
    inner join remaining_documents as documents
        on
            bills.municipality_no = documents.municipality_no
            and bills.normalised_invoice_no = documents.normalised_invoice_no
            and bills.normalised_supplier_name = {{ normalised_name('documents.seller_name') }}
    left join by_amount as bill_by_amount
        on
            bills.municipality_no = bill_by_amount.municipality_no
            and bills.bill_key = bill_by_amount.bill_key
    left join by_amount as document_by_amount
        on
            documents.municipality_no = document_by_amount.municipality_no
            and documents.document_id = document_by_amount.document_id
    where bill_by_amount.bill_key is null and document_by_amount.document_id is null
),

by_bill as (
    select
        municipality_no,
        bill_key,
        document_id,
        'invoice_no_amount' as match_method
    from by_amount

    union all

    select
        municipality_no,
        bill_key,
        document_id,
        'invoice_no_name' as match_method
    from pairs_by_name
    where documents_of_bill = 1 and bills_of_document = 1
),

final as (
    select
        municipality_no,
        voucher_key,
        document_id,
        'org_no_invoice_no' as match_method
    from by_org_no

    union all

    select
        remaining_vouchers.municipality_no,
        remaining_vouchers.voucher_key,
        by_bill.document_id,
        by_bill.match_method
    from remaining_vouchers
    inner join by_bill
        on
            remaining_vouchers.municipality_no = by_bill.municipality_no
            and remaining_vouchers.bill_key = by_bill.bill_key
)

select * from final
