"""A candidate's workbook as it lies on disk: read to the last character, held against the Parquet files.

Belongs here: the parts of the archive, the sheets, every cell. Not here: the other files (candidate_files.py), what a
text may say (scanner.py). Nothing is taken from the step that wrote it, and nothing is passed over:

(1) A part, a sheet or an element that nobody agreed on is a difference, and what it says is scanned.
(2) A sheet's rows are plain texts, numbers and truth values. Whatever else stands there, a formula above all, is one
    that a spreadsheet would run, and is scanned.
(3) The cells of a table's sheet are its Parquet's. One that a sheet cannot hold whole has none.
(4) What a chart draws is the answer to its question, asked of the Parquet files; what it remembers stands in a sheet.
"""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.gate.other_files import NO_ARCHIVE, texts_in
from pipelines.gate.same_cells import differing_rows, where
from pipelines.gate.suites import WorkbookSuite

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_ROWS, _LONGEST = 1_048_575, 32_767
_EPOCH, _FIRST_DAY = 25_569, "1900-03-01"
_CHUNK = 1 << 23
_BOOK, _BOOK_RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_AGREED_PARTS = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|docProps/(?:app|core)\.xml|xl/(?:workbook|styles|theme/theme1)\.xml"
    r"|xl/_rels/workbook\.xml\.rels|xl/worksheets/(?:_rels/)?sheet\d+\.xml(?:\.rels)?|xl/charts/chart\d+\.xml"
    r"|xl/drawings/(?:_rels/)?drawing\d+\.xml(?:\.rels)?"
)
_SHEET = re.compile(r'<sheet name="([^"]*)" sheetId="\d+" r:id="(\w+)"/>')
_RELATION = re.compile(r'<Relationship Id="(\w+)" Type="[^"]*" Target="([^"]*)"/>')
_NAMES = re.compile(
    r"<definedName name=\"_xlnm\.(?:_FilterDatabase|Print_Titles)\"[^>]*>[^<>()]*\$[A-Z0-9$:]+</definedName>"
)
_ELEMENT = re.compile(r"<([A-Za-z:]+)")
_AROUND_ROWS = frozenset(
    ("worksheet", "sheetPr", "pageSetUpPr", "dimension", "sheetViews", "sheetView", "pane", "selection")
    + ("sheetFormatPr", "cols", "col", "sheetData", "autoFilter", "pageMargins", "pageSetup", "printOptions")
    + ("ignoredErrors", "ignoredError", "drawing")
)
_DRAWN = re.compile(r"<c:v>([^<]*)</c:v>")
_NO_CHART = re.compile(r"numLit|strLit|externalData|userShapes")
_CELL = re.compile(
    r'<c r="([A-Z]{1,3})([0-9]{1,7})"(?: s="[0-9]{1,4}")?'
    r'(?: t="inlineStr"><is><t(?: xml:space="preserve")?>([^<]*)</t></is>|( t="b")?><v>([^<]*)</v>)</c>'
)
# Attributes are too short to hold a number that anybody looks for.
_BETWEEN = re.compile(
    r'</row>|<row r="[0-9]{1,7}"(?: (?:spans|s|customFormat|ht|customHeight)="[0-9:.]{1,9}")*/?>'
    r'|<c r="[A-Z]{1,3}[0-9]{1,7}"(?: s="[0-9]{1,4}")?/>'
)
_STRIDE = 6
# How an archive is laid out (APPNOTE 4.3): a part's head without its name, its line in the list, the end of the list.
_LOCAL, _LIST = b"PK\x03\x04", b"PK\x01\x02"
_HEADER, _LISTED, _END = 30, 46, 22
_SIZES_BEHIND = 0x08
_SPACES = re.compile(r"\s+")
_HIDDEN = re.compile(r"""\b(?:hidden|veryHidden|zeroHeight|collapsed)\s*=(?!\s*["'](?:0|false)["'])""")
_AS_NUMBER = re.compile(r"_x([0-9A-Fa-f]{4})_")
_HALVES = range(0xD800, 0xE000)  # half a character each
_ATTRIBUTE = re.compile(r'([A-Za-z:]+)="([^"]*)"')
_TEXT = re.compile(r">([^<>]+)<")
_REMARK = re.compile(r"<[!?][^>]*>")
_SHORT_NUMBER = re.compile(r"-?[0-9.]{1,10}")


@dataclass
class WorkbookRead:
    """What a workbook says.

    Attributes:
        is_unreadable: It is no workbook.
        differing: Where it says something else than the Parquet files, or has something that nobody agreed on.
        formulas: Where a spreadsheet would run something, or follow a link.
        cells: How many cells were compared.
        words: The texts of the sheets of words.
        texts: All texts besides, but those of tables' rows, which are the Parquet's.
        drawn: By chart, the texts and numbers that it remembers.
    """

    is_unreadable: bool = False
    differing: list[str] = field(default_factory=list)
    formulas: list[str] = field(default_factory=list)
    cells: int = 0
    words: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    drawn: dict[str, set[str | float]] = field(default_factory=dict)


def read_workbook(path: Path, agreed: WorkbookSuite, tables: Mapping[str, pa.Table]) -> WorkbookRead:
    """Return what a workbook says; whatever is wrong with it is listed, never raised."""
    read = WorkbookRead()
    try:
        with zipfile.ZipFile(path) as archive:
            _read_parts(archive, read)
            _read_sheets(archive, agreed, tables, read)
    except (KeyError, *NO_ARCHIVE):
        read.is_unreadable = True
        read.texts += texts_in(path.read_bytes())
    return read


def _read_parts(archive: zipfile.ZipFile, read: WorkbookRead) -> None:
    """Read all but the sheets."""
    names = [member.filename for member in archive.infolist()]
    if len(set(names)) < len(names):
        read.differing.append("the archive has a part twice")
    for said in _beside_parts(archive):
        read.differing.append("the archive says something beside its parts")
        read.texts += texts_in(said)
    for name in sorted(set(names)):
        if _AGREED_PARTS.fullmatch(name) is None:
            read.differing.append(f"{name} is a part that nobody agreed on")
            read.texts += [name, *texts_in(archive.read(name))]
        elif not name.startswith("xl/worksheets/sheet"):
            _read_part(name, archive.read(name).decode(), read)


def _beside_parts(archive: zipfile.ZipFile) -> Iterator[bytes]:
    """Give what an archive holds beside its parts: comments, extra fields, bytes before, between and behind them."""
    members = sorted(archive.infolist(), key=lambda member: member.header_offset)
    yield from (
        said for said in (archive.comment, *(each for one in members for each in (one.comment, one.extra))) if said
    )
    stream: Any = archive.fp
    stream.seek(0)
    raw = stream.read()
    place = 0
    for member in members:
        if member.flag_bits & _SIZES_BEHIND or raw[place : place + 4] != _LOCAL or member.header_offset != place:
            yield raw[place : member.header_offset] or raw[place : place + _HEADER]
        lengths = (int.from_bytes(raw[member.header_offset + at :][:2], "little") for at in (26, 28))
        name, extra = lengths
        begin = member.header_offset + _HEADER + name
        if extra:
            yield raw[begin : begin + extra]
        place = begin + extra + member.compress_size
    listed = sum(_LISTED + len(member.orig_filename.encode()) for member in members)
    if len(raw) != place + listed + _END or raw[place : place + 4] != _LIST:
        yield raw[place:]


def _read_part(name: str, text: str, read: WorkbookRead) -> None:
    # What a chart remembers stands in its sheet, or is a difference.
    read.texts += _structural_texts(_DRAWN.sub("", text) if "/charts/" in name else text)
    if name.endswith(".rels") and "TargetMode" in text:
        read.formulas.append(f"{name} leads out of the workbook")
    if name == _BOOK and "definedName " in _NAMES.sub("", _SPACES.sub(" ", text)):
        read.formulas.append(f"{name} has a name that is more than a filter or a title")
    if "/charts/" in name:
        read.drawn[name] = {_plain(html.unescape(value)) for value in _DRAWN.findall(text)}
        if _NO_CHART.search(text):
            read.differing.append(f"{name} has figures of its own, or of elsewhere")


def _structural_texts(text: str) -> Iterator[str]:
    """Give what stands between tags and in attributes but numbers, types and addresses of the format itself."""
    for attribute, value in _ATTRIBUTE.findall(text):
        is_format = attribute.startswith("xmlns") or attribute in ("Type", "ContentType", "uri")
        if not is_format and _SHORT_NUMBER.fullmatch(value) is None:
            yield html.unescape(value)
    yield from _REMARK.findall(text)
    yield from (html.unescape(part) for part in _TEXT.findall(text) if _SHORT_NUMBER.fullmatch(part) is None)


def _read_sheets(
    archive: zipfile.ZipFile, agreed: WorkbookSuite, tables: Mapping[str, pa.Table], read: WorkbookRead
) -> None:
    stated = {html.unescape(name): relation for name, relation in _SHEET.findall(archive.read(_BOOK).decode())}
    targets = dict(_RELATION.findall(archive.read(_BOOK_RELATIONS).decode()))
    held = {sheet: table for table, sheet in agreed.tables.items() if table in tables and _fits(tables[table])}
    expected = [*agreed.words, *agreed.charts, *held]
    read.differing += [f"the sheet {name} is missing" for name in expected if name not in stated]
    read.differing += [f"the sheet {name} is not agreed" for name in stated if name not in expected]
    files = {f"xl/{targets.get(relation)}" for relation in stated.values()}
    there = {name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")}
    read.differing += [f"{name} is a sheet that is not shown" for name in sorted(there - files)]
    for name in sorted(there - files):
        read.texts += texts_in(archive.read(name))
    answers, shown = _Answers(agreed.charts, tables), set[str | float]()
    for name, relation in stated.items():
        with archive.open(f"xl/{targets[relation]}") as stream:
            cells = _read_sheet(name, stream, read)
        if name in agreed.charts:
            read.texts += (text for row in cells.by_row().values() for text in row.values() if isinstance(text, str))
            shown |= {value for row in cells.by_row().values() for value in row.values()}
            found: Iterable[str] = _against_answer(answers.to(name), cells)
        elif name in held:
            found = _against_table(tables[held[name]], cells)
            read.cells += tables[held[name]].num_rows * tables[held[name]].num_columns
        else:
            read.words += cells.all_texts()
            found = []
        read.differing += [f"sheet {name}, {place}" for place in found]
    strange = [chart for chart, values in sorted(read.drawn.items()) if not values <= shown]
    read.differing += [f"{chart} draws what its sheet does not hold" for chart in strange]


def _fits(rows: pa.Table) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = [column for column in rows.columns if pa.types.is_string(column.type)]
    longest = max((pc.max(pc.utf8_length(column)).as_py() or 0 for column in texts), default=0)
    return rows.num_rows <= _MOST_ROWS and longest <= _LONGEST


class _Cells:
    """The cells of a sheet, by column: their rows, and what each is as a text, a truth value or a number."""

    def __init__(self) -> None:
        self._parts: dict[str, list[tuple[Any, Any, Any, Any]]] = {}

    def add(self, parts: list[Any]) -> None:
        """Take what splitting by cells gave."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if len(parts) == 1:
            return
        letters: Any = pa.array(parts[1::_STRIDE]).dictionary_encode()
        rows: Any = pa.array(parts[2::_STRIDE]).cast(pa.int32())
        texts, truths, numbers = (pa.array(parts[at::_STRIDE], pa.string()) for at in (3, 4, 5))
        for position, letter in enumerate(letters.dictionary.to_pylist()):
            at: Any = pc.indices_nonzero(pc.equal(letters.indices, pa.scalar(position, pa.int32())))
            held = tuple(values.take(at) for values in (rows, texts, truths, numbers))
            self._parts.setdefault(letter, []).append(held)  # type: ignore[arg-type]

    @property
    def letters(self) -> set[str]:
        """Return the columns that have cells."""
        return set(self._parts)

    def column(self, letter: str) -> tuple[Any, Any, Any, Any]:
        """Return a column's rows, texts, truth values and numbers; of each cell one of the three is not null."""
        import pyarrow as pa

        if letter not in self._parts:
            empty: Any = pa.nulls(0, pa.string())
            return pa.nulls(0, pa.int32()), empty, empty, empty
        rows, texts, truths, numbers = (
            pa.chunked_array([part[at] for part in self._parts[letter]]).combine_chunks() for at in range(4)
        )
        return rows, _decoded(texts), truths, numbers

    def header(self) -> dict[str, str]:
        """Return the first row's texts by column."""
        header = {}
        for letter, parts in self._parts.items():
            for row, text in zip(
                parts[0][0].slice(0, 1).to_pylist(), _decoded(parts[0][1].slice(0, 1)).to_pylist(), strict=True
            ):
                if row == 1 and text is not None:
                    header[letter] = text
        return header

    def all_texts(self) -> list[str]:
        """Return what every cell says but short numbers."""
        said = []
        for letter in sorted(self._parts):
            _, texts, _, numbers = (values.to_pylist() for values in self.column(letter))
            said += [text for text in texts if text is not None]
            said += [number for number in numbers if number is not None and _SHORT_NUMBER.fullmatch(number) is None]
        return said

    def by_row(self) -> dict[int, dict[str, Any]]:
        """Return every cell by row and column: a text, or a number as a text of its own kind."""
        found: dict[int, dict[str, Any]] = {}
        for letter in self._parts:
            rows, texts, _, numbers = (values.to_pylist() for values in self.column(letter))
            for row, text, number in zip(rows, texts, numbers, strict=True):
                found.setdefault(row, {})[letter] = text if number is None else _plain(number)
        return found


def _decoded(texts: Any) -> Any:
    """Return texts as a spreadsheet shows them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pc.any(pc.match_substring_regex(texts, "&|_x")).as_py():
        return texts
    return pa.array(
        [None if text is None else _AS_NUMBER.sub(_character, html.unescape(text)) for text in texts.to_pylist()],
        pa.string(),
    )


def _character(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    return chr(number) if number not in _HALVES else "?"


def _read_sheet(name: str, stream: Any, read: WorkbookRead) -> _Cells:
    """Return a sheet's cells; what else stands in it is listed."""
    cells, around, between = _Cells(), [], []
    for is_rows, text in _sections(stream):
        if is_rows:
            parts = _CELL.split(text)
            cells.add(parts)
            between += parts[0::_STRIDE]
        else:
            around.append(text)
    other = "".join(_BETWEEN.sub("", part) for part in between if part)
    if other:  # (2)
        read.formulas.append(f"sheet {name} has more than plain cells")
        read.texts += [other, *texts_in(other.encode())]
    outside = "".join(around)
    unknown = sorted(set(_ELEMENT.findall(outside)) - _AROUND_ROWS)
    if unknown or _HIDDEN.search(outside):
        read.formulas.append(
            f"sheet {name} has something hidden, or elements that nobody agreed on: {' '.join(unknown)}"
        )
    read.texts += _structural_texts(outside)
    return cells


def _sections(stream: Any) -> Iterator[tuple[bool, str]]:
    """Give a sheet piece by piece: whether it lies within the rows, and its text; a row is never cut."""
    begun, ended, held = False, False, b""
    while chunk := stream.read(_CHUNK):
        held += chunk
        if not begun and b"<sheetData>" in held:
            head, _, held = held.partition(b"<sheetData>")
            begun = True
            yield False, f"{head.decode()}<sheetData>"
        if begun and not ended and b"</sheetData>" in held:
            rows, _, held = held.partition(b"</sheetData>")
            ended = True
            yield True, rows.decode()
        elif begun and not ended:
            rows, row_end, held = held.rpartition(b"</row>")
            if row_end:
                yield True, (rows + row_end).decode()
    yield begun and not ended, held.decode()


def _against_table(exact: pa.Table, cells: _Cells) -> Iterator[str]:
    """Give where a sheet is not its table: in its header, beyond its rows, or in any cell."""
    letters = {_letters(position): name for position, name in enumerate(exact.column_names)}
    header = {letter: text.rpartition("\n")[2] for letter, text in cells.header().items()}
    if header != letters or cells.letters != set(letters):
        yield "row 1: other columns than in the Parquet file"
        return
    for letter, name in letters.items():
        for row in _differing(exact[name], *cells.column(letter)):
            yield f"row {row + 2}, column {name}"


def _differing(exact: Any, rows: Any, texts: Any, truths: Any, numbers: Any) -> Iterable[int]:
    """Return the rows in which a sheet's column is not the Parquet's, counted from the first below the header."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    at = rows.to_numpy()[1:] - 2
    if len(at) and (at.min() < 0 or at.max() >= len(exact) or len(np.unique(at)) < len(at)):
        return [int(at.max())]
    texts, truths, numbers = (values.slice(1) for values in (texts, truths, numbers))
    is_text = pc.is_valid(texts)
    if pa.types.is_string(exact.type) or pa.types.is_large_string(exact.type):
        stated, is_other = texts, pc.invert(is_text)
    elif pa.types.is_boolean(exact.type):
        stated = pc.case_when(
            pc.make_struct(pc.equal(numbers, pa.scalar("1")), pc.equal(numbers, pa.scalar("0"))),
            pa.scalar("true"),
            pa.scalar("false"),
            numbers,
        )
        is_other = pc.is_null(truths)
    else:
        stated, is_other = numbers, pc.or_(is_text, pc.is_valid(truths))
        if pa.types.is_date(exact.type):
            stated, is_other = _as_dates(stated, texts), pc.is_valid(truths)
    if wrong := where(is_other):
        return [int(at[row]) for row in wrong]
    places = np.full(len(exact), -1, dtype=np.int32)
    places[at] = np.arange(len(at), dtype=np.int32)
    whole = pc.fill_null(stated.take(pa.array(places, mask=places < 0)), "")
    return differing_rows(
        exact.combine_chunks() if isinstance(exact, pa.ChunkedArray) else exact, whole, is_guarded=False
    )


def _as_dates(numbers: Any, texts: Any) -> Any:
    """Return days as a spreadsheet counts them, and texts of those that it cannot count, as dates; else what stands."""
    import pyarrow as pa
    import pyarrow.compute as pc

    early: Any = pc.if_else(pc.less(texts, pa.scalar(_FIRST_DAY)), texts, pa.scalar("?"))
    try:
        counted: Any = pc.subtract(numbers.cast(pa.int32()), pa.scalar(_EPOCH, pa.int32()))
        days: Any = counted.cast(pa.date32()).cast(pa.string())
    except pa.ArrowException:
        days = numbers
    return pc.coalesce(early, days)


def _letters(position: int) -> str:
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


class _Answers:
    """The answers to the charts' questions, each asked of the Parquet files."""

    def __init__(self, questions: Mapping[str, str], tables: Mapping[str, pa.Table]) -> None:
        self._questions, self._tables = questions, tables

    def to(self, chart: str) -> list[tuple[Any, ...]] | None:
        """Return the rows that a chart draws; None where the tables are not as agreed."""
        import duckdb

        with duckdb.connect() as connection:
            for name, rows in self._tables.items():
                connection.register(name, rows)
            try:
                return connection.execute(self._questions[chart]).fetchall()
            except duckdb.Error:
                return None


def _against_answer(answer: list[tuple[Any, ...]] | None, cells: _Cells) -> Iterator[str]:
    if answer is None:
        yield "its figures cannot be asked for"
        return
    stated = cells.by_row()
    expected = {
        number: {_letters(at): value if at == 0 else _plain(value) for at, value in enumerate(row) if value is not None}
        for number, row in enumerate(answer, start=2)
    }
    for number in sorted(expected.keys() | stated.keys() - {1}):
        if expected.get(number) != stated.get(number):
            yield f"row {number}: not what the tables hold"


def _plain(value: Any) -> str | float:
    """Return a number, also one that is a text, as a number; else the text."""
    try:
        return float(value)
    except ValueError:
        return str(value)
