-- Every line of spend with its payee's organisation number, and how that was found:
--   (1) a municipality's own answer on this supplier wins over everything (correction);
--   (2) a valid number on the e-invoice, else in the books (org_no);
--   (3) the name that exactly one unit has (name_exact), never by a name that reads as a person's;
--   (4) a company's name that is enough like one unit's (name_similar), never on the accounts and
--       functions where persons are paid.
-- What a municipality has said a supplier is not, no other way makes it.
-- A view: its readers take the columns that they need.
{{ config(materialized='view', meta={'sliced_by': 'municipality_no'}) }}

with

lines as (
    select * from {{ slice_of(ref('int_purchases__lines')) }}
),

-- The same lines, read once more for few columns: read once for both, all sixty would be held.
named_lines as (
    select
        purchase_line_id,
        municipality_no,
        supplier_ledger_code,
        seller_name,
        supplier_name,
        coalesce(supplier_name, seller_name) as ledger_name,
        spend_date
    from {{ slice_of(ref('int_purchases__lines')) }}
),

corrected as (
    select * from {{ ref('int_suppliers__corrected') }}
),

named as (
    select * from {{ ref('int_suppliers__named') }}
),

alike as (
    select * from {{ slice_of(ref('int_suppliers__similar')) }}
),

name_kinds as (
    select * from {{ ref('stg_matched__supplier_names') }}
),

functions as (
    select * from {{ ref('kostra_sensitive_functions') }}
),

dated as (
    select
        *,
        case
            when is_seller_org_no_valid then seller_org_no
            when is_supplier_org_no_valid then supplier_org_no
        end as stated_org_no,
        coalesce(seller_name, supplier_name) as stated_name
    from lines
),

met_names as (
    -- A supplier has many lines.
    select distinct unnest([seller_name, supplier_name]) as name
    from named_lines
),

spelled as (
    select
        name,
        {{ normalised_name('name') }} as normalised_name,
        sha256(name) as name_digest
    from met_names
    where name is not null
),

known as (
    select
        dated.*,
        stated.name_digest,
        -- A name is read only where no number says who it is.
        if(dated.stated_org_no is null, stated.normalised_name, null) as normalised_name,
        coalesce(dated.kostra_art in ('160', '165'), false)
        or coalesce(functions.privacy_class = 'client_strict', false) as is_to_persons
    from dated
    left join spelled as stated on dated.stated_name = stated.name
    -- Whatever year: a retired function that is still in use stays as private as it was.
    left join functions on dated.kostra_function = functions.kostra_function
),

-- Answers by the name as lines spell it; one about a supplier without a code has its name in the
-- code's place.
answers as (
    select
        corrected.*,
        spelled.name,
        spelled.normalised_name = corrected.normalised_name as is_of_name,
        spelled.normalised_name = {{ normalised_name('corrected.ledger_code') }} as is_of_code
    from corrected
    inner join spelled
        on
            spelled.normalised_name
            in (corrected.normalised_name, {{ normalised_name('corrected.ledger_code') }})
),

answered as (
    select
        named_lines.purchase_line_id,
        named_lines.municipality_no,
        answers.org_no as corrected_org_no,
        answers.refused_org_no
    from named_lines
    inner join answers
        on
            named_lines.municipality_no = answers.municipality_no
            and named_lines.ledger_name = answers.name
            and {{ holds_on('answers', 'named_lines.spend_date') }}
    where
        (named_lines.supplier_ledger_code = answers.ledger_code and answers.is_of_name)
        or (named_lines.supplier_ledger_code is null and answers.is_of_code)
    -- Answers that overlap: the latest, then by number.
    qualify
        row_number() over (
            partition by named_lines.municipality_no, named_lines.purchase_line_id
            order by answers.valid_from desc, answers.org_no asc, answers.ledger_code asc
        ) = 1
),

found as (
    select
        known.*,
        answered.corrected_org_no,
        answered.refused_org_no,
        answered.purchase_line_id is not null as has_answer,
        case
            when
                name_kinds.name_kind in ('company', 'unsure') and not named.is_sole_proprietor
                then named.org_no
            -- A person's own enterprise: its name and its trade, on no account of persons.
            when
                name_kinds.name_kind in ('company', 'person_and_trade') and not known.is_to_persons
                then named.org_no
        end as exact_org_no,
        if(
            known.normalised_name is null or known.is_to_persons, null, alike.org_no
        ) as similar_org_no,
        alike.match_score,
        alike.confidence as similar_confidence
    from known
    left join answered
        on
            known.municipality_no = answered.municipality_no
            and known.purchase_line_id = answered.purchase_line_id
    left join name_kinds on known.name_digest = name_kinds.name_digest
    left join named on known.normalised_name = named.normalised_name
    left join alike
        on
            known.municipality_no = alike.municipality_no
            and known.name_digest = alike.name_digest
),

decided as (
    select
        *,
        case
            when corrected_org_no is not null then 'correction'
            when stated_org_no is not null and coalesce(stated_org_no != refused_org_no, true)
                then 'org_no'
            when exact_org_no is not null and coalesce(exact_org_no != refused_org_no, true)
                then 'name_exact'
            when similar_org_no is not null and coalesce(similar_org_no != refused_org_no, true)
                then 'name_similar'
            else 'none'
        end as payee_method
    from found
),

final as (
    select
        * exclude (
            corrected_org_no, exact_org_no, similar_org_no, refused_org_no, similar_confidence,
            stated_name, name_digest, match_score
        ),
        case payee_method
            when 'correction' then corrected_org_no
            when 'org_no' then stated_org_no
            when 'name_exact' then exact_org_no
            when 'name_similar' then similar_org_no
        end as org_no,
        cast(
            case payee_method
                when 'correction' then {{ var('confidence_correction') }}
                when 'org_no' then {{ var('confidence_org_no') }}
                when 'name_exact' then {{ var('confidence_name_exact') }}
                when 'name_similar' then similar_confidence
                else 0
            end as decimal(3, 2)
        ) as payee_confidence
    from decided
)

select * from final
