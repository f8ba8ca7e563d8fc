with

delivered as (
    select * from {{ source('saft', 'saft_taxes') }}
),

accepted as (
    select * from delivered
    where {{ accepted_in_part() }}
),

final as (
    select
        municipality_no,
        tax_type,
        tax_code,
        standard_tax_code,
        tax_no,
        tax_percentage,
        tax_base,
        tax_amount,
        _delivery_id,
        _file_sha256,
        _row_no,
        _xpath
    from accepted
)

select * from final
