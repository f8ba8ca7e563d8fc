"""The SQL that dbt made of its models, run again without dbt: a build in seconds instead of a minute.

Belongs here: taking that SQL from the manifest of a build, whole or of slices, running it into two files, and digests
of what came out. Not here: what is delivered, and what must be equal (test_slices.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

from pipelines.warehouse.build import Build

Digests = dict[str, tuple[int, str]]


@dataclass(frozen=True)
class Model:
    """A model as dbt compiled it; without SQL where the build had no part in it."""

    relation: str
    materialized: str
    sliced_by: str
    sql: str | None


def models_of(build: Build) -> list[Model]:
    """Return what dbt ran for a build, each model after those that it reads."""
    manifest: dict[str, Any] = json.loads((build.folder / "target" / "manifest.json").read_text(encoding="utf-8"))
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    order = TopologicalSorter(
        {key: [one for one in node["depends_on"]["nodes"] if one in nodes] for key, node in nodes.items()}
    )
    return [_model(nodes[key]) for key in order.static_order()]


def _model(node: dict[str, Any]) -> Model:
    return Model(
        relation=node["relation_name"],
        materialized=node["config"]["materialized"],
        sliced_by=node["config"]["meta"].get("sliced_by", "municipality_no"),
        sql=node.get("compiled_code"),
    )


class Warehouse:
    """Two files as a build makes them: what stands, and its inner relations."""

    def __init__(self, folder: Path, seeds_from: Path) -> None:
        self.folder, self.seeds_from = folder, seeds_from
        folder.mkdir(parents=True)

    def make_whole(self, models: Sequence[Model]) -> None:
        """Make everything from nothing."""
        for name in ("samandel.duckdb", "workings.duckdb"):
            (self.folder / name).unlink(missing_ok=True)
        with self._open() as connection:
            for schema in ("samandel.products", "workings.staging", "workings.intermediate"):
                connection.execute(f"create schema {schema}")
            connection.execute(f"attach '{self.seeds_from}' as seeded (read_only)")
            seeds = connection.execute(
                "select table_name from duckdb_tables() where database_name = 'seeded' and schema_name = 'main'"
            ).fetchall()
            made = {model.relation for model in models}
            for (name,) in seeds:
                if f'"samandel"."main"."{name}"' not in made:
                    connection.execute(f"create table samandel.main.{name} as select * from seeded.main.{name}")
            for model in models:
                connection.execute(_create(model))

    def make_slices(self, models: Sequence[Model], compiled_for: str, slices: Sequence[str]) -> None:
        """Make slices anew by the SQL that was compiled for one municipality's, and whatever else that build made."""
        listed = ", ".join(f"'{one}'" for one in slices)
        with self._open() as connection:
            for model in models:
                if model.sql is None:
                    continue
                sql = model.sql.replace(f"in ('{compiled_for}')", f"in ({listed})")
                if model.materialized != "incremental":
                    connection.execute(_create(replace(model, sql=sql)))
                    continue
                connection.execute(f"delete from {model.relation} where {model.sliced_by} in ({listed})")
                connection.execute(f"insert into {model.relation} by name ({sql})")

    def digests(self, sliced: Sequence[str] = ()) -> Digests:
        """Return rows and digest of every table of the file that stands, and of the sliced ones beside it."""
        with self._open() as connection:
            return dict(_digests(connection, set(sliced)))

    def _open(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(config={"threads": 1, "preserve_insertion_order": False})
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"attach '{self.folder / 'samandel.duckdb'}' as samandel")
        connection.execute(f"attach '{self.folder / 'workings.duckdb'}' as workings")
        return connection


def _create(model: Model) -> str:
    kind = "view" if model.materialized == "view" else "table"
    return f"create or replace {kind} {model.relation} as ({model.sql}\n)"


def digests_of(warehouse_file: Path) -> Digests:
    """Return rows and digest of every table that a build left."""
    with duckdb.connect(str(warehouse_file), read_only=True) as connection:
        return dict(_digests(connection, set()))


def _digests(connection: duckdb.DuckDBPyConnection, sliced: set[str]) -> Iterator[tuple[str, tuple[int, str]]]:
    tables = connection.execute(
        "select database_name, schema_name, table_name from duckdb_tables() where not internal order by all"
    ).fetchall()
    for database, schema, table in tables:
        relation = f'"{database}"."{schema}"."{table}"'
        if database == "workings" and relation not in sliced:
            continue
        # Every row as text, in an order that the rows themselves make.
        rows = f"select md5(cast(found as varchar)) as digest from {relation} as found"  # noqa: S608
        found = connection.execute(
            f"select count(*), coalesce(md5(string_agg(digest, '' order by digest)), '') from ({rows})"  # noqa: S608
        ).fetchone()
        assert found is not None
        yield f"{schema}.{table}", (int(found[0]), str(found[1]))
