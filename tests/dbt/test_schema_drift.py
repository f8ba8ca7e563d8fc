"""Parse schema, source YAML and staging models say the same, both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.settings import DBT_PROJECT
from pipelines.warehouse.sources import SQL_TYPES, source_files, source_tables

# Columns that staging leaves behind, because nothing in the warehouse may or need read them.
LEFT_BEHIND = {
    "ehf_invoices": {
        *("customization_id", "profile_id", "tax_currency", "payee_org_no", "payee_name", "buyer_org_no", "buyer_name"),
        *("buyer_reference", "tender_reference", "period_start", "period_end", "delivery_date", "billed_invoice_date"),
        *("line_extension_amount", "allowance_total_amount", "charge_total_amount", "tax_amount_accounting"),
        *("tax_inclusive_amount", "prepaid_amount", "rounding_amount", "line_extension_total", "tax_point_date"),
        *("seller_vat_no", "sales_order_reference", "project_reference", "receipt_reference", "despatch_reference"),
        "delivery_location_gln",
    },
    "ehf_invoice_lines": {
        *("document_no", "item_name", "item_description", "seller_item_no", "quantity", "unit_code", "price_amount"),
        *("base_quantity", "vat_category", "order_line_reference", "buyer_item_no", "standard_item_no"),
        *("standard_item_scheme", "origin_country", "cpv_list_version", "unspsc_list_version", "order_reference"),
        *("base_quantity_unit_code", "gross_price_amount", "price_discount_amount", "period_start", "period_end"),
        "delivery_date",
    },
    "ehf_allowance_charges": {
        *("document_no", "base_amount", "percentage", "reason", "reason_code", "vat_category"),
    },
    "ehf_tax_subtotals": {"document_no"},
    "ehf_billing_references": {"document_no"},
    "ehf_item_classifications": {"document_no"},
    "ledger_postings": {"due_date", "kostra_function_text", "vat_code", "posting_text"},
    "notices": {"_xpath"},
    "notice_buyers": {"_xpath"},
    "companies": {"municipality_no", "_xpath"},
}
RENAMED = {
    "seller_org_no": "stated_seller_org_no",
    "supplier_org_no": "stated_supplier_org_no",
    "amount": "stated_amount",
    "line_extension_amount": "stated_amount",
}


@pytest.mark.parametrize("path", sorted(source_files()), ids=lambda path: path.name)
def test_the_source_file_is_what_the_schema_says(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == source_files()[path], "run: python -m pipelines.warehouse.sources"


def test_every_table_has_a_source_and_back(manifest: dict[str, Any]) -> None:
    assert {source["name"] for source in manifest["sources"].values()} == set(source_tables())


def test_no_other_source_file_lies_about() -> None:
    found = set((DBT_PROJECT / "models").rglob("*sources.yml"))
    assert found == set(source_files())


def test_staging_takes_every_column_or_says_that_it_does_not(
    manifest: dict[str, Any], warehouse: duckdb.DuckDBPyConnection
) -> None:
    staged = {}
    for model in manifest["nodes"].values():
        # What was read at all is summed, no more.
        is_summed = "__delivered_" in model["name"]
        if model["resource_type"] == "model" and model["path"].startswith("staging/") and not is_summed:
            folder = model["path"].split("/")[1]
            own = [key for key in model["depends_on"]["nodes"] if key.startswith(f"source.samandel.{folder}.")]
            staged[own[0].rsplit(".", 1)[1]] = model["name"]
    assert set(staged) == set(source_tables())
    wrong = {}
    for table, model in staged.items():
        has = {row[0] for row in warehouse.execute(f"describe staging.{model}").fetchall()}
        wanted = set(source_tables()[table].column_names) - LEFT_BEHIND.get(table, set())
        missing = {name for name in wanted if name not in has and RENAMED.get(name) not in has}
        taken = {name for name in LEFT_BEHIND.get(table, set()) if name in has and name not in RENAMED}
        if missing or taken:
            wrong[table] = {"missing": sorted(missing), "taken though left behind": sorted(taken)}
    assert wrong == {}


def test_free_texts_stay_outside_the_warehouse(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select table_name, column_name from information_schema.columns"
        " where column_name in ('posting_text', 'item_name', 'item_description', 'buyer_reference')"
    ).fetchall()
    assert found == []


def test_types_in_duckdb_are_those_of_the_schema(warehouse: duckdb.DuckDBPyConnection) -> None:
    types = dict(
        warehouse.execute("select column_name, column_type from (describe staging.stg_ledger__postings)").fetchall()
    )
    assert types["amount"].lower() == SQL_TYPES["money"]
    assert types["posting_date"].lower() == SQL_TYPES["date"]
    assert types["municipality_no"].lower() == SQL_TYPES["text"]
