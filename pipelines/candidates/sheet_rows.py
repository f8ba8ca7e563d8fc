"""Put a table's rows into a workbook that has all but them, a batch at a time.

Belongs here: rows as the cells of a sheet, the archive that a workbook is. Not here: what else stands in it
(workbook.py). Columns are written whole, not cell by cell: nine times as fast as a library that asks about each.

(1) Text is written as text, whatever it begins with: a sheet made here has no formula and no link. (2) An absent value,
and an empty text, is no cell. (3) Numbers are written as they stand, to the last digit. (4) A date before March 1900,
which a spreadsheet cannot count, is text.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pipelines.candidates.render import plain_numbers

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS = 1_048_575  # below the header
LONGEST_TEXT = 32_767
_BATCH = 8_192
_EPOCH = 25_569  # 1970-01-01 as a spreadsheet counts days
_FIRST_DAY = 61  # 1900-03-01: below it lies a day that never was
_TEMPLATE = re.compile(r'<row r="2"[^>]*>(.*?)</row>')
_STYLED = re.compile(r'<c r="([A-Z]+)2" s="(\d+)"/>')
_DIMENSION = re.compile(r'<dimension ref="[^"]*"/>')
_ESCAPED = r"_(x[0-9A-Fa-f]{4}_)"  # what a spreadsheet would read as a character's number


def fits(rows: pa.Table) -> bool:
    """Return whether a sheet can hold rows whole."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = [column for column in rows.columns if pa.types.is_string(column.type) and len(column)]
    longest = max((pc.max(pc.utf8_length(column)).as_py() or 0 for column in texts), default=0)
    return rows.num_rows <= MOST_ROWS and longest <= LONGEST_TEXT


def with_rows(skeleton: bytes, tables: Mapping[str, pa.Table]) -> bytes:
    """Return a workbook with rows in its sheets; the same rows give the same bytes.

    Args:
        skeleton: A workbook whose sheets of rows have a header, and below it a cell of each column's format.
        tables: Rows by the sheet's file within the workbook.
    """
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(skeleton)) as made, zipfile.ZipFile(written, "w") as archive:
        for name in made.namelist():
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            member.create_system = 3
            with archive.open(member, "w") as stream:
                if name not in tables:
                    stream.write(made.read(name))
                    continue
                for part in _sheet(made.read(name).decode(), tables[name]):
                    stream.write(part)
    return written.getvalue()


def _sheet(skeleton: str, rows: pa.Table) -> Iterator[bytes]:
    template = _TEMPLATE.search(skeleton)
    if template is None:
        raise ValueError("A sheet of rows has no row of formats.")
    columns = _STYLED.findall(template[1])
    if len(columns) != rows.num_columns:
        raise ValueError("A sheet of rows has other columns than its rows.")
    size = f'<dimension ref="A1:{columns[-1][0]}{rows.num_rows + 1}"/>'
    yield _DIMENSION.sub(size, skeleton[: template.start()]).encode()
    first = 2
    for batch in rows.to_batches(max_chunksize=_BATCH):
        yield "".join(_row_texts(batch, first, columns).to_pylist()).encode()
        first += batch.num_rows
    yield skeleton[template.end() :].encode()


def _row_texts(batch: pa.RecordBatch, first: int, columns: list[tuple[str, str]]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = pa.array(range(first, first + batch.num_rows)).cast(pa.string())
    parts: list[Any] = ['<row r="', numbers, '">']
    for (letters, style), column in zip(columns, batch.columns, strict=True):
        place = (f'<c r="{letters}', numbers, f'" s="{style}"')
        parts += [pc.binary_join_element_wise(*place, *around, "") for around in _values(column)]
    joined: Any = pc.binary_join_element_wise(*parts, "</row>", "", null_handling="replace", null_replacement="")
    return joined


def _values(column: Any) -> Iterator[tuple[Any, ...]]:
    """Give what stands in a column's cells after their place; null where there is no cell."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(column.type):
        yield _as_text(_escaped(column))
    elif pa.types.is_boolean(column.type):
        yield (' t="b"><v>', pc.if_else(column, "1", "0"), "</v></c>")
    elif pa.types.is_date(column.type):
        days: Any = pc.add(column.cast(pa.int32()), _EPOCH)
        is_early: Any = pc.less(days, pa.scalar(_FIRST_DAY, days.type))
        none = pa.scalar(None, pa.string())
        yield ("><v>", pc.if_else(is_early, none, days.cast(pa.string())), "</v></c>")
        if pc.any(is_early).as_py():
            yield _as_text(pc.if_else(is_early, column.cast(pa.string()), none))
    else:
        yield ("><v>", plain_numbers(column), "</v></c>")


def _as_text(texts: Any) -> tuple[Any, ...]:
    return (' t="inlineStr"><is><t>', texts, "</t></is></c>")


def _escaped(column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    texts: Any = pc.if_else(pc.equal(column, pa.scalar("")), pa.scalar(None, pa.string()), column)
    if pc.any(pc.match_substring_regex(texts, "[&<>]")).as_py():
        for sign, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            texts = pc.replace_substring(texts, sign, written)
    if pc.any(pc.match_substring_regex(texts, _ESCAPED)).as_py():
        texts = pc.replace_substring_regex(texts, _ESCAPED, r"_x005F_\1")
    return texts
