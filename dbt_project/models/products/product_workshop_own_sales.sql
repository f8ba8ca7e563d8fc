with

purchases as (
    select * from {{ ref('fct_purchases') }}
    where workshop_org_no is not null and stream = 'product'
),

final as (
    select
        workshop_org_no as recipient_org_no,
        period_month as month,
        municipality_no,
        category_key as spend_category,
        cast(coalesce(sum(net_amount_nok), 0) as decimal(18, 2)) as net_amount_nok,
        count(distinct invoice_id) as invoices,
        bool_or(contract_reference is not null) as contract_reference_present
    from purchases
    group by workshop_org_no, period_month, municipality_no, category_key
)

select * from final
