"""What a re-issue changes: the notes that go with it.

Belongs here: holding a release's tables against those of the one before. Not here: why anything changed
(release_diff.py tells it of deliveries and registers), publishing (release.py).

(1) A row is known by its table's key; one whose key is on both sides and whose cells differ has changed. (2) Keys and
columns are named, never what stood in them: a value that a later release hides is not told again by its notes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.candidates.products import Product, ProductTable

_COLUMNS = ("table", "change", "key", "columns")
ADDED, REMOVED, CHANGED = "added", "removed", "changed"


def changes_bytes(product: Product, before: Path, after: Path) -> bytes:
    """Return as CSV what the tables in one folder hold that those in another did not, and the reverse."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for table in product.tables:
        writer.writerows(_changes(table, before, after))
    return buffer.getvalue().encode()


def _changes(table: ProductTable, before: Path, after: Path) -> Iterator[tuple[str, str, str, str]]:
    then, now = (_rows(table, folder / f"{table.name}.parquet") for folder in (before, after))
    for key in sorted(then.keys() | now.keys()):
        if key not in then or key not in now:
            yield table.name, ADDED if key in now else REMOVED, key, ""
        elif then[key] != now[key]:
            names = then[key].keys() | now[key].keys()
            differing = sorted(name for name in names if then[key].get(name) != now[key].get(name))
            yield table.name, CHANGED, key, " ".join(differing)


def _rows(table: ProductTable, path: Path) -> dict[str, dict[str, Any]]:
    """Return a table's rows by key; a table that an earlier version did not have is empty."""
    import pyarrow.parquet as pq

    if not path.is_file():
        return {}
    return {_key(table, row): row for row in pq.read_table(path).to_pylist()}


def _key(table: ProductTable, row: dict[str, Any]) -> str:
    text = "/".join("" if row.get(name) is None else str(row[name]) for name in table.key)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
