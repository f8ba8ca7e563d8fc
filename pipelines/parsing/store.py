"""Where parsed tables lie, and writing them so that a delivery is there whole or not at all.

Belongs here: paths under ``parsed/`` and the parse key that says whether a delivery must be parsed again. Not here:
what is in a table (schema.py), parsing itself (parse.py), settling (settle.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.home import Home
from pipelines.landing.store import Receipt
from pipelines.parsing import schema
from pipelines.tables import Table, arrow_table, write_parquet

Row = Mapping[str, Any]
PARSE_KEY = b"samandel_parse_key"
SETTLED = "settled"


@dataclass(frozen=True)
class Placed:
    """A receipt, the name of its files under ``parsed/``, and whether its bytes count already."""

    receipt: Receipt
    name: str
    is_duplicate: bool


def place_receipts(receipts: Sequence[Receipt]) -> list[Placed]:
    """Say for one owner's receipts how their files are named, in the order given.

    The name is the delivery id. The same bytes from another source of the same kind are a duplicate as well: counting
    them twice would count the money twice. From a source of another kind (dropped in the wrong folder first) they are
    read again, under a name of their own.
    """
    first: dict[str, Receipt] = {}
    for receipt in sorted(receipts, key=lambda receipt: (receipt.received_at, receipt.source_name, receipt.sequence)):
        first.setdefault(receipt.delivery_id, receipt)
    placed = []
    for receipt in receipts:
        earliest = first[receipt.delivery_id]
        is_elsewhere = receipt.source_name != earliest.source_name
        is_duplicate = receipt.duplicate_of is not None or (is_elsewhere and receipt.source == earliest.source)
        name = f"{receipt.delivery_id}.{receipt.source_name}" if is_elsewhere else receipt.delivery_id
        placed.append(Placed(receipt, f"{name}.dup{receipt.sequence:06d}" if is_duplicate else name, is_duplicate))
    return placed


def refused_name(receipt: Receipt) -> str:
    """Return the name of the parsed files about a drop that was refused."""
    return f"{receipt.delivery_id}.refused{receipt.sequence:06d}"


def table_path(home: Home, table: Table, owner: str, name: str) -> Path:
    """Return where one owner's file of a table lies; ``name`` is a delivery id, or SETTLED."""
    return home.parsed / table.name / f"municipality_no={owner}" / f"{name}.parquet"


def write_table(home: Home, table: Table, owner: str, name: str, rows: Iterable[Row], *, key: str = "") -> None:
    """Write one file of a table, empty and typed where there are no rows."""
    content = arrow_table(table, rows)
    if key:
        content = content.replace_schema_metadata({PARSE_KEY: key.encode()})
    write_parquet(table_path(home, table, owner, name), content)


def remove_leftovers(home: Home, owner: str) -> None:
    """Remove what a killed run was writing: files that never got their names."""
    for path in home.parsed.glob(f"*/municipality_no={owner}/.*.tmp"):
        path.unlink(missing_ok=True)


def read_table(home: Home, table: Table, owner: str) -> list[dict[str, Any]]:
    """Return the rows of all of one owner's files of a table, those of settling left out, by file name."""
    import pyarrow.parquet as pq

    folder = home.parsed / table.name / f"municipality_no={owner}"
    rows: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.parquet")):
        if path.stem != SETTLED:
            rows += pq.ParquetFile(path).read().to_pylist()
    return rows


def stored_key(home: Home, owner: str, name: str) -> str | None:
    """Return the key under which a delivery was parsed, or None where it was not (its outcome is written last)."""
    import pyarrow.parquet as pq

    path = table_path(home, schema.OUTCOMES, owner, name)
    if not path.is_file():
        return None
    found = (pq.read_metadata(path).metadata or {}).get(PARSE_KEY)
    return found.decode() if found else None
