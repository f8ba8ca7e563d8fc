"""What an unknown ledger looks like: encoding, delimiter, header row, and what stands in each column.

Belongs here: measuring. Not here: what a column is taken for (ledger_suggest.py). What is measured holds no
cell's text, only header texts and shares.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from statistics import median

from pipelines.parsing.dates import KNOWN_FORMATS, DateReader, read_period
from pipelines.parsing.ledger_header import header_texts
from pipelines.parsing.ledger_rows import split_cell
from pipelines.parsing.ledger_words import matches
from pipelines.parsing.numbers import EITHER, NumberStyle
from pipelines.parsing.org_numbers import passes_mod11, plain_org_no
from pipelines.parsing.tabular import (
    Cell,
    Source,
    Text,
    UnreadableTable,
    cell_text,
    is_blank,
    lines_of,
    open_source,
    read_json,
    read_records,
    read_sheets,
)

SAMPLE_ROWS = 5_000
HEADER_ROWS = 40
DELIMITERS = {";": "semicolon", ",": "comma", "\t": "tab", "|": "bar"}
_ENCODINGS = ("utf-8-sig", "cp1252", "iso-8859-1")
COMMA = NumberStyle(",", (" ", "\u00a0", "\u202f", ".", "'"))
POINT = NumberStyle(".", (" ", "\u00a0", "\u202f", ",", "'"))
_DIGITS = re.compile(r"[0-9]{1,2}")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z./_-]{0,30}")
_NOTHING = re.compile(r"[-?.]+|(?i:n/?a|null|ingen|none)|0?0:00:00|0+|00[.]00[.]0000")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_CELLS_OF_A_HEADER = 3
_DAYS = range(32_874, 58_805)  # a spreadsheet's numbers of the days from 1990 to 2060
_LONGEST_HEADER = 60


@dataclass
class Layout:
    """How a file is laid out, and why that is thought so.

    Attributes:
        format: csv, xlsx or json.
        encoding: Python codec name; None for workbooks.
        encodings: What a profile should name.
        delimiter: None but for text.
        quote: Whether quotation marks enclose texts.
        sheet: The sheet's name, for workbooks of several.
        records: In JSON, the key of the list.
        header_row: 1-based.
        header: Header texts.
        rows: The first rows below the header.
        data: Of these, the ones that look like postings; they are measured.
        reasons: By profile key, what was decided and why.
    """

    format: str
    encoding: str | None = None
    encodings: tuple[str, ...] = ()
    delimiter: str | None = None
    quote: bool = True
    sheet: str | None = None
    records: str | None = None
    header_row: int = 1
    header: list[str] = field(default_factory=list)
    rows: list[Sequence[Cell]] = field(default_factory=list)
    data: list[Sequence[Cell]] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)


@dataclass
class ColumnFacts:
    """What stands in one column, in shares of its filled cells (0 to 1).

    Attributes:
        filled: Filled cells.
        share_filled: Of all rows.
        distinct: Different texts.
        comma, point: Read as an amount with that decimal sign.
        only_comma, only_point: Amounts that only that sign reads; either: both, to different amounts.
        with_part: Amounts with decimals.
        negative: Amounts below zero.
        native_numbers, native_dates: A spreadsheet's own numbers and dates.
        dates: By format, the share of texts that it reads.
        periods: The share of texts written yyyymm, month 01 to 13.
        months, years: The share of texts that are 1 to 13, or a year of four digits.
        mod11: Nine digits with a right check digit.
        luhn: Ten digits with a right check digit, as in Sweden.
        codes: Short codes without spaces.
        letters: Texts with words.
        code_and_text: A code followed by a text.
        nothing: Texts that mean nothing (-, 00:00:00), as they stand.
    """

    filled: int = 0
    share_filled: float = 0.0
    distinct: int = 0
    comma: float = 0.0
    point: float = 0.0
    only_comma: int = 0
    only_point: int = 0
    either: int = 0
    with_part: float = 0.0
    negative: float = 0.0
    native_numbers: float = 0.0
    native_dates: float = 0.0
    dates: dict[str, float] = field(default_factory=dict)
    periods: float = 0.0
    months: float = 0.0
    years: float = 0.0
    mod11: float = 0.0
    luhn: float = 0.0
    codes: float = 0.0
    letters: float = 0.0
    code_and_text: float = 0.0
    nothing: tuple[str, ...] = ()

    @property
    def best_date(self) -> float:
        """Return the largest share of cells that are dates in one way."""
        return self.native_dates + max(self.dates.values(), default=0.0) * (1 - self.native_numbers)

    @property
    def best_amount(self) -> float:
        """Return the largest share of cells that are amounts in one way."""
        return self.native_numbers + max(self.comma, self.point) * (1 - self.native_numbers)


def find_layout(source: Source) -> Layout:
    """Return how a file is laid out.

    Raises:
        UnreadableTable: It is no table, or no row of it looks like a header.
    """
    with open_source(source) as stream:
        head = stream.read(200)
    if head.startswith(b"PK"):
        layout = _workbook(source)
    elif head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        layout = _json(source)
    else:
        layout = _text(source)
    if len(layout.header) < 2:
        raise UnreadableTable("No row of its beginning looks like a header: name the columns by hand.")
    return layout


def _text(source: Source) -> Layout:
    encodings: tuple[str, ...] = _ENCODINGS
    with open_source(source) as stream:
        head = stream.read(4096)
    zeros = (head[0::2].count(0), head[1::2].count(0))
    if sum(zeros) > len(head) // 4 and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ("utf-16-be",) if zeros[0] > zeros[1] else ("utf-16-le",)
    text = Text(source, encodings)
    layout = Layout("csv", encoding=text.encoding)
    layout.encodings, layout.reasons["encoding"] = _encoding_facts(text)
    scores = {sign: _delimiter_score(text, sign) for sign in DELIMITERS}
    layout.delimiter = max(scores, key=lambda sign: scores[sign])
    others = ", ".join(f"{DELIMITERS[sign]} {score:.1f}" for sign, score in scores.items() if sign != layout.delimiter)
    chosen = f"{DELIMITERS[layout.delimiter]} {scores[layout.delimiter]:.1f}"
    layout.reasons["delimiter"] = f"columns times the share of rows with as many: {chosen}; others: {others}"
    records = list(islice(_records(text, layout.delimiter, quote=True), HEADER_ROWS + SAMPLE_ROWS))
    if any(any('"' in cell for cell in cells) or spanned > 1 for cells, spanned in records):
        unquoted = list(islice(_records(text, layout.delimiter, quote=False), HEADER_ROWS + SAMPLE_ROWS))
        if (fitting := _fitting(unquoted)) > _fitting(records):
            layout.quote, records = False, unquoted
            layout.reasons["quote"] = (
                f"{fitting} rows have as many cells as most when quotation marks mean nothing; fewer else"
            )
    _place_header(layout, [cells for cells, _ in records])
    return layout


def _records(text: Text, delimiter: str, *, quote: bool) -> Iterator[tuple[Sequence[Cell], int]]:
    with contextlib.suppress(UnreadableTable):
        for _, cells, spanned in read_records(lines_of(text.blocks()), delimiter, quote=quote):
            yield cells, spanned


def _fitting(records: Sequence[tuple[Sequence[Cell], int]]) -> int:
    widths = Counter(len(cells) for cells, _ in records if not is_blank(cells))
    return widths.most_common(1)[0][1] if widths else 0


def _encoding_facts(text: Text) -> tuple[tuple[str, ...], str]:
    if text.encoding in ("utf-8-sig", "utf-16"):
        wide = ("utf-8-sig", "cp1252") if text.encoding == "utf-8-sig" else ("utf-16",)
        return wide, "the file begins with a byte order mark"
    if text.encoding.startswith("utf-16"):
        return (text.encoding,), "every other byte is zero"
    block = next(text.blocks(), b"")
    if block.isascii():
        return ("utf-8-sig", "cp1252"), "no other than ASCII characters in its beginning"
    if text.encoding == "utf-8":
        return ("utf-8-sig", "cp1252"), "all of the file is UTF-8"
    nordic = sum(block.decode().count(letter) for letter in "æøåäöÆØÅÄÖé")
    return (
        ("utf-8-sig", text.encoding),
        f"the file is not UTF-8; read as {text.encoding} its beginning has {nordic} Nordic letters",
    )


def _delimiter_score(text: Text, sign: str) -> float:
    widths = Counter(len(cells) for cells, _ in islice(_records(text, sign, quote=True), 500) if not is_blank(cells))
    if not widths:
        return 0.0
    width, rows = widths.most_common(1)[0]
    return 0.0 if width < 2 else width * rows / widths.total()


def _workbook(source: Source) -> Layout:
    raw = source if isinstance(source, bytes) else source.read_bytes()
    best: Layout | None = None
    sheets = read_sheets(raw)
    for name, rows in sheets:
        layout = Layout("xlsx", sheet=name if len(sheets) > 1 else None)
        _place_header(layout, rows.cells[: HEADER_ROWS + SAMPLE_ROWS])
        if best is None or len(layout.header) * len(layout.rows) > len(best.header) * len(best.rows):
            best = layout
    if best is None:
        raise UnreadableTable("The workbook has no sheets.")
    if best.sheet is not None:
        best.reasons["sheet"] = f"of {len(sheets)} sheets the one with the largest table"
    return best


def _json(source: Source) -> Layout:
    import json

    raw = source if isinstance(source, bytes) else source.read_bytes()
    try:
        document = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise UnreadableTable("It is no JSON in UTF-8.") from None
    layout = Layout("json", encoding="utf-8", encodings=("utf-8-sig",))
    if isinstance(document, dict):
        lists = {key: len(value) for key, value in document.items() if isinstance(value, list)}
        layout.records = max(lists, key=lambda key: lists[key], default=None)
        layout.reasons["records"] = f"of {len(lists)} lists in the document the longest"
    rows = read_json(raw, layout.records).cells
    layout.header, layout.rows = header_texts(rows[0]), list(rows[1 : 1 + SAMPLE_ROWS])
    layout.data = _data_rows(layout)
    layout.reasons["header"] = "the keys of the records"
    return layout


def _place_header(layout: Layout, rows: Sequence[Sequence[Cell]]) -> None:
    scores = [
        (_header_score(cells, rows[index + 1 : index + 6]), index) for index, cells in enumerate(rows[:HEADER_ROWS])
    ]
    score, index = max(scores, key=lambda entry: (entry[0], -entry[1]), default=(0.0, 0))
    if score <= 0:
        return
    layout.header_row, layout.header = index + 1, header_texts(rows[index])
    layout.rows = [cells for cells in rows[index + 1 : index + 1 + SAMPLE_ROWS] if not is_blank(cells)]
    layout.data = _data_rows(layout)
    known = sum(bool(matches(text)) for text in layout.header if text)
    layout.reasons["header"] = (
        f"of the first {min(len(rows), HEADER_ROWS)} rows the one most like a header: "
        f"{sum(bool(text) for text in layout.header)} names, {known} of them known"
    )


def _data_rows(layout: Layout) -> list[Sequence[Cell]]:
    """Return the rows that look like postings: no repeated header, and not much emptier than most, as sums are."""
    filled = [sum(bool(cell_text(value)) for value in cells) for cells in layout.rows]
    usual = median(filled) if filled else 0
    return [
        cells
        for cells, count in zip(layout.rows, filled, strict=True)
        if count > usual / 2 and header_texts(cells) != layout.header
    ]


def _header_score(cells: Sequence[Cell], below: Sequence[Sequence[Cell]]) -> float:
    """Return how much a row looks like a header: names, known ones above all, with as many cells with digits below."""
    texts = [text for text in header_texts(cells) if text]
    if len(texts) < _CELLS_OF_A_HEADER or any(len(text) > _LONGEST_HEADER for text in texts):
        return 0.0
    if any(
        COMMA.read(text) is not None or not isinstance(value, str) for text, value in zip(texts, cells, strict=False)
    ):
        return 0.0
    known = sum(matches(text)[0][1] for text in texts if matches(text))
    widths = [len(header_texts(row)) for row in below if not is_blank(row)]
    fitting = sum(abs(width - len(header_texts(cells))) <= 2 for width in widths) / len(widths) if widths else 0.5
    return (known + len(texts) / 10) * (0.2 + fitting)


def measure(values: Sequence[Cell], rows: int) -> ColumnFacts:
    """Return what stands in a column."""
    filled = [value for value in values if cell_text(value)]
    facts = ColumnFacts(filled=len(filled), share_filled=len(filled) / rows if rows else 0.0)
    if not filled:
        return facts
    every = Counter(cell_text(value) for value in filled)
    facts.distinct = len(every)
    facts.nothing = tuple(sorted(text for text in every if _NOTHING.fullmatch(text)))
    written = Counter(value.strip() for value in filled if isinstance(value, str))
    written = Counter({text: count for text, count in written.items() if text not in facts.nothing}) or written
    numbers = [value for value in filled if isinstance(value, float | int) and not isinstance(value, bool)]
    facts.native_numbers = len(numbers) / len(filled)
    _measure_amounts(facts, written)
    _measure_dates(facts, written)
    _measure_texts(facts, Counter({text: every[text] for text in every if text not in facts.nothing}) or every)
    if numbers:
        facts.negative = sum(value < 0 for value in numbers) / len(numbers)
        facts.with_part = sum(value % 1 != 0 for value in numbers) / len(numbers)
    days = sum(isinstance(value, date) or (value in numbers and value in _DAYS) for value in filled)
    facts.native_dates = days / len(filled)
    return facts


def _share(counted: Counter[str], test: Iterable[bool]) -> float:
    holding = sum(count for count, holds in zip(counted.values(), test, strict=True) if holds)
    return holding / counted.total() if counted else 0.0


def _measure_amounts(facts: ColumnFacts, counted: Counter[str]) -> None:
    comma = {text: COMMA.read(text) for text in counted}
    point = {text: POINT.read(text) for text in counted}
    facts.comma = _share(counted, (comma[text] is not None for text in counted))
    facts.point = _share(counted, (point[text] is not None for text in counted))
    for text, count in counted.items():
        says = COMMA.speaks_for(text)
        if says == EITHER:
            facts.either += count
        elif says is not None:
            facts.only_comma += count * (comma[text] is not None)
            facts.only_point += count * (point[text] is not None)
    read = comma if facts.comma >= facts.point else point
    amounts = {text: amount for text, amount in read.items() if amount is not None}
    total = sum(counted[text] for text in amounts) or 1
    facts.negative = sum(counted[text] for text, amount in amounts.items() if amount < 0) / total
    facts.with_part = sum(counted[text] for text, amount in amounts.items() if amount % 1) / total


def _measure_dates(facts: ColumnFacts, counted: Counter[str]) -> None:
    for pattern in KNOWN_FORMATS:
        peek = DateReader((pattern,)).peek
        days = {text: peek(text) for text in counted}
        if share := _share(counted, ((day := days[text]) is not None and 1990 <= day.year <= 2060 for text in counted)):
            facts.dates[pattern] = share


def _measure_texts(facts: ColumnFacts, counted: Counter[str]) -> None:
    facts.periods = _share(counted, (_is_period(text) for text in counted))
    facts.months = _share(counted, (_DIGITS.fullmatch(text) is not None and 1 <= int(text) <= 13 for text in counted))
    facts.years = _share(counted, (_YEAR.fullmatch(text) is not None for text in counted))
    numbers = {text: plain_org_no(text) or "" for text in counted}
    facts.mod11 = _share(counted, (passes_mod11(numbers[text]) for text in counted))
    facts.luhn = _share(counted, (_passes_luhn(numbers[text]) for text in counted))
    facts.codes = _share(counted, (_CODE.fullmatch(text) is not None for text in counted))
    facts.letters = _share(counted, (_LETTERS.search(text) is not None for text in counted))
    facts.code_and_text = _share(counted, (_has_both(text) for text in counted))


def _is_period(text: str) -> bool:
    try:
        return 1990 <= int(read_period(text, "yyyymm")[:4]) <= 2060
    except ValueError:
        return False


def _passes_luhn(text: str) -> bool:
    digits = text.replace("-", "")
    if len(digits) != 10 or not (digits.isascii() and digits.isdigit()):
        return False
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(digits)]
    return sum(number // 10 + number % 10 for number in doubled) % 10 == 0


def _has_both(text: str) -> bool:
    code, words = split_cell(text, "code"), split_cell(text, "text")
    return code not in (text, None) and words is not None and bool(_LETTERS.search(words))
