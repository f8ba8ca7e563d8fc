-- Every line of spend exactly once, with what the books and the e-invoice say about it; nothing is
-- classified yet.
{{ config(materialized='incremental') }}

with

posted as (
    select * from {{ slice_of(ref('int_purchases__posted')) }}
),

documents as (
    select * from {{ slice_of(ref('int_ehf__documents')) }}
),

document_rows as (
    select * from {{ slice_of(ref('int_ehf__rows')) }}
),

treatments as (
    select * from {{ slice_of(ref('int_invoices__treated')) }}
),

paired as (
    select * from {{ slice_of(ref('int_invoices__paired')) }}
),

credited as (
    select * from {{ slice_of(ref('int_ehf__credited')) }}
),

-- (1) Postings that stand for themselves: unmatched ones, all VAT, and those whose invoice cannot
-- explain them. Where one holds VAT by a known rate, that part is a row of its own.
alone as (
    select
        *,
        coalesce(
            net_amount_nok
            - cast(net_amount_nok / (1 + included_vat_rate / 100) as decimal(18, 2)), 0
        ) as own_vat_amount
    from posted
    where document_id is null or is_vat or treatment = 'postings'
),

from_postings as (
    select
        posting_id as line_key,
        posting_id,
        document_id,
        municipality_no,
        if(document_id is null, 'posting', 'posting_and_ehf') as evidence,
        line_no,
        cast(null as varchar) as cpv_code,
        cast(null as varchar) as ehf_local_account,
        vat_basis,
        if(
            original_currency = 'NOK', cast(null as varchar), original_currency
        ) as posting_currency,
        original_amount as posting_amount,
        net_amount_nok - own_vat_amount as net_amount_nok,
        if(own_vat_amount != 0, own_vat_amount, null) as vat_amount_nok,
        _source,
        _delivery_id,
        _file_sha256,
        _row_no,
        _xpath
    from alone
),

-- (2) Lines of invoices whose net postings all stand on one account: they take the largest
-- posting's place.
from_lines as (
    select
        concat_ws('|', document_rows.document_id, document_rows.row_kind, document_rows._row_no)
            as line_key,
        treatments.main_posting_id as posting_id,
        document_rows.document_id,
        document_rows.municipality_no,
        'posting_and_ehf' as evidence,
        document_rows.line_no,
        document_rows.cpv_code,
        cast(null as varchar) as ehf_local_account,
        if(treatments.included_vat_amount = 0, 'net', 'gross') as vat_basis,
        cast(null as varchar) as posting_currency,
        cast(null as decimal(18, 2)) as posting_amount,
        document_rows.amount as net_amount_nok,
        document_rows.vat_amount as vat_amount_nok,
        'ehf' as _source,
        document_rows._delivery_id,
        document_rows._file_sha256,
        document_rows._row_no,
        document_rows._xpath
    from document_rows
    inner join treatments
        on
            document_rows.municipality_no = treatments.municipality_no
            and document_rows.document_id = treatments.document_id
    where treatments.treatment = 'lines'
),

-- (3) What the postings of such an invoice hold beyond its lines, per fiscal period, to the
-- øre: VAT that was booked as cost, and differences.
posted_by_period as (
    select
        municipality_no,
        document_id,
        fiscal_period,
        sum(net_amount_nok) as posted_amount,
        bool_or(posting_id = main_posting_id) as has_main_posting,
        any_value(group_amount) as group_amount,
        any_value(included_vat_amount) as included_vat_amount,
        arg_min(
            posting_id, row(-abs(net_amount_nok), _delivery_id, _row_no, posting_id)
        ) as largest_posting_id
    from posted
    where treatment = 'lines' and not is_vat
    group by municipality_no, document_id, fiscal_period
),

gaps as (
    select
        municipality_no,
        document_id,
        largest_posting_id as posting_id,
        'difference' as evidence,
        concat_ws('|', document_id, 'difference', fiscal_period) as line_key,
        posted_amount
        - if(has_main_posting, group_amount + included_vat_amount, 0) as gap_amount
    from posted_by_period

    union all

    select
        municipality_no,
        document_id,
        largest_posting_id as posting_id,
        'included_vat' as evidence,
        concat_ws('|', document_id, 'included_vat', fiscal_period) as line_key,
        included_vat_amount as gap_amount
    from posted_by_period
    where has_main_posting

    union all

    select
        municipality_no,
        document_id,
        posting_id,
        'included_vat' as evidence,
        posting_id as line_key,
        own_vat_amount as gap_amount
    from alone

    union all

    select
        paired.municipality_no,
        paired.document_id,
        paired.posting_id,
        'included_vat' as evidence,
        paired.posting_id as line_key,
        document_rows.vat_amount as gap_amount
    from paired
    inner join treatments
        on
            paired.municipality_no = treatments.municipality_no
            and paired.document_id = treatments.document_id
    inner join document_rows
        on
            paired.municipality_no = document_rows.municipality_no
            and paired.document_id = document_rows.document_id
            and paired.row_kind = document_rows.row_kind
            and paired._row_no = document_rows._row_no
    where treatments.treatment = 'pairs' and paired.is_gross
),

from_gaps as (
    select
        gaps.line_key,
        gaps.posting_id,
        gaps.document_id,
        gaps.municipality_no,
        gaps.evidence,
        cast(null as varchar) as line_no,
        cast(null as varchar) as cpv_code,
        cast(null as varchar) as ehf_local_account,
        if(gaps.evidence = 'included_vat', 'gross', posted.vat_basis) as vat_basis,
        cast(null as varchar) as posting_currency,
        cast(null as decimal(18, 2)) as posting_amount,
        gaps.gap_amount as net_amount_nok,
        cast(null as decimal(18, 2)) as vat_amount_nok,
        posted._source,
        posted._delivery_id,
        posted._file_sha256,
        posted._row_no,
        posted._xpath
    from gaps
    inner join posted
        on
            gaps.municipality_no = posted.municipality_no
            and gaps.posting_id = posted.posting_id
    where gaps.gap_amount != 0
),

-- (4) Lines that pair off with postings on several accounts: each takes its own posting's place.
from_pairs as (
    select
        concat_ws('|', document_rows.document_id, document_rows.row_kind, document_rows._row_no)
            as line_key,
        paired.posting_id,
        document_rows.document_id,
        document_rows.municipality_no,
        'posting_and_ehf' as evidence,
        document_rows.line_no,
        document_rows.cpv_code,
        cast(null as varchar) as ehf_local_account,
        if(paired.is_gross, 'gross', 'net') as vat_basis,
        cast(null as varchar) as posting_currency,
        cast(null as decimal(18, 2)) as posting_amount,
        document_rows.amount as net_amount_nok,
        document_rows.vat_amount as vat_amount_nok,
        'ehf' as _source,
        document_rows._delivery_id,
        document_rows._file_sha256,
        document_rows._row_no,
        document_rows._xpath
    from document_rows
    inner join treatments
        on
            document_rows.municipality_no = treatments.municipality_no
            and document_rows.document_id = treatments.document_id
    inner join paired
        on
            document_rows.municipality_no = paired.municipality_no
            and document_rows.document_id = paired.document_id
            and document_rows.row_kind = paired.row_kind
            and document_rows._row_no = paired._row_no
    where treatments.treatment = 'pairs'
),

-- (5) E-invoices of months that no ledger covers.
from_ehf as (
    select
        concat_ws('|', document_rows.document_id, document_rows.row_kind, document_rows._row_no)
            as line_key,
        cast(null as varchar) as posting_id,
        document_rows.document_id,
        document_rows.municipality_no,
        'ehf' as evidence,
        document_rows.line_no,
        document_rows.cpv_code,
        document_rows.local_account as ehf_local_account,
        'net' as vat_basis,
        cast(null as varchar) as posting_currency,
        cast(null as decimal(18, 2)) as posting_amount,
        if(document_rows.currency = 'NOK', document_rows.amount, null) as net_amount_nok,
        if(document_rows.currency = 'NOK', document_rows.vat_amount, null) as vat_amount_nok,
        'ehf' as _source,
        document_rows._delivery_id,
        document_rows._file_sha256,
        document_rows._row_no,
        document_rows._xpath
    from document_rows
    inner join treatments
        on
            document_rows.municipality_no = treatments.municipality_no
            and document_rows.document_id = treatments.document_id
    where treatments.treatment = 'ehf'
),

unioned as (
    select * from from_postings
    union all
    select * from from_lines
    union all
    select * from from_gaps
    union all
    select * from from_pairs
    union all
    select * from from_ehf
),

-- The account behind an e-invoice's own posting string, once per row of a document that counts by
-- itself.
ehf_accounts as (
    select
        concat_ws('|', document_rows.document_id, document_rows.row_kind, document_rows._row_no)
            as line_key,
        document_rows.municipality_no,
        document_rows.local_account_text,
        document_rows.account_class,
        document_rows.kostra_art,
        document_rows.account_category_key,
        document_rows.account_scope,
        document_rows.currency,
        document_rows.amount
    from document_rows
    inner join treatments
        on
            document_rows.municipality_no = treatments.municipality_no
            and document_rows.document_id = treatments.document_id
    where treatments.treatment = 'ehf'
),

final as (
    select
        {{ hash_of(['unioned.municipality_no', 'unioned.evidence', 'unioned.line_key']) }}
            as purchase_line_id,
        unioned.municipality_no,
        unioned.document_id,
        unioned.posting_id,
        unioned.evidence,
        documents.seller_org_no,
        documents.seller_name,
        documents.seller_country,
        posted.supplier_org_no,
        posted.supplier_name,
        posted.supplier_ledger_code,
        posted.voucher_type,
        posted.voucher_no,
        unioned.line_no,
        coalesce(documents.invoice_no, posted.invoice_no) as invoice_no,
        coalesce(
            documents.normalised_invoice_no, posted.normalised_invoice_no
        ) as normalised_invoice_no,
        documents.document_type,
        coalesce(
            documents.contract_reference, posted.contract_reference
        ) as contract_reference,
        documents.order_reference,
        coalesce(posted.local_account, unioned.ehf_local_account) as local_account,
        if(
            unioned.posting_id is null, ehf_accounts.local_account_text,
            posted.local_account_text
        ) as local_account_text,
        if(
            unioned.posting_id is null, ehf_accounts.account_class, posted.account_class
        ) as account_class,
        if(
            unioned.posting_id is null, ehf_accounts.kostra_art, posted.kostra_art
        ) as kostra_art,
        if(
            unioned.posting_id is null, ehf_accounts.account_category_key,
            posted.account_category_key
        ) as account_category_key,
        if(
            unioned.posting_id is null, ehf_accounts.account_scope, posted.account_scope
        ) as account_scope,
        posted.kostra_function,
        posted.cost_centre,
        posted.project_code,
        unioned.cpv_code,
        posted.fiscal_period,
        posted.match_method,
        posted.match_confidence,
        coalesce(posted.posting_role, 'purchase') as posting_role,
        posted.reversal_key,
        coalesce(posted.documents_of_group, 1) as documents_of_group,
        unioned.vat_basis,
        unioned.net_amount_nok,
        unioned.vat_amount_nok,
        case
            when unioned.posting_currency is not null then unioned.posting_amount
            when unioned.evidence = 'ehf' and documents.currency != 'NOK' then ehf_accounts.amount
            when
                documents.currency != 'NOK' and posted.postings_of_group = 1
                and posted.documents_of_group = 1 and not posted.is_vat
                and unioned.evidence != 'included_vat'
                then documents.tax_exclusive_amount
            when documents.currency is null or documents.currency = 'NOK'
                then unioned.net_amount_nok
        end as original_amount,
        coalesce(unioned.posting_currency, documents.currency, 'NOK') as original_currency,
        coalesce(documents.is_credit_note, unioned.net_amount_nok < 0, false) as is_credit_note,
        coalesce(posted.is_vat, false) or unioned.evidence = 'included_vat' as is_vat,
        coalesce(documents.is_org_no_valid, false) as is_seller_org_no_valid,
        coalesce(posted.is_org_no_valid, false) as is_supplier_org_no_valid,
        coalesce(documents.invoice_date, posted.invoice_date) as invoice_date,
        posted.posting_date,
        -- The month of an amount: a credit note and a reversal net against what they take back.
        case
            when unioned.document_id is null and posted.reversed_day is not null
                then posted.reversed_day
            else coalesce(
                credited.credited_day, documents.invoice_date, posted.invoice_date,
                posted.corrected_day, posted.posting_date,
                {{ first_day_of('posted.fiscal_period') }}
            )
        end as spend_date,
        case
            when unioned.document_id is null and posted.reversed_day is not null
                then 'reversed_posting'
            when credited.credited_day is not null then 'credited_invoice'
            when coalesce(documents.invoice_date, posted.invoice_date) is not null
                then 'invoice_date'
            when posted.corrected_day is not null then 'corrected_posting'
            when posted.posting_date is not null then 'posting_date'
            else 'fiscal_period'
        end as period_basis,
        unioned._source,
        unioned._delivery_id,
        unioned._file_sha256,
        unioned._row_no,
        unioned._xpath,
        posted._delivery_id as _posting_delivery_id,
        posted._file_sha256 as _posting_file_sha256,
        posted._row_no as _posting_row_no,
        posted._xpath as _posting_xpath
    from unioned
    left join documents
        on
            unioned.municipality_no = documents.municipality_no
            and unioned.document_id = documents.document_id
    left join posted
        on
            unioned.municipality_no = posted.municipality_no
            and unioned.posting_id = posted.posting_id
    left join credited
        on
            unioned.municipality_no = credited.municipality_no
            and unioned.document_id = credited.document_id
    left join ehf_accounts
        on
            unioned.municipality_no = ehf_accounts.municipality_no
            and unioned.line_key = ehf_accounts.line_key
)

select * from final
