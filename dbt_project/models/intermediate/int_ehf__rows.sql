{{ config(materialized='incremental') }}

with

documents as (
    select * from {{ slice_of(ref('stg_ehf__invoices')) }}
),

lines as (
    select * from {{ slice_of(ref('stg_ehf__invoice_lines')) }}
),

allowance_charges as (
    select * from {{ slice_of(ref('stg_ehf__allowance_charges')) }}
    where level = 'document'
),

accounts as (
    select * from {{ ref('int_accounts__dated') }}
),

-- What the seller wrote as posting string counts where it is an account of the buyer on the day.
placed_lines as (
    select
        lines.*,
        documents.currency,
        documents.is_credit_note,
        documents.invoice_date,
        coalesce(of_line.local_account, of_document.local_account) as local_account
    from lines
    inner join documents
        on
            lines.municipality_no = documents.municipality_no
            and lines.document_id = documents.document_id
    left join accounts as of_line
        on
            lines.municipality_no = of_line.municipality_no
            and lines.accounting_cost = of_line.local_account
            and {{ holds_on('of_line', 'documents.invoice_date') }}
    left join accounts as of_document
        on
            documents.municipality_no = of_document.municipality_no
            and documents.accounting_cost = of_document.local_account
            and {{ holds_on('of_document', 'documents.invoice_date') }}
),

-- An allowance or charge goes with the largest line; few documents have any.
largest_lines as (
    select
        municipality_no,
        document_id,
        -- first keeps a line without an account where arg_min would pass it over
        first(
            local_account
            order by abs(coalesce(stated_amount, 0)) desc, _row_no
        ) as local_account
    from placed_lines
    where document_id in (select document_id from allowance_charges)
    group by municipality_no, document_id
),

unioned as (
    select
        municipality_no,
        document_id,
        'line' as row_kind,
        line_no,
        cpv_code,
        unspsc_code,
        text_digest,
        local_account,
        currency,
        is_credit_note,
        stated_amount,
        vat_rate,
        invoice_date,
        _delivery_id,
        _file_sha256,
        _row_no,
        _xpath
    from placed_lines

    union all

    select
        allowance_charges.municipality_no,
        allowance_charges.document_id,
        'allowance_charge' as row_kind,
        null as line_no,
        null as cpv_code,
        null as unspsc_code,
        null as text_digest,
        largest_lines.local_account,
        documents.currency,
        documents.is_credit_note,
        allowance_charges.stated_amount,
        allowance_charges.vat_rate,
        documents.invoice_date,
        allowance_charges._delivery_id,
        allowance_charges._file_sha256,
        allowance_charges._row_no,
        allowance_charges._xpath
    from allowance_charges
    inner join documents
        on
            allowance_charges.municipality_no = documents.municipality_no
            and allowance_charges.document_id = documents.document_id
    left join largest_lines
        on
            allowance_charges.municipality_no = largest_lines.municipality_no
            and allowance_charges.document_id = largest_lines.document_id
),

final as (
    select
        unioned.document_id,
        unioned.municipality_no,
        unioned.row_kind,
        unioned.line_no,
        unioned.cpv_code,
        unioned.unspsc_code,
        unioned.text_digest,
        unioned.local_account,
        accounts.local_account_text,
        accounts.account_class,
        accounts.kostra_art,
        accounts.category_key as account_category_key,
        if(
            unioned.invoice_date between accounts.scope_from and accounts.scope_to,
            accounts.scope, null
        ) as account_scope,
        unioned.currency,
        cast(
            if(unioned.is_credit_note, -1, 1) * coalesce(unioned.stated_amount, 0)
            as decimal(18, 2)
        ) as amount,
        cast(
            round(
                if(unioned.is_credit_note, -1, 1)
                * coalesce(unioned.stated_amount, 0) * unioned.vat_rate / 100, 2
            ) as decimal(18, 2)
        ) as vat_amount,
        unioned.vat_rate,
        unioned._delivery_id,
        unioned._file_sha256,
        unioned._row_no,
        unioned._xpath
    from unioned
    left join accounts
        on
            unioned.municipality_no = accounts.municipality_no
            and unioned.local_account = accounts.local_account
            and {{ holds_on('accounts', 'unioned.invoice_date') }}
)

select * from final
