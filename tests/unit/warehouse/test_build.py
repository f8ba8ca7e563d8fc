"""A build is named by its inputs, grows beside the last good one, and replaces it whole or not at all."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from pipelines.errors import BuildFailed, ConfigurationError, WarehouseBusy
from pipelines.home import Home
from pipelines.tables import arrow_table, write_parquet
from pipelines.warehouse import build as builds
from pipelines.warehouse.build import (
    Build,
    build_warehouse,
    current_build_id,
    dbt_arguments,
    failed_nodes,
    finish_build,
    input_digest,
    is_current,
    lasting_models,
    start_build,
    warehouse_lock,
)
from pipelines.warehouse.read import connect
from pipelines.warehouse.slices import Plan
from pipelines.warehouse.sources import parsed_tables


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "it's a home")


def deliver(home: Home, municipality_no: str = "9901") -> Path:
    table = parsed_tables()["outcomes"]
    path = home.parsed / "outcomes" / f"municipality_no={municipality_no}" / "d.parquet"
    write_parquet(path, arrow_table(table, [{"municipality_no": municipality_no, "step": "parsed"}]))
    return path


def grow(build: Build) -> None:
    """What dbt does, in small."""
    workings = build.environment["SAMANDEL_WORKINGS_FILE"].replace("'", "''")
    with duckdb.connect(str(build.file)) as connection:
        connection.execute(f"attach '{workings}' as workings")
        for schema in ("workings.staging", "workings.intermediate", "products"):
            connection.execute(f"create schema if not exists {schema}")
        for table in (
            "workings.intermediate.inner_one",
            "workings.intermediate.sliced_one",
            "fct_purchases",
            "products.product_one",
        ):
            connection.execute(f"create or replace table {table} as select 1 as a")
        connection.execute("create view workings.staging.outer_one as select * from workings.intermediate.inner_one")
    models = {"sliced_one": "incremental", "inner_one": "table", "fct_purchases": "incremental"}
    nodes = {
        name: {"name": name, "resource_type": "model", "config": {"materialized": kind}}
        for name, kind in models.items()
    }
    manifest = {
        "nodes": nodes,
        "sources": {"postings": {"source_name": "ledger"}},
        "child_map": {"postings": ["sliced_one"], "sliced_one": ["inner_one", "fct_purchases"]},
    }
    (build.folder / "target" / "manifest.json").write_text(json.dumps(manifest))


def test_an_empty_table_of_an_earlier_version_gets_the_columns_of_this_one(home: Home) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = home.parsed / "rejects" / "municipality_no=_none" / "empty.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table({"municipality_no": pa.array([], pa.string())}), path)
    start_build(home)
    assert pq.read_schema(path).names == list(parsed_tables()["rejects"].column_names)


def test_every_parsed_table_can_be_read_before_anything_was_delivered(home: Home) -> None:
    build = start_build(home)
    for name, table in parsed_tables().items():
        found = duckdb.sql(
            f"select * from read_parquet('{build.environment['SAMANDEL_PARSED']}/{name}/*/*.parquet',"
            " hive_partitioning = false)"
        )
        assert found.columns == table.column_names
        assert found.fetchall() == []


def test_the_digest_follows_what_was_delivered_and_nothing_else(home: Home) -> None:
    before = input_digest(home)
    start_build(home)
    assert input_digest(home) == before, "empty files of our own are no input"
    path = deliver(home)
    after = input_digest(home)
    assert after != before
    path.touch()
    assert input_digest(home) == after, "time is no input"
    path.rename(path.with_name("e.parquet"))
    assert input_digest(home) != after


def test_the_same_inputs_name_the_same_build(home: Home) -> None:
    deliver(home)
    first, second = start_build(home), start_build(home)
    assert first == second
    assert first.build_id == first.input_digest[:16]
    assert first.file.name == home.warehouse_file.name


def test_what_a_kill_left_half_made_is_removed(home: Home) -> None:
    left = start_build(home)
    grow(left)
    deliver(home)
    assert not start_build(home).file.exists()


def test_a_finished_build_stands_alone_without_inner_relations(home: Home) -> None:
    deliver(home)
    build = start_build(home)
    grow(build)
    assert not is_current(home)
    finish_build(home, build)
    with connect(home) as warehouse:
        tables = warehouse.execute(
            "select table_schema, table_name from information_schema.tables order by all"
        ).fetchall()
    assert tables == [("main", "fct_purchases"), ("products", "product_one")]
    assert is_current(home)
    assert current_build_id(home) == build.build_id
    assert not (home.warehouse / "builds").exists()
    with duckdb.connect(str(home.warehouse / "workings" / "workings.duckdb"), read_only=True) as workings:
        kept = workings.execute("select table_name from information_schema.tables").fetchall()
    assert kept == [("sliced_one",)], "what a next build goes on with, and nothing else"
    deliver(home, "9902")
    assert not is_current(home)


def test_a_failed_build_leaves_the_last_good_one(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    good = start_build(home)
    grow(good)
    finish_build(home, good)
    bytes_before = home.warehouse_file.read_bytes()
    deliver(home)

    def fail(build: Build, arguments: list[str]) -> None:
        grow(build)
        raise BuildFailed("a test failed")

    monkeypatch.setattr(builds, "run_dbt", fail)
    with pytest.raises(BuildFailed):
        build_warehouse(home)
    assert home.warehouse_file.read_bytes() == bytes_before
    assert current_build_id(home) == good.build_id
    assert not is_current(home)


def test_a_current_warehouse_is_not_built_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def run(build: Build, arguments: list[str]) -> None:
        asked.append(arguments)
        grow(build)

    monkeypatch.setattr(builds, "run_dbt", run)
    assert build_warehouse(home) is True
    assert build_warehouse(home) is False
    assert build_warehouse(home, full_refresh=True) is True
    assert asked == [dbt_arguments(), dbt_arguments(full_refresh=True)]


def test_dbt_without_a_file_is_a_failed_build(home: Home) -> None:
    with pytest.raises(BuildFailed, match="without a warehouse file"):
        finish_build(home, start_build(home))


def test_two_builds_at_once_are_refused(home: Home) -> None:
    with warehouse_lock(home), pytest.raises(WarehouseBusy):
        build_warehouse(home)


READER = """
import sys
import duckdb
with duckdb.connect(sys.argv[1], read_only=True) as warehouse:
    for _ in sys.stdin:
        print(warehouse.execute("select sum(a) from fct_purchases").fetchone()[0], flush=True)
"""


@contextmanager
def reader(file: Path) -> Iterator[Callable[[], str]]:
    """Somebody else's process that opens a warehouse read-only, keeps it open, and asks it when told to."""
    process = subprocess.Popen(
        [sys.executable, "-c", READER, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def ask() -> str:
        assert process.stdin and process.stdout
        process.stdin.write("?\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    try:
        yield ask
    finally:
        process.communicate(timeout=30)


def test_the_warehouse_is_read_while_the_next_one_is_built_and_swapped_in(home: Home) -> None:
    good = start_build(home)
    grow(good)
    finish_build(home, good)
    deliver(home)
    with warehouse_lock(home), reader(home.warehouse_file) as ask_early:
        assert ask_early() == "1"
        following = start_build(home, full_refresh=True)
        grow(following)
        with duckdb.connect(str(following.file)) as writer:
            writer.execute("update fct_purchases set a = 2")
            with reader(home.warehouse_file) as ask_late:
                assert ask_late() == "1", "opened while the next one is open for writing"
        finish_build(home, following)
        assert ask_early() == "1", "who holds the file open goes on with what it holds"
        with reader(home.warehouse_file) as ask_after:
            assert ask_after() == "2", "who opens it now gets the new one"


def test_reading_before_the_first_build_says_what_to_do(home: Home) -> None:
    with pytest.raises(ConfigurationError) as refused:
        connect(home)
    assert "samandel run" in refused.value.remedy


def test_production_builds_leave_unit_tests_out() -> None:
    assert dbt_arguments() == ["build", "--exclude-resource-type", "unit_test"]
    assert dbt_arguments(full_refresh=True)[-1] == "--full-refresh"


def test_a_build_of_slices_makes_what_follows_from_deliveries() -> None:
    assert dbt_arguments(Plan((), "nothing stands")) == dbt_arguments()
    chosen = dbt_arguments(Plan(("9901",), "one changed"))
    assert chosen[chosen.index("--select") + 1 :] == [
        "source:ehf+",
        "source:landing+",
        "source:ledger+",
        "source:matched+",
        "source:notices+",
        "source:saft+",
    ]


def test_what_follows_from_deliveries_and_has_no_slices_is_not_kept(tmp_path: Path) -> None:
    def model(name: str, materialized: str) -> dict[str, object]:
        return {"name": name, "resource_type": "model", "config": {"materialized": materialized}}

    manifest = {
        "sources": {"source.s.ehf.lines": {"source_name": "ehf"}, "source.s.registers.x": {"source_name": "registers"}},
        "nodes": {
            "model.s.sliced": model("sliced", "incremental"),
            "model.s.summed": model("summed", "table"),
            "model.s.register": model("register", "view"),
            "test.s.one": {"name": "one", "resource_type": "test", "config": {}},
        },
        "child_map": {
            "source.s.ehf.lines": ["model.s.sliced"],
            "model.s.sliced": ["model.s.summed"],
            "source.s.registers.x": ["model.s.register", "model.s.summed"],
        },
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert lasting_models(tmp_path) == ["register", "sliced"]
    assert lasting_models(tmp_path / "nowhere") == []


def test_failures_are_named(tmp_path: Path) -> None:
    assert failed_nodes(tmp_path) == []
    results = [
        {"unique_id": "model.samandel.fct_purchases", "status": "error", "message": "Binder Error:\n  no column"},
        {"unique_id": "test.samandel.ledger_equals_purchases", "status": "fail", "message": "Got 1 result"},
        {"unique_id": "model.samandel.fct_kpis", "status": "skipped", "message": None},
        {"unique_id": "model.samandel.dim_rules", "status": "success", "message": "OK"},
    ]
    (tmp_path / "run_results.json").write_text(json.dumps({"results": results}))
    assert failed_nodes(tmp_path) == [
        "model.samandel.fct_purchases: Binder Error: no column",
        "test.samandel.ledger_equals_purchases: Got 1 result",
    ]
