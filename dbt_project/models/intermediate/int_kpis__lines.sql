-- Purchases with the sets that figures are made of: in_<line set> says which lines a figure sums,
-- and is what it is traced by (fct_kpi_lines, kpi_parts.csv). No other model defines such a set.
--   P  procurement: four scopes, no VAT, no transfer, not the buyer's own units, no natural person
--   A  addressable in kind: core and service-replacing spend in product categories
-- A payee that nobody knows is in neither set; what it received counts against the coverage.
with

purchases as (
    select * from {{ ref('int_purchases__classified') }}
),

categories as (
    select * from {{ ref('int_categories__known') }}
),

capabilities as (
    select * from {{ ref('int_workshops__reached') }}
),

-- Several workshops can deliver the same, and one in two ways.
reached as (
    select
        purchases.purchase_line_id,
        list_sort(list(distinct capabilities.workshop_org_no)) as reached_by
    from purchases
    inner join capabilities
        on
            purchases.municipality_no = capabilities.municipality_no
            and purchases.category_key = capabilities.category_key
            and {{ holds_on('capabilities', 'purchases.spend_date') }}
    group by purchases.purchase_line_id
),

kinds as (
    select
        purchases.purchase_line_id,
        purchases.municipality_no,
        purchases.workshop_org_no,
        purchases.category_key,
        purchases.account_class,
        purchases.stream,
        purchases.period_month,
        purchases.net_amount_nok,
        purchases.payee_kind != 'unknown' as is_identified,
        purchases.scope in ('core', 'core_not_addressable', 'core_service_replacement', 'mixed')
            as is_procurement,
        purchases.scope in ('core', 'core_service_replacement') and categories.kind = 'product'
            as is_product,
        purchases.scope in ('core', 'core_service_replacement') and categories.kind = 'product'
        and reached.purchase_line_id is not null as is_addressable,
        purchases.scope = 'transfer' as is_transfer,
        reached.reached_by,
        purchases.spend_date
    from purchases
    inner join categories on purchases.category_key = categories.category_key
    left join reached on purchases.purchase_line_id = reached.purchase_line_id
    where
        purchases.payee_kind != 'natural_person'
        and not purchases.is_internal
        and purchases.net_amount_nok is not null
        and purchases.period_month is not null
        and purchases.scope != 'vat'
),

final as (
    select
        purchase_line_id,
        municipality_no,
        workshop_org_no,
        category_key,
        account_class,
        stream,
        period_month,
        net_amount_nok,
        is_identified,
        is_procurement,
        is_product,
        is_addressable,
        is_transfer,
        is_procurement and is_identified as in_procurement,
        is_addressable and is_identified as in_addressable,
        workshop_org_no is not null and is_product as in_workshop_product,
        workshop_org_no is not null and stream = 'inclusion' as in_workshop_inclusion,
        workshop_org_no is not null and stream = 'transfer' as in_workshop_transfer,
        if(is_addressable and is_identified, reached_by, null) as reached_by,
        spend_date
    from kinds
)

select * from final
