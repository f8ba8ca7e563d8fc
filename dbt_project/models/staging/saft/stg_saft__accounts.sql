with

delivered as (
    select * from {{ source('saft', 'saft_accounts') }}
),

accepted as (
    select * from delivered
    where {{ accepted_in_part() }}
),

final as (
    select
        municipality_no,
        local_account,
        local_account_text,
        standard_account,
        grouping_category,
        grouping_code,
        opening_debit_amount,
        opening_credit_amount,
        closing_debit_amount,
        closing_credit_amount,
        _delivery_id,
        _file_sha256,
        _row_no,
        _xpath
    from accepted
)

select * from final
