-- Every e-invoice with the document that leads its group: itself, or the first of those that one
-- voucher was booked for.
{{ config(materialized='incremental') }}

with

documents as (
    select * from {{ slice_of(ref('int_ehf__documents')) }}
),

inferred as (
    select
        municipality_no,
        document_id,
        min(document_id) over (partition by municipality_no, voucher_key) as group_id
    from {{ slice_of(ref('int_invoices__inferred')) }}
),

final as (
    select
        documents.document_id,
        documents.municipality_no,
        coalesce(inferred.group_id, documents.document_id) as group_id
    from documents
    left join inferred
        on
            documents.municipality_no = inferred.municipality_no
            and documents.document_id = inferred.document_id
)

select * from final
