{{ config(materialized='incremental') }}

with

documents as (
    select
        *,
        {{ normalised_org_no('stated_seller_org_no') }} as seller_org_no
    from {{ slice_of(ref('stg_ehf__invoices')) }}
),

document_rows as (
    select * from {{ slice_of(ref('int_ehf__rows')) }}
),

delivery_periods as (
    select * from {{ slice_of(ref('stg_landing__delivery_periods')) }}
),

ledger_months as (
    -- Several deliveries, or ledger and SAF-T, can cover one month.
    select distinct
        municipality_no,
        {{ month_of(first_day_of('fiscal_period')) }} as ledger_month
    from delivery_periods
    where source in ('ledger', 'saft') and state = 'accepted'
),

contents as (
    select
        municipality_no,
        document_id,
        sum(amount) as content_amount,
        count(*) filter (where row_kind = 'line') as lines,
        count(*) filter (where row_kind = 'allowance_charge') as allowance_charges,
        -- One rate over the whole invoice, if it is one.
        if(
            count(distinct vat_rate) = 1 and count(vat_rate) = count(*), min(vat_rate), null
        ) as vat_rate
    from document_rows
    group by municipality_no, document_id
),

final as (
    select
        documents.document_id,
        documents.municipality_no,
        documents.seller_org_no,
        documents.document_type,
        documents.invoice_no,
        {{ normalised_invoice_no('documents.invoice_no') }} as normalised_invoice_no,
        documents.seller_name,
        documents.seller_country,
        documents.currency,
        documents.order_reference,
        documents.contract_reference,
        documents.billed_invoice_no,
        documents.document_no,
        coalesce(contents.lines, 0) as lines,
        coalesce(contents.allowance_charges, 0) as allowance_charges,
        documents.tax_exclusive_amount,
        documents.tax_amount,
        documents.payable_amount,
        contents.vat_rate,
        cast(coalesce(contents.content_amount, 0) as decimal(18, 2)) as content_amount,
        {{ is_valid_org_no('documents.seller_org_no') }} as is_org_no_valid,
        documents.is_credit_note,
        ledger_months.ledger_month is not null as has_ledger_month,
        documents.invoice_date,
        documents.due_date,
        documents._delivery_id,
        documents._file_sha256,
        documents._xpath
    from documents
    left join contents
        on
            documents.municipality_no = contents.municipality_no
            and documents.document_id = contents.document_id
    left join ledger_months
        on
            documents.municipality_no = ledger_months.municipality_no
            and {{ month_of('documents.invoice_date') }} = ledger_months.ledger_month
)

select * from final
