"""The marts as Parquet: all rows, said what they are, the same bytes each time, where nobody else reads them."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.errors import ConfigurationError
from pipelines.home import Home
from pipelines.session import without_progress
from pipelines.settings import PROJECT_ROOT
from pipelines.warehouse.export import ABOUT, Exported, export_marts
from tests.homes import bytes_of, samandel_json


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("analysis") / "marts"


@pytest.fixture(scope="module")
def exported(finished_home: Home, folder: Path) -> list[Exported]:
    return export_marts(finished_home, folder, without_progress)


def test_every_mart_is_a_file_with_the_rows_that_it_has(
    exported: list[Exported], folder: Path, finished: duckdb.DuckDBPyConnection
) -> None:
    tables = {
        name
        for (name,) in finished.execute(
            "select table_name from information_schema.tables where table_schema = 'main' and table_type = 'BASE TABLE'"
            " and regexp_matches(table_name, '^(fct|dim|bridge)_')"
        ).fetchall()
    }
    assert {one.table for one in exported} == tables
    assert {path.name for path in folder.iterdir()} == {f"{name}.parquet" for name in tables} | {ABOUT}
    for name in sorted(tables):
        parquet = f"read_parquet('{folder / name}.parquet')"
        found = duckdb.sql(f"select * from {parquet}")
        assert sorted(map(str, found.fetchall())) == sorted(
            map(str, finished.execute(f"select * from {name}").fetchall())
        )
    assert sum(one.rows for one in exported) > 300


def test_the_files_say_what_they_hold(
    exported: list[Exported], folder: Path, finished: duckdb.DuckDBPyConnection
) -> None:
    schema = pq.read_schema(folder / "fct_purchases.parquet")
    scope = finished.execute(
        "select comment from duckdb_columns() where table_name = 'fct_purchases' and column_name = 'scope'"
    ).fetchall()[0][0]
    assert schema.field("scope").metadata[b"comment"].decode() == scope
    assert json.loads(schema.metadata[b"columns"])["scope"] == scope
    assert schema.metadata[b"comment"].decode().startswith("Every line of spend exactly once")
    for one in exported:
        columns = json.loads(pq.read_schema(folder / f"{one.table}.parquet").metadata[b"columns"])
        assert all(columns.values()), one.table


def test_the_same_build_gives_the_same_bytes_and_an_earlier_export_is_replaced(
    finished_home: Home, exported: list[Exported], folder: Path, tmp_path: Path
) -> None:
    seen: list[tuple[str, int, int]] = []
    assert export_marts(finished_home, tmp_path / "marts", lambda *done: seen.append(done)) == exported
    assert seen[-1][1] == seen[-1][2] == sum(one.rows for one in exported)
    first = bytes_of(folder)
    assert bytes_of(tmp_path / "marts") == first
    (tmp_path / "marts" / "fct_gone.parquet").write_bytes(b"of an earlier version")
    export_marts(finished_home, tmp_path / "marts", without_progress)
    assert bytes_of(tmp_path / "marts") == first


def test_nobody_else_can_read_it(exported: list[Exported], folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert "no gate has seen them" in (folder / ABOUT).read_text()


PLACES: dict[str, Callable[[Home, Path], Path]] = {
    "the home": lambda home, _: home.path,
    "a recipient's release": lambda home, _: home.path / "releases" / "municipality_extract" / "9901",
    "a member's inbox in the home": lambda home, _: home.inbox / "9901",
    "a member's inbox elsewhere": lambda home, _: home.path.parent / "inboxes" / "9901" / "marts",
    "around a member's inbox": lambda home, _: home.path.parent / "inboxes",
    "another home": lambda _, folder: other_home(folder) / "releases",
    "data of the installation": lambda *_: PROJECT_ROOT / "data" / "marts",
    "a link into the home": lambda home, folder: link_to(folder, home.path),
}


def other_home(folder: Path) -> Path:
    (folder / "other").mkdir()
    (folder / "other" / "consortium.yaml").write_text("name: Annen\n")
    return folder / "other"


def link_to(folder: Path, place: Path) -> Path:
    (folder / "link").symlink_to(place)
    return folder / "link" / "marts"


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_it_is_refused_where_others_read(
    finished_home: Home, tmp_path: Path, place: Callable[[Home, Path], Path]
) -> None:
    target = place(finished_home, tmp_path)
    was_there = target.exists()
    with pytest.raises(ConfigurationError, match="are not exported to where"):
        export_marts(finished_home, target, without_progress)
    assert target.exists() == was_there


def test_what_is_no_export_is_not_replaced(finished_home: Home, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("kept")
    with pytest.raises(ConfigurationError, match="would be lost"):
        export_marts(finished_home, tmp_path, without_progress)
    assert (tmp_path / "notes.txt").read_text() == "kept"
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "fct_purchases.parquet").write_bytes(b"somebody's own")
    with pytest.raises(ConfigurationError, match="would be lost"):
        export_marts(finished_home, tmp_path / "own", without_progress)


def test_a_failure_leaves_the_earlier_export(finished_home: Home, exported: list[Exported], folder: Path) -> None:
    before = bytes_of(folder)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_marts(finished_home, folder, stop)
    assert bytes_of(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_the_command_is_audited(finished_home: Home, tmp_path: Path) -> None:
    facts = samandel_json("export", "marts", tmp_path / "marts", "--home", finished_home.path, "--json")
    assert facts["folder"] == str(tmp_path / "marts")
    assert {"table", "rows", "sha256"} == set(facts["tables"][0])
    asked = (finished_home.logs / "query_audit.jsonl").read_text().splitlines()
    assert json.loads(asked[-1])["export"] == f"marts {tmp_path / 'marts'}"
