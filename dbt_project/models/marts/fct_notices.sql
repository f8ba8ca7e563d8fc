with

lots as (
    select * from {{ ref('stg_notices__lots') }}
),

states as (
    select * from {{ ref('int_notices__states') }}
    where state != 'repeated'
),

buyers as (
    select * from {{ ref('int_notices__buyers') }}
),

final as (
    select
        lots.notice_id,
        lots.version,
        buyers.municipality_no,
        lots.lot_id,
        lots.procedure_id,
        states.state,
        lots.subtype,
        lots.form_type,
        lots.notice_type,
        lots.procedure_type,
        lots.legal_basis,
        coalesce(lots.title, lots.procedure_title) as title,
        coalesce(lots.contract_nature, lots.procedure_contract_nature) as contract_nature,
        coalesce(lots.main_cpv_code, lots.procedure_main_cpv_code) as main_cpv_code,
        coalesce(
            lots.additional_cpv_codes, lots.procedure_additional_cpv_codes
        ) as additional_cpv_codes,
        buyers.buyer_org_nos,
        buyers.buyer_role,
        lots.reserved_participation,
        lots.reserved_execution,
        lots.strategic_procurement,
        lots.social_objective,
        lots.framework,
        lots.winner_selection_status,
        lots.estimated_currency,
        lots.framework_maximum_currency,
        lots.procedure_estimated_currency,
        lots.duration_unit,
        lots._row_no as lot_no,
        buyers.buyers,
        lots.estimated_amount,
        lots.framework_maximum_amount,
        lots.procedure_estimated_amount,
        lots.duration,
        lots.renewals,
        coalesce(
            list_contains(string_split(lots.reserved_participation, ','), 'res-ws'), false
        ) as is_reserved_for_workshops,
        coalesce(
            list_contains(string_split(lots.reserved_execution, ','), 'yes'), false
        ) as has_reserved_execution,
        buyers.is_group_lead,
        lots.issue_date,
        lots.publication_date,
        lots.submission_deadline_date,
        coalesce(lots.contract_start_date, lots.procedure_contract_start_date)
            as contract_start_date,
        coalesce(lots.contract_end_date, lots.procedure_contract_end_date) as contract_end_date,
        lots.submission_deadline_at,
        buyers.delivered_by,
        lots._delivery_id,
        lots._file_sha256
    from lots
    inner join states
        on
            lots.municipality_no = states.municipality_no
            and lots._delivery_id = states._delivery_id
            and lots._file_sha256 = states._file_sha256
    inner join buyers
        on
            lots.municipality_no = buyers.delivered_by
            and lots._delivery_id = buyers._delivery_id
            and lots._file_sha256 = buyers._file_sha256
)

select * from final
