"""Supplier ledgers to postings by a profile: CSV, TXT, XLSX and JSON.

Belongs here: opening a ledger, its header, refusing a file that its profile does not fit. Not here: profiles themselves
(ledger_profile.py), rows (ledger_rows.py, ledger_blocks.py), cells (tabular.py), what an account means (dbt).

A ledger is read in batches, so that its size does not matter; CSV and TXT in columns (ledger_blocks.py), with every row
that is not plain going through the reader of single rows. Both ways give the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any

from pipelines.limits import DEFAULT_LIMITS, MIB, Limits
from pipelines.parsing.ledger_fit import Evidence, contradiction
from pipelines.parsing.ledger_header import Header, find_header, header_texts
from pipelines.parsing.ledger_profile import Profile, load_profile, shipped_profile_names
from pipelines.parsing.ledger_rows import Batch, RowReader
from pipelines.parsing.rejects import Reject
from pipelines.parsing.tabular import (
    Cell,
    Rows,
    Source,
    Text,
    UnreadableTable,
    lines_of,
    open_source,
    read_head,
    read_json,
    read_records,
    read_sheets,
    size_of,
)

__all__ = [
    "PARSER_VERSION",
    "Ledger",
    "LedgerRefused",
    "ParsedLedger",
    "Profile",
    "fit",
    "load_profile",
    "parse_ledger",
]

PARSER_VERSION = "3"
_OTHER_DELIMITERS = {";": "semicolon", ",": "comma", "\t": "tab", "|": "bar"}
_OTHER_ENCODINGS = ("utf-8-sig", "cp1252", "iso-8859-1")
_BATCH = 20_000
_BLOCK = 8 * 2**20
_SMALL = 2**20  # below this, loading Arrow takes longer than reading row by row

Record = tuple[int, Sequence[Cell], int]


class LedgerRefused(Exception):
    """A ledger as a whole cannot be read by its profile; after batches of it were given, they do not count."""

    def __init__(self, message: str) -> None:
        self.reject = Reject("IN01", message)
        super().__init__(message)


class Ledger:
    """An opened ledger: what its header says, and its rows in batches.

    Attributes:
        encoding: Python codec name; None for XLSX.
        delimiter: None for XLSX and JSON.
        header_row: 1-based row of the header.
        columns: Header texts in order.
        amount_column: The header of the amounts.
    """

    def __init__(
        self,
        source: Source,
        profile: Profile,
        file_name: str,
        *,
        block: int = _BLOCK,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        """Open a ledger and find its header.

        Args:
            source: The bytes, or where they lie.
            profile: Says how the file is laid out.
            file_name: Under which it was handed in; some profiles find the period in it.
            block: Bytes of text that are read at once.
            limits: What is still read.

        Raises:
            LedgerRefused: Its encoding or header does not fit the profile.
        """
        self.profile, self.source, self._block, self._limits = profile, source, block, limits
        self._text: Text | None = None
        try:
            self.encoding, records = self._open()
            head = list(islice(records, profile.skip_leading + profile.search_rows))
        except UnreadableTable as error:
            raise LedgerRefused(f"The file cannot be read by the profile '{profile.name}'. {error}") from None
        rows = [cells for _, cells, _ in head]
        index = find_header(rows, profile)
        if index is None:
            raise LedgerRefused(_describe_mismatch(source, rows, profile))
        header = Header(rows[index], profile)
        self.delimiter = profile.delimiter if profile.format == "csv" else None
        self.header_row, self.columns = index + 1, header.texts
        self._rows = RowReader(profile, header, file_name)
        if problem := self._rows.problem():
            raise LedgerRefused(problem)
        self.amount_column = header.texts[self._rows.amount_index]
        self._records = chain(head[index + 1 :], records)

    def _open(self) -> tuple[str | None, Iterator[Record]]:
        if self.profile.format == "csv":
            self._text = Text(self.source, self.profile.encodings)
            lines = lines_of(self._text.blocks(self._block))
            return self._text.encoding, read_records(
                lines, self.profile.delimiter, quote=self.profile.quote, limits=self._limits
            )
        rows = _whole_table(self.source, self.profile, self._limits)
        return rows.encoding, ((row_no, cells, 1) for row_no, cells in enumerate(rows.cells, start=1))

    def batches(self, *, by_row: bool | None = None) -> Iterator[Batch]:
        """Give the rows below the header, once.

        Args:
            by_row: Read every row on its own, also those that could be read in columns (which gives the same); by the
                size of the file where it is not said.

        Raises:
            LedgerRefused: At any time, that the file turns out unreadable or contradicts its profile: what was given
                before does not count.
        """
        evidence = Evidence()
        if by_row is None:
            by_row = size_of(self.source) < _SMALL
        found = self._by_row(self._records) if by_row or self._text is None else self._in_columns(self._text)
        try:
            for batch in found:
                evidence.add(batch.evidence)
                yield batch
        except UnreadableTable as error:
            raise LedgerRefused(f"The file cannot be read by the profile '{self.profile.name}'. {error}") from None
        dates = {self.columns[index]: self._rows.dates[column] for column, index in self._rows.date_columns}
        if problem := contradiction(evidence, dates, self.profile):
            raise LedgerRefused(problem)

    def _by_row(self, records: Iterator[Record]) -> Iterator[Batch]:
        while rows := list(islice(records, _BATCH)):
            batch = Batch()
            for row_no, cells, lines in rows:
                self._rows.take(row_no, cells, lines, batch)
            yield batch

    def _in_columns(self, text: Text) -> Iterator[Batch]:
        from pipelines.parsing.ledger_blocks import read_in_columns

        def by_row(blocks: Iterator[bytes], first: int, skip: int) -> Iterator[Batch]:
            records = read_records(
                lines_of(blocks), self.profile.delimiter, quote=self.profile.quote, first=first, limits=self._limits
            )
            return self._by_row(islice(records, skip, None))

        return read_in_columns(text.blocks(self._block), self._rows, self.header_row, by_row)


@dataclass
class ParsedLedger:
    """What a ledger file holds; ``rows_in == len(postings) + len(rejects)``.

    Attributes:
        rows_in: Non-blank rows below the header; 1 where the file as a whole is refused.
        postings: Rows of ledger_postings.
        rejects: What is no posting or cannot be read, row by row; or one for the file.
        issues: Remarks on postings that go on.
        encoding: Python codec name; None for XLSX and refused files.
        delimiter: None for XLSX.
        header_row: 1-based row of the header; None where the file is refused.
        columns: Header texts in order.
        amount_column: The header of the amounts.
    """

    rows_in: int = 0
    postings: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    issues: list[Reject] = field(default_factory=list)
    encoding: str | None = None
    delimiter: str | None = None
    header_row: int | None = None
    columns: list[str] | None = None
    amount_column: str | None = None


def parse_ledger(
    raw: Source, profile: Profile, file_name: str, *, by_row: bool = True, block: int = _BLOCK
) -> ParsedLedger:
    """Turn a whole ledger into postings by a profile, held in memory; no input raises.

    The file is refused (IN01) where its encoding or header does not fit the profile, or its amounts, dates or signs
    contradict it. Rows are refused where they have more cells than the header (IN01), are a sum, a repeated header or a
    note (IN08), or hold an unreadable date, amount or period (IN06). ``by_row=False`` reads in columns and gives the
    same.
    """
    try:
        ledger = Ledger(raw, profile, file_name, block=block)
        parsed = ParsedLedger(
            encoding=ledger.encoding,
            delimiter=ledger.delimiter,
            header_row=ledger.header_row,
            columns=ledger.columns,
            amount_column=ledger.amount_column,
        )
        for batch in ledger.batches(by_row=by_row):
            parsed.rows_in += batch.rows_in
            parsed.postings += batch.rows()
            parsed.rejects += batch.rejects
            parsed.issues += batch.issues
    except LedgerRefused as refused:
        return ParsedLedger(rows_in=1, rejects=[refused.reject])
    if parsed.rows_in != len(parsed.postings) + len(parsed.rejects):
        raise AssertionError("rows were lost between the file and its postings")
    return parsed


def fit(source: Source, profile: Profile) -> int:
    """Return how many of a profile's columns a file's header has; 0 where the header cannot be found.

    Only the beginning of a text file is read.
    """
    try:
        if profile.format == "csv":
            rows = read_head(source, profile.encodings, profile.delimiter, quote=profile.quote)
        else:
            rows = _whole_table(source, profile)
    except UnreadableTable:
        return 0
    index = find_header(rows.cells, profile)
    if index is None:
        return 0
    header = Header(rows.cells[index], profile)
    return sum(header.index_of(rule.headers) is not None for rule in profile.columns)


def _whole_table(source: Source, profile: Profile, limits: Limits = DEFAULT_LIMITS) -> Rows:
    if size_of(source) > limits.workbook_unpacked_mib * MIB:
        raise UnreadableTable(f"It is larger than {limits.workbook_unpacked_mib} MiB: deliver it in parts, or as CSV.")
    raw = source if isinstance(source, bytes) else source.read_bytes()
    if profile.format == "json":
        return read_json(raw, profile.records)
    sheets = read_sheets(raw, profile.sheet, limits)
    fitting = (rows for _, rows in sheets if find_header(rows.cells, profile) is not None)
    return next(fitting, sheets[0][1])


def _describe_mismatch(source: Source, rows: Sequence[Sequence[Cell]], profile: Profile) -> str:
    candidates = rows[profile.skip_leading :]
    overlaps = [(len(profile.must_contain) - len(_missing(cells, profile)), cells) for cells in candidates]
    most, nearest = max(overlaps, key=lambda overlap: overlap[0], default=(0, ()))
    if most == 0:
        nearest = next((cells for cells in candidates if _looks_like_header(cells)), header_candidate(source))
    found = ", ".join(text for text in header_texts(nearest) if text) or "no row that looks like a header"
    missing = _missing(nearest, profile)
    return (
        f"The header does not fit the profile '{profile.name}' in the first {profile.search_rows} rows. "
        f"Expected: {', '.join(' or '.join(names) for names in profile.must_contain)}. Found: {found}. "
        f"{'Missing: ' + ', '.join(missing) + '. ' if missing else ''}"
        f"{_suggest(source, profile)}"
    )


def _missing(cells: Sequence[Cell], profile: Profile) -> list[str]:
    header = Header(cells, profile)
    return [" or ".join(names) for names in profile.must_contain if not any(header.has(name) for name in names)]


def _looks_like_header(cells: Sequence[Cell]) -> bool:
    """Return whether a row holds names only: a row with numbers may be a person's data, and is not repeated."""
    texts = [text for text in header_texts(cells) if text]
    has_digits = any(character.isdigit() for text in texts for character in text)
    return len(texts) >= 3 and not has_digits and all(len(text) <= 40 for text in texts)


def header_candidate(source: Source) -> list[str]:
    """Return the texts of the row that looks most like a header in a file of unknown layout; none where none does."""
    found: list[str] = []
    for rows in _any_reading(source):
        for cells in rows.cells[:30]:
            texts = [text for text in header_texts(cells) if text]
            if _looks_like_header(cells) and len(texts) > len(found):
                found = texts
    return found


def _any_reading(source: Source) -> Iterator[Rows]:
    try:
        if is_workbook(source):
            raw = source if isinstance(source, bytes) else source.read_bytes()
            yield from (rows for _, rows in read_sheets(raw))
            return
        for delimiter in _OTHER_DELIMITERS:
            yield read_head(source, _OTHER_ENCODINGS, delimiter)
    except UnreadableTable:
        return


def is_workbook(source: Source) -> bool:
    """Return whether a file begins as a ZIP archive does, which XLSX is."""
    with open_source(source) as stream:
        return stream.read(2) == b"PK"


def _suggest(source: Source, profile: Profile) -> str:
    """Return what to do: another delimiter, another encoding, another shipped profile, or another header."""
    if profile.format == "csv":
        for sign, word in _OTHER_DELIMITERS.items():
            if sign != profile.delimiter and fit(source, replace(profile, delimiter=sign)):
                return f"The file is divided by a {word}: set delimiter in the profile to that."
        for encoding in _OTHER_ENCODINGS:
            if fit(source, replace(profile, encodings=(encoding,))):
                return f"Read as {encoding} the header fits: set encoding in the profile to that."
    if (shipped := best_shipped(source)) is not None:
        return f"The shipped profile '{shipped.name}' fits this file: name it as the source's profile."
    return "Ask the member for the usual export, or make a profile of this layout with 'samandel profile suggest FILE'."


def best_shipped(source: Source) -> Profile | None:
    """Return the shipped profile that most columns of a file's header fit; the first by name of equals."""
    kind = _format_of(source)
    best: tuple[float, Profile] | None = None
    for name in shipped_profile_names():
        profile = load_profile(name, None)
        if profile.format != kind or not (columns := fit(source, profile)):
            continue
        score = columns + columns / len(profile.columns)
        if best is None or score > best[0]:
            best = (score, profile)
    return best[1] if best else None


def _format_of(source: Source) -> str:
    if is_workbook(source):
        return "xlsx"
    with open_source(source) as stream:
        head = stream.read(100)
    return "json" if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")) else "csv"
