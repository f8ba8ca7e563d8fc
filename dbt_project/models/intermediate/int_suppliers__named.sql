-- Names that belong to exactly one organisation number.
with

registered as (
    select * from {{ ref('int_suppliers__registered') }}
),

names as (
    select
        org_no,
        {{ normalised_name('known_name') }} as normalised_name
    from registered
),

final as (
    select
        normalised_name,
        min(org_no) as org_no
    from names
    where normalised_name is not null
    group by normalised_name
    having count(distinct org_no) = 1
)

select * from final
