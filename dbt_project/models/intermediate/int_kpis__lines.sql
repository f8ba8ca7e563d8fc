-- Purchases with the sets that figures are made of (K01 to K06).
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

reached as (
    -- Several workshops can deliver the same.
    select distinct purchases.purchase_line_id
    from purchases
    inner join capabilities
        on
            purchases.municipality_no = capabilities.municipality_no
            and purchases.category_key = capabilities.category_key
            and {{ holds_on('capabilities', 'purchases.spend_date') }}
),

final as (
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
)

select * from final
