with

categories as (
    select * from {{ ref('int_categories__known') }}
),

category_groups as (
    select * from {{ ref('category_groups') }}
),

final as (
    select
        categories.category_key,
        category_groups.parent_key,
        categories.label_en,
        categories.label_no,
        categories.kind
    from categories
    left join category_groups on categories.category_key = category_groups.category_key
)

select * from final
