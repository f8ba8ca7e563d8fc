"""All gates on a home's candidates, and the same table rules as plain DuckDB SQL: what Great Expectations costs.

Not a test: ``python -m tests.benchmarks.gate --home HOME [--candidates N]`` judges every candidate of a home that has
run, each anew and into no chain but a copy's, and prints seconds by part: importing Great Expectations, its suites, the
rules beside them, the rest. Then every expectation of the suites is asked of the same rows in SQL; both must find the
same rules failing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines import settings
from pipelines.candidates.products import CandidateKey
from pipelines.gate import judge as judging
from pipelines.gate.candidate_files import read_candidate
from pipelines.gate.run_suite import run_suite
from pipelines.gate.suites import COLUMN_LIST, ROW_COUNT, Expectation, TableSuite, read_suite
from pipelines.home import Home
from tests.mutations.__main__ import candidates_of
from tests.mutations.broken_home import BrokenHome


class Seconds(dict[str, float]):
    """Seconds by part."""

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Add what a block takes to a part."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self[part] = self.get(part, 0.0) + time.perf_counter() - begun


def judge_all(home: Home, keys: list[CandidateKey], folder: Path) -> Seconds:
    """Return the seconds that judging takes, by part; copying is none of it."""
    seconds = Seconds()
    suites, checks = judging._run_suites, judging.run_checks

    def timed_suites(*arguments: Any) -> Any:
        with seconds.of("suites (Great Expectations)"):
            return suites(*arguments)

    def timed_checks(*arguments: Any) -> Any:
        with seconds.of("rules beside them"):
            return checks(*arguments)

    judging._run_suites, judging.run_checks = timed_suites, timed_checks
    try:
        for number, key in enumerate(keys):
            copy = BrokenHome(home, key, folder / str(number))
            with seconds.of("all"):
                copy.judge()
    finally:
        judging._run_suites, judging.run_checks = suites, checks
    return seconds


def failures_in_sql(connection: duckdb.DuckDBPyConnection, item: Expectation) -> int:
    """Return how many rows of the table ``rows`` do not meet an expectation."""
    kwargs, column = item.kwargs, item.kwargs.get("column", "")
    given, values = "true", []
    if condition := kwargs.get("row_condition"):
        given, values = _condition(condition)
    wrong = {
        "expect_column_values_to_not_be_null": f'"{column}" is null',
        "expect_column_values_to_be_null": f'"{column}" is not null',
        "expect_column_values_to_be_in_set": f'"{column}" is not null and not list_contains(?, "{column}")',
        "expect_column_values_to_match_regex": f'"{column}" is not null and not regexp_matches("{column}", ?)',
        "expect_column_values_to_be_between": f'"{column}" is not null and not ("{column}" between ? and ?)',
    }.get(item.type)
    if item.type == "expect_column_values_to_be_unique":
        return _doubled(connection, [column])
    if item.type == "expect_compound_columns_to_be_unique":
        return _doubled(connection, kwargs["column_list"])
    if wrong is None:
        raise NotImplementedError(item.type)
    asked = {
        "expect_column_values_to_be_in_set": [kwargs.get("value_set")],
        "expect_column_values_to_match_regex": [kwargs.get("regex")],
        "expect_column_values_to_be_between": [kwargs.get("min_value"), kwargs.get("max_value")],
    }.get(item.type, [])
    sql = f"select count(*) from rows where ({wrong}) and ({given})"  # noqa: S608  names of the signed suites
    return int(connection.execute(sql, [*asked, *values]).fetchall()[0][0])


def _condition(stated: Any) -> tuple[str, list[Any]]:
    column, operator, parameter = stated["column"]["name"], stated["operator"], stated["parameter"]
    if operator == "IN":
        return f'list_contains(?, "{column}")', [parameter]
    return f'"{column}" {operator} ?', [parameter]


def _doubled(connection: duckdb.DuckDBPyConnection, columns: list[str]) -> int:
    named = ", ".join(f'"{name}"' for name in columns)
    sql = f"select coalesce(sum(n), 0) from (select count(*) as n from rows group by {named} having count(*) > 1)"  # noqa: S608
    return int(connection.execute(sql).fetchall()[0][0])


def suite_in_sql(suite: TableSuite, rows: pa.Table) -> dict[str, int]:
    """Return what is wrong by rule, as SQL finds it."""
    found: dict[str, int] = {}
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        for item in suite.expectations:
            if item.type == ROW_COUNT:
                wrong = 0 if rows.num_rows or suite.when_empty else 1
            elif item.type == COLUMN_LIST:
                wrong = int(rows.column_names != list(item.kwargs["column_list"]))
            else:
                wrong = failures_in_sql(connection, item) if rows.num_rows else 0
            found[item.rule] = found.get(item.rule, 0) + wrong
    return found


def suites_both_ways(home: Home, keys: list[CandidateKey]) -> Seconds:
    """Return the seconds of the suites alone, by Great Expectations and by SQL; both must find the same failing."""
    seconds = Seconds()
    for key in keys:
        suite = read_suite(settings.EXPECTATIONS, key.product)
        files = read_candidate(home.candidates / key.product / key.recipient, suite)
        for name, table in suite.tables.items():
            rows = files.tables[name]
            with seconds.of("suites, Great Expectations"):
                signed = run_suite(table, rows)
            with seconds.of("suites, DuckDB SQL"):
                plain = suite_in_sql(table, rows)
            failing = {rule for rule, finding in signed.items() if finding.is_failing}
            assert failing == {rule for rule, wrong in plain.items() if wrong}, (key, name, failing, plain)
    return seconds


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.gate")
    parser.add_argument(
        "--home", type=lambda text: Path(text).resolve(), required=True, help="a home that has run; it is not changed"
    )
    parser.add_argument("--candidates", type=int, default=1000, help="at most so many of each product")
    asked = parser.parse_args()
    home = Home(asked.home)
    keys = [key for listed in candidates_of(home).values() for key in listed[: asked.candidates]]
    seconds = Seconds()
    with seconds.of("importing Great Expectations"):
        settings.silence_tools()
        import great_expectations  # noqa: F401
    with tempfile.TemporaryDirectory(prefix="gate-") as folder:
        judged = judge_all(home, keys, Path(folder))
    rest = judged["all"] - judged["suites (Great Expectations)"] - judged["rules beside them"]
    both = suites_both_ways(home, keys)
    print(f"{len(keys)} candidates")
    for part, took in {**seconds, **judged, "reading, verdict, evidence": rest, **both}.items():
        print(f"{part:<32}{took:8.1f} s")
    print(f"{'all, import counted once':<32}{seconds['importing Great Expectations'] + judged['all']:8.1f} s")


if __name__ == "__main__":
    main()
