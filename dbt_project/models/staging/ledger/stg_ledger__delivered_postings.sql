-- Every posting that was read, accepted or not: what sums are held against.
with

delivered as (
    select * from {{ source('ledger', 'ledger_postings') }}
),

final as (
    select
        municipality_no,
        fiscal_period,
        coalesce(upper(currency), 'NOK') as currency,
        amount,
        _source,
        _delivery_id,
        _file_sha256,
        _row_no,
        _xpath
    from delivered
)

select * from final
