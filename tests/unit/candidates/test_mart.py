"""The consortium's mart holds members that have agreed, and leads to no person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from pipelines.candidates.mart import CARE_DIVISIONS, LEADING, cut_mart, described
from pipelines.candidates.products import PRODUCTS, CandidateKey, window_ending_in
from pipelines.gate.rules import read_rules
from pipelines.settings import EXPECTATIONS
from tests.unit.candidates.small_marts import COUNTY, FIRM, LINES, WORKSHOP, write_marts

MART = PRODUCTS["consortium_mart"]
KEY = CandidateKey("consortium_mart", "analysts", "2026-10")
WINDOW = window_ending_in("2026-10", 12)


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        write_marts(connection)
        yield connection


def rows_of(warehouse: duckdb.DuckDBPyConnection, *without: str) -> dict[str, list[dict[str, Any]]]:
    members = frozenset({"9901", "9902"} - set(without))
    return {name: rows.to_pylist() for name, rows in cut_mart(warehouse, MART, KEY, WINDOW, members, without).items()}


def numbers(rows: list[dict[str, Any]], column: str) -> list[Any]:
    """What stands in a column on the lines of the window, in their order."""
    by_line = {row["purchase_line_id"]: row[column] for row in rows}
    return [by_line[line["purchase_line_id"]] for line in LINES if line["purchase_line_id"] in by_line]


def test_payees_that_nobody_is_told_have_no_number(warehouse: duckdb.DuckDBPyConnection) -> None:
    cut = rows_of(warehouse)
    hidden_but = [FIRM, None, None, None, None, COUNTY, None, WORKSHOP, None, FIRM, FIRM]
    assert numbers(cut["fct_purchases"], "org_no") == hidden_but
    workshop = [None] * 7 + [WORKSHOP] + [None] * 3
    assert numbers(cut["fct_purchases"], "workshop_org_no") == workshop
    assert numbers(cut["fct_kpi_lines"], "workshop_org_no") == workshop


def test_nothing_on_a_line_of_a_client_function_leads_to_its_payee() -> None:
    with duckdb.connect() as connection:
        write_marts(connection)
        connection.execute("update fct_purchases set contract_id = 'A-1', invoice_id = 'i', stream = 'product'")
        lines = rows_of(connection)["fct_purchases"]
    client = [row for row in lines if row["function_privacy_class"] == "client_strict" and row["org_no"] is None]
    assert client
    assert {row[name] for row in client if row["payee_kind"] != "public_body" for name in LEADING} == {None}
    others = [row for row in lines if row["org_no"] == FIRM]
    assert {row["contract_id"] for row in others} == {"A-1"}
    assert {row["invoice_id"] for row in others} == {None}, "all lines are of one invoice, some of which are a client's"


def test_lines_of_an_invoice_without_a_clients_keep_it(warehouse: duckdb.DuckDBPyConnection) -> None:
    lines = rows_of(warehouse)["fct_purchases"]
    assert all(row["invoice_id"] for row in lines if row["org_no"] == FIRM)


def test_a_number_that_is_a_persons_on_any_line_is_shown_on_none() -> None:
    with duckdb.connect() as connection:
        write_marts(connection)
        connection.execute("update fct_purchases set payee_kind = 'sole_proprietor' where municipality_no = '9902'")
        cut = rows_of(connection)
    assert FIRM not in numbers(cut["fct_purchases"], "org_no")


def test_no_row_and_no_amount_is_lost(warehouse: duckdb.DuckDBPyConnection) -> None:
    shown = sorted((row["purchase_line_id"], row["net_amount_nok"]) for row in rows_of(warehouse)["fct_purchases"])
    of_window = [line for line in LINES if line["period_month"] in WINDOW.months]
    assert shown == sorted((line["purchase_line_id"], line["net_amount_nok"]) for line in of_window)


def test_suppliers_are_those_that_some_line_shows_and_workshops(warehouse: duckdb.DuckDBPyConnection) -> None:
    cut = rows_of(warehouse)
    assert {row["org_no"] for row in cut["dim_suppliers"]} == {FIRM, COUNTY, WORKSHOP}
    contracts = {row["contract_id"]: row["supplier_org_no"] for row in cut["dim_contracts"]}
    assert contracts == {"A-1": FIRM, "A-2": None, "A-3": FIRM}


def test_whoever_has_not_agreed_is_in_no_row_and_no_total(warehouse: duckdb.DuckDBPyConnection) -> None:
    cut = rows_of(warehouse, "9902")
    for name, rows in cut.items():
        for column in ("municipality_no", "owner_municipality_no"):
            assert {row[column] for row in rows if column in row} <= {"9901"}, name
    assert {row["contract_id"] for row in cut["dim_contracts"]} == {"A-1", "A-2"}


def test_totals_go_where_a_member_without_any_row_has_not_agreed(warehouse: duckdb.DuckDBPyConnection) -> None:
    cut = cut_mart(warehouse, MART, KEY, WINDOW, frozenset({"9901", "9902"}), ["9903"])
    assert "all" not in cut["fct_kpis"]["municipality_no"].to_pylist()
    assert "all" in {row["municipality_no"] for row in rows_of(warehouse)["fct_kpis"]}


def test_figures_are_those_that_are_named(warehouse: duckdb.DuckDBPyConnection) -> None:
    cut = rows_of(warehouse)
    assert {row["kpi_key"] for row in cut["fct_kpis"]} == {"K01", "K15"}
    assert {row["kpi_key"] for row in cut["dim_kpis"]} == {"K01", "K15"}


def test_its_words_are_those_of_the_warehouse(warehouse: duckdb.DuckDBPyConnection) -> None:
    for table in described(MART, warehouse).tables:
        assert table.description == f"What {table.name} is."
        assert [field.description for field in table.fields] == [f"What {name} is." for name in table.field_names]


def test_industries_of_care_are_at_least_those_of_the_rule() -> None:
    stated = read_rules(EXPECTATIONS / "rules")["PV08"].parameters["nace_divisions"]
    assert set(stated.split()) <= set(CARE_DIVISIONS)
