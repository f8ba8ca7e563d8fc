"""A build that RC10 stopped says table, key, days and remedy; any other failure says what it said before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from pipelines.home import Home
from pipelines.warehouse.build import Build, failure_of, start_build
from pipelines.warehouse.rule_gaps import rule_gaps

_COLUMNS = (
    "rule_table varchar, rule_key varchar, municipality_no varchar, problem varchar, stands_in varchar,"
    " row_count bigint, first_day date, last_day date, first_day_in_use date, last_day_in_use date"
)


def _file(folder: Path, *rows: str) -> Path:
    file = folder / "samandel.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"create table fct_rule_gaps ({_COLUMNS})")
        for row in rows:
            connection.execute(f"insert into fct_rule_gaps values ({row})")
    return file


def _build(folder: Path, file: Path) -> Build:
    return replace(start_build(Home(folder / "home")), file=file)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            "'thresholds', 'law_entry any', 'all', 'missing', 'dbt_project/seeds/thresholds.csv', 2, '2026-07-01',"
            " '2026-07-01', '2026-07-01', '2026-07-01'",
            "RC10: thresholds, law_entry any: no row holds from 2026-07-01 to 2026-07-01; 2 lines are dated 2026-07-01."
            " Add the row that holds then, or move the dates of its neighbours. It stands in "
            "dbt_project/seeds/thresholds.csv.",
        ),
        (
            "'charts_of_accounts', '11150', '9901', 'overlapping', 'registers/charts_of_accounts.csv', 9, '2026-01-01',"
            " '9999-12-31', '2026-01-04', '2026-03-01'",
            "RC10: charts_of_accounts, 11150 of 9901: more than one row holds from 2026-01-01 to today and on; 9 lines "
            "are dated 2026-01-04 to 2026-03-01. End the earlier row the day before the later one begins. It stands in "
            "registers/charts_of_accounts.csv.",
        ),
        (
            "'thresholds', 'eea works', 'all', 'missing', 'dbt_project/seeds/thresholds.csv', 1, '1900-01-01',"
            " '2020-02-12', '2019-05-01', '2019-05-01'",
            "RC10: thresholds, eea works: no row holds from the beginning to 2020-02-12; 1 lines are dated 2019-05-01. "
            "Add the row that holds then, or move the dates of its neighbours. It stands in "
            "dbt_project/seeds/thresholds.csv.",
        ),
    ],
    ids=["missing", "overlapping", "before the first row"],
)
def test_a_gap_is_said_with_table_key_days_and_remedy(tmp_path: Path, row: str, said: str) -> None:
    file = _file(tmp_path, row)
    assert rule_gaps(file) == [said]
    failure = str(failure_of(_build(tmp_path, file), ["log line"]))
    assert said in failure
    assert "expectations/rules/RC10.md" in failure
    assert "log line" not in failure


def test_many_gaps_are_counted_not_listed(tmp_path: Path) -> None:
    rows = [
        f"'charts_of_accounts', '{number}', '9901', 'missing', 'registers/charts_of_accounts.csv', 1, '2026-01-01',"
        " '2026-01-31', '2026-01-04', '2026-01-04'"
        for number in range(25)
    ]
    said = rule_gaps(_file(tmp_path, *rows))
    assert len(said) == 21
    assert said[-1] == "… and 5 more spans (fct_rule_gaps)."


def test_another_failure_is_told_as_what_it_is(tmp_path: Path) -> None:
    no_file = _build(tmp_path, tmp_path / "samandel.duckdb")
    assert "log line" in str(failure_of(no_file, ["log line"]))
    no_gaps = _build(tmp_path, _file(tmp_path))
    assert "a fault of ours" in str(failure_of(no_gaps, ["log line"]))
