with

delivered as (
    select * from {{ source('notices', 'notices') }}
),

accepted as (
    select * from delivered
    where {{ accepted_periods("'all'") }}
),

final as (
    select
        municipality_no,
        notice_id,
        lot_id,
        version,
        notice_kind,
        subtype,
        notice_type,
        form_type,
        language,
        publication_no,
        changed_notice,
        change_reason,
        procedure_id,
        procedure_type,
        legal_basis,
        legal_references,
        result_currency,
        procedure_title,
        procedure_contract_nature,
        procedure_main_cpv_code,
        procedure_additional_cpv_codes,
        procedure_estimated_currency,
        procedure_framework_maximum_currency,
        procedure_duration_unit,
        procedure_duration_code,
        lot_kind,
        title,
        contract_nature,
        main_cpv_code,
        additional_cpv_codes,
        estimated_currency,
        framework_maximum_currency,
        duration_unit,
        duration_code,
        reserved_participation,
        reserved_execution,
        strategic_procurement,
        social_objective,
        framework,
        dynamic_purchasing_system,
        winner_selection_status,
        result_amount,
        procedure_estimated_amount,
        procedure_framework_maximum_amount,
        procedure_duration,
        procedure_renewals,
        estimated_amount,
        framework_maximum_amount,
        duration,
        renewals,
        issue_date,
        publication_date,
        procedure_contract_start_date,
        procedure_contract_end_date,
        contract_start_date,
        contract_end_date,
        submission_deadline_date,
        participation_deadline_date,
        interest_deadline_date,
        submission_deadline_at,
        participation_deadline_at,
        interest_deadline_at,
        _delivery_id,
        _file_sha256,
        _row_no
    from accepted
)

select * from final
