-- What municipalities have answered to proposed numbers: the number that holds, or the one that
-- does not. The name is part of it: one code may stand for many suppliers.
with

corrections as (
    select * from {{ ref('stg_registers__supplier_corrections') }}
),

final as (
    select
        municipality_no,
        ledger_code,
        {{ normalised_name('name_in_ledger') }} as normalised_name,
        case answer
            when 'confirmed' then proposed_org_no
            when 'other' then corrected_org_no
        end as org_no,
        if(answer = 'confirmed', null, proposed_org_no) as refused_org_no,
        valid_from,
        valid_to
    from corrections
    -- Two spellings of one name that differ in nothing telling: the later answer holds.
    qualify
        row_number() over (
            partition by municipality_no, ledger_code, normalised_name, valid_from
            order by valid_to desc nulls first, name_in_ledger asc
        ) = 1
)

select * from final
