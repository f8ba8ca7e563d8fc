-- Names without a number that are enough like one unit's name, per paying member. The scores are
-- matching's (matched/); what they suffice for is decided here.
--   (1) The likest unit has the name where the next one is clearly less like.
--   (2) Where several are about as like, the only one of them in the paying municipality has it.
--   (3) Only names of companies: what reads as a person's, or as neither, is matched to nobody.
{{ config(materialized='incremental') }}

with

lines as (
    select * from {{ slice_of(ref('int_purchases__lines')) }}
),

names as (
    select * from {{ ref('stg_matched__supplier_names') }}
),

candidates as (
    select * from {{ ref('stg_matched__supplier_candidates') }}
),

registered as (
    select * from {{ ref('int_suppliers__registered') }}
),

confidences as (
    select * from {{ ref('match_confidences') }}
),

met as (
    -- A supplier has many lines.
    select distinct
        municipality_no,
        sha256(coalesce(seller_name, supplier_name)) as name_digest
    from lines
),

placed as (
    select
        met.municipality_no,
        met.name_digest,
        candidates.org_no,
        candidates.score,
        coalesce(registered.business_municipality_no = met.municipality_no, false) as is_local,
        max(candidates.score) over (
            partition by met.municipality_no, met.name_digest
        ) as best_score
    from met
    inner join names on met.name_digest = names.name_digest
    inner join candidates on met.name_digest = candidates.name_digest
    inner join registered on candidates.org_no = registered.org_no
    where
        names.name_kind = 'company'
        and not registered.is_sub_unit
        and coalesce(registered.legal_form != 'ENK', true)
),

close_ones as (
    select *
    from placed
    where best_score - score < {{ var('similar_least_margin') }}
),

counted as (
    select
        municipality_no,
        name_digest,
        min(best_score) as match_score,
        count(*) as units,
        count(*) filter (where is_local) as local_units,
        min(org_no) as org_no,
        min(org_no) filter (where is_local) as local_org_no
    from close_ones
    group by municipality_no, name_digest
),

decided as (
    select
        municipality_no,
        name_digest,
        match_score,
        case
            when units = 1 and match_score >= {{ var('similar_least_score') }} then 'name'
            when local_units = 1 and match_score >= {{ var('similar_least_score_local') }}
                then 'name_and_municipality'
        end as evidence,
        if(units = 1, org_no, local_org_no) as org_no
    from counted
),

final as (
    select
        decided.municipality_no,
        decided.name_digest,
        decided.org_no,
        decided.evidence,
        decided.match_score,
        confidences.confidence
    from decided
    inner join confidences
        on
            decided.evidence = confidences.evidence
            and decided.match_score >= confidences.score_from
            and decided.match_score < confidences.score_below
    where confidences.method = 'name_similar'
)

select * from final
