"""Supplier ledgers to postings by a profile: CSV, TXT and XLSX.

Belongs here: finding the header, reading rows by a profile, refusing what is no posting. Not here: profiles themselves
(ledger_profile.py), cells (tabular.py), what an account means (dbt).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from pipelines.parsing.dates import DateReader, make_period, read_period
from pipelines.parsing.ledger_profile import (
    ANY_COLUMN,
    DATE_COLUMNS,
    PeriodRule,
    Profile,
    SumRule,
    load_profile,
    shipped_profile_names,
)
from pipelines.parsing.numbers import float_to_money, to_money
from pipelines.parsing.org_numbers import plain_org_no
from pipelines.parsing.rejects import Reject
from pipelines.parsing.tabular import Cell, Rows, UnreadableTable, cell_text, is_blank, read_csv, read_sheets

__all__ = ["PARSER_VERSION", "ParsedLedger", "Profile", "fit", "load_profile", "parse_ledger"]

PARSER_VERSION = "1"
_OTHER_DELIMITERS = {";": "semicolon", ",": "comma", "\t": "tab", "|": "bar"}
_OTHER_ENCODINGS = ("utf-8-sig", "cp1252", "iso-8859-1")
_MOST_CELLS_OF_A_NOTE = 2


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
        header_row: 1-based row of the header.
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


def parse_ledger(raw: bytes, profile: Profile, file_name: str) -> ParsedLedger:
    """Turn the bytes of a ledger into postings by a profile; no input raises.

    The file is refused (IN01) where its encoding or header does not fit the profile. Rows are refused where they have
    more cells than the header (IN01), are a sum, a repeated header or a note (IN08), or hold an unreadable date,
    amount or period (IN06).
    """
    try:
        rows = _read_rows(raw, profile)
    except UnreadableTable as error:
        return _refused(f"The file cannot be read by the profile '{profile.name}'. {error}")
    header_index = _find_header(rows.cells, profile)
    if header_index is None:
        return _refused(_describe_mismatch(raw, rows, profile))
    header = _header_texts(rows.cells[header_index])
    parsed = ParsedLedger(encoding=rows.encoding, header_row=header_index + 1, columns=header)
    parsed.delimiter = profile.delimiter if profile.format == "csv" else None
    reader = _RowReader(profile, header, file_name, parsed.issues)
    if problem := reader.problem():
        return _refused(problem)
    parsed.amount_column = header[reader.amount_index]
    for row_no, cells in enumerate(rows.cells[header_index + 1 :], start=header_index + 2):
        if is_blank(cells):
            continue
        parsed.rows_in += 1
        result = reader.read(row_no, cells, rows.swallowed.get(row_no, 1))
        if isinstance(result, Reject):
            parsed.rejects.append(result)
        else:
            parsed.postings.append(result)
    if parsed.rows_in != len(parsed.postings) + len(parsed.rejects):
        raise AssertionError("rows were lost between the file and its postings")
    return parsed


def fit(raw: bytes, profile: Profile) -> int:
    """Return how many of a profile's columns a file's header has; 0 where the header cannot be found.

    Only the beginning of a text file is read.
    """
    try:
        rows = _read_rows(raw, profile, whole=False)
    except UnreadableTable:
        return 0
    index = _find_header(rows.cells, profile)
    if index is None:
        return 0
    header = [_folded(text) for text in _header_texts(rows.cells[index])]
    return sum(any(_folded(name) in header for name in rule.headers) for rule in profile.columns)


def _refused(message: str) -> ParsedLedger:
    return ParsedLedger(rows_in=1, rejects=[Reject("IN01", message)])


def _read_rows(raw: bytes, profile: Profile, *, whole: bool = True) -> Rows:
    if profile.format == "csv":
        return read_csv(raw, profile.encodings, profile.delimiter, quote=profile.quote, whole=whole)
    sheets = read_sheets(raw, profile.sheet)
    fitting = (rows for _, rows in sheets if _find_header(rows.cells, profile) is not None)
    return next(fitting, sheets[0][1])


def _folded(value: Cell) -> str:
    # body_name and Body Name are one header
    return " ".join(cell_text(value).replace("_", " ").split()).casefold()


def _header_texts(cells: Sequence[Cell]) -> list[str]:
    texts = [cell_text(value) for value in cells]
    while texts and not texts[-1]:
        texts.pop()
    return texts


def _find_header(rows: Sequence[Sequence[Cell]], profile: Profile) -> int | None:
    """Return the index of the first row that has every header that must be there."""
    wanted = {_folded(name) for name in profile.must_contain}
    for index in range(profile.skip_leading, min(len(rows), profile.skip_leading + profile.search_rows)):
        if wanted <= {_folded(value) for value in rows[index]}:
            return index
    return None


def _describe_mismatch(raw: bytes, rows: Rows, profile: Profile) -> str:
    wanted = {_folded(name): name for name in profile.must_contain}
    candidates = rows.cells[profile.skip_leading : profile.skip_leading + profile.search_rows]
    overlaps = [(len(wanted.keys() & {_folded(value) for value in cells}), cells) for cells in candidates]
    most, nearest = max(overlaps, key=lambda overlap: overlap[0], default=(0, ()))
    if most == 0:
        nearest = next((cells for cells in candidates if _looks_like_header(cells)), header_candidate(raw))
    found = ", ".join(text for text in _header_texts(nearest) if text) or "no row that looks like a header"
    missing = [name for folded, name in wanted.items() if folded not in {_folded(value) for value in nearest}]
    return (
        f"The header does not fit the profile '{profile.name}' in the first {profile.search_rows} rows. "
        f"Expected: {', '.join(profile.must_contain)}. Found: {found}. "
        f"{'Missing: ' + ', '.join(missing) + '. ' if missing else ''}"
        f"{_suggest(raw, profile)}"
    )


def _looks_like_header(cells: Sequence[Cell]) -> bool:
    """Return whether a row holds names only: a row with numbers may be a person's data, and is not repeated."""
    texts = [text for text in _header_texts(cells) if text]
    has_digits = any(character.isdigit() for text in texts for character in text)
    return len(texts) >= 3 and not has_digits and all(len(text) <= 40 for text in texts)


def header_candidate(raw: bytes) -> list[str]:
    """Return the texts of the row that looks most like a header in a file of unknown layout; none where none does."""
    found: list[str] = []
    for rows in _any_reading(raw):
        for cells in rows.cells[:30]:
            texts = [text for text in _header_texts(cells) if text]
            if _looks_like_header(cells) and len(texts) > len(found):
                found = texts
    return found


def _any_reading(raw: bytes) -> Iterator[Rows]:
    try:
        if raw.startswith(b"PK"):
            yield from (rows for _, rows in read_sheets(raw))
            return
        for delimiter in _OTHER_DELIMITERS:
            yield read_csv(raw, _OTHER_ENCODINGS, delimiter, whole=False)
    except UnreadableTable:
        return


def _suggest(raw: bytes, profile: Profile) -> str:
    """Return what to do: another delimiter, another encoding, another shipped profile, or another header."""
    from dataclasses import replace

    if profile.format == "csv":
        for sign, word in _OTHER_DELIMITERS.items():
            if sign != profile.delimiter and fit(raw, replace(profile, delimiter=sign)):
                return f"The file is divided by a {word}: set delimiter in the profile to that."
        for encoding in _OTHER_ENCODINGS:
            if fit(raw, replace(profile, encodings=(encoding,))):
                return f"Read as {encoding} the header fits: set encoding in the profile to that."
    if (shipped := best_shipped(raw)) is not None:
        return f"The shipped profile '{shipped.name}' fits this file: name it as the source's profile."
    return (
        "Ask the member for the usual export, or add the file's own headers to columns and header.must_contain in a "
        "profile of your own."
    )


def best_shipped(raw: bytes) -> Profile | None:
    """Return the shipped profile that most columns of a file's header fit; the first by name of equals."""
    is_workbook = raw.startswith(b"PK")
    best: tuple[float, Profile] | None = None
    for name in shipped_profile_names():
        profile = load_profile(name, None)
        if (profile.format == "xlsx") != is_workbook or not (columns := fit(raw, profile)):
            continue
        score = columns + columns / len(profile.columns)
        if best is None or score > best[0]:
            best = (score, profile)
    return best[1] if best else None


class _Unreadable(ValueError):
    """One cell cannot be read."""

    def __init__(self, index: int, reason: str) -> None:
        self.index, self.reason = index, reason
        super().__init__(reason)


class _RowReader:
    """Reads the rows of one file by one profile."""

    def __init__(self, profile: Profile, header: list[str], file_name: str, issues: list[Reject]) -> None:
        self.profile, self.header, self.file_name, self.issues = profile, header, file_name, issues
        self.width = len(header)
        self.positions: dict[str, list[int]] = {}
        for index, text in enumerate(header):
            self.positions.setdefault(_folded(text), []).append(index)
        indexes = {rule.column: self.index_of(rule.headers, rule.occurrence) for rule in profile.columns}
        mapped = {column: index for column, index in indexes.items() if index is not None}
        self.mapped = mapped
        self.amount_index = mapped.get("amount", -1)
        self.dates = DateReader(profile.dates)
        self.date_columns = [(column, mapped[column]) for column in DATE_COLUMNS if column in mapped]
        special = {"amount", "fiscal_period", "supplier_org_no", *DATE_COLUMNS}
        self.text_columns = [(column, index) for column, index in mapped.items() if column not in special]
        self.org_no_index = mapped.get("supplier_org_no")
        self.periods = [finder for rule in profile.periods if (finder := self.period_finder(rule)) is not None]
        self.sum_rules = [self.sum_rule(rule) for rule in profile.sum_rows]
        self.base: dict[str, Any] = {
            "currency": "NOK",
            **profile.constants,
            "amount_kind": profile.amount_kind,
            "_source": "ledger",
            "_xpath": None,
        }

    def index_of(self, headers: Iterable[str], occurrence: int = 1) -> int | None:
        for name in headers:
            found = self.positions.get(_folded(name), [])
            if len(found) >= occurrence:
                return found[occurrence - 1]
        return None

    def problem(self) -> str | None:
        """Return why no row of this file can be read, or None."""
        if self.amount_index < 0:
            rule = self.profile.rule_for("amount")
            expected = " or ".join(rule.headers) if rule else "an amount"
            return (
                f"The header has no column {expected} for the amounts. Found: {', '.join(self.header)}. "
                f"Add the file's own header to columns.amount in the profile '{self.profile.name}'."
            )
        if not self.periods:
            return (
                f"The fiscal period cannot be found: neither column nor file name is as the profile "
                f"'{self.profile.name}' says. Found: {', '.join(self.header)}. Name the file as agreed, or mend period "
                "in the profile."
            )
        return None

    def period_finder(self, rule: PeriodRule) -> Callable[[dict[str, Any], Sequence[Cell]], str | None] | None:
        """Return how a row's period is found by a rule, or None where this file does not have what the rule needs."""
        if rule.from_file_name is not None:
            return self.period_from_file_name(rule)
        if rule.from_date is not None:
            column = rule.from_date
            return _period_from_date(column) if column in self.mapped else None
        index = self.index_of([rule.column or ""])
        year_index = self.index_of([rule.year_column]) if rule.year_column else None
        if index is None or (rule.year_column and year_index is None):
            return None
        seen: dict[tuple[str, str | None], str] = {}

        def find(row: dict[str, Any], cells: Sequence[Cell]) -> str | None:
            del row
            text = cell_text(cells[index])
            year = None if year_index is None else cell_text(cells[year_index])
            if not text or text in self.profile.missing:
                return None
            if (text, year) not in seen:
                try:
                    seen[text, year] = read_period(text, rule.style, year)
                except ValueError as error:
                    raise _Unreadable(index, str(error)) from None
            return seen[text, year]

        return find

    def period_from_file_name(self, rule: PeriodRule) -> Callable[[dict[str, Any], Sequence[Cell]], str | None] | None:
        found = rule.from_file_name.search(self.file_name) if rule.from_file_name else None
        if found is None:
            return None
        try:
            period = make_period(found["year"], found["month"])
        except ValueError:
            return None
        return lambda row, cells: period

    def sum_rule(self, rule: SumRule) -> tuple[SumRule, list[int], list[int]]:
        """Return a rule with the positions to match and those that must be blank."""
        if rule.column == ANY_COLUMN:
            matched = [index for index in range(self.width) if index != self.amount_index]
        else:
            matched = self.positions_of([rule.column])
        return rule, matched, self.positions_of(rule.blank)

    def positions_of(self, names: Iterable[str]) -> list[int]:
        """Return the positions of headers or parsed columns, as far as the file has them."""
        found = (self.mapped[name] if name in self.mapped else self.index_of([name]) for name in names)
        return [index for index in found if index is not None]

    def read(self, row_no: int, cells: Sequence[Cell], lines: int) -> dict[str, Any] | Reject:
        """Return a row as a posting, or why it is none."""
        if len(cells) != self.width:
            if any(cell_text(value) for value in cells[self.width :]) or (lines > 1 and len(cells) < self.width):
                return self.misfit(row_no, cells, lines)
            cells = [*cells[: self.width], *[""] * (self.width - len(cells))]
        if (reason := self.no_posting(cells)) is not None:
            return Reject("IN08", f"{reason} It is not counted.", row_no=row_no)
        row = dict(self.base)
        row["_row_no"] = row_no
        self.read_texts(row, cells)
        try:
            row["amount"] = self.read_amount(row_no, cells[self.amount_index])
            for column, index in self.date_columns:
                row[column] = self.read_date(index, cells[index])
            row["fiscal_period"] = self.find_period(row, cells)
        except _Unreadable as error:
            column = self.header[error.index] if error.index >= 0 else "fiscal_period"
            raw = cell_text(cells[error.index]) if error.index >= 0 else None
            message = f"The value {error.reason}. Have the row corrected and the file delivered again."
            return Reject("IN06", message, row_no=row_no, column=column, raw=raw)
        return row

    def misfit(self, row_no: int, cells: Sequence[Cell], lines: int) -> Reject:
        cause = (
            f"it spans {lines} lines of the file, so a quotation mark is probably not closed"
            if lines > 1
            else "a text probably holds the delimiter"
        )
        message = f"The row has {len(cells)} cells where the header has {self.width}: {cause}. Mend the row."
        return Reject("IN01", message, row_no=row_no)

    def no_posting(self, cells: Sequence[Cell]) -> str | None:
        """Return why a row is a sum, a header or a note, or None."""
        amount = cells[self.amount_index]
        if isinstance(amount, str):
            amount = amount.strip()
            if amount and _folded(amount) == _folded(self.header[self.amount_index]):
                return "The row repeats the header."
        filled = len(cells) - cells.count("")
        if filled == 1:
            return "The row holds one cell only: a total or a note."
        if amount == "" and filled <= _MOST_CELLS_OF_A_NOTE:
            return "The row has no amount and hardly any cells: a note."
        if any(self.is_sum(rule, matched, blank, cells) for rule, matched, blank in self.sum_rules):
            return "The row is a sum of other rows."
        return None

    @staticmethod
    def is_sum(rule: SumRule, matched: list[int], blank: list[int], cells: Sequence[Cell]) -> bool:
        if any(cell_text(cells[index]) for index in blank):
            return False
        return any(rule.matches.search(cell_text(cells[index])) for index in matched)

    def read_texts(self, row: dict[str, Any], cells: Sequence[Cell]) -> None:
        missing = self.profile.missing
        for column, index in self.text_columns:
            value = cells[index]
            text = value.strip() if value.__class__ is str else cell_text(value)
            row[column] = None if not text or text in missing else text
        if self.org_no_index is not None:
            text = cell_text(cells[self.org_no_index])
            row["supplier_org_no"] = None if text in missing else plain_org_no(text)

    def read_amount(self, row_no: int, value: Cell) -> Decimal:
        try:
            if isinstance(value, str):
                amount, rounded = to_money(self.profile.numbers.parse(value))
            elif isinstance(value, float | int) and not isinstance(value, bool):
                amount, rounded = float_to_money(value)
            else:
                raise ValueError("is not a number")
        except ValueError as error:
            reason = "is blank where an amount must stand" if value == "" else str(error)
            raise _Unreadable(self.amount_index, reason) from None
        if rounded:
            message = "The amount has more than two decimals; it was rounded to whole øre."
            self.issues.append(Reject("IN06", message, row_no=row_no, column=self.header[self.amount_index]))
        return amount if self.profile.sign == 1 else -amount

    def read_date(self, index: int, value: Cell) -> date | None:
        if value.__class__ is str and (not value.strip() or value.strip() in self.profile.missing):
            return None
        try:
            return self.dates.read(value)
        except ValueError as error:
            raise _Unreadable(index, str(error)) from None

    def find_period(self, row: dict[str, Any], cells: Sequence[Cell]) -> str:
        for finder in self.periods:
            if (period := finder(row, cells)) is not None:
                return period
        raise _Unreadable(-1, "of the fiscal period is missing")


def _period_from_date(column: str) -> Callable[[dict[str, Any], Sequence[Cell]], str | None]:
    def find(row: dict[str, Any], cells: Sequence[Cell]) -> str | None:
        del cells
        day = row.get(column)
        return f"{day.year:04d}-{day.month:02d}" if day else None

    return find
