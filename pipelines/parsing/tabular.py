"""Bytes of a text table or a spreadsheet to rows of cells, or a reason why not.

Belongs here: encodings, delimiters, quotes, sheets, and limits against hostile files. Not here: which row is the header
and what the columns mean (ledger.py).
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pipelines.limits import DEFAULT_LIMITS, Limits

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# A byte order mark that a system read as Windows-1252 and wrote again, and the mark itself
STRAY_MARKS = ("\ufeff", "\u00ef\u00bb\u00bf")
_STRAY_MARK_BYTES = tuple(mark.encode() for mark in STRAY_MARKS)
_HEAD = 128 * 2**10
_PIECE = 2**20
_LONGEST_LINE = 64 * 2**20
_LONGEST_RECORD = 100  # physical lines in one record; more is a quote that was never closed

Source = bytes | Path
Cell = Any  # str from text files; str, float, bool, date, datetime or time from spreadsheets


class UnreadableTable(ValueError):
    """The bytes are not a table that we can read; the message says why and what to do, and holds no cell of it."""


@dataclass
class Rows:
    """The rows of a file: the row at index 0 is row 1 of the file.

    Attributes:
        cells: Every row, blank ones too.
        encoding: Python codec name; None for spreadsheets.
    """

    cells: Sequence[Sequence[Cell]]
    encoding: str | None = None


class Text:
    """A text table of any size, read in blocks of whole lines; its encoding is known before the first one.

    Attributes:
        source: The bytes, or where they lie.
        encoding: Python codec name, as it is told to people: utf-8-sig only where there is a mark.
    """

    def __init__(self, source: Source, encodings: Iterable[str], *, is_cut: bool = False) -> None:
        """Find the encoding: what a byte order mark says, else the first of those given that all of the file fits.

        Args:
            source: The bytes, or where they lie.
            encodings: Python codec names.
            is_cut: The source is the beginning of a longer one and may end within a character.

        Raises:
            UnreadableTable: None fits, or it is not text.
        """
        self.source, self._is_cut = source, is_cut
        with open_source(source) as stream:
            head = stream.read(_HEAD)
        self._codec, self.encoding = self._find_encoding(head, tuple(encodings))

    def _find_encoding(self, head: bytes, encodings: tuple[str, ...]) -> tuple[str, str]:
        marked = [name for mark, name in _BOMS if head.startswith(mark)]
        tried = marked or list(encodings)
        for name in tried:
            codec = _with_byte_order(name, head)
            if self._fits(codec):
                return codec, name if marked or name != "utf-8-sig" else "utf-8"
        raise UnreadableTable(_no_encoding(tried, marked=bool(marked)))

    def _fits(self, codec: str) -> bool:
        try:
            for text in self._pieces(codec):
                if "\0" in text:
                    raise UnreadableTable(_NOT_TEXT)
        except UnicodeError:
            return False
        return True

    def _pieces(self, codec: str) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(codec)("strict")
        with open_source(self.source) as stream:
            while piece := stream.read(_PIECE):
                yield decoder.decode(piece)
        yield decoder.decode(b"", not self._is_cut)

    def _encoded_pieces(self, size: int) -> Iterator[bytes]:
        # What was cut short may end inside a character: only decoding leaves that one out.
        if codecs.lookup(self._codec).name == "utf-8" and not self._is_cut:
            with open_source(self.source) as stream:
                while piece := stream.read(size):
                    yield piece
            return
        for text in self._pieces(self._codec):
            yield text.encode()

    def blocks(self, size: int = 8 * 2**20) -> Iterator[bytes]:
        """Give the text as UTF-8 in blocks of about a size that end where a line ends; marks at its start are left out.

        Raises:
            UnreadableTable: A line is longer than any honest one.
        """
        waiting: list[bytes] = []
        length = 0
        is_first = True
        for piece in self._encoded_pieces(size):
            waiting.append(piece)
            length += len(piece)
            if length < size:
                continue
            block = b"".join(waiting)
            cut = _last_line_end(block)
            if not cut:
                if length > _LONGEST_LINE:
                    raise UnreadableTable("A line is longer than 64 MiB: it is no table.")
                waiting = [block]
                continue
            waiting, length = [block[cut:]], len(block) - cut
            yield without_marks(block[:cut]) if is_first else block[:cut]
            is_first = False
        if rest := b"".join(waiting):
            yield without_marks(rest) if is_first else rest


_NOT_TEXT = (
    "It is not text, or text in UTF-16 without a mark: name utf-16-le or utf-16-be under encoding in the profile, or "
    "save the file as CSV UTF-8."
)


def open_source(source: Source) -> BinaryIO:
    """Open bytes, or the file where they lie."""
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def size_of(source: Source) -> int:
    """Return how many bytes there are."""
    return len(source) if isinstance(source, bytes) else source.stat().st_size


def _with_byte_order(name: str, head: bytes) -> str:
    """Return a codec that needs no mark: UTF-16 without one is told by where its zero bytes stand."""
    if codecs.lookup(name).name == "utf-8-sig":
        return "utf-8"  # the other one drops half a mark in silence; blocks() takes whole ones off
    if codecs.lookup(name).name != "utf-16" or head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return name
    return "utf-16-be" if head[0:200:2].count(0) > head[1:200:2].count(0) else "utf-16-le"


def _no_encoding(tried: Iterable[str], *, marked: bool) -> str:
    if marked:
        return f"It begins with the mark of {', '.join(tried)} and goes on in another encoding: save it as CSV UTF-8."
    return (
        f"Its encoding is none of {', '.join(tried)}: name the right one under encoding in the profile, "
        "or save the file as CSV UTF-8."
    )


def _last_line_end(block: bytes) -> int:
    """Return where the last whole line ends; the last byte may be half of a line end, so a carriage return waits."""
    return block.rfind(b"\n") + 1 or block.rfind(b"\r", 0, len(block) - 1) + 1


def without_marks(block: bytes) -> bytes:
    """Return the beginning of a text in UTF-8 without byte order marks, doubled and misread ones too."""
    while block.startswith(_STRAY_MARK_BYTES):
        block = block[next(len(mark) for mark in _STRAY_MARK_BYTES if block.startswith(mark)) :]
    return block


def lines_of(blocks: Iterable[bytes]) -> Iterator[str]:
    """Give the lines of blocks, with their ends: line feed, carriage return or both."""
    for block in blocks:
        yield from io.TextIOWrapper(io.BytesIO(block), encoding="utf-8", newline="")


def read_records(
    lines: Iterable[str], delimiter: str, *, quote: bool = True, first: int = 1, limits: Limits = DEFAULT_LIMITS
) -> Iterator[tuple[int, list[str], int]]:
    """Give the rows of a text table: number, cells, and how many lines of the file the row spans.

    Raises:
        UnreadableTable: A quote is opened and never closed, or a field or row is longer than any honest one.
    """
    quoting: Any = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting)
    row_no, line = first - 1, 0
    while True:
        try:
            csv.field_size_limit(limits.field_characters)  # the module's own, whoever read last
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "field larger" in str(error) and not quote:
                text = f"In row {row_no + 1} a field is longer than {limits.field_characters} characters."
                raise UnreadableTable(text) from None
            raise UnreadableTable(_open_quote(row_no + 1)) from None
        row_no += 1
        spanned, line = reader.line_num - line, reader.line_num
        if spanned > _LONGEST_RECORD:
            raise UnreadableTable(_open_quote(row_no))
        if len(cells) > limits.table_columns:
            raise UnreadableTable(f"Row {row_no} has more than {limits.table_columns} columns: it is no table.")
        yield row_no, cells, spanned


def decode(raw: bytes, encodings: Iterable[str]) -> tuple[str, str]:
    """Return a whole text, and the codec that it was read with.

    Raises:
        UnreadableTable: None fits, or it is not text.
    """
    text = Text(raw, encodings)
    return b"".join(text.blocks()).decode(), text.encoding


def read_csv(raw: Source, encodings: Iterable[str], delimiter: str, *, quote: bool = True) -> Rows:
    """Return the rows of a text table.

    Raises:
        UnreadableTable: No encoding fits, or a quote is opened and never closed.
    """
    text = Text(raw, encodings)
    records = read_records(lines_of(text.blocks()), delimiter, quote=quote)
    return Rows([cells for _, cells, _ in records], text.encoding)


def read_head(raw: Source, encodings: Iterable[str], delimiter: str, *, quote: bool = True) -> Rows:
    """Return the rows at the beginning of a text table.

    Raises:
        UnreadableTable: No encoding fits the beginning.
    """
    with open_source(raw) as stream:
        head = stream.read(_HEAD)
    text = Text(head, encodings, is_cut=len(head) == _HEAD)
    return Rows(list(_readable(read_records(lines_of(text.blocks()), delimiter, quote=quote))), text.encoding)


def _readable(records: Iterable[tuple[int, list[str], int]]) -> Iterator[list[str]]:
    with contextlib.suppress(UnreadableTable):
        for _, cells, _ in records:
            yield cells


def _open_quote(row_no: int) -> str:
    return (
        f'In row {row_no} a quotation mark (") is opened and not closed: mend the row, or set quote: false in the '
        "profile where the system that wrote the file does not use quotes."
    )


def read_json(raw: bytes, records: str | None) -> Rows:
    """Return a list of JSON objects as rows: row 1 holds their keys, in the order in which they first appear.

    Args:
        raw: The bytes.
        records: The key under which the list lies; None where the document is the list.

    Raises:
        UnreadableTable: It is no JSON, or there is no such list of objects with plain values.
    """
    import json

    try:
        # floats as they are written: 0.1 stays 0.1
        document = json.loads(raw.decode("utf-8-sig"), parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        raise UnreadableTable("It is no JSON in UTF-8: ask for the export again.") from None
    entries = document.get(records) if records and isinstance(document, Mapping) else document
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        where = f"under the key '{records}'" if records else "at its top"
        raise UnreadableTable(f"The document has no list of records {where}: name the right key under records.")
    keys = list(dict.fromkeys(key for entry in entries for key in entry))
    if len(keys) * len(entries) > DEFAULT_LIMITS.workbook_cells:
        raise UnreadableTable("The document has more cells than we take at once: deliver it in parts, or as CSV.")
    cells = [[_json_cell(entry.get(key)) for key in keys] for entry in entries]
    return Rows([keys, *cells], "utf-8")


def _json_cell(value: Any) -> Cell:
    if isinstance(value, dict | list):
        raise UnreadableTable("A record holds another one: we read lists of plain records only.")
    return "" if value is None else value if isinstance(value, str) else str(value)


def read_sheets(raw: bytes, sheet: str | None = None, limits: Limits = DEFAULT_LIMITS) -> list[tuple[str, Rows]]:
    """Return the sheets of a spreadsheet by name, in order; one where a name is given.

    Raises:
        UnreadableTable: Not a spreadsheet, encrypted, too large unpacked, or without that sheet.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    from pipelines.parsing.workbooks import workbook_refusal

    if problem := workbook_refusal(raw, limits):
        raise UnreadableTable(problem)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(raw))
        names = [name for name in workbook.sheet_names if sheet is None or name == sheet]
        sheets = [(name, Rows(workbook.get_sheet_by_name(name).to_python(skip_empty_area=False))) for name in names]
    except PasswordError:
        raise UnreadableTable("The workbook is protected by a password: save it without one.") from None
    except (CalamineError, ValueError, OSError):
        raise UnreadableTable("It is not a workbook that can be read: save it again as XLSX.") from None
    except BaseException as error:
        # What the reader says when it has met a fault of its own; it is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise UnreadableTable("It is not a workbook that can be read: save it again as XLSX.") from None
    if not sheets:
        raise UnreadableTable(f"The workbook has no sheet named '{sheet}': name an existing one in the profile.")
    return sheets


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
