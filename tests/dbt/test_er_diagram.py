"""docs/er.md is what the manifest says, and what it says holds in a warehouse."""

from __future__ import annotations

from typing import Any

import duckdb

from pipelines.warehouse.er_diagram import PAGE, SUBJECTS, relations, render

# In a key, these stand for no one thing.
NOBODY = ("all", "none", "_consortium")


def test_the_page_is_in_step_with_the_project(manifest: dict[str, Any]) -> None:
    assert PAGE.read_text(encoding="utf-8") == render(manifest), "python -m pipelines.warehouse.er_diagram"


def test_every_mart_is_drawn_once(manifest: dict[str, Any]) -> None:
    marts = [
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["path"].startswith("marts/")
    ]
    drawn = [table for tables in SUBJECTS.values() for table in tables]
    assert sorted(drawn) == sorted(marts), "a new mart belongs to a subject of pipelines/warehouse/er_diagram.py"


def test_what_is_drawn_holds(manifest: dict[str, Any], finished: duckdb.DuckDBPyConnection) -> None:
    found = relations(manifest)
    assert len(found) > 25
    assert {one.is_tested for one in found} == {True, False}
    broken = []
    for one in found:
        lost = finished.execute(
            f"select distinct {one.column} from {one.table} where {one.column} is not null"
            f" and {one.column} not in (select unnest(?)) and {one.column} not in"
            f" (select {one.to_column} from {one.to_table} where {one.to_column} is not null)",
            [list(NOBODY)],
        ).fetchall()
        broken += [(one.table, one.column, value) for (value,) in lost]
    assert broken == []
