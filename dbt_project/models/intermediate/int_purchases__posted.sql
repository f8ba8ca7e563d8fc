-- Every posting with the e-invoice that it belongs to, the day that it counts on where another
-- posting decides that, and how it carries VAT.
{{ config(materialized='incremental') }}

with

postings as (
    select * from {{ slice_of(ref('int_ledger__postings')) }}
),

vouchers as (
    select * from {{ slice_of(ref('int_ledger__vouchers')) }}
),

matches as (
    select * from {{ slice_of(ref('int_invoices__matched')) }}
),

treatments as (
    select * from {{ slice_of(ref('int_invoices__treated')) }}
),

reversals as (
    select * from {{ slice_of(ref('int_ledger__reversals')) }}
),

-- Both sides of a pair, with the day of the earlier one.
taken_back as (
    select
        municipality_no,
        posting_id,
        reversed_posting_id as reversal_key,
        reversed_day,
        'reversal' as pair_role
    from reversals

    union all

    select
        municipality_no,
        reversed_posting_id as posting_id,
        reversed_posting_id as reversal_key,
        cast(null as date) as reversed_day,
        if(is_accrual, 'accrual', 'purchase') as pair_role
    from reversals
),

-- A bill that the books take back and book anew stands in the month in which it was booked first.
corrected_bills as (
    select
        municipality_no,
        bill_key,
        min(voucher_date) as first_day
    from vouchers
    where normalised_invoice_no is not null
    group by municipality_no, bill_key
    having
        min(net_amount_nok) < 0
        and max(net_amount_nok) > 0
        and date_diff('month', min(voucher_date), max(voucher_date)) <= {{ var('reversal_months') }}
),

joined as (
    select
        postings.*,
        matches.document_id,
        matches.match_method,
        matches.match_confidence,
        treatments.treatment,
        treatments.main_posting_id,
        treatments.postings as postings_of_group,
        treatments.documents_of_group,
        treatments.group_amount,
        treatments.included_vat_amount,
        treatments.group_tax_amount,
        treatments.group_vat_rate,
        vouchers.vat_amount_nok as voucher_vat_amount,
        taken_back.reversal_key,
        case
            when matches.document_id is null and taken_back.pair_role is not null
                then taken_back.pair_role
            when postings.posting_role in ('accrual', 'reversal') then postings.posting_role
            else 'purchase'
        end as role,
        taken_back.reversed_day,
        corrected_bills.first_day as corrected_day
    from postings
    inner join vouchers
        on
            postings.municipality_no = vouchers.municipality_no
            and postings.voucher_key = vouchers.voucher_key
    left join corrected_bills
        on
            vouchers.municipality_no = corrected_bills.municipality_no
            and vouchers.bill_key = corrected_bills.bill_key
    left join taken_back
        on
            postings.municipality_no = taken_back.municipality_no
            and postings.posting_id = taken_back.posting_id
    left join matches
        on
            postings.municipality_no = matches.municipality_no
            and postings.posting_id = matches.posting_id
    left join treatments
        on
            matches.municipality_no = treatments.municipality_no
            and matches.document_id = treatments.document_id
),

-- How VAT stands in the amount: the e-invoice tells it, else the account, else VAT booked
-- beside it; what is served at meetings or given away has none to compensate, and what nothing
-- else tells of is then not known.
with_basis as (
    select
        *,
        case
            when is_vat then 'net'
            when treatment = 'postings' and included_vat_amount != 0
                then
                    if(
                        included_vat_amount = group_tax_amount and group_vat_rate is not null,
                        'gross', 'unknown'
                    )
            when document_id is not null and included_vat_amount != 0 then 'gross'
            when document_id is not null and group_tax_amount != 0 then 'net'
            when account_vat_basis is not null then account_vat_basis
            when voucher_vat_amount != 0 then 'net'
            when stated_vat_basis != 'net' then stated_vat_basis
            when
                account_category_key in (
                    '{{ var("categories_without_vat_compensation") | join("', '") }}' -- noqa: LT05
                )
                then 'unknown'
            else 'net'
        end as vat_basis
    from joined
),

final as (
    select
        * exclude (posting_role, role),
        role as posting_role,
        case
            when vat_basis != 'gross' then null
            when treatment = 'postings' and included_vat_amount != 0 then group_vat_rate
            when document_id is null or group_tax_amount = 0 then account_vat_rate
        end as included_vat_rate
    from with_basis
)

select * from final
