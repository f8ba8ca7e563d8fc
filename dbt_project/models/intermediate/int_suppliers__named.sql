-- Names that belong to exactly one organisation number. Where an enterprise and units below it
-- share a name, it is the enterprise's.
with

registered as (
    select * from {{ ref('int_suppliers__registered') }}
),

names as (
    select
        org_no,
        {{ normalised_name('known_name') }} as normalised_name,
        coalesce(legal_form = 'ENK', false) as is_sole_proprietor,
        is_sub_unit
    from registered
),

highest as (
    select *
    from names
    where normalised_name is not null
    qualify is_sub_unit = bool_and(is_sub_unit) over (partition by normalised_name)
),

final as (
    select
        normalised_name,
        min(org_no) as org_no,
        bool_or(is_sole_proprietor) as is_sole_proprietor
    from highest
    group by normalised_name
    having count(distinct org_no) = 1
)

select * from final
