"""The questions of docs/analysts.md run as they stand on the demo, and give what the page says.

Those that do not ask for the whole warehouse run on what analysts open.
"""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from pipelines.candidates.products import PRODUCTS
from pipelines.home import Home
from pipelines.publishing.facts_file import ensure_facts
from pipelines.warehouse.read import attach_gate_facts, connect

WHOLE = "(whole warehouse)"
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "analysts.md").read_text(encoding="utf-8")


def _questions() -> list[tuple[str, str, list[str]]]:
    """Every question: its heading, its SQL, and the columns that the page says it gives."""
    found = []
    for section in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]:
        sql, after = re.findall(r"```sql\n(.*?)```\n\nGives (.*?)[.:]( |\n)", section, re.DOTALL)[0][:2]
        found.append((section.partition("\n")[0], sql, re.findall(r"`(\w+)`", after)))
    return found


@pytest.fixture(scope="module")
def warehouse(demo_home: Path) -> duckdb.DuckDBPyConnection:
    connection = connect(Home(demo_home))
    attach_gate_facts(connection, Home(demo_home))
    return connection


def test_there_are_eleven() -> None:
    assert [heading.partition(".")[0] for heading, _, _ in _questions()] == [str(number) for number in range(1, 12)]


@pytest.fixture(scope="module")
def analysts(demo_home: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(Home(demo_home).analyst_file), read_only=True, config={"enable_external_access": False})


@pytest.mark.parametrize(("heading", "sql", "columns"), _questions(), ids=[q[0] for q in _questions()])
def test_a_question_gives_rows_of_the_shape_that_the_page_says(
    warehouse: duckdb.DuckDBPyConnection,
    analysts: duckdb.DuckDBPyConnection,
    heading: str,
    sql: str,
    columns: list[str],
) -> None:
    asked = warehouse if WHOLE in heading else analysts
    answer = asked.execute(sql)
    assert [column[0] for column in answer.description] == columns
    rows = answer.fetchall()
    assert rows
    assert rows == asked.execute(sql).fetchall(), "the order of its rows is stated in full"


def test_analysts_find_every_table_and_column_described(analysts: duckdb.DuckDBPyConnection) -> None:
    silent = "select 1 from duckdb_tables() where comment is null union all select 1 from duckdb_columns() where"
    assert analysts.execute(f"{silent} not internal and comment is null").fetchall() == []
    assert analysts.execute("select count(*) from duckdb_tables()").fetchone() == (
        len(PRODUCTS["consortium_mart"].tables),
    )


def test_analysts_are_told_of_no_person(
    analysts: duckdb.DuckDBPyConnection, warehouse: duckdb.DuckDBPyConnection
) -> None:
    kinds = "('natural_person', 'unknown', 'sole_proprietor')"
    lines = "select purchase_line_id, org_no, workshop_org_no from fct_purchases where payee_kind in"
    shown = analysts.execute(f"{lines} {kinds}").fetchall()
    assert shown
    assert {row[1:] for row in shown} == {(None, None)}
    persons = warehouse.execute(f"select org_no, payee_name from fct_purchases where payee_kind in {kinds}").fetchall()
    suppliers = analysts.execute("select org_no, supplier_name from dim_suppliers").fetchall()
    assert not {row[0] for row in persons if row[0]} & {row[0] for row in suppliers}
    strict = "select count(*), count(org_no), count(workshop_org_no) from fct_purchases"
    where = "function_privacy_class = 'client_strict' and payee_kind != 'public_body'"
    count, *named = analysts.execute(f"{strict} where {where}").fetchone()
    assert (count > 0, named) == (True, [0, 0])


def test_the_lines_of_the_seventh_add_up_to_their_figure(warehouse: duckdb.DuckDBPyConnection) -> None:
    sql = _questions()[6][1]
    assert warehouse.sql(sql).filter("adds_up is not true").fetchall() == []


def test_after_a_run_the_facts_of_the_gate_are_those_of_its_records(demo_home: Path) -> None:
    assert not ensure_facts(Home(demo_home))


def test_the_eleventh_knows_what_each_share_withholds_and_no_zero_of_an_extract(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    answer = warehouse.sql(_questions()[10][1])
    shares, extracts = (
        answer.filter(f"product = '{product}'") for product in ("workshop_release", "municipality_extract")
    )
    unsaid = "suppression_rate is null and not coalesce(contains(not_known, 'suppression_rate'), false)"
    assert shares.filter(unsaid).fetchall() == []
    assert shares.filter("suppression_rate > 0 and value_withheld > 0").fetchall()
    assert {row[0] for row in extracts.project("not_known").fetchall()} == {"suppression_rate, value_withheld"}
    assert answer.filter("days_in_the_gate is null").fetchall() == []
