-- Which postings belong to which e-invoice, over all periods. A posting that stands for several
-- e-invoices has the first of them, which leads their group (int_invoices__grouped).
{{ config(materialized='incremental') }}

with

vouchers as (
    select * from {{ slice_of(ref('int_invoices__numbered')) }}
    union all
    select * from {{ slice_of(ref('int_invoices__inferred')) }}
),

groups as (
    select
        municipality_no,
        voucher_key,
        min(document_id) as document_id,
        any_value(match_method) as match_method,
        count(*) as documents
    from vouchers
    group by municipality_no, voucher_key
),

final as (
    select
        postings.posting_id,
        groups.document_id,
        groups.municipality_no,
        groups.match_method,
        groups.documents,
        cast(
            case groups.match_method
                when 'org_no_invoice_no' then {{ var('confidence_org_no') }}
                when 'invoice_no_amount' then {{ var('confidence_invoice_no_amount') }}
                when 'invoice_nos_sum' then {{ var('confidence_invoice_no_amount') }}
                when 'invoice_no_name' then {{ var('confidence_invoice_no_name') }}
                when 'reference_amount' then {{ var('confidence_reference_amount') }}
                else {{ var('confidence_amount_date') }}
            end as decimal(3, 2)
        ) as match_confidence
    from groups
    inner join {{ slice_of(ref('int_ledger__postings')) }} as postings
        on
            groups.municipality_no = postings.municipality_no
            and groups.voucher_key = postings.voucher_key
)

select * from final
