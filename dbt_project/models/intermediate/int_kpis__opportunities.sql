-- K21, and K07 for one workshop: each opportunity of the latest twelve months. No totals: several
-- workshops can win the same spend, and one capacity serves several members.
with

scored as (
    select * from {{ ref('int_opportunities__scored') }}
),

cells as (
    select
        municipality_no,
        workshop_org_no,
        category_key,
        'all' as account_class,
        headroom_to_workshop_nok,
        winnable_nok * feasibility as score_nok,
        -- What is not classified may be an opportunity too.
        classified_ratio as need_identified_nok,
        1 as need_all_nok,
        period_start,
        period_end
    from scored
),

final as (
    {{ kpi_figures([
        {'key': 'K07', 'measure': 'headroom_to_workshop', 'of': 'headroom_to_workshop_nok',
         'set': 'need'},
        {'key': 'K21', 'measure': 'opportunity_score', 'of': 'score_nok', 'set': 'need'},
    ]) }}
)

select * from final
