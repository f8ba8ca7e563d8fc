"""``samandel query``: what is printed is what was asked."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from pipelines.cli.look import TableFormat, query
from pipelines.errors import ConfigurationError


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


@pytest.mark.parametrize(
    "sql",
    [
        "copy (select 1) to '{file}' (format csv, use_tmp_file false)",
        "explain analyze copy (select 1) to '{file}' (format csv, use_tmp_file false)",
        "copy (select 1) to '{file}.wal' (format csv, use_tmp_file false)",
        "prepare p as copy (select 1) to '{file}' (format csv, use_tmp_file false)",
        "attach '{file}' as another",
        "detach gate",
        "checkpoint",
    ],
    ids=["copy", "explained copy", "beside it", "prepared", "attach", "detach", "checkpoint"],
)
@pytest.mark.parametrize("name", ["samandel.duckdb", "gate.duckdb"])
def test_what_is_open_for_reading_is_not_written_over(home: Path, sql: str, name: str) -> None:
    duckdb.connect(str(home / "warehouse" / "gate.duckdb")).close()
    before = {path.name: path.read_bytes() for path in (home / "warehouse").iterdir()}
    with pytest.raises(ConfigurationError, match="it is no question"):
        query(sql.format(file=home / "warehouse" / name), internal=True, home=home)
    assert {path.name: path.read_bytes() for path in (home / "warehouse").iterdir()} == before


def test_facts_of_the_gate_are_found_by_both_their_names(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with duckdb.connect(str(home / "warehouse" / "gate.duckdb")) as connection:
        connection.execute("create table fct_releases as select 7 as revision")
    for sql in ("from fct_releases", "from gate.fct_releases", "show tables", "describe fct_releases"):
        query(sql, internal=True, table_format=TableFormat.CSV, home=home)
    assert capsys.readouterr().out.split()[:4] == ["revision", "7", "revision", "7"]


def test_analysts_do_not_get_the_facts_of_the_gate(home: Path) -> None:
    (home / "warehouse" / "samandel.duckdb").rename(home / "warehouse" / "analyst.duckdb")
    duckdb.connect(str(home / "warehouse" / "gate.duckdb")).close()
    with pytest.raises(ConfigurationError, match="cannot be answered"):
        query("from gate.fct_releases", home=home)
