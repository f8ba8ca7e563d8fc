-- Credit notes with the day of the invoice that they take back, where that invoice is known: they
-- count in its month, so that both net there.
{{ config(materialized='incremental') }}

with

documents as (
    select * from {{ slice_of(ref('int_ehf__documents')) }}
),

billing_references as (
    select
        municipality_no,
        document_id,
        {{ normalised_invoice_no('billed_invoice_no') }} as normalised_invoice_no,
        billed_invoice_date
    from {{ slice_of(ref('stg_ehf__billing_references')) }}
),

credit_notes as (
    select
        documents.municipality_no,
        documents.document_id,
        documents.seller_org_no,
        documents.invoice_date,
        billing_references.normalised_invoice_no,
        billing_references.billed_invoice_date
    from documents
    inner join billing_references
        on
            documents.municipality_no = billing_references.municipality_no
            and documents.document_id = billing_references.document_id
    where documents.is_credit_note and documents.seller_org_no is not null
),

-- What is known of invoices by seller and number: the e-invoice itself, else the books.
known as (
    select
        municipality_no,
        seller_org_no,
        normalised_invoice_no,
        invoice_date as known_day,
        'ehf' as known_from
    from documents
    where not is_credit_note and normalised_invoice_no is not null

    union all

    select
        municipality_no,
        supplier_org_no as seller_org_no,
        normalised_invoice_no,
        coalesce(invoice_date, voucher_date) as known_day,
        'books' as known_from
    from {{ slice_of(ref('int_ledger__vouchers')) }}
    where normalised_invoice_no is not null and amount > 0
),

-- Of several with one number the one of the stated date counts, then an e-invoice, then the latest
-- before the credit note.
found as (
    select
        credit_notes.municipality_no,
        credit_notes.document_id,
        credit_notes.normalised_invoice_no,
        arg_min(
            known.known_day,
            row(
                not ({{ is_same('known.known_day', 'credit_notes.billed_invoice_date') }}),
                known.known_from != 'ehf',
                date_diff('day', known.known_day, credit_notes.invoice_date)
            )
        ) as credited_day
    from credit_notes
    inner join known
        on
            credit_notes.municipality_no = known.municipality_no
            and credit_notes.seller_org_no = known.seller_org_no
            and credit_notes.normalised_invoice_no = known.normalised_invoice_no
            and credit_notes.invoice_date >= known.known_day
    group by
        credit_notes.municipality_no,
        credit_notes.document_id,
        credit_notes.normalised_invoice_no
),

stated as (
    select
        municipality_no,
        document_id,
        count(distinct normalised_invoice_no) as invoices
    from credit_notes
    group by municipality_no, document_id
),

final as (
    select
        found.document_id,
        found.municipality_no,
        max(found.credited_day) as credited_day
    from found
    inner join stated
        on
            found.municipality_no = stated.municipality_no
            and found.document_id = stated.document_id
    group by found.municipality_no, found.document_id, stated.invoices
    -- Of a credit note over several invoices all must be known, and of one month.
    having
        count(*) = stated.invoices
        and {{ month_of('min(found.credited_day)') }} = {{ month_of('max(found.credited_day)') }}
)

select * from final
