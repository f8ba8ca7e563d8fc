-- Which workshop categories a KOSTRA art leaves open for a member: those of the art, without those
-- that the member's chart has, or has had, an account of its own for.
with

members as (
    select * from {{ ref('stg_registers__members') }}
),

accounts as (
    select * from {{ ref('int_accounts__dated') }}
),

categories as (
    select * from {{ ref('workshop_categories') }}
),

numbers as (
    select municipality_no from members
    union
    select municipality_no from accounts
),

of_arts as (
    select
        category_key,
        {{ parts_of('kostra_arts') }} as kostra_art
    from categories
    where kostra_arts is not null
),

own as (
    -- A category may have several accounts.
    select distinct
        municipality_no,
        category_key
    from accounts
    where category_key is not null
),

final as (
    select
        numbers.municipality_no,
        of_arts.kostra_art,
        of_arts.category_key
    from numbers
    cross join of_arts
    left join own
        on
            numbers.municipality_no = own.municipality_no
            and of_arts.category_key = own.category_key
    where own.category_key is null
)

select * from final
