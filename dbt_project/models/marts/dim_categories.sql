with

categories as (
    select * from {{ ref('int_categories__known') }}
),

final as (
    select
        category_key,
        label_en,
        label_no,
        kind
    from categories
)

select * from final
