-- K26 to K28: how good what figures are made of is: e-invoices, known payees, known categories.
with

totals as (
    select * from {{ ref('int_kpis__municipality_totals') }}
),

-- Of these figures only K28 leaves unknown payees out; the others are about them.
cells as (
    select
        *,
        'all' as workshop_org_no,
        'all' as category_key,
        1 as every_identified_nok,
        1 as every_all_nok
    from totals
    where account_class = 'all'
),

final as (
    {{ kpi_figures([
        {'key': 'K26', 'measure': 'einvoice_ratio', 'of': 'nullif(einvoices, 0)', 'over': 'invoices',
         'set': 'every'},
        {'key': 'K26', 'measure': 'contract_reference_ratio', 'of': 'einvoices_with_contract',
         'over': 'einvoices', 'set': 'every'},
        {'key': 'K27', 'measure': 'register_match_ratio', 'of': 'registered_payee_nok',
         'over': 'procurement_any_payee_nok', 'set': 'every'},
        {'key': 'K27', 'measure': 'register_match_line_ratio', 'of': 'registered_payee_lines',
         'over': 'procurement_any_payee_lines', 'set': 'every'},
        {'key': 'K28', 'measure': 'classification_coverage', 'of': 'classified_nok',
         'over': 'procurement_nok', 'set': 'procurement'},
    ]) }}
)

select * from final
