-- A KOSTRA code that the lists end has a row in the crosswalk, and its successors begin the year
-- after.
with

codes as (
    select
        'art' as code_kind,
        kostra_art as code,
        valid_from_year,
        valid_to_year
    from {{ ref('kostra_arts') }}

    union all

    select
        'function' as code_kind,
        kostra_function as code,
        valid_from_year,
        valid_to_year
    from {{ ref('kostra_sensitive_functions') }}
),

crosswalk as (
    select * from {{ ref('kostra_crosswalk') }}
)

select
    codes.code_kind,
    codes.code,
    crosswalk.new_code
from codes
left join crosswalk on codes.code_kind = crosswalk.code_kind and codes.code = crosswalk.old_code
left join codes as successors
    on crosswalk.code_kind = successors.code_kind and crosswalk.new_code = successors.code
where
    codes.valid_to_year is not null
    and (
        crosswalk.new_code is null
        or successors.code is null
        or successors.valid_from_year != codes.valid_to_year + 1
        or crosswalk.valid_from_year != codes.valid_to_year + 1
    )
