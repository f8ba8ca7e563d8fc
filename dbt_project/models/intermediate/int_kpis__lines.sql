-- Purchases with the sets that figures are made of: in_<line set> says which lines a figure sums,
-- and is what it is traced by (fct_kpi_lines, kpi_parts.csv). No other model defines such a set.
--   P  procurement: four scopes, no VAT, no transfer, not the buyer's own units, no natural person
--   A  addressable in kind: core and service-replacing spend in product categories
-- A payee that nobody knows is in neither set; what it received counts against the coverage.
-- An invoice is counted in the first month that it has a line in.
{{ config(materialized='incremental') }}

with

purchases as (
    select * from {{ slice_of(ref('int_purchases__classified')) }}
),

categories as (
    select * from {{ ref('int_categories__known') }}
),

capabilities as (
    select * from {{ ref('int_workshops__reached') }}
),

contracts as (
    select * from {{ slice_of(ref('int_contracts__lines')) }}
),

registered as (
    select * from {{ ref('int_suppliers__registered') }}
),

members as (
    select * from {{ ref('stg_registers__members') }}
),

days as (
    -- A category has many lines on one day.
    select distinct
        municipality_no,
        category_key,
        spend_date
    from purchases
),

-- Several workshops can deliver the same, and one in two ways.
reached as (
    select
        days.municipality_no,
        days.category_key,
        days.spend_date,
        list_sort(list(distinct capabilities.workshop_org_no)) as reached_by
    from days
    inner join capabilities
        on
            days.municipality_no = capabilities.municipality_no
            and days.category_key = capabilities.category_key
            and {{ holds_on('capabilities', 'days.spend_date') }}
    group by days.municipality_no, days.category_key, days.spend_date
),

kinds as (
    select
        purchases.purchase_line_id,
        purchases.municipality_no,
        purchases.invoice_id,
        purchases.payee_key,
        purchases.workshop_org_no,
        registered.business_municipality_no as payee_municipality_no,
        purchases.category_key,
        purchases.account_class,
        purchases.stream,
        purchases.period_month,
        purchases.category_confidence,
        purchases.net_amount_nok,
        purchases.payee_kind != 'unknown' as is_identified,
        purchases.scope in ('core', 'core_not_addressable', 'core_service_replacement', 'mixed')
            as is_procurement,
        purchases.scope in ('core', 'core_service_replacement') and categories.kind = 'product'
            as is_product,
        purchases.scope in ('core', 'core_service_replacement') and categories.kind = 'product'
        and reached.municipality_no is not null as is_addressable,
        purchases.scope = 'transfer' as is_transfer,
        contracts.purchase_line_id is not null as is_contract_covered,
        coalesce(contracts.is_on_contract_by_reference, false) as is_on_contract_by_reference,
        coalesce(contracts.is_on_contract, false) as is_on_contract,
        coalesce(contracts.is_on_reserved_contract, false) as is_on_reserved_contract,
        coalesce(contracts.is_closed_to_others, false) as is_closed_to_others,
        registered.org_no is not null
        and not registered.is_bankrupt
        and coalesce(registered.deleted_on > purchases.spend_date, true) as is_registered,
        purchases.document_id is not null as is_einvoice,
        {{ is_stated_reference('purchases.contract_reference') }} as has_contract_reference,
        reached.reached_by,
        purchases.spend_date
    from purchases
    inner join categories on purchases.category_key = categories.category_key
    left join reached
        on
            purchases.municipality_no = reached.municipality_no
            and purchases.category_key = reached.category_key
            and purchases.spend_date = reached.spend_date
    left join contracts
        on
            purchases.municipality_no = contracts.municipality_no
            and purchases.purchase_line_id = contracts.purchase_line_id
    left join registered on purchases.org_no = registered.org_no
    where
        purchases.payee_kind != 'natural_person'
        and not purchases.is_internal
        and purchases.net_amount_nok is not null
        and purchases.period_month is not null
        and purchases.scope != 'vat'
),

invoices as (
    select
        municipality_no,
        invoice_id,
        min(period_month) as period_month,
        sum(net_amount_nok) as net_amount_nok,
        bool_or(is_einvoice) as is_einvoice,
        bool_or(is_einvoice and has_contract_reference) as has_contract_reference
    from kinds
    where is_procurement
    group by municipality_no, invoice_id
),

final as (
    select
        kinds.purchase_line_id,
        kinds.municipality_no,
        kinds.invoice_id,
        kinds.payee_key,
        kinds.workshop_org_no,
        kinds.payee_municipality_no,
        kinds.category_key,
        kinds.account_class,
        kinds.stream,
        kinds.period_month,
        kinds.net_amount_nok,
        kinds.is_identified,
        kinds.is_procurement,
        kinds.is_product,
        kinds.is_addressable,
        kinds.is_transfer,
        kinds.is_procurement and kinds.is_contract_covered as is_contract_covered,
        kinds.is_procurement and kinds.is_identified as in_procurement,
        kinds.is_addressable and kinds.is_identified as in_addressable,
        kinds.workshop_org_no is not null and kinds.is_product as in_workshop_product,
        kinds.workshop_org_no is not null and kinds.stream = 'inclusion' as in_workshop_inclusion,
        kinds.workshop_org_no is not null and kinds.stream = 'transfer' as in_workshop_transfer,
        in_procurement and kinds.is_contract_covered as in_contract_covered,
        in_contract_covered and kinds.is_on_contract_by_reference as in_contract_reference,
        in_contract_covered and kinds.is_on_contract as in_contract_supplier,
        in_contract_covered
        and not kinds.is_on_contract
        and not kinds.is_closed_to_others
        and in_workshop_product as in_workshop_beside_contract,
        in_contract_covered
        and not in_contract_reference
        and not in_workshop_beside_contract as in_maverick_strict,
        in_contract_covered
        and not in_contract_supplier
        and not in_workshop_beside_contract as in_maverick_loose,
        in_procurement and kinds.is_on_reserved_contract as in_reserved_contract,
        in_procurement
        and coalesce(kinds.payee_municipality_no = kinds.municipality_no, false)
            as in_local_municipality,
        in_procurement and members.municipality_no is not null as in_local_consortium,
        in_procurement
        and coalesce(
            substr(kinds.payee_municipality_no, 1, 2) = substr(kinds.municipality_no, 1, 2), false
        ) as in_local_county,
        kinds.is_procurement as in_procurement_any_payee,
        kinds.is_procurement and kinds.is_registered as in_registered_payee,
        in_procurement
        and kinds.category_confidence >= {{ var('classified_from_confidence') }} as in_classified,
        coalesce(kinds.is_procurement and kinds.period_month = invoices.period_month, false)
            as in_invoice,
        in_invoice and invoices.is_einvoice as in_einvoice,
        in_einvoice and invoices.has_contract_reference as in_einvoice_with_contract,
        in_invoice
        and invoices.net_amount_nok > 0
        and invoices.net_amount_nok < {{ var('small_invoice_below_nok') }} as in_small_invoice,
        if(kinds.is_addressable and kinds.is_identified, kinds.reached_by, null) as reached_by,
        kinds.spend_date
    from kinds
    left join invoices
        on
            kinds.municipality_no = invoices.municipality_no
            and kinds.invoice_id = invoices.invoice_id
    left join members
        on
            kinds.payee_municipality_no = members.municipality_no
            and {{ holds_on('members', 'kinds.spend_date') }}
)

select * from final
