with

postings as (
    select
        postings.*,
        matches.document_id
    from {{ ref('int_ledger__postings') }} as postings
    left join {{ ref('int_invoices__matched') }} as matches
        on
            postings.municipality_no = matches.municipality_no
            and postings.posting_id = matches.posting_id
),

purchases as (
    select * from {{ ref('int_purchases__classified') }}
),

saft_postings as (
    select
        municipality_no,
        {{ month_of(first_day_of('fiscal_period')) }} as period_month,
        treatment,
        if(currency = 'NOK', amount, null) as amount_nok
    from {{ ref('int_saft__postings') }}
),

documents as (
    select
        documents.*,
        treatments.treatment
    from {{ ref('int_ehf__documents') }} as documents
    inner join {{ ref('int_invoices__treated') }} as treatments
        on
            documents.municipality_no = treatments.municipality_no
            and documents.document_id = treatments.document_id
),

unioned as (
    select
        municipality_no,
        {{ month_of(first_day_of('fiscal_period')) }} as period_month,
        'ledger_postings' as measure,
        net_amount_nok as amount_nok
    from postings

    union all

    select
        municipality_no,
        {{ month_of(first_day_of('fiscal_period')) }} as period_month,
        'ledger_without_ehf' as measure,
        net_amount_nok as amount_nok
    from postings
    where document_id is null

    union all

    select
        municipality_no,
        {{ month_of(first_day_of('fiscal_period')) }} as period_month,
        'purchases_from_postings' as measure,
        net_amount_nok as amount_nok
    from purchases
    where evidence != 'ehf'

    union all

    select
        municipality_no,
        {{ month_of(first_day_of('fiscal_period')) }} as period_month,
        'difference' as measure,
        net_amount_nok as amount_nok
    from purchases
    where evidence = 'difference'

    union all

    select
        municipality_no,
        period_month,
        'saft_postings' as measure,
        amount_nok
    from saft_postings

    union all

    select
        municipality_no,
        period_month,
        case treatment
            when 'purchase' then 'saft_purchases'
            when 'not_purchase' then 'saft_not_purchases'
            else 'saft_unclassified'
        end as measure,
        amount_nok
    from saft_postings

    union all

    select
        municipality_no,
        {{ month_of('invoice_date') }} as period_month,
        'ehf_documents' as measure,
        if(currency = 'NOK', content_amount, null) as amount_nok
    from documents

    union all

    select
        municipality_no,
        {{ month_of('invoice_date') }} as period_month,
        case treatment
            when 'ehf' then 'ehf_as_spend'
            when 'unposted' then 'ehf_unposted'
            else 'ehf_matched'
        end as measure,
        if(currency = 'NOK', content_amount, null) as amount_nok
    from documents
),

final as (
    select
        municipality_no,
        period_month,
        measure,
        count(*) as row_count,
        cast(coalesce(sum(amount_nok), 0) as decimal(18, 2)) as amount_nok
    from unioned
    group by municipality_no, period_month, measure
)

select * from final
