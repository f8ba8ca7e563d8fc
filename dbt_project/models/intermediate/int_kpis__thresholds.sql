-- K07 and K08: what is bought of each need in twelve months, whoever was paid, against the
-- limits of the day it started on and of the period's last day. Categories alone: over all
-- there is no need.
with

watched as (
    select * from {{ ref('int_needs__watched') }}
    where is_bought
),

cells as (
    select
        municipality_no,
        'all' as workshop_org_no,
        category_key,
        'all' as account_class,
        bought_nok,
        headroom_at_end_nok,
        headroom_at_start_nok,
        entry_limit_at_start_nok,
        entry_limit_at_end_nok,
        national_limit_at_start_nok,
        national_limit_at_end_nok,
        eea_limit_at_start_nok,
        eea_limit_at_end_nok,
        -- What is not classified may belong to the need.
        classified_nok as need_identified_nok,
        all_nok as need_all_nok,
        period_start,
        period_end
    from watched
),

final as (
    {{ kpi_figures([
        {'key': 'K07', 'measure': 'direct_purchase_headroom', 'of': 'headroom_at_end_nok',
         'set': 'need'},
        {'key': 'K07', 'measure': 'direct_purchase_headroom_at_start', 'of': 'headroom_at_start_nok',
         'set': 'need'},
        {'key': 'K08', 'measure': 'entry_limit_ratio_at_start', 'of': 'bought_nok',
         'over': 'entry_limit_at_start_nok', 'set': 'need'},
        {'key': 'K08', 'measure': 'entry_limit_ratio_at_end', 'of': 'bought_nok',
         'over': 'entry_limit_at_end_nok', 'set': 'need'},
        {'key': 'K08', 'measure': 'national_limit_ratio_at_start', 'of': 'bought_nok',
         'over': 'national_limit_at_start_nok', 'set': 'need'},
        {'key': 'K08', 'measure': 'national_limit_ratio_at_end', 'of': 'bought_nok',
         'over': 'national_limit_at_end_nok', 'set': 'need'},
        {'key': 'K08', 'measure': 'eea_limit_ratio_at_start', 'of': 'bought_nok',
         'over': 'eea_limit_at_start_nok', 'set': 'need'},
        {'key': 'K08', 'measure': 'eea_limit_ratio_at_end', 'of': 'bought_nok',
         'over': 'eea_limit_at_end_nok', 'set': 'need'},
    ]) }}
)

select * from final
