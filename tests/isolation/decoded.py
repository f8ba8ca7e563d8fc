"""Everything that a file says, whatever it is packed in.

Belongs here: reading a file to the bottom, so that a search for a word finds it where plain bytes would hide it. Not
here: which words are looked for, and where (the tests).
"""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def texts_under(folder: Path) -> Iterator[tuple[str, str]]:
    """Give (path within the folder, text) for all that every file below it says, names of files among it."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            yield name, name
            for text in texts_of(path.name, path.read_bytes()):
                yield name, text


def texts_of(name: str, raw: bytes) -> Iterator[str]:
    """Give all that some bytes say: as they are, in two encodings, and decoded by what they are.

    Raises:
        AssertionError: They are in a format that nobody here reads; then a search of them would find nothing.
    """
    yield raw.decode("utf-8", "replace")
    yield raw.decode("utf-16-le", "replace")
    yield raw[1:].decode("utf-16-le", "replace")
    if raw.startswith(b"%PDF"):
        raise AssertionError(f"{name}: the text of a PDF is packed, and nobody here unpacks it")
    if raw.startswith(b"PAR1"):
        yield from _parquet(raw)
    elif raw.startswith(b"PK\x03\x04") and zipfile.is_zipfile(io.BytesIO(raw)):
        yield from _zip(raw)  # what only begins as one has nothing packed in it
    elif raw.startswith(b"\x1f\x8b"):
        yield from texts_of(name, gzip.decompress(raw))
    elif raw.startswith(b"SQLite format 3\0"):
        yield from _sqlite(raw)
    elif raw[8:12] == b"DUCK":
        yield from _duckdb(raw)
    elif name.endswith(".json"):
        yield json.dumps(json.loads(raw), ensure_ascii=False)


def _parquet(raw: bytes) -> Iterator[str]:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(io.BytesIO(raw))
    yield str(file.read().to_pylist())
    yield from (f"{key!r} {value!r}" for key, value in (file.metadata.metadata or {}).items())
    for group in range(file.metadata.num_row_groups):
        for column in range(file.metadata.num_columns):
            found = file.metadata.row_group(group).column(column)
            yield found.path_in_schema
            if found.is_stats_set and found.statistics.has_min_max:
                yield f"{found.statistics.min} {found.statistics.max}"


def _zip(raw: bytes) -> Iterator[str]:
    """Give what members say, and their names and comments: workbooks are zip files of XML."""
    with zipfile.ZipFile(io.BytesIO(raw)) as packed:
        yield packed.comment.decode("utf-8", "replace")
        for member in packed.infolist():
            yield f"{member.filename} {member.comment.decode('utf-8', 'replace')}"
            yield from texts_of(member.filename, packed.read(member))


def _sqlite(raw: bytes) -> Iterator[str]:
    """Give every cell whole: a long one lies in pieces in the file."""
    with sqlite3.connect(":memory:") as database:
        # In memory nothing can be written ahead: that it was is told by two bytes, and what is not yet in the file
        # stands in one beside it, which is read as bytes.
        database.deserialize(raw[:18] + b"\x01\x01" + raw[20:])
        names = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        for name in names:
            yield from _cells(database.execute(f'select * from "{name}"'))  # noqa: S608  a name of the catalogue


def _duckdb(raw: bytes) -> Iterator[str]:
    import tempfile

    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.duckdb").write_bytes(raw)
        with duckdb.connect(str(Path(folder) / "a.duckdb"), read_only=True) as database:
            tables = "select schema_name, table_name, comment from duckdb_tables() where not internal"
            for schema, name, comment in database.execute(tables).fetchall():
                yield f"{name} {comment}"
                yield from _cells(database.execute(f'select * from "{schema}"."{name}"').fetchall())  # noqa: S608


def _cells(rows: Any) -> Iterator[str]:
    for row in rows:
        for cell in row:
            yield cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)
