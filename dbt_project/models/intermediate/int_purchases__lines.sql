-- Every line of spend exactly once, with what the books and the e-invoice say about it; nothing is
-- classified yet.
with

postings as (
    select * from {{ ref('int_ledger__postings') }}
),

documents as (
    select * from {{ ref('int_ehf__documents') }}
),

document_rows as (
    select * from {{ ref('int_ehf__rows') }}
),

matches as (
    select * from {{ ref('int_invoices__matched') }}
),

treatments as (
    select * from {{ ref('int_invoices__treated') }}
),

matched_postings as (
    select
        postings.*,
        matches.document_id,
        matches.match_method,
        matches.match_confidence,
        treatments.treatment,
        treatments.main_posting_id,
        treatments.postings as postings_of_document
    from postings
    left join matches
        on
            postings.municipality_no = matches.municipality_no
            and postings.posting_id = matches.posting_id
    left join treatments
        on
            matches.municipality_no = treatments.municipality_no
            and matches.document_id = treatments.document_id
),

-- (1) Postings that stand for themselves: unmatched ones, all VAT, and those whose invoice cannot
-- explain them.
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
        net_amount_nok,
        cast(null as decimal(18, 2)) as vat_amount_nok,
        _source,
        _delivery_id,
        _file_sha256,
        _row_no,
        _xpath
    from matched_postings
    where document_id is null or is_vat or treatment = 'postings'
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
        'net' as vat_basis,
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

-- (3) What the postings of such an invoice hold beyond its lines, per fiscal period, to the øre.
posted_by_period as (
    select
        municipality_no,
        document_id,
        fiscal_period,
        sum(net_amount_nok) as posted_amount,
        bool_or(posting_id = main_posting_id) as has_main_posting,
        arg_min(
            posting_id, row(-abs(net_amount_nok), _delivery_id, _row_no, posting_id)
        ) as largest_posting_id
    from matched_postings
    where treatment = 'lines' and not is_vat
    group by municipality_no, document_id, fiscal_period
),

gaps as (
    select
        posted_by_period.municipality_no,
        posted_by_period.document_id,
        posted_by_period.fiscal_period,
        posted_by_period.largest_posting_id,
        posted_by_period.posted_amount
        - if(posted_by_period.has_main_posting, documents.content_amount, 0) as gap_amount
    from posted_by_period
    inner join documents
        on
            posted_by_period.municipality_no = documents.municipality_no
            and posted_by_period.document_id = documents.document_id
),

from_gaps as (
    select
        concat_ws('|', gaps.document_id, 'difference', gaps.fiscal_period) as line_key,
        gaps.largest_posting_id as posting_id,
        gaps.document_id,
        gaps.municipality_no,
        'difference' as evidence,
        cast(null as varchar) as line_no,
        cast(null as varchar) as cpv_code,
        cast(null as varchar) as ehf_local_account,
        postings.vat_basis,
        cast(null as varchar) as posting_currency,
        cast(null as decimal(18, 2)) as posting_amount,
        gaps.gap_amount as net_amount_nok,
        cast(null as decimal(18, 2)) as vat_amount_nok,
        postings._source,
        postings._delivery_id,
        postings._file_sha256,
        postings._row_no,
        postings._xpath
    from gaps
    inner join postings
        on
            gaps.municipality_no = postings.municipality_no
            and gaps.largest_posting_id = postings.posting_id
    where gaps.gap_amount != 0
),

-- (4) Lines that pair off with postings on several accounts: each takes its own posting's place.
from_pairs as (
    select
        concat_ws('|', document_rows.document_id, document_rows.row_kind, document_rows._row_no)
            as line_key,
        matched_postings.posting_id,
        document_rows.document_id,
        document_rows.municipality_no,
        'posting_and_ehf' as evidence,
        document_rows.line_no,
        document_rows.cpv_code,
        cast(null as varchar) as ehf_local_account,
        'net' as vat_basis,
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
    inner join matched_postings
        on
            document_rows.municipality_no = matched_postings.municipality_no
            and document_rows.document_id = matched_postings.document_id
            and document_rows.amount = matched_postings.net_amount_nok
    where matched_postings.treatment = 'pairs' and not matched_postings.is_vat
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

-- The account behind an e-invoice's own posting string, once per document row.
ehf_accounts as (
    select
        concat_ws('|', document_id, row_kind, _row_no) as line_key,
        municipality_no,
        local_account_text,
        account_class,
        kostra_art,
        account_category_key,
        account_scope,
        currency,
        amount
    from document_rows
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
        matched_postings.supplier_org_no,
        matched_postings.supplier_name,
        matched_postings.supplier_ledger_code,
        matched_postings.voucher_type,
        matched_postings.voucher_no,
        unioned.line_no,
        coalesce(documents.invoice_no, matched_postings.invoice_no) as invoice_no,
        coalesce(
            documents.normalised_invoice_no, matched_postings.normalised_invoice_no
        ) as normalised_invoice_no,
        documents.document_type,
        coalesce(
            documents.contract_reference, matched_postings.contract_reference
        ) as contract_reference,
        documents.order_reference,
        coalesce(matched_postings.local_account, unioned.ehf_local_account) as local_account,
        if(
            unioned.posting_id is null, ehf_accounts.local_account_text,
            matched_postings.local_account_text
        ) as local_account_text,
        if(
            unioned.posting_id is null, ehf_accounts.account_class, matched_postings.account_class
        ) as account_class,
        if(
            unioned.posting_id is null, ehf_accounts.kostra_art, matched_postings.kostra_art
        ) as kostra_art,
        if(
            unioned.posting_id is null, ehf_accounts.account_category_key,
            matched_postings.account_category_key
        ) as account_category_key,
        if(
            unioned.posting_id is null, ehf_accounts.account_scope, matched_postings.account_scope
        ) as account_scope,
        matched_postings.kostra_function,
        matched_postings.cost_centre,
        matched_postings.project_code,
        unioned.cpv_code,
        matched_postings.fiscal_period,
        matched_postings.match_method,
        matched_postings.match_confidence,
        unioned.vat_basis,
        unioned.net_amount_nok,
        unioned.vat_amount_nok,
        case
            when unioned.posting_currency is not null then unioned.posting_amount
            when unioned.evidence = 'ehf' and documents.currency != 'NOK' then ehf_accounts.amount
            when
                documents.currency != 'NOK' and matched_postings.postings_of_document = 1
                and not matched_postings.is_vat
                then documents.tax_exclusive_amount
            when documents.currency is null or documents.currency = 'NOK'
                then unioned.net_amount_nok
        end as original_amount,
        coalesce(unioned.posting_currency, documents.currency, 'NOK') as original_currency,
        coalesce(documents.is_credit_note, unioned.net_amount_nok < 0, false) as is_credit_note,
        coalesce(matched_postings.is_vat, false) as is_vat,
        coalesce(documents.is_org_no_valid, false) as is_seller_org_no_valid,
        coalesce(matched_postings.is_org_no_valid, false) as is_supplier_org_no_valid,
        coalesce(documents.invoice_date, matched_postings.invoice_date) as invoice_date,
        matched_postings.posting_date,
        unioned._source,
        unioned._delivery_id,
        unioned._file_sha256,
        unioned._row_no,
        unioned._xpath,
        matched_postings._delivery_id as _posting_delivery_id,
        matched_postings._file_sha256 as _posting_file_sha256,
        matched_postings._row_no as _posting_row_no,
        matched_postings._xpath as _posting_xpath
    from unioned
    left join documents
        on
            unioned.municipality_no = documents.municipality_no
            and unioned.document_id = documents.document_id
    left join matched_postings
        on
            unioned.municipality_no = matched_postings.municipality_no
            and unioned.posting_id = matched_postings.posting_id
    left join ehf_accounts
        on
            unioned.municipality_no = ehf_accounts.municipality_no
            and unioned.line_key = ehf_accounts.line_key
)

select * from final
