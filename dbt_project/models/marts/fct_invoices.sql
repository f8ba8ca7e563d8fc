{{ config(materialized='incremental') }}

with

documents as (
    select * from {{ slice_of(ref('int_ehf__documents')) }}
),

treatments as (
    select * from {{ slice_of(ref('int_invoices__treated')) }}
),

matches as (
    select * from {{ slice_of(ref('int_invoices__matched')) }}
),

methods as (
    select
        municipality_no,
        document_id,
        min(match_method) as match_method,
        min(match_confidence) as match_confidence
    from matches
    group by municipality_no, document_id
),

credited as (
    select * from {{ slice_of(ref('int_ehf__credited')) }}
),

final as (
    select
        documents.document_id as invoice_id,
        documents.municipality_no,
        documents.seller_org_no,
        documents.document_type,
        documents.invoice_no,
        documents.contract_reference,
        documents.order_reference,
        documents.billed_invoice_no,
        documents.currency,
        treatments.group_id,
        treatments.treatment,
        methods.match_method,
        methods.match_confidence,
        documents.lines,
        treatments.postings,
        documents.tax_exclusive_amount,
        documents.tax_amount,
        documents.payable_amount,
        documents.content_amount,
        if(treatments.documents_of_group = 1, treatments.included_vat_amount, null)
            as included_vat_amount,
        documents.is_credit_note,
        documents.has_ledger_month,
        documents.invoice_date,
        credited.credited_day,
        documents.due_date,
        documents._delivery_id,
        documents._file_sha256,
        documents._xpath
    from documents
    inner join treatments
        on
            documents.municipality_no = treatments.municipality_no
            and documents.document_id = treatments.document_id
    left join methods
        on
            treatments.municipality_no = methods.municipality_no
            and treatments.group_id = methods.document_id
    left join credited
        on
            documents.municipality_no = credited.municipality_no
            and documents.document_id = credited.document_id
)

select * from final
