"""Draw how the marts hang together, from dbt's manifest.

Belongs here: which columns lead to which table, and docs/er.md made of them. Not here: what a table or column holds
(its description, in the models' YAML).

A solid line is a relation that a dbt test holds in every build; a dotted one is stated (``refers_to``) and depends on
what members and registers hand in.

Run as a module to write the page again: ``python -m pipelines.warehouse.er_diagram``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.settings import PROJECT_ROOT

PAGE = PROJECT_ROOT / "docs" / "er.md"
# What is drawn together. Every mart stands once.
SUBJECTS: dict[str, tuple[str, ...]] = {
    "Purchases": ("fct_purchases", "fct_invoices", "fct_supplier_quality", "dim_suppliers", "dim_accounts"),
    "Figures": ("fct_kpis", "fct_kpi_lines", "fct_kpi_traces", "fct_claims", "dim_kpis"),
    "Workshops, and what they could win": (
        "fct_opportunities",
        "fct_opportunity_routes",
        "fct_task_matches",
        "fct_placements",
        "fct_workshop_accounts",
        "bridge_workshop_capabilities",
        "bridge_workshop_owners",
        "dim_workshops",
        "dim_municipalities",
    ),
    "Contracts, limits and notices": (
        "dim_contracts",
        "bridge_contract_members",
        "fct_threshold_watch",
        "fct_splitting_signals",
        "fct_notices",
        "dim_rules",
        "dim_categories",
    ),
    "What came in, and how it adds up": (
        "fct_delivery_periods",
        "fct_outcomes",
        "fct_rejects",
        "fct_reconciliation",
        "fct_spend_waterfall",
        "fct_rule_gaps",
    ),
}
_INTRODUCTION = """\
# How the marts hang together

<!-- Written by `python -m pipelines.warehouse.er_diagram` from dbt's manifest. -->

Each box shows its key (PK) and the columns that lead elsewhere (FK). A solid line is a relation that a dbt test
holds in every build; a dotted one is stated and depends on what members and registers hand in. Not drawn: every table
with `municipality_no` leads to `dim_municipalities`, and no join of two tables that both have it goes without it. Where
a key column may say `all` or `none` (figures, claims), that value leads nowhere. Dimensions with `valid_from` hold
several rows of one number: join them on the day too. What every column holds stands in the warehouse itself
([analysts.md](analysts.md)).
"""


@dataclass(frozen=True, order=True)
class Relation:
    """A column that leads to another table.

    Attributes:
        table: Where the column stands.
        column: The column.
        to_table: Where it leads.
        to_column: The column there.
        is_tested: A dbt test holds it in every build.
    """

    table: str
    column: str
    to_table: str
    to_column: str
    is_tested: bool


def relations(manifest: Mapping[str, Any]) -> list[Relation]:
    """Return every relation between marts that is tested or stated, sorted."""
    nodes = manifest["nodes"]
    marts = {node["name"]: node for node in nodes.values() if _is_mart(node)}
    found = set()
    for node in nodes.values():
        if node["resource_type"] == "test" and (node.get("test_metadata") or {}).get("name") == "relationships":
            named = node["test_metadata"]["kwargs"]
            to_table = nodes[next(key for key in node["depends_on"]["nodes"] if key != node["attached_node"])]["name"]
            table = nodes[node["attached_node"]]["name"]
            found.add(Relation(table, named["column_name"], to_table, named["field"], is_tested=True))
    for name, mart in marts.items():
        for column in mart["columns"].values():
            if stated := column["config"].get("meta", {}).get("refers_to"):
                to_table, to_column = stated.split(".")
                found.add(Relation(name, column["name"], to_table, to_column, is_tested=False))
    return sorted(found)


def _is_mart(node: Mapping[str, Any]) -> bool:
    return bool(node["resource_type"] == "model" and node["path"].startswith("marts/"))


def key_of(manifest: Mapping[str, Any], table: str) -> list[str]:
    """Return the columns that identify a row of a mart: the first key that a test holds."""
    keys: list[list[str]] = [
        node["test_metadata"]["kwargs"]["columns"]
        for _, node in sorted(manifest["nodes"].items())
        if node["resource_type"] == "test"
        and (node.get("test_metadata") or {}).get("name") == "unique_combination"
        and manifest["nodes"][node["attached_node"]]["name"] == table
    ]
    return keys[0]


def render(manifest: Mapping[str, Any]) -> str:
    """Return the page: one diagram a subject."""
    found = relations(manifest)
    parts = [_INTRODUCTION]
    for subject, tables in SUBJECTS.items():
        body = "\n".join(_diagram(manifest, tables, found))
        parts.append(f"\n## {subject}\n\n```mermaid\nerDiagram\n{body}\n```\n")
    return "".join(parts)


def _diagram(manifest: Mapping[str, Any], tables: tuple[str, ...], found: list[Relation]) -> Iterator[str]:
    for table in tables:
        key = key_of(manifest, table)
        leading = {one.column for one in found if one.table == table}
        yield f"    {table} {{"
        for column in [*key, *sorted(leading - set(key))]:
            marks = [mark for mark, holds in (("PK", column in key), ("FK", column in leading)) if holds]
            yield f"        column {column} {', '.join(marks)}"
        yield "    }"
    for one in found:
        if one.table in tables:
            line = "--" if one.is_tested else ".."
            yield f"    {one.table} }}o{line}o| {one.to_table} : {one.column}"


def write_page(path: Path = PAGE) -> None:
    """Write the page anew from the project as it stands."""
    from pipelines.warehouse.project import ensure_manifest

    path.write_text(render(json.loads(ensure_manifest().read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    write_page()
