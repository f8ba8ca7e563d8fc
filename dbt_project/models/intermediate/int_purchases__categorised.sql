-- What was bought, line by line: the first of these that says it, with method and confidence.
--   (1) the CPV code on the line, else its UNSPSC code (cpv, unspsc);
--   (2) the category of the contract that the line refers to (contract);
--   (3) the account, else art and function together where they leave no doubt (account);
--   (4) the one category of all contracts with the supplier that cover the member then (contract);
--   (5) the line's text, from a probability on (text);
--   (6) the KOSTRA art itself (account).
-- Art and function, (4) and (5) say which of the art's categories it was where the chart has no
-- account of its own for that one: never that the account is wrong.
-- One exception: what a workshop is paid on art 370 and function 273 under a text that says
-- co-funding is that, though booked as a purchase.
{{ config(materialized='incremental') }}

with

payees as (
    select * from {{ slice_of(ref('int_purchases__payees')) }}
),

cpv_codes as (
    select * from {{ ref('int_categories__cpv_codes') }}
),

described as (
    select * from {{ slice_of(ref('int_purchases__described')) }}
),

covering as (
    select * from {{ ref('int_contracts__covering') }}
),

account_categories as (
    select * from {{ ref('account_categories') }}
),

possible as (
    select * from {{ ref('int_categories__possible') }}
),

-- The contract that a line refers to, and what all contracts with its supplier are about: each by
-- equal keys, for a member has many contracts.
referred as (
    select
        payees.municipality_no,
        payees.purchase_line_id,
        min(covering.category_key) as category_key
    from payees
    inner join covering
        on
            payees.municipality_no = covering.municipality_no
            and payees.contract_reference = covering.contract_id
            and {{ holds_on('covering', 'payees.spend_date') }}
    group by payees.municipality_no, payees.purchase_line_id
),

supplied as (
    select
        payees.municipality_no,
        payees.purchase_line_id,
        if(
            count(distinct coalesce(covering.category_key, '')) = 1,
            min(covering.category_key),
            null
        ) as category_key
    from payees
    inner join covering
        on
            payees.municipality_no = covering.municipality_no
            and payees.org_no = covering.supplier_org_no
            and {{ holds_on('covering', 'payees.spend_date') }}
    group by payees.municipality_no, payees.purchase_line_id
),

met as (
    select
        payees.purchase_line_id,
        payees.municipality_no,
        payees.cpv_code,
        payees.kostra_art,
        payees.account_category_key,
        cpv_codes.category_key as cpv_category_key,
        cpv_codes.kind as cpv_kind,
        described.unspsc_category_key,
        referred.category_key as reference_category_key,
        if(
            payees.kostra_art is null or of_contract.category_key is not null,
            supplied.category_key, null
        ) as supplier_category_key,
        of_function.category_key as function_category_key,
        account_categories.confidence as function_confidence,
        described.text_score,
        if(
            described.text_score >= {{ var('text_least_score') }}
            and described.text_category_key != 'other'
            and (payees.kostra_art is null or of_text.category_key is not null),
            described.text_category_key, null
        ) as text_category_key,
        coalesce(
            payees.workshop_org_no is not null
            and not payees.is_vat
            and payees.cpv_code is null
            and payees.kostra_art = '370'
            and coalesce(payees.kostra_function, '273') = '273'
            and described.text_category_key = 'vta_cofunding'
            and described.text_score >= {{ var('text_least_score') }},
            false
        ) as is_misbooked_cofunding
    from payees
    left join cpv_codes on payees.cpv_code = cpv_codes.cpv_code
    left join described
        on
            payees.municipality_no = described.municipality_no
            and payees.purchase_line_id = described.purchase_line_id
    left join referred
        on
            payees.municipality_no = referred.municipality_no
            and payees.purchase_line_id = referred.purchase_line_id
    left join supplied
        on
            payees.municipality_no = supplied.municipality_no
            and payees.purchase_line_id = supplied.purchase_line_id
    left join account_categories
        on
            payees.kostra_art = account_categories.kostra_art
            and payees.kostra_function = account_categories.kostra_function
    left join possible as of_function
        on
            payees.municipality_no = of_function.municipality_no
            and payees.kostra_art = of_function.kostra_art
            and account_categories.category_key = of_function.category_key
    left join possible as of_text
        on
            payees.municipality_no = of_text.municipality_no
            and payees.kostra_art = of_text.kostra_art
            and described.text_category_key = of_text.category_key
    left join possible as of_contract
        on
            payees.municipality_no = of_contract.municipality_no
            and payees.kostra_art = of_contract.kostra_art
            and supplied.category_key = of_contract.category_key
),

placed as (
    select
        *,
        case
            when is_misbooked_cofunding then 'cofunding'
            when cpv_code is not null then 'cpv'
            when unspsc_category_key is not null then 'unspsc'
            when reference_category_key is not null then 'contract'
            when account_category_key is not null then 'account'
            when function_category_key is not null then 'function'
            when supplier_category_key is not null then 'supplier'
            when text_category_key is not null then 'text'
            when kostra_art is not null then 'art'
            else 'none'
        end as evidence
    from met
),

final as (
    select
        purchase_line_id,
        municipality_no,
        cpv_category_key,
        cpv_kind,
        case evidence
            when 'cofunding' then 'vta_cofunding'
            when 'cpv' then coalesce(cpv_category_key, 'cpv_' || substr(cpv_code, 1, 2))
            when 'unspsc' then unspsc_category_key
            when 'contract' then reference_category_key
            when 'account' then account_category_key
            when 'function' then function_category_key
            when 'supplier' then supplier_category_key
            when 'text' then text_category_key
            when 'art' then 'art_' || kostra_art
            else 'unclassified'
        end as category_key,
        case
            when evidence = 'cofunding' then 'text'
            when evidence in ('function', 'art') then 'account'
            when evidence = 'supplier' then 'contract'
            else evidence
        end as category_method,
        cast(
            case evidence
                when 'cpv' then {{ var('confidence_cpv') }}
                when 'unspsc' then {{ var('confidence_unspsc') }}
                when 'contract' then {{ var('confidence_contract') }}
                when 'account' then {{ var('confidence_account') }}
                when 'function' then function_confidence
                when 'supplier' then {{ var('confidence_contract_of_supplier') }}
                when 'cofunding' then text_score
                when 'text' then text_score
                when 'art' then {{ var('confidence_kostra_art') }}
                else 0
            end as decimal(3, 2)
        ) as category_confidence,
        is_misbooked_cofunding
    from placed
)

select * from final
