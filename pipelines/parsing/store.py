"""Where parsed tables lie, and writing them so that a delivery is there whole or not at all.

Belongs here: paths under ``parsed/`` and the parse key that says whether a delivery must be parsed again. Not here:
what is in a table (schema.py), parsing itself (parse.py), settling (settle.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipelines.home import Home
from pipelines.parsing import schema
from pipelines.tables import Table, arrow_table, write_parquet

Row = Mapping[str, Any]
PARSE_KEY = b"samandel_parse_key"
SETTLED = "settled"


def table_path(home: Home, table: Table, owner: str, name: str) -> Path:
    """Return where one owner's file of a table lies; ``name`` is a delivery id, or SETTLED."""
    return home.parsed / table.name / f"municipality_no={owner}" / f"{name}.parquet"


def write_table(home: Home, table: Table, owner: str, name: str, rows: Iterable[Row], *, key: str = "") -> None:
    """Write one file of a table, empty and typed where there are no rows."""
    content = arrow_table(table, rows)
    if key:
        content = content.replace_schema_metadata({PARSE_KEY: key.encode()})
    write_parquet(table_path(home, table, owner, name), content)


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
