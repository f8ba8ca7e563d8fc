"""Each green build leaves what it said and what it was made from, in bytes that only it gives."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipelines.errors import ReleaseDamaged
from pipelines.home import Home
from pipelines.warehouse.build import Build, finish_build, start_build
from pipelines.warehouse.history import figures_file, inputs_file, list_builds, read_inputs


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def grow(build: Build, order: str = "asc") -> None:
    """What dbt does, in small; the rows come in any order."""
    with duckdb.connect(str(build.file)) as connection:
        connection.execute(
            f"create table fct_kpis as select 'K01' as kpi_key, month::decimal(18, 2) as numerator"
            f" from range(12) as t(month) order by month {order}"
        )
        connection.execute(
            "create table fct_delivery_periods as from (values"
            " ('9901', 'ledger', 'aaaa', 1, '2026-01', 'superseded'),"
            " ('9901', 'ledger', 'bbbb', 2, '2026-01', 'accepted')"
            ") as t(municipality_no, source_name, _delivery_id, sequence, fiscal_period, state)"
        )


def test_a_green_build_is_kept_with_what_it_was_made_from(home: Home) -> None:
    build = start_build(home)
    grow(build)
    finish_build(home, build)
    figures = figures_file(home, build.build_id)
    assert duckdb.sql(f"select sum(numerator) from '{figures}'").fetchone() == (66,)
    record = read_inputs(home, build.build_id)
    assert record is not None
    assert record["input_digest"] == build.input_digest
    assert record["inputs"] == build.inputs
    assert [(one["delivery_id"], one["periods"]) for one in record["deliveries"]] == [
        ("aaaa", {"superseded": ["2026-01"]}),
        ("bbbb", {"accepted": ["2026-01"]}),
    ]
    assert [(row["build_id"], row["figures"], row["is_current"]) for row in list_builds(home)] == [
        (build.build_id, 12, True)
    ]


def test_the_same_build_gives_the_same_bytes(home: Home) -> None:
    kept = []
    for order in ("asc", "desc"):
        build = start_build(home)
        grow(build, order)
        finish_build(home, build)
        kept.append([path(home, build.build_id).read_bytes() for path in (figures_file, inputs_file)])
    assert kept[0] == kept[1]


def test_a_build_without_a_record_has_none(home: Home) -> None:
    assert read_inputs(home, "0123456789abcdef") is None
    assert list_builds(home) == []


@pytest.mark.parametrize("damage", ["{", "{}", '{"inputs": {"dbt": "another"}}'], ids=["torn", "empty", "another's"])
def test_a_record_that_is_not_the_builds_is_refused(home: Home, damage: str) -> None:
    build = start_build(home)
    grow(build)
    finish_build(home, build)
    inputs_file(home, build.build_id).write_text(damage)
    with pytest.raises(ReleaseDamaged):
        read_inputs(home, build.build_id)
