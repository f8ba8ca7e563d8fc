"""How a table is described: name, columns, types, key.

Belongs here: the small vocabulary that registers.py and parsing/schema.py describe their tables in, and its Arrow
form. Not here: any particular table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

# Column types and what they are in Arrow. Money is DECIMAL(18,2) everywhere; quantities and prices keep 8 decimals; a
# figure is a KPI's value: a sum or a ratio of any size.
TYPES = ("text", "date", "timestamp", "integer", "boolean", "money", "quantity", "fraction", "figure")


@dataclass(frozen=True)
class Column:
    """One column: its name, its type (one of TYPES), what it holds, and what is allowed in it."""

    name: str
    type: str
    description: str
    required: bool = False
    allowed: tuple[str, ...] = ()
    pattern: str = ""


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
    import io

    import pyarrow.parquet as pq

    from pipelines.files import write_atomically

    buffer = io.BytesIO()
    pq.write_table(rows, buffer, compression="zstd", version="2.6", write_statistics=True)
    write_atomically(path, buffer.getvalue())
