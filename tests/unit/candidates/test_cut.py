"""One function cuts a product to one recipient; what it gives has exactly the published columns."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest

from pipelines.candidates import cut
from pipelines.candidates.coverage import months_with_purchases
from pipelines.candidates.products import (
    MUNICIPALITY_EXTRACT,
    PRODUCTS,
    WORKSHOP_RELEASE,
    CandidateKey,
    ProductTable,
    Window,
    window_ending_in,
)
from pipelines.candidates.sensitivity import Attacker
from pipelines.errors import BuildFailed
from pipelines.home import Home
from pipelines.warehouse.read import connect
from tests.unit.candidates.small_home import (
    MUNICIPALITIES,
    PERIOD,
    WORKSHOPS,
    contributions,
    default_rows,
    extract_row,
    kpi_row,
    market_row,
    write_warehouse,
)

WINDOW = window_ending_in(PERIOD, 12)
P1 = CandidateKey(MUNICIPALITY_EXTRACT, "9901", PERIOD)
P2 = CandidateKey(WORKSHOP_RELEASE, WORKSHOPS[0], PERIOD)
TABLES = [(key, table) for key in (P1, P2) for table in PRODUCTS[key.product].tables if table.source]


def cut_table(warehouse: duckdb.DuckDBPyConnection, table: ProductTable, key: CandidateKey, window: Window) -> pa.Table:
    return cut.cut_table(warehouse, table, key, window, lambda year: Attacker(key.recipient)).rows


def table_of(key: CandidateKey, name: str) -> ProductTable:
    return PRODUCTS[key.product].table(name)


def rewrite(home: Home, **tables: list[dict]) -> duckdb.DuckDBPyConnection:
    write_warehouse(home, {**default_rows(), **tables}, build_id="c" * 16)
    return connect(home)


@pytest.mark.parametrize(("key", "table"), TABLES, ids=lambda value: getattr(value, "name", ""))
def test_columns_and_types_are_the_contracts(home: Home, key: CandidateKey, table: ProductTable) -> None:
    rows = cut_table(connect(home), table, key, WINDOW)
    assert rows.schema == table.arrow_schema
    assert rows.num_rows > 0


@pytest.mark.parametrize("recipient", MUNICIPALITIES)
def test_a_municipality_gets_its_own_rows_only(home: Home, recipient: str) -> None:
    key = CandidateKey(MUNICIPALITY_EXTRACT, recipient, PERIOD)
    rows = cut_table(connect(home), table_of(key, "municipality_extract"), key, WINDOW)
    assert rows.num_rows == 4
    assert all(line_id.startswith(recipient) for line_id in rows["purchase_line_id"].to_pylist())


def test_an_unknown_recipient_gets_nothing(home: Home) -> None:
    key = CandidateKey(MUNICIPALITY_EXTRACT, "9901' or '1'='1", PERIOD)
    assert cut_table(connect(home), table_of(key, "municipality_extract"), key, WINDOW).num_rows == 0


@pytest.mark.parametrize(
    ("month", "is_in"), [("2025-10", False), ("2025-11", True), ("2026-10", True), ("2026-11", False)]
)
def test_lines_outside_the_window_stay(home: Home, month: str, is_in: bool) -> None:
    warehouse = rewrite(home, product_municipality_extract=[extract_row("9901", 1, period_month=month)])
    rows = cut_table(warehouse, table_of(P1, "municipality_extract"), P1, WINDOW)
    assert rows.num_rows == is_in
    assert months_with_purchases(warehouse, WINDOW) == ({"9901": [month]} if is_in else {})


@pytest.mark.parametrize(
    ("start", "end", "is_in"),
    [
        (date(2025, 11, 1), date(2025, 11, 30), True),
        (date(2025, 10, 1), date(2025, 10, 31), False),
        (date(2025, 11, 1), date(2026, 10, 31), True),
        (date(2025, 10, 1), date(2026, 9, 30), True),
        (date(2025, 12, 1), date(2026, 11, 30), False),
        (date(2026, 1, 1), date(2026, 12, 31), True),
        (date(2025, 1, 1), date(2025, 12, 31), True),
        (date(2024, 1, 1), date(2024, 12, 31), False),
    ],
    ids=[
        "first month",
        "month before",
        "the window itself",
        "twelve months to an earlier month",
        "twelve months to a later month",
        "this year",
        "last year",
        "the year before",
    ],
)
def test_figures_belong_to_the_window_or_to_a_year_that_it_touches(
    home: Home, start: date, end: date, is_in: bool
) -> None:
    warehouse = rewrite(home, product_municipality_kpi=[kpi_row("9901", start, end)])
    assert cut_table(warehouse, table_of(P1, "kpi"), P1, WINDOW).num_rows == is_in


def test_market_cells_leave_suppressed(home: Home) -> None:
    others = contributions({WORKSHOPS[0]: "100", "1": "250", "2": "250"})
    lonely = market_row(WORKSHOPS[0], municipality_no="9902", contributions=others)
    warehouse = rewrite(home, product_workshop_market_view=[market_row(WORKSHOPS[0]), lonely])
    rows = cut_table(warehouse, table_of(P2, "market_view"), P2, WINDOW).to_pylist()
    assert {row["municipality_no"]: row["addressable_nok"] for row in rows} == {"9901": Decimal(600), "9902": None}
    assert {row["municipality_no"]: row["suppression_code"] for row in rows} == {"9901": "", "9902": "p"}


def test_strict_client_functions_come_from_the_warehouse(home: Home) -> None:
    lines = [extract_row("9901", 1, kostra_function="251"), extract_row("9901", 2, kostra_function="232")]
    warehouse = rewrite(home, product_municipality_extract=lines)
    rows = cut_table(warehouse, table_of(P1, "municipality_extract"), P1, WINDOW).to_pylist()
    assert {row["kostra_function"]: row["supplier_name"] for row in rows} == {"251": "(skjermet)", "232": "Firma AS"}


@pytest.mark.parametrize(
    "change",
    [
        "drop table products.product_municipality_kpi",
        "alter table products.product_municipality_kpi drop column state",
        "alter table products.product_municipality_kpi alter period_end set data type varchar using 'soon'",
    ],
    ids=["no table", "no column", "another type"],
)
def test_a_warehouse_that_is_not_as_agreed_is_refused(home: Home, change: str) -> None:
    with duckdb.connect(str(home.warehouse_file)) as connection:
        connection.execute(change)
    with pytest.raises(BuildFailed, match="product_municipality_kpi is not as agreed"):
        cut_table(connect(home), table_of(P1, "kpi"), P1, WINDOW)
