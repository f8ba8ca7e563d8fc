"""The questions of docs/analysts.md run as they stand on the demo, and give what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from pipelines.home import Home
from pipelines.warehouse.read import connect

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
    return connect(Home(demo_home))


def test_there_are_ten() -> None:
    assert [heading.partition(".")[0] for heading, _, _ in _questions()] == [str(number) for number in range(1, 11)]


@pytest.mark.parametrize(("sql", "columns"), [q[1:] for q in _questions()], ids=[q[0] for q in _questions()])
def test_a_question_gives_rows_of_the_shape_that_the_page_says(
    warehouse: duckdb.DuckDBPyConnection, sql: str, columns: list[str]
) -> None:
    answer = warehouse.execute(sql)
    assert [column[0] for column in answer.description] == columns
    rows = answer.fetchall()
    assert rows
    assert rows == warehouse.execute(sql).fetchall(), "the order of its rows is stated in full"


def test_the_lines_of_the_seventh_add_up_to_their_figure(warehouse: duckdb.DuckDBPyConnection) -> None:
    sql = _questions()[6][1]
    assert warehouse.sql(sql).filter("adds_up is not true").fetchall() == []
