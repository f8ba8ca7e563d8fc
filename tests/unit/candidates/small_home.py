"""A small home with a warehouse file that holds nothing but product tables, as the product contract states them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from pipelines.candidates.suppress import CONTRIBUTOR_COLUMNS
from pipelines.home import Home
from pipelines.settings import Clock

CLOCK = Clock.pinned(date(2026, 11, 15))
PERIOD = "2026-10"
MUNICIPALITIES = ("9901", "9902", "9903")
WORKSHOPS = ("310000001", "310000028")

_TYPES = {"money": "decimal(18,2)", "fraction": "decimal(9,6)", "text": "varchar", "date": "date", "integer": "bigint"}

# Columns in the words of the product contract, not of the code under test.
TABLES: dict[str, str] = {
    "product_municipality_extract": (
        "recipient_municipality_no text, purchase_line_id text, delivery_id text, fiscal_year integer, "
        "fiscal_period text, voucher_no text, line_no text, voucher_type text, posting_date date, invoice_date date, "
        "invoice_no text, supplier_ledger_code text, org_no text, supplier_name text, legal_form text, "
        "payee_kind text, supplier_municipality_no text, nace_code text, local_account text, "
        "local_account_text text, kostra_art text, kostra_function text, cost_centre text, project_code text, "
        "net_amount_nok money, vat_amount_nok money, spend_category text, cpv_code text, "
        "classification_method text, classification_confidence fraction, contract_id text, contract_match text, "
        "stream text, scope_flag text, quality_flags text, period_month text, file_sha256 text, row_no integer, "
        "xpath text"
    ),
    "product_municipality_kpi": (
        "recipient_municipality_no text, kpi_key text, measure text, label_no text, workshop_org_no text, "
        "category_key text, account_class text, period_start date, period_end date, numerator money, "
        "denominator money, value double, coverage fraction, state text"
    ),
    "product_workshop_own_sales": (
        "recipient_org_no text, month text, municipality_no text, spend_category text, net_amount_nok money, "
        "invoices integer, contract_reference_present boolean"
    ),
    "product_workshop_market_view": (
        "recipient_org_no text, year integer, municipality_no text, spend_category text, category_group text, "
        "addressable_nok money, "
        "own_nok money, other_nok money, contributions text, law_entry_nok money, "
        "law_entry_rule_confidence text"
    ),
    "product_workshop_contract_calendar": (
        "recipient_org_no text, contract_id text, contract_title text, spend_category text, "
        "covers_municipalities text, ends_on date, options_to date, reserved_flag boolean, notice_id text"
    ),
    "product_workshop_owner_view": (
        "recipient_org_no text, year integer, owner_municipality_no text, ownership_fraction fraction, "
        "product_nok money, inclusion_nok money, transfer_nok money"
    ),
    "product_workshop_dependency": (
        "recipient_org_no text, period_start date, period_end date, municipality_no text, sales_nok money, "
        "total_income_nok money, dependency_ratio fraction, state text, turnover_source text"
    ),
}


def extract_row(municipality_no: str, number: int, **facts: Any) -> dict[str, Any]:
    """One purchase line of a municipality."""
    return {
        "recipient_municipality_no": municipality_no,
        "purchase_line_id": f"{municipality_no}{number:012x}",
        "delivery_id": "0123456789abcdef",
        "fiscal_year": 2026,
        "fiscal_period": "2026-03",
        "voucher_no": str(1000 + number),
        "line_no": "1",
        "posting_date": date(2026, 3, 5),
        "supplier_ledger_code": f"L{number}",
        "org_no": "310000109",
        "supplier_name": "Firma AS",
        "legal_form": "AS",
        "payee_kind": "legal_entity",
        "supplier_municipality_no": "9901",
        "nace_code": "56.210",
        "kostra_art": "115",
        "kostra_function": "120",
        "net_amount_nok": Decimal("100.50"),
        "spend_category": "meeting_food",
        "classification_method": "account",
        "classification_confidence": Decimal("0.8"),
        "stream": "none",
        "scope_flag": "core",
        "quality_flags": "",
        "period_month": "2026-03",
        "file_sha256": "ab" * 32,
        "row_no": number,
        **facts,
    }


def kpi_row(municipality_no: str, start: date, end: date, **facts: Any) -> dict[str, Any]:
    """One figure of a municipality."""
    return {
        "recipient_municipality_no": municipality_no,
        "kpi_key": "K04",
        "measure": "workshop_spend_ratio",
        "label_no": "Bedriftenes andel av innkjøp",
        "workshop_org_no": "all",
        "category_key": "all",
        "account_class": "operating",
        "period_start": start,
        "period_end": end,
        "numerator": Decimal("8.00"),
        "denominator": Decimal("100.00"),
        "value": 0.08,
        "coverage": Decimal("0.99"),
        "state": "ok",
        **facts,
    }


def contributions(net_by_payee: Mapping[str, str | Decimal]) -> str:
    """Who stands behind a cell, as the warehouse states it; every payee with one line."""
    amounts = {payee: Decimal(net) for payee, net in sorted(net_by_payee.items())}
    return ";".join(f"{payee}|{net:.2f}|{abs(net):.2f}" for payee, net in amounts.items())


def market_row(org_no: str, **facts: Any) -> dict[str, Any]:
    """One cell of a workshop's market, with five others of equal size."""
    return {
        "recipient_org_no": org_no,
        "year": 2026,
        "municipality_no": "9901",
        "spend_category": "meeting_food",
        "category_group": "food",
        "addressable_nok": Decimal("600.00"),
        "own_nok": Decimal("100.00"),
        "other_nok": Decimal("500.00"),
        "contributions": contributions({org_no: "100.00"} | {f"{number}": "100.00" for number in range(5)}),
        "law_entry_nok": Decimal("500000.00"),
        "law_entry_rule_confidence": "medium-high",
        **facts,
    }


assert CONTRIBUTOR_COLUMNS.keys() <= market_row("").keys()


def default_rows() -> dict[str, list[dict[str, Any]]]:
    """A few rows for everybody."""
    year = (date(2026, 1, 1), date(2026, 12, 31))
    return {
        "product_municipality_extract": [extract_row(no, line) for no in MUNICIPALITIES for line in range(1, 5)],
        "product_municipality_kpi": [kpi_row(no, *year) for no in MUNICIPALITIES],
        "product_workshop_own_sales": [
            {
                "recipient_org_no": org_no,
                "month": "2026-03",
                "municipality_no": "9901",
                "spend_category": "meeting_food",
                "net_amount_nok": Decimal("100.00"),
                "invoices": 2,
                "contract_reference_present": True,
            }
            for org_no in WORKSHOPS
        ],
        "product_workshop_market_view": [market_row(org_no) for org_no in WORKSHOPS],
        "product_workshop_contract_calendar": [
            {
                "recipient_org_no": org_no,
                "contract_id": "A-1",
                "contract_title": "Møtemat",
                "spend_category": "meeting_food",
                "covers_municipalities": "9901;9902",
                "ends_on": date(2027, 6, 30),
                "reserved_flag": False,
            }
            for org_no in WORKSHOPS
        ],
        "product_workshop_owner_view": [
            {
                "recipient_org_no": org_no,
                "year": 2026,
                "owner_municipality_no": "9901",
                "ownership_fraction": Decimal("0.5"),
                "product_nok": Decimal("100.00"),
                "inclusion_nok": Decimal("0.00"),
                "transfer_nok": Decimal("0.00"),
            }
            for org_no in WORKSHOPS
        ],
        "product_workshop_dependency": [
            {
                "recipient_org_no": org_no,
                "period_start": year[0],
                "period_end": year[1],
                "municipality_no": "all",
                "sales_nok": Decimal("100.00"),
                "total_income_nok": Decimal("1000.00"),
                "dependency_ratio": Decimal("0.1"),
                "state": "ok",
                "turnover_source": "Årsregnskap 2026",
            }
            for org_no in WORKSHOPS
        ],
    }


MONTHS = ("2025-11", "2025-12", *(f"2026-{month:02d}" for month in range(1, 11)))


def write_warehouse(
    home: Home,
    rows: Mapping[str, Iterable[Mapping[str, Any]]],
    *,
    build_id: str,
    missing: Iterable[tuple[str, str]] = (),
) -> None:
    """Write the warehouse file anew, as a build would: a new file, renamed into place.

    Every member has e-invoices of every month but those named in ``missing``.
    """
    home.warehouse.mkdir(parents=True, exist_ok=True)
    path = home.warehouse / "building.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema products")
        connection.execute("create table kostra_sensitive_functions (kostra_function varchar, privacy_class varchar)")
        connection.execute("insert into kostra_sensitive_functions values ('251', 'client_strict'), ('232', 'client')")
        connection.execute(
            "create table fct_delivery_periods (municipality_no varchar, source varchar, source_name varchar,"
            " _delivery_id varchar, fiscal_period varchar, state varchar, rows bigint)"
        )
        connection.execute(
            "create table fct_reconciliation"
            " (municipality_no varchar, period_month varchar, measure varchar, row_count bigint)"
        )
        delivered = sorted({(no, month) for no in MUNICIPALITIES for month in MONTHS} - set(missing))
        connection.executemany("insert into fct_reconciliation values (?, ?, 'ehf_documents', 1)", delivered)
        for table, columns in TABLES.items():
            stated = [column.split() for column in columns.split(", ")]
            names = [name for name, _ in stated]
            typed = ", ".join(f"{name} {_TYPES.get(kind, kind)}" for name, kind in stated)
            connection.execute(f"create table products.{table} ({typed})")
            values = [[row.get(name) for name in names] for row in rows.get(table, ())]
            assert all(row.keys() <= set(names) for row in rows.get(table, ()))
            if values:
                marks = ", ".join("?" for _ in names)
                connection.executemany(f"insert into products.{table} values ({marks})", values)
    path.replace(home.warehouse_file)
    (home.warehouse / "current.json").write_text(json.dumps({"build_id": build_id, "input_digest": build_id}))


def make_home(folder: Path) -> Home:
    """Make a home of three members and two workshops with a key and a warehouse."""
    home = Home(folder / "home")
    home.registers.mkdir(parents=True)
    key = folder / "keys" / "gate_hmac.key"
    key.parent.mkdir()
    key.write_text("not a real secret, long enough for a test")
    key.chmod(0o600)
    home.consortium_file.write_text(
        f"name: Prøvesamarbeidet\nhost: '9901'\nkeys: {{gate_hmac: 'file:{key}'}}\nmembers:\n"
        + "".join(f"  '{no}': {{sources: []}}\n" for no in MUNICIPALITIES)
    )
    registers = {
        "members": ["municipality_no,name,inhabitants,agreement"]
        + [f"{no},Kommune {no},1000,unprepared" for no in MUNICIPALITIES],
        "member_org_nos": ["municipality_no,org_no,role"] + [f"{no},39000{no},municipality" for no in MUNICIPALITIES],
        "consents": ["subject,product,document_reference"] + [f"{no},workshop_release,avtale" for no in MUNICIPALITIES],
        "workshops": ["org_no,name,municipality_no"] + [f"{no},Bedrift {no[-2:]} AS,9901" for no in WORKSHOPS],
    }
    for name, (header, *lines) in registers.items():
        text = "\n".join([f"{header},valid_from,valid_to", *(f"{line},2020-01-01," for line in lines)])
        (home.registers / f"{name}.csv").write_text(text + "\n")
    write_warehouse(home, default_rows(), build_id="b" * 16)
    return home
