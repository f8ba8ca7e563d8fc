"""The marts of a small warehouse: two members, one workshop, and one payee of each kind; every name is invented.

Columns are those of the contract, and what the gate asks the warehouse beyond them.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from pipelines.candidates.mart_tables import MARTS
from pipelines.warehouse.sources import SQL_TYPES

WORKSHOP, FIRM, CARER, CLINIC, COUNTY, SMITH = (
    *("310000001", "320000006", "340000005", "340000013", "350000001", "330000001"),
)
SINCE = date(2020, 1, 1)
_ALSO = {"fct_purchases": {"payee_name": "varchar"}}
_GATE = (
    "create table kostra_sensitive_functions (kostra_function varchar, privacy_class varchar)",
    "insert into kostra_sensitive_functions values ('251', 'client_strict'), ('232', 'client')",
    "create table fct_delivery_periods (municipality_no varchar, source varchar, source_name varchar,"
    " _delivery_id varchar, fiscal_period varchar, state varchar, rows bigint)",
)

Row = dict[str, Any]


def line(number: int, org_no: str | None, kind: str = "legal_entity", **facts: Any) -> Row:
    """One purchase of 9901."""
    return {
        "purchase_line_id": f"{number:032x}a",
        "municipality_no": "9901",
        "invoice_id": f"{number:032x}b",
        "org_no": org_no,
        "payee_kind": kind,
        "payee_name": f"Navn {number}",
        "kostra_function": "120",
        "category_key": "meeting_food",
        "scope": "core",
        "stream": "none",
        "period_month": "2026-10",
        "quality_flags": "",
        "net_amount_nok": Decimal("100.00"),
        "spend_date": date(2026, 10, 5),
        "_delivery_id": "0123456789abcdef",
        **facts,
    }


STRICT = {"kostra_function": "251", "function_privacy_class": "client_strict"}
CLIENT = {"kostra_function": "232", "function_privacy_class": "client"}
LINES = (
    line(1, FIRM),
    line(2, None, "natural_person", payee_name="Kari Oppdiktet"),
    line(3, None, "unknown", payee_name="Ola Funnetpaa"),
    line(4, SMITH, "sole_proprietor", payee_name="Ola Funnet Snekker"),
    line(5, CARER, **STRICT),
    line(6, COUNTY, "public_body", **STRICT),
    line(7, WORKSHOP, workshop_org_no=WORKSHOP, stream="inclusion", **STRICT),
    line(8, WORKSHOP, workshop_org_no=WORKSHOP, stream="product"),
    line(9, CLINIC, **CLIENT),
    line(10, FIRM, **CLIENT),
    line(11, FIRM, municipality_no="9902"),
    line(12, FIRM, period_month="2024-01", spend_date=date(2024, 1, 5)),
)


def figure(key: str, municipality_no: str, **facts: Any) -> Row:
    """One figure of October."""
    return {
        "kpi_key": key,
        "measure": key.lower(),
        "municipality_no": municipality_no,
        **dict.fromkeys(("workshop_org_no", "category_key", "account_class"), "all"),
        "state": "ok",
        "value": Decimal(1),
        "period_start": date(2026, 10, 1),
        "period_end": date(2026, 10, 31),
        **facts,
    }


def _supplier(org_no: str, name: str, form: str, nace_code: str | None, *, is_workshop: bool = False) -> Row:
    stated = {"org_no": org_no, "supplier_name": name, "legal_form": form, "nace_code": nace_code}
    return {**stated, "is_workshop": is_workshop, "is_registered": True, "supplier_municipality_no": "9999"}


def marts() -> dict[str, list[Row]]:
    """Rows of every mart that is not empty."""
    members = ("9901", "9902")
    return {
        "dim_municipalities": [
            {"municipality_no": no, "municipality_name": f"Kommune {no}", "valid_from": SINCE} for no in members
        ],
        "dim_suppliers": [
            _supplier(FIRM, "KONTORVARER AS", "AS", "46.490"),
            _supplier(CARER, "FOSTERHEIM AS", "AS", "88.990"),
            _supplier(CLINIC, "KLINIKK AS", "AS", "86.210"),
            _supplier(COUNTY, "OPPDIKTET FYLKESKOMMUNE", "FYLK", "84.110"),
            _supplier(SMITH, "OLA FUNNET SNEKKER", "ENK", "43.320"),
            _supplier(WORKSHOP, "FJORDVERK AS", "AS", "88.993", is_workshop=True),
        ],
        "dim_workshops": [{"workshop_org_no": WORKSHOP, "workshop_name": "Fjordverk AS", "valid_from": SINCE}],
        "dim_categories": [{"category_key": "meeting_food", "label_en": "Food", "label_no": "Mat", "kind": "product"}],
        "dim_contracts": [
            {"contract_id": "A-1", "contract_title": "Kontorvarer", "supplier_org_no": FIRM, "starts_on": SINCE},
            {"contract_id": "A-2", "contract_title": "Snekker", "supplier_org_no": SMITH, "starts_on": SINCE},
            {"contract_id": "A-3", "contract_title": "Mat", "supplier_org_no": FIRM, "starts_on": SINCE},
        ],
        "bridge_contract_members": [
            {"contract_id": contract, "municipality_no": no, "valid_from": SINCE}
            for contract, no in (("A-1", "9901"), ("A-2", "9901"), ("A-3", "9902"))
        ],
        "bridge_workshop_owners": [
            {
                "workshop_org_no": WORKSHOP,
                "owner_municipality_no": no,
                "ownership_fraction": Decimal("0.5"),
                "valid_from": SINCE,
            }
            for no in members
        ],
        "dim_rules": [{"rule_key": "entry", "buyer_type": "all", "contract_type": "goods", "valid_from": SINCE}],
        "dim_kpis": [
            {"kpi_key": key, "measure": key.lower(), "label_en": key, "description": "A figure."}
            for key in ("K01", "K15", "K23", "K33")
        ],
        "fct_purchases": list(LINES),
        "fct_kpi_lines": [
            {name: each.get(name) for name, _ in MARTS["fct_kpi_lines"].columns} for each in LINES
        ],
        "fct_kpis": [
            *(figure("K01", no) for no in (*members, "all")),
            figure("K15", "all", workshop_org_no=WORKSHOP),
            figure("K23", "9901"),
            figure("K33", "9901"),
        ],
        "fct_reconciliation": [
            {"municipality_no": no, "period_month": "2026-10", "measure": "ledger_postings", "row_count": 1}
            for no in members
        ],
    }  # fmt: skip


def write_marts(connection: duckdb.DuckDBPyConnection, rows: dict[str, list[Row]] | None = None) -> None:
    """Write the marts into a warehouse, each table and column described."""
    for sql in _GATE:
        connection.execute(sql.replace("create table", "create table if not exists"))
    for name, table in MARTS.items():
        typed = {column: SQL_TYPES[kind] for column, kind in table.columns} | _ALSO.get(name, {})
        stated = ", ".join(f'"{column}" {kind}' for column, kind in typed.items())
        connection.execute(f'create or replace table main."{name}" ({stated})')
        connection.execute(f"comment on table main.\"{name}\" is 'What {name} is.'")
        for column in typed:
            connection.execute(f'comment on column main."{name}"."{column}" is \'What {column} is.\'')
        for row in (marts() if rows is None else rows).get(name, []):
            marks = ", ".join("?" for _ in typed)
            connection.execute(f'insert into main."{name}" values ({marks})', [row.get(column) for column in typed])
