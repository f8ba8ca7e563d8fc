with

watched as (
    select * from {{ ref('int_needs__watched') }}
    where is_bought
),

final as (
    select
        municipality_no,
        category_key,
        contract_type,
        contract_status,
        entry_band_at_start,
        entry_band_at_end,
        national_band_at_start,
        national_band_at_end,
        eea_band_at_start,
        eea_band_at_end,
        entry_law_source,
        entry_local_source,
        cast(bought_nok as decimal(18, 2)) as rolling_12m_nok,
        cast(entry_limit_at_start_nok as decimal(18, 2)) as entry_limit_at_start_nok,
        cast(entry_limit_at_end_nok as decimal(18, 2)) as entry_limit_at_end_nok,
        cast(national_limit_at_start_nok as decimal(18, 2)) as national_limit_at_start_nok,
        cast(national_limit_at_end_nok as decimal(18, 2)) as national_limit_at_end_nok,
        cast(eea_limit_at_start_nok as decimal(18, 2)) as eea_limit_at_start_nok,
        cast(eea_limit_at_end_nok as decimal(18, 2)) as eea_limit_at_end_nok,
        cast(entry_law_nok as decimal(18, 2)) as entry_law_nok,
        cast(entry_local_nok as decimal(18, 2)) as entry_local_nok,
        cast(headroom_at_end_nok as decimal(18, 2)) as headroom_nok,
        cast(headroom_at_start_nok as decimal(18, 2)) as headroom_at_start_nok,
        suppliers,
        months_with_data,
        is_entry_to_confirm,
        is_national_to_confirm,
        is_eea_to_confirm,
        is_latest,
        started_on,
        period_start,
        period_end
    from watched
)

select * from final
