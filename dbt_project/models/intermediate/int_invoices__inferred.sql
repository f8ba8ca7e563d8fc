-- Which voucher belongs to which e-invoices where no invoice number says so: each way finds one
-- voucher and its only possible documents, or nothing. A voucher may stand for several documents.
{{ config(materialized='incremental') }}

with

matched_documents as (
    -- A document can have several vouchers.
    select distinct
        municipality_no,
        document_id
    from {{ slice_of(ref('int_invoices__numbered')) }}
),

matched_vouchers as (
    select
        municipality_no,
        voucher_key
    from {{ slice_of(ref('int_invoices__numbered')) }}
),

documents as (
    select
        documents.municipality_no,
        documents.document_id,
        documents.seller_org_no,
        {{ normalised_name('documents.seller_name') }} as normalised_seller_name,
        documents.normalised_invoice_no,
        {{ normalised_invoice_no('documents.order_reference') }} as order_reference,
        {{ normalised_invoice_no('documents.contract_reference') }} as contract_reference,
        documents.currency,
        documents.tax_exclusive_amount as net_amount,
        documents.tax_exclusive_amount + coalesce(documents.tax_amount, 0) as gross_amount,
        documents.invoice_date
    from {{ slice_of(ref('int_ehf__documents')) }} as documents
    left join matched_documents
        on
            documents.municipality_no = matched_documents.municipality_no
            and documents.document_id = matched_documents.document_id
    where matched_documents.document_id is null and documents.tax_exclusive_amount != 0
),

-- Who sent it, by number and by name: a ledger that states no number is compared by name.
parties as (
    select
        *,
        seller_org_no as party
    from documents
    where seller_org_no is not null

    union all

    select
        *,
        'name ' || normalised_seller_name as party
    from documents
    where normalised_seller_name is not null
),

vouchers as (
    select
        vouchers.*,
        coalesce(
            vouchers.supplier_org_no, 'name ' || vouchers.normalised_supplier_name
        ) as party
    from {{ slice_of(ref('int_ledger__vouchers')) }} as vouchers
    left join matched_vouchers
        on
            vouchers.municipality_no = matched_vouchers.municipality_no
            and vouchers.voucher_key = matched_vouchers.voucher_key
    where
        matched_vouchers.voucher_key is null
        and not vouchers.is_reversed
        and vouchers.amount != 0
),

-- (1) One voucher states several invoice numbers, all known, and holds their sum.
stated_numbers as (
    select
        municipality_no,
        voucher_key,
        party,
        currency,
        amount,
        {{ normalised_invoice_no('stated_no') }} as normalised_invoice_no
    from (
        select
            *,
            unnest(regexp_split_to_array(upper(invoice_no), '[,;+&]|\s+OG\s+|\s+')) as stated_no
        from vouchers
        where regexp_matches(invoice_no, '[,;+&]|\s')
    ) as stated
    where {{ normalised_invoice_no('stated_no') }} is not null
),

stated_documents as (
    select
        stated_numbers.municipality_no,
        stated_numbers.voucher_key,
        stated_numbers.normalised_invoice_no,
        stated_numbers.amount,
        min(parties.document_id) as document_id,
        count(parties.document_id) as candidates,
        min(parties.net_amount) as net_amount,
        min(parties.gross_amount) as gross_amount
    from stated_numbers
    left join parties
        on
            stated_numbers.municipality_no = parties.municipality_no
            and stated_numbers.party = parties.party
            and stated_numbers.currency = parties.currency
            and stated_numbers.normalised_invoice_no = parties.normalised_invoice_no
    group by
        stated_numbers.municipality_no,
        stated_numbers.voucher_key,
        stated_numbers.normalised_invoice_no,
        stated_numbers.amount
),

listed_vouchers as (
    select
        municipality_no,
        voucher_key
    from stated_documents
    group by municipality_no, voucher_key, amount
    having
        count(*) > 1
        and min(candidates) = 1
        and max(candidates) = 1
        and (sum(net_amount) = amount or sum(gross_amount) = amount)
),

-- (2) The seller's order or contract number stands in the ledger, with the amount.
by_reference as (
    select
        vouchers.municipality_no,
        vouchers.voucher_key,
        parties.document_id
    from vouchers
    inner join parties
        on
            vouchers.municipality_no = parties.municipality_no
            and vouchers.party = parties.party
            and vouchers.currency = parties.currency
            and (vouchers.amount = parties.net_amount or vouchers.amount = parties.gross_amount)
    where
        (
            vouchers.normalised_invoice_no = parties.order_reference
            or vouchers.normalised_invoice_no = parties.contract_reference
            or vouchers.contract_reference = parties.order_reference
            or (
                vouchers.normalised_invoice_no is null
                and vouchers.contract_reference = parties.contract_reference
            )
        )
        and {{ is_posted_in_time('vouchers.voucher_date', 'parties.invoice_date') }}
),

-- (3) The amount and the date: the ledger's invoice date is the document's; or the ledger states
-- neither number nor date, and the voucher was booked in the time that invoices are booked in.
by_amount as (
    select
        vouchers.municipality_no,
        vouchers.voucher_key,
        parties.document_id
    from vouchers
    inner join parties
        on
            vouchers.municipality_no = parties.municipality_no
            and vouchers.party = parties.party
            and vouchers.currency = parties.currency
            and (vouchers.amount = parties.net_amount or vouchers.amount = parties.gross_amount)
    where
        vouchers.invoice_date = parties.invoice_date
        or (
            vouchers.normalised_invoice_no is null
            and vouchers.invoice_date is null
            and {{ is_posted_in_time('vouchers.voucher_date', 'parties.invoice_date') }}
        )
),

candidates as (
    select
        stated_documents.municipality_no,
        stated_documents.voucher_key,
        stated_documents.document_id,
        'invoice_nos_sum' as match_method,
        1 as turn
    from stated_documents
    inner join listed_vouchers
        on
            stated_documents.municipality_no = listed_vouchers.municipality_no
            and stated_documents.voucher_key = listed_vouchers.voucher_key

    union all

    select
        municipality_no,
        voucher_key,
        document_id,
        'reference_amount' as match_method,
        2 as turn
    from by_reference

    union all

    select
        municipality_no,
        voucher_key,
        document_id,
        'amount_date' as match_method,
        3 as turn
    from by_amount
),

-- Every voucher and every document is found in the first way that finds it, and only if nothing
-- else could be meant in that way.
first_turns as (
    select
        *,
        min(turn) over (partition by municipality_no, voucher_key) as voucher_turn,
        min(turn) over (partition by municipality_no, document_id) as document_turn
    from candidates
),

counted as (
    select
        *,
        count(*) over (partition by municipality_no, voucher_key) as documents_of_voucher,
        count(*) over (partition by municipality_no, document_id) as vouchers_of_document
    from first_turns
    where turn = voucher_turn and turn = document_turn
),

judged as (
    select
        *,
        max(vouchers_of_document) over (partition by municipality_no, voucher_key) as most_vouchers
    from counted
),

single as (
    select
        municipality_no,
        voucher_key,
        document_id,
        match_method
    from judged
    where most_vouchers = 1 and (documents_of_voucher = 1 or turn = 1)
),

-- (4) One voucher without a number holds the sum of all that a supplier sent in a month and that
-- nothing else explains.
remaining_parties as (
    select parties.*
    from parties
    left join first_turns
        on
            parties.municipality_no = first_turns.municipality_no
            and parties.document_id = first_turns.document_id
    where first_turns.document_id is null
),

months as (
    select
        municipality_no,
        party,
        currency,
        {{ month_of('invoice_date') }} as issue_month,
        sum(net_amount) as net_amount,
        sum(gross_amount) as gross_amount,
        max(invoice_date) as last_invoice_date
    from remaining_parties
    group by municipality_no, party, currency, {{ month_of('invoice_date') }}
    having count(*) > 1
),

month_pairs as (
    select
        vouchers.municipality_no,
        vouchers.voucher_key,
        vouchers.party,
        vouchers.currency,
        months.issue_month,
        count(*) over (partition by vouchers.municipality_no, vouchers.voucher_key)
            as months_of_voucher,
        count(*) over (
            partition by
                vouchers.municipality_no, vouchers.party, vouchers.currency, months.issue_month
        ) as vouchers_of_month
    from vouchers
    inner join months
        on
            vouchers.municipality_no = months.municipality_no
            and vouchers.party = months.party
            and vouchers.currency = months.currency
            and (vouchers.amount = months.net_amount or vouchers.amount = months.gross_amount)
    left join first_turns
        on
            vouchers.municipality_no = first_turns.municipality_no
            and vouchers.voucher_key = first_turns.voucher_key
    where
        first_turns.voucher_key is null
        and vouchers.normalised_invoice_no is null
        and {{ is_posted_in_time('vouchers.voucher_date', 'months.last_invoice_date') }}
),

monthly as (
    select
        month_pairs.municipality_no,
        month_pairs.voucher_key,
        remaining_parties.document_id,
        count(*) over (
            partition by month_pairs.municipality_no, remaining_parties.document_id
        ) as vouchers_of_document
    from month_pairs
    inner join remaining_parties
        on
            month_pairs.municipality_no = remaining_parties.municipality_no
            and month_pairs.party = remaining_parties.party
            and month_pairs.currency = remaining_parties.currency
            and month_pairs.issue_month = {{ month_of('remaining_parties.invoice_date') }}
    where month_pairs.months_of_voucher = 1 and month_pairs.vouchers_of_month = 1
),

-- A document that two vouchers claim is claimed by neither, and then neither is the rest of its
-- month.
disputed as (
    select distinct
        municipality_no,
        voucher_key
    from monthly
    where vouchers_of_document > 1
),

final as (
    select
        municipality_no,
        voucher_key,
        document_id,
        match_method
    from single

    union all

    select
        monthly.municipality_no,
        monthly.voucher_key,
        monthly.document_id,
        'month_sum' as match_method
    from monthly
    left join disputed
        on
            monthly.municipality_no = disputed.municipality_no
            and monthly.voucher_key = disputed.voucher_key
    where disputed.voucher_key is null
)

select * from final
