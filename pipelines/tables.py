"""How a table is described: name, columns, types, key.

Belongs here: the small vocabulary that registers.py and parsing/schema.py describe their tables in, its Arrow form,
and writing it as Parquet, whole or in batches. Not here: any particular table.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

# Column types and what they are in Arrow. Money is DECIMAL(18,2) everywhere; quantities and prices keep 8 decimals; a
# figure is a KPI's value: a sum or a ratio of any size; a score is a likeness or a probability, 0 to 1.
TYPES = ("text", "date", "timestamp", "integer", "boolean", "money", "quantity", "fraction", "figure", "score")


@dataclass(frozen=True)
class Column:
    """One column: its name, its type (one of TYPES), what it holds, and what is allowed in it (numbers: from, to)."""

    name: str
    type: str
    description: str
    required: bool = False
    allowed: tuple[str, ...] = ()
    pattern: str = ""
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True)
class Table:
    """A table: its name, what one row is, its columns in order, and the columns that identify a row."""

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()

    @property
    def column_names(self) -> list[str]:
        """Return the column names in order."""
        return [column.name for column in self.columns]


def arrow_schema(table: Table) -> pa.Schema:
    """Return the Arrow schema of a table; every column is nullable, keys are checked by dbt."""
    import pyarrow as pa

    kinds = {
        "text": pa.string(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "money": pa.decimal128(18, 2),
        "quantity": pa.decimal128(24, 8),
        "fraction": pa.decimal128(9, 6),
        "figure": pa.decimal128(24, 6),
        "score": pa.decimal128(5, 4),
    }
    return pa.schema([pa.field(column.name, kinds[column.type]) for column in table.columns])


def arrow_table(table: Table, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Return rows (mappings from column name to a Python value) as an Arrow table; absent keys are null.

    Raises:
        KeyError: A row has a column that the table does not.
    """
    import pyarrow as pa

    names = table.column_names
    known = set(names)
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for row in rows:
        if unknown := row.keys() - known:
            raise KeyError(f"{table.name} has no column {sorted(unknown)}")
        for name in names:
            columns[name].append(row.get(name))
    schema = arrow_schema(table)
    return pa.table([pa.array(columns[field.name], type=field.type) for field in schema], schema=schema)


def write_parquet(path: Path, rows: pa.Table) -> None:
    """Write an Arrow table as Parquet, atomically; the same rows give the same bytes."""
    writer = ParquetFile(path, rows.schema)
    try:
        writer.write(rows)
        writer.finish()
    except BaseException:
        writer.discard()
        raise


class ParquetFile:
    """A Parquet file in the making: batches go in, and it gets its name when it is whole.

    Row groups are cut at every ROWS_OF_A_GROUP rows, whatever batches the rows came in: the same rows give the same
    bytes, and no more than a group of them is held in memory.
    """

    ROWS_OF_A_GROUP = 1 << 17

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path, self.schema = path, schema
        self.rows = 0
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        self._temporary: Path | None = None
        self._writer: Any = None

    def write(self, rows: pa.Table) -> None:
        """Add rows; they are of the file's schema."""
        self.rows += rows.num_rows
        self._waiting.append(rows)
        self._waiting_rows += rows.num_rows
        if self._waiting_rows >= self.ROWS_OF_A_GROUP:
            self._write_groups()

    def _write_groups(self, *, last: bool = False) -> None:
        import pyarrow as pa

        rows = pa.concat_tables(self._waiting) if self._waiting else self.schema.empty_table()
        whole = rows.num_rows - rows.num_rows % self.ROWS_OF_A_GROUP
        for start in range(0, whole, self.ROWS_OF_A_GROUP):
            self._open().write_table(rows.slice(start, self.ROWS_OF_A_GROUP), row_group_size=self.ROWS_OF_A_GROUP)
        rest = rows.slice(whole)
        if last:
            # A file without rows has its schema and no group.
            writer = self._open()
            if rest.num_rows:
                writer.write_table(rest, row_group_size=self.ROWS_OF_A_GROUP)
        self._waiting, self._waiting_rows = ([] if last else [rest]), (0 if last else rest.num_rows)

    def _open(self) -> Any:
        if self._writer is None:
            import pyarrow.parquet as pq

            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", suffix=".tmp", dir=self.path.parent)
            os.close(handle)
            self._temporary = Path(name)
            self._writer = pq.ParquetWriter(
                self._temporary, self.schema, compression="zstd", version="2.6", write_statistics=True
            )
        return self._writer

    def finish(self) -> None:
        """Write what is left, see it onto the disk, and give the file its name."""
        self._write_groups(last=True)
        self._writer.close()
        temporary = self._temporary
        if temporary is None:
            raise AssertionError("a file that is finished was begun")
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(self.path)
        self._temporary = self._writer = None

    def discard(self) -> None:
        """Leave nothing behind; after finish() there is nothing to leave."""
        self._waiting, self._waiting_rows = [], 0
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
            self._temporary = None
