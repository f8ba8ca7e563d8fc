-- Lines of spend whose item or text says what was bought: the category of its UNSPSC code, and the
-- one that its text is most like (scored by matching; the text itself never comes here). A line of
-- an e-invoice has its item's text, a posting that stands for itself its own.
{{ config(materialized='incremental') }}

with

lines as (
    select * from {{ slice_of(ref('int_purchases__lines')) }}
    where not is_vat and evidence != 'difference'
),

invoice_lines as (
    select * from {{ slice_of(ref('stg_ehf__invoice_lines')) }}
),

postings as (
    select * from {{ slice_of(ref('stg_ledger__postings')) }}
),

item_texts as (
    select * from {{ ref('stg_matched__item_texts') }}
),

unspsc_categories as (
    select * from {{ ref('unspsc_categories') }}
),

-- Allowances and charges have no line number.
said as (
    select
        lines.purchase_line_id,
        lines.municipality_no,
        invoice_lines.unspsc_code,
        invoice_lines.document_id = lines.document_id as is_own_document,
        if(lines._source = 'ehf', invoice_lines.text_digest, postings.text_digest) as text_digest
    from lines
    left join invoice_lines
        on
            lines.municipality_no = invoice_lines.municipality_no
            and lines._delivery_id = invoice_lines._delivery_id
            and lines._file_sha256 = invoice_lines._file_sha256
            and lines._row_no = invoice_lines._row_no
            and lines.line_no = invoice_lines.line_no
            and lines._source = 'ehf'
    left join postings
        on
            lines.municipality_no = postings.municipality_no
            and lines.posting_id = postings.posting_id
            and lines._source != 'ehf'
),

final as (
    select
        said.purchase_line_id,
        said.municipality_no,
        unspsc_categories.category_key as unspsc_category_key,
        item_texts.category_key as text_category_key,
        item_texts.score as text_score
    from said
    left join item_texts on said.text_digest = item_texts.text_digest
    left join unspsc_categories
        on starts_with(said.unspsc_code, rtrim(unspsc_categories.unspsc_code, '0'))
    where item_texts.text_digest is not null or unspsc_categories.unspsc_code is not null
    -- Of a file with several documents, its own; the longest code that covers it.
    qualify
        row_number() over (
            partition by said.municipality_no, said.purchase_line_id
            order by
                said.is_own_document desc nulls last,
                length(rtrim(unspsc_categories.unspsc_code, '0')) desc nulls last,
                item_texts.text_digest asc
        ) = 1
)

select * from final
