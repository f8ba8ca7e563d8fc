-- Every category: workshop categories, CPV divisions, KOSTRA arts, and whatever else purchases
-- carry.
with

workshop_categories as (
    select * from {{ ref('workshop_categories') }}
),

cpv_divisions as (
    select * from {{ ref('cpv_divisions') }}
),

arts as (
    select * from {{ ref('kostra_arts') }}
),

purchases as (
    select * from {{ ref('int_purchases__classified') }}
),

known as (
    select
        category_key,
        label_en,
        label_no,
        kind
    from workshop_categories

    union all

    select
        'cpv_' || cpv_division as category_key,
        label_en,
        label_no,
        'general' as kind
    from cpv_divisions

    union all

    select
        'art_' || kostra_art as category_key,
        label_en,
        label_no,
        'general' as kind
    from arts

    union all

    select
        'unclassified' as category_key,
        'Not classified' as label_en,
        'Ikke klassifisert' as label_no,
        'general' as kind
),

met as (
    -- A category has many lines.
    select distinct category_key
    from purchases
),

-- Codes outside the lists (an old art, a mistyped CPV, a chart's own word) are categories without a
-- better name.
final as (
    select
        coalesce(known.category_key, met.category_key) as category_key,
        coalesce(known.label_en, met.category_key) as label_en,
        coalesce(known.label_no, met.category_key) as label_no,
        coalesce(known.kind, 'general') as kind
    from known
    full outer join met on known.category_key = met.category_key
)

select * from final
