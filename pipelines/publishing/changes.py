"""What a re-issue changes: the notes that go with it.

Belongs here: holding a release's tables against those of the one before. Not here: why anything changed
(release_diff.py tells it of deliveries and registers), publishing (release.py).

(1) A row is known by its table's key; one whose key is on both sides and whose cells differ has changed. (2) Keys and
columns are named, never what stood in them: a value that a later release hides is not told again by its notes. (3) What
the release covers of a municipality stands beside the tables, as ``coverage``.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.candidates.datapackage import FILE_NAME as PACKAGE
from pipelines.candidates.products import Product, ProductTable

_COLUMNS = ("table", "change", "key", "columns")
ADDED, REMOVED, CHANGED = "added", "removed", "changed"
COVERAGE = "coverage"


def changes_bytes(product: Product, before: Path, after: Path) -> bytes:
    """Return as CSV what the tables in one folder hold that those in another did not, and the reverse."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(_changes(COVERAGE, _covered(before), _covered(after)))  # (3)
    for table in product.tables:
        then, now = (_rows(table, folder / f"{table.name}.parquet") for folder in (before, after))
        writer.writerows(_changes(table.name, then, now))
    return buffer.getvalue().encode()


def _changes(
    table: str, then: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]
) -> Iterator[tuple[str, str, str, str]]:
    for key in sorted(then.keys() | now.keys()):
        if key not in then or key not in now:
            yield table, ADDED if key in now else REMOVED, key, ""
        elif then[key] != now[key]:
            names = then[key].keys() | now[key].keys()
            differing = sorted(name for name in names if then[key].get(name) != now[key].get(name))
            yield table, CHANGED, key, " ".join(differing)


def _covered(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what a release's package says that it covers, by municipality."""
    path = folder / PACKAGE
    stated = json.loads(path.read_text(encoding="utf-8")).get("coverage", []) if path.is_file() else []
    return {str(one["municipality_no"]): one for one in stated}


def _rows(table: ProductTable, path: Path) -> dict[str, dict[str, Any]]:
    """Return a table's rows by key; a table that an earlier version did not have is empty."""
    import pyarrow.parquet as pq

    if not path.is_file():
        return {}
    return {_key(table, row): row for row in pq.read_table(path).to_pylist()}


def _key(table: ProductTable, row: dict[str, Any]) -> str:
    text = "/".join("" if row.get(name) is None else str(row[name]) for name in table.key)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
