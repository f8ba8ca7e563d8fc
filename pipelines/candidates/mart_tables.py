"""What of the warehouse's marts the cooperation's analysts get: P3's tables, by the marts' own names.

Belongs here: which marts, which of their columns with which types, which figures, which rows of a window. Not here:
what a column means (each mart says it beside its model, and datapackage.json repeats it), whose rows are left out and
which payees are named to nobody (mart.py).

Closed by default: a mart, a column or a figure is in P3 when it is named here. Left out on purpose: (1) names and codes
that a ledger or an invoice spells, and every free text of theirs; (2) figures that place a member among others (K23:
product P5), and that count people (K33, K34); (3) figures of one member that follow from what others bought of a
workshop (K21, K35, free capacity), so that nothing is left of a member that withdraws; (4) lists of suppliers.
"""

from __future__ import annotations

from dataclasses import dataclass

FIGURES = tuple(f"K{number:02d}" for number in (*range(1, 21), 22, *range(24, 31), 36, 37))


@dataclass(frozen=True)
class MartTable:
    """One mart in P3.

    Attributes:
        columns: Name and type of each published column, in order.
        key: The columns that identify a row.
        covers, period_column: What of it belongs to a window, as in ``products.ProductTable``.
    """

    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]
    covers: str
    period_column: str


def _table(*columns: str, key: str, covers: str = "all", period_column: str = "") -> MartTable:
    """Return a table; each text is a type and the names of columns that have it."""
    listed = [text.split() for text in columns]
    return MartTable(
        tuple((name, kind) for kind, *names in listed for name in names), tuple(key.split()), covers, period_column
    )


# In the order of the house: ids and texts, numbers, booleans, dates, where a row came from.
MARTS: dict[str, MartTable] = {
    "dim_municipalities": _table(
        "text municipality_no municipality_name",
        "integer inhabitants",
        "date valid_from valid_to",
        key="municipality_no valid_from",
    ),
    "dim_suppliers": _table(
        "text org_no supplier_name legal_form supplier_municipality_no nace_code",
        "boolean is_workshop is_bankrupt is_registered",
        "date deleted_on",
        key="org_no",
    ),
    "dim_workshops": _table(
        "text workshop_org_no workshop_name",
        "boolean is_control_confirmed has_direct_private_capital",
        "date valid_from valid_to",
        key="workshop_org_no valid_from",
    ),
    "dim_categories": _table(
        "text category_key label_en label_no kind",
        key="category_key",
    ),
    "dim_accounts": _table(
        "text municipality_no local_account account_class kostra_art category_key scope",
        "date valid_from valid_to scope_from scope_to",
        key="municipality_no local_account valid_from",
    ),
    "dim_contracts": _table(
        "text contract_id contract_title category_key supplier_org_no exclusivity notice_id",
        "money estimated_value_nok",
        "boolean is_reserved",
        "date starts_on ends_on options_to",
        key="contract_id starts_on",
    ),
    "dim_rules": _table(
        "text rule_key buyer_type contract_type consequence confidence",
        "money amount_nok_ex_vat",
        "boolean is_to_confirm",
        "date valid_from valid_to",
        key="rule_key buyer_type contract_type valid_from",
    ),
    "dim_kpis": _table(
        "text kpi_key measure label_en label_no unit states description",
        key="kpi_key measure",
    ),
    "bridge_workshop_owners": _table(
        "text workshop_org_no owner_municipality_no",
        "fraction ownership_fraction",
        "date valid_from valid_to",
        key="workshop_org_no owner_municipality_no valid_from",
    ),
    "bridge_workshop_capabilities": _table(
        "text workshop_org_no municipality_no category_key",
        "boolean is_declared",
        "date valid_from valid_to",
        key="workshop_org_no municipality_no category_key valid_from",
    ),
    "bridge_contract_members": _table(
        "text contract_id municipality_no",
        "date valid_from valid_to",
        key="contract_id municipality_no valid_from",
    ),
    "fct_purchases": _table(
        "text purchase_line_id municipality_no invoice_id org_no payee_kind payee_method workshop_org_no"
        " document_type contract_id contract_match local_account kostra_art kostra_function"
        " function_privacy_class account_class category_key category_method cpv_code scope stream evidence"
        " match_method posting_role vat_basis original_currency fiscal_period period_month period_basis"
        " quality_flags",
        "fraction payee_confidence category_confidence match_confidence",
        "money net_amount_nok vat_amount_nok",
        "boolean is_credit_note is_internal is_recharge",
        "date invoice_date posting_date spend_date",
        "text _source _delivery_id _file_sha256",
        "integer _row_no",
        "text _xpath",
        key="municipality_no purchase_line_id",
        covers="month",
        period_column="period_month",
    ),
    "fct_invoices": _table(
        "text invoice_id municipality_no document_type currency group_id treatment match_method",
        "fraction match_confidence",
        "integer lines postings",
        "money tax_exclusive_amount tax_amount payable_amount content_amount included_vat_amount",
        "boolean is_credit_note has_ledger_month",
        "date invoice_date credited_day due_date",
        "text _delivery_id _file_sha256 _xpath",
        key="municipality_no invoice_id",
        covers="day",
        period_column="invoice_date",
    ),
    "fct_kpi_lines": _table(
        "text purchase_line_id municipality_no workshop_org_no category_key account_class period_month",
        "money net_amount_nok",
        "boolean in_procurement in_addressable in_workshop_product in_workshop_inclusion in_workshop_transfer"
        " in_contract_covered in_contract_reference in_contract_supplier in_workshop_beside_contract"
        " in_maverick_strict in_maverick_loose in_reserved_contract in_local_municipality in_local_consortium"
        " in_local_county in_procurement_any_payee in_registered_payee in_classified in_invoice in_einvoice"
        " in_einvoice_with_contract in_small_invoice",
        "date spend_date",
        key="municipality_no purchase_line_id",
        covers="month",
        period_column="period_month",
    ),
    "fct_kpis": _table(
        "text kpi_key measure municipality_no workshop_org_no category_key account_class state",
        "money numerator denominator",
        "figure value",
        "fraction coverage",
        "date period_start period_end",
        key="kpi_key measure municipality_no workshop_org_no category_key account_class period_start period_end",
        covers="period",
        period_column="period_end",
    ),
    "fct_reconciliation": _table(
        "text municipality_no period_month measure",
        "integer row_count",
        "money amount_nok",
        key="municipality_no period_month measure",
        covers="month",
        period_column="period_month",
    ),
    "fct_threshold_watch": _table(
        "text municipality_no category_key contract_type contract_status entry_band_at_start"
        " entry_band_at_end national_band_at_start national_band_at_end eea_band_at_start eea_band_at_end",
        "money rolling_12m_nok entry_limit_at_start_nok entry_limit_at_end_nok national_limit_at_start_nok"
        " national_limit_at_end_nok eea_limit_at_start_nok eea_limit_at_end_nok entry_law_nok entry_local_nok"
        " headroom_nok headroom_at_start_nok",
        "integer suppliers months_with_data",
        "boolean is_entry_to_confirm is_national_to_confirm is_eea_to_confirm is_latest",
        "date started_on period_start period_end",
        key="municipality_no category_key period_start period_end",
        covers="period",
        period_column="period_end",
    ),
    "fct_opportunities": _table(
        "text workshop_org_no municipality_no category_key feasibility_reason strongest_month",
        "money addressable_nok own_nok other_workshops_nok unserved_nok bought_nok entry_limit_nok"
        " entry_limit_at_start_nok direct_purchase_headroom_nok headroom_to_workshop_nok",
        "fraction feasibility quarter_1_ratio quarter_2_ratio quarter_3_ratio quarter_4_ratio"
        " strongest_month_ratio classified_ratio",
        "integer months_with_data",
        "boolean is_declared is_on_contract is_bound",
        "date contract_ends_on contract_ends_with_options_on need_started_on period_start period_end",
        key="workshop_org_no municipality_no category_key",
        covers="period",
        period_column="period_end",
    ),
    "fct_opportunity_routes": _table(
        "text workshop_org_no municipality_no category_key route_key label_en label_no state reason_key"
        " reason_en reason_no rule check_en check_no",
        "integer position",
        "money limit_nok limit_at_start_nok law_limit_nok local_limit_nok",
        "boolean is_limit_to_confirm",
        "date available_from looked_at_on",
        key="workshop_org_no municipality_no category_key route_key",
        covers="day",
        period_column="looked_at_on",
    ),
}
