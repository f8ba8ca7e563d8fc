"""The gate stops a mart that leads to a person, holds a member that has not agreed, or is not the books."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines.candidates.mart import cut_mart
from pipelines.candidates.products import PRODUCTS, CandidateKey, window_ending_in
from pipelines.gate.candidate_files import CandidateFiles
from pipelines.gate.case import MART, Case
from pipelines.gate.checks import CHECKS
from pipelines.gate.rules import Finding, read_rules
from pipelines.gate.suites import read_suite
from pipelines.home import Home
from pipelines.settings import EXPECTATIONS
from tests.unit.candidates.small_marts import CARER, CLINIC, FIRM, LINES, SMITH, WORKSHOP, write_marts

KEY = CandidateKey(MART, "analysts", "2026-10")
WINDOW = window_ending_in("2026-10", 12)
RULES = read_rules(EXPECTATIONS / "rules")
SUITE = read_suite(EXPECTATIONS, MART)
SINCE = {"valid_from": date(2020, 1, 1), "valid_to": None}


@dataclass
class Mart:
    """A mart as it was cut, to be broken."""

    warehouse: duckdb.DuckDBPyConnection
    tables: dict[str, pa.Table]
    home: Home
    agreed: set[str] = field(default_factory=lambda: {"9901", "9902"})
    left_out: list[str] = field(default_factory=list)

    def change(self, table: str, number: int, **cells: Any) -> None:
        """Write other cells into one row."""
        rows = self.tables[table].to_pylist()
        rows[number] |= cells
        self.tables[table] = pa.Table.from_pylist(rows, self.tables[table].schema)

    def at(self, table: str, **cells: Any) -> int:
        """Return which row has these cells."""
        rows = self.tables[table].to_pylist()
        return next(i for i, row in enumerate(rows) if all(row[name] == value for name, value in cells.items()))

    def ask(self, rule: str) -> Finding:
        """Return what a rule finds."""
        for name, rows in self.tables.items():
            self.warehouse.register(f"candidate_{name}", rows)
        registers = {
            "members": [{"municipality_no": no, "name": f"Kommune {no}", **SINCE} for no in ("9901", "9902")],
            "workshops": [{"org_no": WORKSHOP, "name": "Fjordverk AS", **SINCE}],
            "consents": [{"subject": no, "product": MART, **SINCE} for no in self.agreed],
        }
        files = CandidateFiles(tables=self.tables, package={"without_consent": self.left_out, "coverage": []})
        today = date(2026, 11, 15)
        case = Case(self.home, KEY, WINDOW.months, files, SUITE, RULES, registers, self.warehouse, today)
        return CHECKS[rule, MART](case)


@pytest.fixture
def mart(tmp_path: Path) -> Iterator[Mart]:
    (tmp_path / "consortium.yaml").write_text(
        "name: Samarbeidet\nhost: '9901'\nmembers:\n  '9901': {sources: [{kind: ehf}]}\n"
    )
    with duckdb.connect() as connection:
        write_marts(connection)
        members = frozenset({"9901", "9902"})
        yield Mart(connection, cut_mart(connection, PRODUCTS[MART], KEY, WINDOW, members, []), Home(tmp_path))


def payee(kind: str, number: str, column: str = "org_no", **where: Any) -> Callable[[Mart], None]:
    return lambda mart: mart.change(
        "fct_purchases", mart.at("fct_purchases", payee_kind=kind, **where), **{column: number}
    )


def _strict_line(**cells: Any) -> Callable[[Mart], None]:
    """Write into the line of a workshop in a strict function."""
    where = {"purchase_line_id": LINES[6]["purchase_line_id"]}
    return lambda mart: mart.change("fct_purchases", mart.at("fct_purchases", **where), **cells)


def _beside_strict_line(mart: Mart) -> None:
    """Have another line of the same invoice tell which it is of."""
    invoice, line = LINES[6]["invoice_id"], LINES[7]["purchase_line_id"]
    mart.warehouse.execute("update fct_purchases set invoice_id = ? where purchase_line_id = ?", [invoice, line])


def text(table: str, column: str, value: str) -> Callable[[Mart], None]:
    return lambda mart: mart.change(table, 0, **{column: value})


def _less(mart: Mart) -> None:
    mart.tables["fct_purchases"] = mart.tables["fct_purchases"].slice(1)


def _withdrawn(mart: Mart) -> None:
    mart.agreed, mart.left_out = {"9901"}, ["9902"]


def _withdrawn_but_for_totals(mart: Mart) -> None:
    _withdrawn(mart)
    for name, rows in mart.tables.items():
        for column in ("municipality_no", "owner_municipality_no"):
            if column in rows.column_names:
                kept = [number != "9902" for number in rows[column].to_pylist()]
                mart.tables[name] = mart.tables[name].filter(pa.array(kept, pa.bool_()))


def _with_placements(mart: Mart) -> None:
    mart.change("fct_kpis", 0, kpi_key="K33", value=Decimal(2))


STRICT = {"function_privacy_class": "client_strict"}
BROKEN: dict[str, tuple[str, Callable[[Mart], None], str]] = {
    "a person's number": ("PV03", payee("natural_person", "330000999"), "1 lines show the number"),
    "a person's name": ("PV03", text("dim_contracts", "contract_title", "Stell for Kari Oppdiktet"), "1 texts name"),
    "a proprietor's number": ("PV04", payee("sole_proprietor", SMITH), "show the number"),
    "a proprietor's contract": ("PV04", text("dim_contracts", "supplier_org_no", SMITH), "1 texts name"),
    "a proprietor among suppliers": ("PV04", text("dim_suppliers", "supplier_name", "Ola Funnet Snekker"), "1 texts"),
    "a carer of strict functions": ("PV05", payee("legal_entity", CARER, **STRICT), "1 lines of strict"),
    "a contract of strict functions": ("PV05", _strict_line(contract_id="A-1"), "1 lines of strict"),
    "an invoice of strict functions": ("PV05", _strict_line(invoice_id="an invoice"), "1 lines of strict"),
    "another line of the invoice": ("PV05", _beside_strict_line, "1 lines of strict"),
    "a workshop of strict functions": (
        "PV05",
        payee("legal_entity", WORKSHOP, "workshop_org_no", purchase_line_id=LINES[6]["purchase_line_id"]),
        "1 lines of strict",
    ),
    "a clinic of client functions": (
        "PV08",
        payee("legal_entity", CLINIC, function_privacy_class="client", org_no=None),
        "1 lines of client functions",
    ),
    "a line less": ("RC01", _less, "1 months of members"),
    "an øre more": ("RC01", text("fct_purchases", "net_amount_nok", Decimal("100.01")), "1 months of members"),
    "a count of people": ("DC08", _with_placements, "1 cells show a count"),
    "a member that withdrew": ("TN02", _withdrawn, "have not agreed"),
    "totals with one that withdrew": ("TN02", _withdrawn_but_for_totals, "1 places hold"),
}


@pytest.mark.parametrize(("rule", "spoil", "says"), BROKEN.values(), ids=BROKEN)
def test_a_rule_stops_what_it_forbids_and_nothing_else(
    mart: Mart, rule: str, spoil: Callable[[Mart], None], says: str
) -> None:
    assert not mart.ask(rule).is_failing
    spoil(mart)
    found = mart.ask(rule)
    assert found.is_failing
    assert says in found.reason
    assert not {FIRM, SMITH, CARER, CLINIC} & set(" ".join(found.examples).replace("/", " ").split())


def test_a_member_that_is_left_out_is_named_in_the_answer(mart: Mart) -> None:
    _withdrawn_but_for_totals(mart)
    mart.tables["fct_kpis"] = mart.tables["fct_kpis"].slice(0, 1)
    found = mart.ask("TN02")
    assert (found.is_failing, found.reason) == (False, "Left out, for they have not agreed: 9902.")


def test_a_missing_month_is_told_once_a_member(mart: Mart) -> None:
    mart.warehouse.execute("insert into fct_reconciliation values ('9901', '2026-10', 'ehf_documents', 1, 0)")
    assert mart.ask("IN02").applied == 2 * len(WINDOW.months)


def test_rules_that_find_nothing_say_so(mart: Mart) -> None:
    assert mart.ask("DC08").applied == 0
    assert mart.ask("DC07").applied == 0
    assert mart.ask("PV07").failed == 0
