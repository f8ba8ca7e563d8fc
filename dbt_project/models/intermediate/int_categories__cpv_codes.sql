-- Each CPV code met on a line, with the workshop category of its longest prefix.
with

lines as (
    select * from {{ ref('int_ehf__rows') }}
),

categories as (
    select * from {{ ref('workshop_categories') }}
),

codes as (
    -- A code stands on many lines.
    select distinct cpv_code
    from lines
    where cpv_code is not null
),

category_codes as (
    select
        category_key,
        kind,
        {{ parts_of('cpv_codes') }} as category_code
    from categories
    where cpv_codes is not null
),

prefixes as (
    select
        category_key,
        kind,
        rtrim(category_code, '0') as prefix
    from category_codes
),

final as (
    select
        codes.cpv_code,
        prefixes.category_key,
        prefixes.kind
    from codes
    inner join prefixes on starts_with(codes.cpv_code, prefixes.prefix)
    -- Two categories can name the same code: the first by name has it.
    qualify
        row_number() over (
            partition by codes.cpv_code
            order by length(prefixes.prefix) desc, prefixes.category_key asc
        ) = 1
)

select * from final
