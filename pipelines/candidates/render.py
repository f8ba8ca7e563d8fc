"""Render a table as the bytes of its files: the same rows give the same bytes, in whatever order they come.

Belongs here: Parquet and CSV, the order of rows, text that no spreadsheet runs. Not here: which rows (cut.py), the
folder (make.py).

(1) Rows are sorted by the table's key, ties by all other columns.
(2) Text has no white space at its ends and none but plain spaces within: what a cell begins with can then be seen.
(3) In CSV, text that a spreadsheet would run begins with an apostrophe; in Parquet it stands as it is.
(4) CSV is UTF-8 by RFC 4180 with comma and line feed; an absent value is an empty field, an empty text is "".
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from pipelines.candidates.products import ProductTable

if TYPE_CHECKING:
    import pyarrow as pa

_PLAIN_SCALE = 6  # beyond it Arrow writes small decimals with an exponent


def in_order(table: ProductTable, rows: pa.Table) -> pa.Table:
    """Return the rows as they are published: sorted, texts tidied."""
    tidy = _tidy(rows)
    columns = [*table.key, *(name for name in table.field_names if name not in table.key)]
    return tidy.sort_by([(name, "ascending") for name in columns]) if tidy.num_rows else tidy


def _tidy(rows: pa.Table) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    for position, field in enumerate(rows.schema):
        if pa.types.is_string(field.type):
            single = pc.replace_substring_regex(rows[field.name], r"[\s\x00-\x1f\x7f]+", " ")
            rows = rows.set_column(position, field.name, pc.utf8_trim_whitespace(single))
    return rows


def parquet_bytes(rows: pa.Table) -> bytes:
    """Return rows as Parquet, without any metadata but the columns' own."""
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(
        rows.replace_schema_metadata(None).combine_chunks(),
        buffer,
        compression="zstd",
        version="2.6",
        store_schema=False,
        write_statistics=True,
    )
    return buffer.getvalue()


def csv_bytes(rows: pa.Table) -> bytes:
    """Return rows as CSV that a spreadsheet can open without running any of it."""
    import pyarrow.csv as pc

    buffer = io.BytesIO()
    pc.write_csv(_as_text(rows), buffer)
    return buffer.getvalue()


def _as_text(rows: pa.Table) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    for position, field in enumerate(rows.schema):
        column: Any = rows[field.name]
        if pa.types.is_string(field.type):
            harmless: Any = pc.replace_substring_regex(column, r"^([=+\-@])", r"'\1")
        elif pa.types.is_decimal(field.type) and field.type.scale > _PLAIN_SCALE:
            plain = [None if value is None else format(value, "f") for value in column.to_pylist()]
            harmless = pa.array(plain, pa.string())
        else:
            continue
        rows = rows.set_column(position, field.name, harmless)
    return rows
