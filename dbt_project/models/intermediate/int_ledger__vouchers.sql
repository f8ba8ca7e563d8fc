-- A supplier's postings of one invoice number in one voucher, as one: what matching compares with
-- e-invoices.
{{ config(materialized='incremental') }}

with

postings as (
    select * from {{ slice_of(ref('int_ledger__postings')) }}
),

reversals as (
    select * from {{ slice_of(ref('int_ledger__reversals')) }}
),

reversed_postings as (
    select
        municipality_no,
        posting_id
    from reversals

    union

    select
        municipality_no,
        reversed_posting_id as posting_id
    from reversals
),

final as (
    select
        postings.voucher_key,
        postings.municipality_no,
        any_value(postings.supplier_org_no) as supplier_org_no,
        any_value(postings.normalised_supplier_name) as normalised_supplier_name,
        {{ hash_of([
            'postings.municipality_no', 'any_value(postings.supplier_org_no)',
            'any_value(postings.supplier_ledger_code)',
            'any_value(postings.normalised_supplier_name)',
            'coalesce(any_value(postings.normalised_invoice_no), postings.voucher_key)'
        ]) }} as bill_key,
        min(postings.invoice_no) as invoice_no,
        any_value(postings.normalised_invoice_no) as normalised_invoice_no,
        min({{ normalised_invoice_no('postings.contract_reference') }}) as contract_reference,
        case
            when
                count(distinct coalesce(postings.original_currency, 'NOK')) filter (
                    where not postings.is_vat
                ) = 1
                then min(postings.original_currency) filter (where not postings.is_vat)
        end as currency,
        count(*) filter (where not postings.is_vat) as postings,
        sum(postings.original_amount) filter (where not postings.is_vat) as amount,
        sum(postings.net_amount_nok) filter (where not postings.is_vat) as net_amount_nok,
        coalesce(sum(postings.net_amount_nok) filter (where postings.is_vat), 0) as vat_amount_nok,
        bool_or(reversed_postings.posting_id is not null) as is_reversed,
        min(postings.invoice_date) as invoice_date,
        min(
            coalesce(postings.posting_date, {{ first_day_of('postings.fiscal_period') }})
        ) as voucher_date
    from postings
    left join reversed_postings
        on
            postings.municipality_no = reversed_postings.municipality_no
            and postings.posting_id = reversed_postings.posting_id
    group by postings.municipality_no, postings.voucher_key
)

select * from final
