with

signals as (
    select * from {{ ref('int_splitting__signals') }}
),

suppliers as (
    select * from {{ ref('int_suppliers__registered') }}
),

final as (
    select
        signals.municipality_no,
        signals.payee_key,
        signals.category_key,
        signals.signal,
        -- A question says whom it is about where that cannot be a person.
        if(suppliers.legal_form != 'ENK', suppliers.org_no, null) as org_no,
        signals.invoices,
        cast(signals.net_nok as decimal(18, 2)) as net_amount_nok,
        cast(signals.limit_nok as decimal(18, 2)) as limit_nok,
        cast(signals.limit_at_end_nok as decimal(18, 2)) as limit_at_end_nok,
        signals.is_above_limit_at_end,
        signals.first_invoiced_on,
        signals.last_invoiced_on,
        signals.period_start,
        signals.period_end
    from signals
    left join suppliers on signals.payee_key = suppliers.org_no
)

select * from final
