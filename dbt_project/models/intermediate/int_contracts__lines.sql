-- Purchase lines that a contract in force on the day has to do with: by its number, by its supplier
-- in its category, or because it covers the category.
{{ config(materialized='incremental') }}

with

lines as (
    select
        purchase_line_id,
        municipality_no,
        org_no,
        category_key,
        contract_reference,
        spend_date
    from {{ slice_of(ref('int_purchases__classified')) }}
    where scope != 'vat'
),

covering as (
    select * from {{ ref('int_contracts__covering') }}
),

pairs as (
    select
        lines.purchase_line_id,
        lines.municipality_no,
        covering.contract_id,
        covering.category_key is null as is_general,
        covering.is_reserved,
        covering.exclusivity,
        true as is_by_reference,
        coalesce(covering.supplier_org_no = lines.org_no, covering.supplier_org_no is null)
            as is_payee_on_it,
        false as is_by_category
    from lines
    inner join covering
        on
            lines.municipality_no = covering.municipality_no
            and lines.contract_reference = covering.contract_id
            and {{ holds_on('covering', 'lines.spend_date') }}

    union all

    select
        lines.purchase_line_id,
        lines.municipality_no,
        covering.contract_id,
        covering.category_key is null as is_general,
        covering.is_reserved,
        covering.exclusivity,
        false as is_by_reference,
        true as is_payee_on_it,
        false as is_by_category
    from lines
    inner join covering
        on
            lines.municipality_no = covering.municipality_no
            and lines.org_no = covering.supplier_org_no
            and coalesce(covering.category_key, lines.category_key) = lines.category_key
            and {{ holds_on('covering', 'lines.spend_date') }}

    union all

    select
        lines.purchase_line_id,
        lines.municipality_no,
        null as contract_id,
        false as is_general,
        covering.is_reserved,
        covering.exclusivity,
        false as is_by_reference,
        false as is_payee_on_it,
        true as is_by_category
    from lines
    inner join covering
        on
            lines.municipality_no = covering.municipality_no
            and lines.category_key = covering.category_key
            and {{ holds_on('covering', 'lines.spend_date') }}
),

-- A contract counts by its number, else by its supplier in its category; the first by number where
-- several do.
final as (
    select
        purchase_line_id,
        municipality_no,
        arg_min(contract_id, row(not is_by_reference, is_general, contract_id)) filter (
            where contract_id is not null
        ) as contract_id,
        case
            when bool_or(is_by_reference) then 'reference'
            when count(contract_id) > 0 then 'supplier'
            else 'none'
        end as contract_match,
        bool_or(is_by_reference and is_payee_on_it) as is_on_contract_by_reference,
        bool_or(is_payee_on_it) as is_on_contract,
        bool_or(is_payee_on_it and is_reserved) as is_on_reserved_contract,
        bool_or(is_by_category and exclusivity != 'no') as is_closed_to_others
    from pairs
    group by purchase_line_id, municipality_no
)

select * from final
