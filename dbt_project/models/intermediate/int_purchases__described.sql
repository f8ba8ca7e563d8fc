-- Lines of spend whose item or text says what was bought: the category of its UNSPSC code, and the
-- one that its text is most like (scored by matching; the text itself never comes here). A line of
-- an e-invoice has its item's text, a posting that stands for itself its own.
{{ config(materialized='incremental') }}

with

lines as (
    select * from {{ slice_of(ref('int_purchases__lines')) }}
    where not is_vat and evidence != 'difference'
),

document_rows as (
    select * from {{ slice_of(ref('int_ehf__rows')) }}
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

-- Two joins, each by equal keys: a condition on the source beside the keys would hold every line
-- against every other.
said as (
    select
        lines.purchase_line_id,
        lines.municipality_no,
        document_rows.unspsc_code,
        document_rows.text_digest
    from lines
    inner join document_rows
        on
            lines.municipality_no = document_rows.municipality_no
            and lines.document_id = document_rows.document_id
            and lines._row_no = document_rows._row_no
            and lines.line_no = document_rows.line_no
    where lines._source = 'ehf' and document_rows.row_kind = 'line'

    union all

    select
        lines.purchase_line_id,
        lines.municipality_no,
        cast(null as varchar) as unspsc_code,
        postings.text_digest
    from lines
    inner join postings
        on
            lines.municipality_no = postings.municipality_no
            and lines.posting_id = postings.posting_id
    where lines._source != 'ehf'
),

-- A code stands on many lines.
codes as (
    select distinct unspsc_code
    from said
    where unspsc_code is not null
),

-- The longest code of the list that covers it.
known_codes as (
    select
        codes.unspsc_code,
        unspsc_categories.category_key
    from codes
    inner join unspsc_categories
        on starts_with(codes.unspsc_code, rtrim(unspsc_categories.unspsc_code, '0'))
    qualify
        row_number() over (
            partition by codes.unspsc_code
            order by length(rtrim(unspsc_categories.unspsc_code, '0')) desc
        ) = 1
),

final as (
    select
        said.purchase_line_id,
        said.municipality_no,
        known_codes.category_key as unspsc_category_key,
        item_texts.category_key as text_category_key,
        item_texts.score as text_score
    from said
    left join item_texts on said.text_digest = item_texts.text_digest
    left join known_codes on said.unspsc_code = known_codes.unspsc_code
    where item_texts.text_digest is not null or known_codes.unspsc_code is not null
)

select * from final
