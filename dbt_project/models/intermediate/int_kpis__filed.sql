-- K29: the ledger against what was filed as KOSTRA accounts. No source brings filed accounts yet,
-- so every figure says that there is nothing to compare with.
with

totals as (
    select * from {{ ref('int_kpis__municipality_totals') }}
    where period_kind = 'year' and account_class in ('operating', 'investment')
),

final as (
    select
        'K29' as kpi_key,
        'reconciliation_gap' as measure,
        municipality_no,
        'all' as workshop_org_no,
        'all' as category_key,
        account_class,
        true as is_ratio,
        false as has_claim,
        'insufficient' as known_state,
        cast(null as decimal(38, 2)) as numerator,
        cast(null as decimal(38, 2)) as denominator,
        cast(null as double) as coverage,
        period_start,
        period_end
    from totals
)

select * from final
