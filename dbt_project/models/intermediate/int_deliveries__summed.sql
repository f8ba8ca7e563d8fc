-- What was read from all files, by month and by what became of it.
{{ config(materialized='incremental') }}

with

postings as (
    select
        municipality_no,
        _source as source,
        _delivery_id,
        fiscal_period,
        count(*) as row_count,
        coalesce(sum(amount) filter (where currency = 'NOK'), 0) as amount_nok
    from {{ slice_of(ref('stg_ledger__delivered_postings')) }}
    group by municipality_no, _source, _delivery_id, fiscal_period
),

-- Two sources can bring one delivery; where one of them counts, its rows do.
delivery_periods as (
    select
        municipality_no,
        source,
        _delivery_id,
        fiscal_period,
        if(bool_or(state = 'accepted'), 'accepted', min(state)) as state
    from {{ slice_of(ref('stg_landing__delivery_periods')) }}
    group by municipality_no, source, _delivery_id, fiscal_period
),

documents as (
    select * from {{ slice_of(ref('stg_ehf__delivered_invoices')) }}
),

document_states as (
    select * from {{ slice_of(ref('stg_landing__document_states')) }}
),

rejects as (
    select * from {{ slice_of(ref('stg_landing__rejects')) }}
    -- IN08: sums of other rows; IN03 and IN04 are said of what was read and is in the sums above.
    where
        severity = 'reject'
        and source in ('ledger', 'saft', 'ehf')
        and rule not in ('IN03', 'IN04', 'IN08')
),

unioned as (
    select
        postings.municipality_no,
        postings.source,
        {{ month_of(first_day_of('postings.fiscal_period')) }} as period_month,
        coalesce(delivery_periods.state, 'unsettled') as state,
        postings.row_count,
        postings.amount_nok
    from postings
    left join delivery_periods
        on
            postings.municipality_no = delivery_periods.municipality_no
            and postings.source = delivery_periods.source
            and postings._delivery_id = delivery_periods._delivery_id
            and {{ is_same('postings.fiscal_period', 'delivery_periods.fiscal_period') }}

    union all

    select
        documents.municipality_no,
        'ehf' as source,
        {{ month_of('documents.invoice_date') }} as period_month,
        coalesce(document_states.state, 'unsettled') as state,
        1 as row_count,
        if(documents.currency = 'NOK', coalesce(documents.tax_exclusive_amount, 0), 0) as amount_nok
    from documents
    left join document_states
        on
            documents.municipality_no = document_states.municipality_no
            and documents._delivery_id = document_states._delivery_id
            and documents._file_sha256 = document_states._file_sha256
            and documents.document_no = document_states.document_no

    union all

    select
        municipality_no,
        source,
        stated_month as period_month,
        'refused' as state,
        1 as row_count,
        coalesce(amount, 0) as amount_nok
    from rejects
),

final as (
    select
        municipality_no,
        source,
        coalesce(period_month, 'none') as period_month,
        state,
        sum(row_count) as row_count,
        cast(sum(amount_nok) as decimal(18, 2)) as amount_nok
    from unioned
    group by municipality_no, source, coalesce(period_month, 'none'), state
)

select * from final
