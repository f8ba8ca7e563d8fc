"""Bytes of a text table or a spreadsheet to rows of cells, or a reason why not.

Belongs here: encodings, delimiters, quotes, sheets, and limits against hostile files. Not here: which row is the header
and what the columns mean (ledger.py).
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_HEAD = 128 * 2**10
_LONGEST_RECORD = 100  # physical lines in one record; more is a quote that was never closed
_LARGEST_UNZIPPED = 512 * 2**20
_MOST_CELLS = 40_000_000
_ROW_NUMBER = re.compile(rb'<row\b[^>]{0,200}?\br="([0-9]{1,8})"')
_WIDE_CELL = re.compile(rb'\br="([A-Z]{2,3})[0-9]')

Cell = Any  # str from text files; str, float, bool, date, datetime or time from spreadsheets


class UnreadableTable(ValueError):
    """The bytes are not a table that we can read; the message says why and what to do, and holds no cell of it."""


@dataclass
class Rows:
    """The rows of a file: the row at index 0 is row 1 of the file.

    Attributes:
        cells: Every row, blank ones too.
        encoding: Python codec name; None for spreadsheets.
        swallowed: By row number, how many lines of the file a record spans, where that is more than one.
    """

    cells: Sequence[Sequence[Cell]]
    encoding: str | None = None
    swallowed: dict[int, int] = field(default_factory=dict)


def decode(raw: bytes, encodings: Iterable[str], *, whole: bool = True) -> tuple[str, str]:
    """Return a text and the codec that it was read with: what a byte order mark says, else the first that fits.

    Raises:
        UnreadableTable: None fits.
    """
    marked = [name for mark, name in _BOMS if raw.startswith(mark)]
    tried = marked or list(encodings)
    for name in tried:
        decoder = codecs.getincrementaldecoder(name)("strict")
        try:
            text = decoder.decode(raw, whole)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            raise UnreadableTable("It is not text, or text in UTF-16 without a mark: save it as CSV UTF-8.")
        return text, name if marked or name != "utf-8-sig" else "utf-8"
    raise UnreadableTable(
        f"Its encoding is none of {', '.join(tried)}: name the right one under encoding in the profile, "
        "or save the file as CSV UTF-8."
    )


def read_csv(raw: bytes, encodings: Iterable[str], delimiter: str, *, quote: bool = True, whole: bool = True) -> Rows:
    """Return the rows of a text table; with ``whole=False`` only those of its beginning.

    Raises:
        UnreadableTable: No encoding fits, or a quote is opened and never closed.
    """
    text, encoding = decode(raw if whole else raw[:_HEAD], encodings, whole=whole or len(raw) <= _HEAD)
    quoting: Any = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting)
    rows: list[list[str]] = []
    swallowed: dict[int, int] = {}
    line = 0
    try:
        for cells in reader:
            rows.append(cells)
            if reader.line_num - line > 1:
                swallowed[len(rows)] = reader.line_num - line
            line = reader.line_num
    except csv.Error:
        if whole:
            raise UnreadableTable(_open_quote(len(rows) + 1)) from None
    for row_no, lines in swallowed.items():
        if lines > _LONGEST_RECORD and whole:
            raise UnreadableTable(_open_quote(row_no))
    return Rows(rows, encoding, swallowed)


def _open_quote(row_no: int) -> str:
    return (
        f'In row {row_no} a quotation mark (") is opened and not closed: mend the row, or set quote: false in the '
        "profile where the system that wrote the file does not use quotes."
    )


def read_sheets(raw: bytes, sheet: str | None = None) -> list[tuple[str, Rows]]:
    """Return the sheets of a spreadsheet by name, in order; one where a name is given.

    Raises:
        UnreadableTable: Not a spreadsheet, encrypted, too large unpacked, or without that sheet.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    _refuse_bombs(raw)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(raw))
        names = [name for name in workbook.sheet_names if sheet is None or name == sheet]
        sheets = [(name, Rows(workbook.get_sheet_by_name(name).to_python(skip_empty_area=False))) for name in names]
    except PasswordError:
        raise UnreadableTable("The workbook is protected by a password: save it without one.") from None
    except (CalamineError, ValueError, OSError):
        raise UnreadableTable("It is not a workbook that can be read: save it again as XLSX.") from None
    if not sheets:
        raise UnreadableTable(f"The workbook has no sheet named '{sheet}': name an existing one in the profile.")
    return sheets


def _refuse_bombs(raw: bytes) -> None:
    """Refuse a workbook whose sheets would take more memory than an honest one."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > _LARGEST_UNZIPPED:
                raise UnreadableTable("Unpacked, the workbook is larger than 512 MiB: deliver it in parts, or as CSV.")
            for member in members:
                if member.filename.startswith("xl/worksheets/") and member.filename.endswith(".xml"):
                    _refuse_area(archive.read(member))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error):
        raise UnreadableTable("It is not a workbook that can be read: save it again as XLSX.") from None


def _refuse_area(sheet: bytes) -> None:
    last_row = max((int(found[1]) for found in _ROW_NUMBER.finditer(sheet)), default=0)
    last_column = max((_column_number(found[1]) for found in _WIDE_CELL.finditer(sheet)), default=26)
    if last_row * last_column > _MOST_CELLS:
        raise UnreadableTable(
            f"A sheet reaches to row {last_row} and column {last_column}: delete the stray cells far from the table."
        )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def cell_text(value: Cell) -> str:
    """Return a cell as the text that a person would copy from it; whole numbers have no decimals."""
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def is_blank(cells: Sequence[Cell]) -> bool:
    """Return whether nothing stands in a row."""
    return not any(cell_text(value) for value in cells)
