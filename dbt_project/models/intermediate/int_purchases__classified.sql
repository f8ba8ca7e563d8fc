-- Every line of spend with its payee, scope, category, stream and months.
with

lines as (
    select * from {{ ref('int_purchases__lines') }}
),

registered as (
    select * from {{ ref('int_suppliers__registered') }}
),

named as (
    select * from {{ ref('int_suppliers__named') }}
),

workshops as (
    select * from {{ ref('stg_registers__workshops') }}
),

member_org_nos as (
    select * from {{ ref('stg_registers__member_org_nos') }}
),

cpv_codes as (
    select * from {{ ref('int_categories__cpv_codes') }}
),

functions as (
    select * from {{ ref('kostra_sensitive_functions') }}
),

dated as (
    select
        *,
        case
            when is_seller_org_no_valid then seller_org_no
            when is_supplier_org_no_valid then supplier_org_no
        end as stated_org_no,
        {{ normalised_name('coalesce(seller_name, supplier_name)') }} as normalised_name,
        coalesce(
            invoice_date, posting_date, {{ first_day_of('fiscal_period') }}
        ) as spend_date,
        case
            when invoice_date is not null then 'invoice_date'
            when posting_date is not null then 'posting_date'
            else 'fiscal_period'
        end as period_basis
    from lines
),

payees as (
    select
        dated.*,
        coalesce(dated.stated_org_no, named.org_no) as org_no,
        case
            when dated.stated_org_no is not null then 'org_no'
            when named.org_no is not null then 'name_exact'
            else 'none'
        end as payee_method
    from dated
    left join named
        on dated.stated_org_no is null and dated.normalised_name = named.normalised_name
),

resolved as (
    select
        payees.*,
        coalesce(registered.name, payees.seller_name, payees.supplier_name) as payee_name,
        case
            when registered.legal_form = 'ENK'
                then 'sole_proprietor'
            when
                registered.legal_form in ('KOMM', 'FYLK', 'STAT', 'ORGL', 'KF', 'FKF', 'IKS')
                then 'public_body'
            when registered.org_no is not null
                then 'legal_entity'
            when payees.kostra_art in ('160', '165')
                then 'natural_person'
            when payees.org_no is null and upper(payees.seller_country) != 'NO'
                then 'foreign'
            else 'unknown'
        end as payee_kind,
        registered.org_no is not null as is_registered,
        workshops.org_no as workshop_org_no,
        coalesce(
            payees.org_no,
            'name:' || {{ hash_of(['payees.municipality_no', 'payees.normalised_name']) }}
        ) as payee_key
    from payees
    left join registered on payees.org_no = registered.org_no
    left join workshops
        on
            payees.org_no = workshops.org_no
            and {{ holds_on('workshops', 'payees.spend_date') }}
),

scoped as (
    select
        resolved.*,
        cpv_codes.category_key as cpv_category_key,
        cpv_codes.kind as cpv_kind,
        case
            when resolved.is_vat then 'vat'
            when resolved.account_scope is not null then resolved.account_scope
            when cpv_codes.kind = 'product' then 'core'
            when cpv_codes.kind = 'inclusion' then 'core_service_replacement'
            else 'unknown'
        end as scope
    from resolved
    left join cpv_codes on resolved.cpv_code = cpv_codes.cpv_code
),

final as (
    select
        scoped.purchase_line_id,
        scoped.municipality_no,
        scoped.document_id,
        scoped.posting_id,
        coalesce(
            scoped.document_id,
            {{ hash_of([
                'scoped.municipality_no', 'scoped.payee_key', 'scoped.supplier_ledger_code',
                'coalesce(scoped.normalised_invoice_no, scoped.voucher_no, scoped.posting_id)'
            ]) }}
        ) as invoice_id,
        scoped.org_no,
        scoped.payee_key,
        scoped.payee_name,
        scoped.payee_kind,
        scoped.payee_method,
        cast(
            case scoped.payee_method
                when 'org_no' then {{ var('confidence_org_no') }}
                when 'name_exact' then {{ var('confidence_name_exact') }}
                else 0
            end as decimal(3, 2)
        ) as payee_confidence,
        scoped.supplier_ledger_code,
        scoped.workshop_org_no,
        scoped.voucher_type,
        scoped.voucher_no,
        scoped.line_no,
        scoped.invoice_no,
        scoped.document_type,
        scoped.contract_reference,
        scoped.order_reference,
        scoped.local_account,
        scoped.local_account_text,
        scoped.kostra_art,
        scoped.kostra_function,
        functions.privacy_class as function_privacy_class,
        scoped.cost_centre,
        scoped.project_code,
        case
            when scoped.account_class is not null then scoped.account_class
            when scoped.evidence = 'ehf' and scoped.cpv_category_key is not null then 'operating'
            else 'unknown'
        end as account_class,
        case
            when scoped.cpv_category_key is not null then scoped.cpv_category_key
            when scoped.cpv_code is not null then 'cpv_' || substr(scoped.cpv_code, 1, 2)
            when scoped.account_category_key is not null then scoped.account_category_key
            when scoped.kostra_art is not null then 'art_' || scoped.kostra_art
            else 'unclassified'
        end as category_key,
        case
            when scoped.cpv_code is not null then 'cpv'
            when scoped.account_category_key is not null or scoped.kostra_art is not null
                then 'account'
            else 'none'
        end as category_method,
        cast(
            case
                when scoped.cpv_code is not null then {{ var('confidence_cpv') }}
                when scoped.account_category_key is not null then {{ var('confidence_account') }}
                when scoped.kostra_art is not null then {{ var('confidence_kostra_art') }}
                else 0
            end as decimal(3, 2)
        ) as category_confidence,
        scoped.cpv_code,
        scoped.scope,
        case
            when scoped.workshop_org_no is null or scoped.scope = 'vat' then 'none'
            when scoped.scope = 'transfer' then 'transfer'
            when
                scoped.cpv_kind = 'inclusion'
                or (scoped.kostra_art = '370' and scoped.kostra_function in ('273', '276'))
                then 'inclusion'
            else 'product'
        end as stream,
        scoped.evidence,
        scoped.match_method,
        scoped.match_confidence,
        scoped.vat_basis,
        scoped.fiscal_period,
        {{ month_of('scoped.spend_date') }} as period_month,
        scoped.period_basis,
        scoped.original_currency,
        concat_ws(
            ';',
            if(scoped.net_amount_nok is null, 'currency_unconverted', null),
            if(
                scoped.local_account is not null and scoped.account_class is null,
                'account_not_in_chart', null
            ),
            if(
                scoped.kostra_art is not null and scoped.account_scope is null,
                'kostra_art_not_valid', null
            ),
            if(
                coalesce(scoped.seller_org_no, scoped.supplier_org_no) is null,
                'org_no_missing', null
            ),
            if(
                coalesce(scoped.seller_org_no, scoped.supplier_org_no) is not null
                and scoped.stated_org_no is null,
                'org_no_invalid', null
            ),
            if(
                scoped.org_no is not null and not scoped.is_registered,
                'org_no_not_in_register', null
            ),
            if(scoped.period_basis != 'invoice_date', 'invoice_date_missing', null),
            if(scoped.vat_basis != 'net', 'vat_basis_' || scoped.vat_basis, null)
        ) as quality_flags,
        cast(scoped.net_amount_nok as decimal(18, 2)) as net_amount_nok,
        cast(scoped.vat_amount_nok as decimal(18, 2)) as vat_amount_nok,
        cast(scoped.original_amount as decimal(18, 2)) as original_amount,
        scoped.is_credit_note,
        member_org_nos.org_no is not null as is_internal,
        scoped.invoice_date,
        scoped.posting_date,
        scoped.spend_date,
        scoped._source,
        scoped._delivery_id,
        scoped._file_sha256,
        scoped._row_no,
        scoped._xpath
    from scoped
    left join functions
        on
            scoped.kostra_function = functions.kostra_function
            and year(scoped.spend_date) between
            coalesce(functions.valid_from_year, 0) and coalesce(functions.valid_to_year, 9999)
    left join member_org_nos
        on
            scoped.municipality_no = member_org_nos.municipality_no
            and scoped.org_no = member_org_nos.org_no
            and {{ holds_on('member_org_nos', 'scoped.spend_date') }}
)

select * from final
