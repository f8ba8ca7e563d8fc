-- Suppliers in members' ledgers, by code, name and stated number, that another number is known for:
--   (1) the one on the e-invoices that their postings were matched to (e_invoice);
--   (2) where they have no valid one, the one that their name leads to (name_exact, name_similar).
-- A code that stands for several suppliers leads to several numbers and is left alone, and so is
-- whatever the municipality has answered already, and payments to persons.
{{ config(materialized='incremental') }}

with

identified as (
    select * from {{ slice_of(ref('int_purchases__identified')) }}
    where
        supplier_name is not null
        and payee_method != 'correction'
        and not is_to_persons
        and not has_answer
),

known as (
    select
        municipality_no,
        coalesce(supplier_ledger_code, supplier_name) as ledger_code,
        supplier_name as name_in_ledger,
        coalesce(supplier_org_no, '') as org_no_in_ledger,
        is_supplier_org_no_valid,
        case
            when is_seller_org_no_valid and coalesce(seller_org_no != supplier_org_no, true)
                then seller_org_no
            when not is_supplier_org_no_valid and payee_method in ('name_exact', 'name_similar')
                then org_no
        end as matched_org_no,
        if(is_seller_org_no_valid, 'e_invoice', payee_method) as match_method,
        if(
            is_seller_org_no_valid, {{ var('confidence_e_invoice_of_supplier') }}, payee_confidence
        ) as match_confidence,
        net_amount_nok,
        spend_date
    from identified
),

final as (
    select
        municipality_no,
        ledger_code,
        name_in_ledger,
        org_no_in_ledger,
        min(matched_org_no) as matched_org_no,
        arg_max(match_method, row(match_confidence, match_method)) as match_method,
        case
            when org_no_in_ledger = '' then 'org_no_missing'
            when not bool_or(is_supplier_org_no_valid) then 'org_no_invalid'
            else 'org_no_of_another'
        end as issue,
        cast(max(match_confidence) as decimal(3, 2)) as match_confidence,
        count(*) as lines,
        cast(sum(net_amount_nok) as decimal(18, 2)) as net_amount_nok,
        min(spend_date) as first_spend_date,
        max(spend_date) as last_spend_date
    from known
    where matched_org_no is not null
    group by municipality_no, ledger_code, name_in_ledger, org_no_in_ledger
    having
        count(distinct matched_org_no) = 1
        and max(match_confidence) >= {{ var('supplier_quality_from_confidence') }}
)

select * from final
