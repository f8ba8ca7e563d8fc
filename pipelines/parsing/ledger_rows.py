"""One row of a ledger at a time, by a profile: the reader whose word counts.

Belongs here: what is a posting, what is refused and why. Not here: finding the header (ledger_header.py), many rows at
once (ledger_blocks.py, which must give what this one gives), judging the whole file (ledger_fit.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from pipelines.parsing.dates import DateReader, make_period, read_period
from pipelines.parsing.ledger_fit import Evidence
from pipelines.parsing.ledger_header import Header, folded
from pipelines.parsing.ledger_profile import ANY_COLUMN, DATE_COLUMNS, PeriodRule, Profile, SumRule
from pipelines.parsing.numbers import float_to_money, to_money
from pipelines.parsing.org_numbers import plain_org_no
from pipelines.parsing.rejects import Reject
from pipelines.parsing.tabular import Cell, cell_text, is_blank

_MOST_CELLS_OF_A_NOTE = 2
_CODE_AND_TEXT = re.compile(r"(?P<code>(?=[^\s]*[0-9])[0-9A-Za-z./]+)(?:\s*[-\u2013:]\s*|\s+|$)(?P<text>.*)", re.DOTALL)

PeriodFinder = Callable[[dict[str, Any], Sequence[Cell]], "str | None"]


@dataclass
class Batch:
    """Some rows of a ledger; ``rows_in == rows_out + len(rejects)``.

    Attributes:
        rows_in: Non-blank rows.
        postings: Rows of ledger_postings: mappings, or an Arrow table where they were read in columns.
        rejects: Rows that are no postings or cannot be read.
        issues: Remarks on postings that go on.
        evidence: What the amounts say of the profile.
    """

    rows_in: int = 0
    postings: Any = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    issues: list[Reject] = field(default_factory=list)
    evidence: Evidence = field(default_factory=Evidence)

    @property
    def rows_out(self) -> int:
        """Return how many postings there are."""
        return len(self.postings)

    def rows(self) -> list[dict[str, Any]]:
        """Return the postings as mappings."""
        found: list[dict[str, Any]] = self.postings if isinstance(self.postings, list) else self.postings.to_pylist()
        return found

    def amount_total(self) -> Decimal:
        """Return the sum of the amounts."""
        if isinstance(self.postings, list):
            return sum((posting["amount"] for posting in self.postings), Decimal("0.00"))
        import pyarrow.compute as pc

        total: Any = pc.sum(self.postings.column("amount"))
        return total.as_py() or Decimal("0.00")

    def periods(self) -> set[str]:
        """Return the fiscal periods of the postings."""
        if isinstance(self.postings, list):
            return {posting["fiscal_period"] for posting in self.postings}
        return set(self.postings.column("fiscal_period").unique().to_pylist())


class Unreadable(ValueError):
    """One cell cannot be read."""

    def __init__(self, index: int, reason: str) -> None:
        self.index, self.reason = index, reason
        super().__init__(reason)


def split_cell(text: str, part: str) -> str | None:
    """Return the code or the text of a cell that holds both; all of it where no code begins it."""
    found = _CODE_AND_TEXT.fullmatch(text)
    if found is None:
        return text
    return found[part].strip() or None


class RowReader:
    """Reads the rows of one file by one profile.

    Attributes:
        profile: The profile.
        header: The file's header texts.
        amount_index: Where the amounts stand; -1 where nowhere.
        mapped: Parsed column to position, as far as the file has them.
        text_columns: Of these, plain texts: column, position, part of the cell.
        date_columns: Of these, dates.
        dates: By date column, the reader of its texts.
        org_no_index: Where the organisation numbers stand, or None.
        base: What every posting has alike.
    """

    def __init__(self, profile: Profile, header: Header, file_name: str) -> None:
        self.profile, self.header, self.file_name = profile, header.texts, file_name
        self._header = header
        self.width = len(self.header)
        indexes = {rule.column: header.index_of(rule.headers, rule.occurrence) for rule in profile.columns}
        self.mapped = {column: index for column, index in indexes.items() if index is not None}
        self.amount_index = self.mapped.get("amount", -1)
        self.date_columns = [(column, self.mapped[column]) for column in DATE_COLUMNS if column in self.mapped]
        self.dates = {column: DateReader(profile.dates) for column, _ in self.date_columns}
        special = {"amount", "fiscal_period", "supplier_org_no", *DATE_COLUMNS}
        parts = {rule.column: rule.part for rule in profile.columns}
        self.text_columns = [
            (column, index, parts[column]) for column, index in self.mapped.items() if column not in special
        ]
        self.org_no_index = self.mapped.get("supplier_org_no")
        self.periods = [finder for rule in profile.periods if (finder := self._period_finder(rule)) is not None]
        self.sum_rules = [self._sum_rule(rule) for rule in profile.sum_rows]
        self.base: dict[str, Any] = {
            "currency": "NOK",
            **profile.constants,
            "amount_kind": profile.amount_kind,
            "_source": "ledger",
            "_xpath": None,
        }

    def problem(self) -> str | None:
        """Return why no row of this file can be read, or None."""
        found = ", ".join(self.header)
        if self.amount_index < 0:
            rule = self.profile.rule_for("amount")
            expected = " or ".join(rule.headers) if rule else "an amount"
            return (
                f"The header has no column {expected} for the amounts. Found: {found}. "
                f"Add the file's own header to columns.amount in the profile '{self.profile.name}'."
            )
        if not self.periods:
            return (
                f"The fiscal period cannot be found: neither column nor file name is as the profile "
                f"'{self.profile.name}' says. Found: {found}. Name the file as agreed, or mend period "
                "in the profile."
            )
        return self._two_of_one_cut() if self._header.truncated else None

    def _two_of_one_cut(self) -> str | None:
        """Return that one header, cut short, stands for two columns, or None."""
        first: dict[int, str] = {}
        for rule in self.profile.columns:
            index = self.mapped.get(rule.column)
            if index is None or rule.part is not None:
                continue
            if (other := first.setdefault(index, rule.column)) != rule.column:
                return (
                    f"The header '{self.header[index]}' is cut short and may be {other} or {rule.column}: give each "
                    f"its occurrence in the profile '{self.profile.name}', in the order in which they stand."
                )
        return None

    def _period_finder(self, rule: PeriodRule) -> PeriodFinder | None:
        """Return how a row's period is found by a rule, or None where this file does not have what the rule needs."""
        if rule.from_file_name is not None:
            period = period_of_file_name(rule, self.file_name)
            return None if period is None else lambda row, cells: period
        if rule.from_date is not None:
            column = rule.from_date
            return _period_from_date(column) if column in self.mapped else None
        if (indexes := self.period_indexes(rule)) is None:
            return None
        index, year_index = indexes
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
                    raise Unreadable(index, str(error)) from None
            return seen[text, year]

        return find

    def period_indexes(self, rule: PeriodRule) -> tuple[int, int | None] | None:
        """Return where the period and, for some styles, its year stand; None where the file does not have them."""
        index = self._header.index_of([rule.column or ""])
        year_index = self._header.index_of([rule.year_column]) if rule.year_column else None
        if index is None or (rule.year_column and year_index is None):
            return None
        return index, year_index

    def _sum_rule(self, rule: SumRule) -> tuple[SumRule, list[int], list[int]]:
        """Return a rule with the positions to match and those that must be blank."""
        if rule.column == ANY_COLUMN:
            matched = [index for index in range(self.width) if index != self.amount_index]
        else:
            matched = self._positions_of([rule.column])
        return rule, matched, self._positions_of(rule.blank)

    def _positions_of(self, names: Iterable[str]) -> list[int]:
        """Return the positions of headers or parsed columns, as far as the file has them."""
        found = (self.mapped[name] if name in self.mapped else self._header.index_of([name]) for name in names)
        return [index for index in found if index is not None]

    def take(self, row_no: int, cells: Sequence[Cell], lines: int, batch: Batch) -> None:
        """Add a row to a batch: as a posting, or as why it is none; blank rows are not counted."""
        if is_blank(cells):
            return
        batch.rows_in += 1
        result = self.read(row_no, cells, lines, batch)
        if isinstance(result, Reject):
            batch.rejects.append(result)
        else:
            batch.postings.append(result)

    def read(self, row_no: int, cells: Sequence[Cell], lines: int, batch: Batch) -> dict[str, Any] | Reject:
        """Return a row as a posting, or why it is none; remarks and evidence go into the batch."""
        if len(cells) != self.width:
            if any(cell_text(value) for value in cells[self.width :]) or (lines > 1 and len(cells) < self.width):
                return self._misfit(row_no, cells, lines)
            cells = [*cells[: self.width], *[""] * (self.width - len(cells))]
        if (reason := self._no_posting(cells)) is not None:
            return Reject("IN08", f"{reason} It is not counted.", row_no=row_no)
        row = dict(self.base)
        row["_row_no"] = row_no
        self._read_texts(row, cells)
        try:
            row["amount"], rounded = self._read_amount(cells[self.amount_index], batch)
            for column, index in self.date_columns:
                row[column] = self._read_date(column, index, cells[index])
            row["fiscal_period"] = self._find_period(row, cells)
        except Unreadable as error:
            column = self.header[error.index] if error.index >= 0 else "fiscal_period"
            raw = cell_text(cells[error.index]) if error.index >= 0 else None
            message = f"The value {error.reason}. Have the row corrected and the file delivered again."
            reject = Reject("IN06", message, row_no=row_no, column=column, raw=raw)
            return reject.stating(row.get("amount"), row.get("posting_date"), row.get("currency"))
        if rounded:
            message = "The amount has more than two decimals; it was rounded to whole øre."
            batch.issues.append(Reject("IN06", message, row_no=row_no, column=self.header[self.amount_index]))
        batch.evidence.negative += row["amount"] < 0
        batch.evidence.positive += row["amount"] > 0
        return row

    def _misfit(self, row_no: int, cells: Sequence[Cell], lines: int) -> Reject:
        cause = (
            f"it spans {lines} lines of the file, so a quotation mark is probably not closed"
            if lines > 1
            else "a text probably holds the delimiter"
        )
        message = f"The row has {len(cells)} cells where the header has {self.width}: {cause}. Mend the row."
        return Reject("IN01", message, row_no=row_no)

    def _no_posting(self, cells: Sequence[Cell]) -> str | None:
        """Return why a row is a sum, a header or a note, or None."""
        amount = cells[self.amount_index]
        if isinstance(amount, str):
            amount = amount.strip()
            if amount and folded(amount) == folded(self.header[self.amount_index]):
                return "The row repeats the header."
        filled = len(cells) - cells.count("")
        if filled == 1:
            return "The row holds one cell only: a total or a note."
        if amount == "" and filled <= _MOST_CELLS_OF_A_NOTE:
            return "The row has no amount and hardly any cells: a note."
        if any(self._is_sum(rule, matched, blank, cells) for rule, matched, blank in self.sum_rules):
            return "The row is a sum of other rows."
        return None

    @staticmethod
    def _is_sum(rule: SumRule, matched: list[int], blank: list[int], cells: Sequence[Cell]) -> bool:
        if any(cell_text(cells[index]) for index in blank):
            return False
        return any(rule.matches.search(cell_text(cells[index])) for index in matched)

    def _read_texts(self, row: dict[str, Any], cells: Sequence[Cell]) -> None:
        missing = self.profile.missing
        for column, index, part in self.text_columns:
            value = cells[index]
            text = value.strip() if value.__class__ is str else cell_text(value)
            if not text or text in missing:
                row[column] = None
            else:
                row[column] = text if part is None else split_cell(text, part)
        if self.org_no_index is not None:
            text = cell_text(cells[self.org_no_index])
            row["supplier_org_no"] = None if text in missing else plain_org_no(text)

    def _read_amount(self, value: Cell, batch: Batch) -> tuple[Decimal, bool]:
        try:
            if isinstance(value, str):
                batch.evidence.note(self.profile.numbers.speaks_for(value.strip()))
                amount, rounded = to_money(self.profile.numbers.parse(value))
            elif isinstance(value, float | int) and not isinstance(value, bool):
                amount, rounded = float_to_money(value)
            else:
                raise ValueError("is not a number")
        except ValueError as error:
            reason = "is blank where an amount must stand" if value == "" else str(error)
            raise Unreadable(self.amount_index, reason) from None
        return (amount if self.profile.sign == 1 else -amount), rounded

    def _read_date(self, column: str, index: int, value: Cell) -> date | None:
        if isinstance(value, str):
            value = value.strip()
            if not value or value in self.profile.missing:
                return None
        try:
            return self.dates[column].read(value)
        except ValueError as error:
            raise Unreadable(index, str(error)) from None

    def _find_period(self, row: dict[str, Any], cells: Sequence[Cell]) -> str:
        for finder in self.periods:
            if (period := finder(row, cells)) is not None:
                return period
        raise Unreadable(-1, "of the fiscal period is missing")


def period_of_file_name(rule: PeriodRule, file_name: str) -> str | None:
    """Return the fiscal period that a file's name states, or None."""
    found = rule.from_file_name.search(file_name) if rule.from_file_name else None
    if found is None:
        return None
    try:
        return make_period(found["year"], found["month"])
    except ValueError:
        return None


def _period_from_date(column: str) -> PeriodFinder:
    def find(row: dict[str, Any], cells: Sequence[Cell]) -> str | None:
        del cells
        day = row.get(column)
        return f"{day.year:04d}-{day.month:02d}" if day else None

    return find
