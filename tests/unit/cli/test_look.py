"""``samandel query``: what is printed is what was asked."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from pipelines.cli.look import TableFormat, query


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a warehouse in which nothing is."""
    (tmp_path / "consortium.yaml").write_text("name: Prøve\nhost: '9901'\nmembers: {}\n")
    (tmp_path / "warehouse").mkdir()
    duckdb.connect(str(tmp_path / "warehouse" / "samandel.duckdb")).close()
    return tmp_path


def test_columns_of_one_name_are_told_apart(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "select 1 as a, 2 as a, 3 as a_1, 4 as a"
    query(sql, internal=True, table_format=TableFormat.JSON, home=home)
    assert list(json.loads(capsys.readouterr().out)[0].values()) == [1, 2, 3, 4]
    query(sql, internal=True, table_format=TableFormat.CSV, home=home)
    assert capsys.readouterr().out.splitlines()[1] == "1,2,3,4"
    query(sql, internal=True, home=home)
    printed = capsys.readouterr().out
    assert [number for number in "1234" if f" {number} " in printed] == ["1", "2", "3", "4"]


def test_what_json_has_no_number_for_is_text(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query("select 'nan'::double as n, '-inf'::double as i", internal=True, table_format=TableFormat.JSON, home=home)
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == [{"n": "nan", "i": "-inf"}]
