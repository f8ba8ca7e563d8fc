"""Render a table as the bytes of its files: the same rows give the same bytes, in whatever order they come.

Belongs here: Parquet, CSV and the form of CSV that Norwegian Excel opens, the order of rows, text that no spreadsheet
runs. Not here: which rows (cut.py), the workbook (workbook.py), the folder (make.py).

(1) Rows are sorted by the table's key, ties by all other columns.
(2) Text has no white space at its ends and none but plain spaces within: what a cell begins with can then be seen.
(3) In CSV, text that a spreadsheet would run begins with an apostrophe; so does what follows the other form's
    separator within a text, for whoever opens a file by the wrong separator cuts there. In Parquet it stands as it is.
(4) CSV is UTF-8 by RFC 4180 with comma and line feed; an absent value is an empty field, an empty text is "".
(5) Excel's form has a byte order mark, semicolons, decimal commas, dates as dd.mm.yyyy and ja or nei.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from pipelines.candidates.products import ProductTable

if TYPE_CHECKING:
    import pyarrow as pa

EXCEL_CSV = "excel.csv"
_MARK = b"\xef\xbb\xbf"
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
            single = pc.replace_substring_regex(rows[field.name], r"[\s\x00-\x1f\x7f\x{FFFE}\x{FFFF}]+", " ")
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

    for position, field in enumerate(rows.schema):
        column: Any = rows[field.name]
        if pa.types.is_string(field.type):
            harmless: Any = _harmless(column, other_separator=";")
        elif pa.types.is_decimal(field.type) and field.type.scale > _PLAIN_SCALE:
            harmless = plain_numbers(column)
        else:
            continue
        rows = rows.set_column(position, field.name, harmless)
    return rows


def _harmless(column: Any, other_separator: str) -> Any:
    """Return texts with an apostrophe before whatever a spreadsheet would run (3)."""
    import pyarrow.compute as pc

    would_run = rf"^([=+\-@])|({other_separator})([\"\s]*[=+\-@])"
    return pc.replace_substring_regex(column, would_run, r"\2'\1\3")


def plain_numbers(column: Any) -> Any:
    """Return numbers as texts with a decimal point and no exponent."""
    import pyarrow as pa

    if not pa.types.is_decimal(column.type) or column.type.scale <= _PLAIN_SCALE:
        return column.cast(pa.string())
    return pa.array([None if value is None else format(value, "f") for value in column.to_pylist()], pa.string())


def excel_csv_bytes(rows: pa.Table) -> bytes:
    """Return rows as CSV that Norwegian Excel opens in columns, with numbers and dates as such (5)."""
    import pyarrow.compute as pc

    whole = rows.combine_chunks()
    lines = [";".join(f'"{name}"' for name in rows.column_names)]
    if whole.num_rows:
        cells = [_as_in_excel(column.chunk(0)) for column in whole.columns]
        joined: Any = pc.binary_join_element_wise(*cells, ";", null_handling="replace", null_replacement="")
        lines += joined.to_pylist()
    return _MARK + "\r\n".join([*lines, ""]).encode()


def _as_in_excel(column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(column.type):
        doubled: Any = pc.replace_substring(_harmless(column, other_separator=","), '"', '""')
        return pc.binary_join_element_wise('"', doubled, '"', "")
    if pa.types.is_date(column.type):
        return pc.strftime(column, format="%d.%m.%Y")
    if pa.types.is_boolean(column.type):
        return pc.if_else(column, "ja", "nei")
    return pc.replace_substring(plain_numbers(column), ".", ",")
