-- The steps from all that was read to procurement spend (seed waterfall_steps).
{{ config(materialized='incremental') }}

with

delivered as (
    select * from {{ slice_of(ref('int_deliveries__summed')) }}
),

saft_postings as (
    select
        municipality_no,
        coalesce({{ month_of(first_day_of('fiscal_period')) }}, 'none') as period_month,
        treatment,
        if(currency = 'NOK', amount, null) as amount_nok
    from {{ slice_of(ref('int_saft__postings')) }}
),

documents as (
    select
        documents.municipality_no,
        coalesce({{ month_of('documents.invoice_date') }}, 'none') as period_month,
        treatments.treatment,
        if(documents.currency = 'NOK', documents.content_amount, null) as amount_nok,
        if(
            documents.currency = 'NOK',
            documents.content_amount - coalesce(documents.tax_exclusive_amount, 0), null
        ) as beyond_total_nok
    from {{ slice_of(ref('int_ehf__documents')) }} as documents
    inner join {{ slice_of(ref('int_invoices__treated')) }} as treatments
        on
            documents.municipality_no = treatments.municipality_no
            and documents.document_id = treatments.document_id
),

-- What of a purchase is no procurement, by the first reason that holds.
purchases as (
    select
        purchases.municipality_no,
        purchases.period_month,
        coalesce(
            if(
                purchases.evidence = 'ehf', {{ month_of('purchases.invoice_date') }},
                {{ month_of(first_day_of('purchases.fiscal_period')) }}
            ), 'none'
        ) as file_month,
        purchases.net_amount_nok as amount_nok,
        case
            when lines.in_procurement then null
            when purchases.evidence = 'included_vat' then 'included_vat'
            when purchases.scope = 'vat' then 'vat'
            when purchases.is_internal then 'internal'
            when purchases.payee_kind = 'natural_person' then 'persons'
            when purchases.scope = 'transfer' then 'transfers'
            when purchases.is_recharge then 'recharges'
            when purchases.scope = 'public_sector' then 'public_sector'
            when purchases.scope = 'exempt_property' then 'property'
            when purchases.scope = 'excluded_person' then 'excluded_person'
            when purchases.scope = 'unknown' then 'unknown_scope'
            else 'unknown_payee'
        end as step_key
    from {{ slice_of(ref('int_purchases__classified')) }} as purchases
    left join {{ slice_of(ref('int_kpis__lines')) }} as lines
        on
            purchases.municipality_no = lines.municipality_no
            and purchases.purchase_line_id = lines.purchase_line_id
),

steps as (
    -- (1) All that was read, and what of it does not count.
    select
        municipality_no,
        period_month,
        source || '_files' as step_key,
        row_count,
        amount_nok
    from delivered

    union all

    select
        municipality_no,
        period_month,
        state as step_key,
        row_count,
        -amount_nok as amount_nok
    from delivered
    where state != 'accepted'

    union all

    select
        municipality_no,
        period_month,
        if(treatment = 'not_purchase', 'saft_not_purchases', 'saft_unclassified') as step_key,
        1 as row_count,
        -amount_nok as amount_nok
    from saft_postings
    where treatment != 'purchase'

    union all

    select
        municipality_no,
        period_month,
        if(treatment = 'unposted', 'ehf_unposted', 'ehf_matched') as step_key,
        1 as row_count,
        -amount_nok as amount_nok
    from documents
    where treatment != 'ehf'

    union all

    select
        municipality_no,
        period_month,
        'ehf_lines_beyond_total' as step_key,
        1 as row_count,
        beyond_total_nok as amount_nok
    from documents
    where beyond_total_nok != 0

    union all

    -- (2) From the month in the files to the month of the figure.
    select
        municipality_no,
        unnest([file_month, period_month]) as period_month,
        'other_month' as step_key,
        1 as row_count,
        unnest([-amount_nok, amount_nok]) as amount_nok
    from purchases
    where file_month != period_month

    union all

    -- (3) What of spend is no procurement, and what is left.
    select
        municipality_no,
        period_month,
        coalesce(step_key, 'procurement_spend') as step_key,
        1 as row_count,
        if(step_key is null, amount_nok, -amount_nok) as amount_nok
    from purchases
),

final as (
    select
        municipality_no,
        period_month,
        step_key,
        cast(sum(row_count) as bigint) as row_count,
        cast(coalesce(sum(amount_nok), 0) as decimal(18, 2)) as amount_nok
    from steps
    group by municipality_no, period_month, step_key
)

select * from final
