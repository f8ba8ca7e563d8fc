"""What the build that stands was made through: its inner relations, in a file of their own beside it.

Belongs here: that file, the record of what it was made from, taking it for the next build and keeping it after one. Not
here: which slices a build makes anew (slices.py), building (build.py).

No reader opens the file. It is worth keeping only because the next build need not make again what has not changed, and
whatever is not plainly that of the warehouse that stands is left aside: the next build is whole then. The record is
removed first and written last, so a kill at any moment costs a whole build and nothing else.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipelines.files import pretty_json, write_atomically
from pipelines.home import Home
from pipelines.matching.schema import SOURCES

FILE = "workings.duckdb"
_RECORD = "made.json"
_ENGINES = ("duckdb", "dbt-core", "dbt-duckdb")


@dataclass(frozen=True)
class Standing:
    """The build that stands, where its inner relations stand beside it.

    Attributes:
        inputs: What it was made from: see ``Build.inputs``.
        shared_owners: Municipalities of whose deliveries something is shared by all.
    """

    inputs: dict[str, str]
    shared_owners: frozenset[str]


def workings_folder(home: Home) -> Path:
    """Return where the inner relations of the build that stands lie."""
    return home.warehouse / "workings"


def read_standing(home: Home) -> Standing | str:
    """Return the build that stands, or in words why nothing of it can be kept."""
    record, current = workings_folder(home) / _RECORD, home.warehouse / "current.json"
    if not (current.is_file() and home.warehouse_file.is_file()):
        return "no build stands yet"
    try:
        made: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
        if made["engines"] != _engines():
            return "the libraries that build it are others now"
        files = {home.warehouse_file.name: home.warehouse_file, FILE: workings_folder(home) / FILE}
        # Its views read parsed files where they lay.
        if (made["files"], made["home"]) != ({name: _stamp(file) for name, file in files.items()}, _place(home)):
            return "its files are not as, or not where, the last build left them"
        if made["build_id"] != json.loads(current.read_text(encoding="utf-8"))["build_id"]:
            return "its inner relations are those of another build"
        return Standing(dict(made["inputs"]), frozenset(made["shared_owners"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "nothing was kept of how it was made"


def scores_that_changed(home: Home) -> str | None:
    """Return the first table of scores in which a name or text that was there before has other scores now, or None."""
    import duckdb

    with duckdb.connect() as connection:
        for table in SOURCES:
            before, now = (
                workings_folder(home) / "matched" / f"{table.name}.parquet",
                home.matched / f"{table.name}.parquet",
            )
            if not (before.is_file() and now.is_file()):
                return table.name
            key = "text_digest" if "text_digest" in table.column_names else "name_digest"
            connection.execute("create or replace temp view before as " + _read(before))
            connection.execute("create or replace temp view now as " + _read(now))
            found = connection.execute(
                f"""
                with in_both as (select {key} from before intersect select {key} from now)
                (select * from before semi join in_both using ({key}) except select * from now)
                union all
                (select * from now semi join in_both using ({key}) except select * from before)
                limit 1
                """  # noqa: S608
            ).fetchall()
            if found:
                return table.name
    return None


def _read(path: Path) -> str:
    name = str(path.resolve()).replace("'", "''")
    return f"select * from read_parquet('{name}')"  # noqa: S608


def take_workings(home: Home, folder: Path) -> None:
    """Move the inner relations of the build that stands into the folder of the next one."""
    (workings_folder(home) / _RECORD).unlink()
    workings_folder(home).replace(folder)


def note_scores(home: Home, folder: Path) -> None:
    """Note the scores that a build reads, for the next one to compare."""
    shutil.rmtree(folder / "matched", ignore_errors=True)
    (folder / "matched").mkdir(parents=True)
    # Names of persons stand there as they do in the warehouse, but nobody needs to read it.
    folder.chmod(0o700)
    for table in SOURCES:
        shutil.copyfile(home.matched / f"{table.name}.parquet", folder / "matched" / f"{table.name}.parquet")


def place_workings(home: Home, folder: Path, kept: Iterable[str]) -> None:
    """Put a finished build's inner relations where the next one looks for them; what is not kept goes.

    They count only when ``record_workings`` has said so.

    Args:
        home: The home.
        folder: Where they lie.
        kept: Names of the tables that the next build goes on with.
    """
    import duckdb

    (workings_folder(home) / _RECORD).unlink(missing_ok=True)
    shutil.rmtree(workings_folder(home), ignore_errors=True)
    if not (folder / FILE).is_file():
        return
    names = set(kept)
    # Rows are not moved together here either (dbt_project/profiles.yml).
    with duckdb.connect(str(folder / FILE), config={"max_vacuum_tasks": 0}) as connection:
        relations = connection.execute(
            "select 'view', schema_name, view_name from duckdb_views() where not internal union all"
            " select 'table', schema_name, table_name from duckdb_tables() where not internal order by all desc"
        ).fetchall()
        for kind, schema, name in relations:
            if name not in names:
                connection.execute(f'drop {kind} "{schema}"."{name}"')
        connection.execute("checkpoint")
    folder.replace(workings_folder(home))


def record_workings(home: Home, build_id: str, inputs: Mapping[str, str], shared_owners: Iterable[str]) -> None:
    """Say that the inner relations that were placed are those of the warehouse that stands now."""
    files = (home.warehouse_file, workings_folder(home) / FILE)
    if not files[1].is_file():
        return
    made = {
        "build_id": build_id,
        "engines": _engines(),
        "files": {file.name: _stamp(file) for file in files},
        "home": _place(home),
        "inputs": dict(inputs),
        "shared_owners": sorted(shared_owners),
    }
    write_atomically(workings_folder(home) / _RECORD, pretty_json(made).encode())


def _stamp(file: Path) -> list[int]:
    """Return what a file that nobody has touched keeps."""
    found = file.stat()
    return [found.st_size, found.st_mtime_ns]


def _place(home: Home) -> str:
    return str(home.path.resolve())


def _engines() -> dict[str, str]:
    return {name: version(name) for name in _ENGINES}
