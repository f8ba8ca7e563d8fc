with

delivered as (
    select * from {{ source('ehf', 'ehf_allowance_charges') }}
),

accepted as (
    select * from delivered
    where {{ accepted_documents() }}
),

final as (
    select
        {{ hash_of(['municipality_no', '_delivery_id', '_file_sha256', 'document_no']) }}
            as document_id,
        municipality_no,
        level,
        line_row_no,
        cast(if(is_charge, 1, -1) * amount as decimal(18, 2)) as stated_amount,
        vat_rate,
        is_charge,
        _delivery_id,
        _file_sha256,
        _row_no,
        _xpath
    from accepted
)

select * from final
