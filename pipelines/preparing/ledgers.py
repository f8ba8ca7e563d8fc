"""Ledgers as they are handed in: client rows as sums per account, no unused columns, no texts that give a person away.

Belongs here: writing a ledger again in its own layout, so that the same profile reads it, and proof that its sums are
the same. Not here: which rows are clients' (clients.py), reading ledgers (parsing/).

(1) Only cells of columns that the profile names are kept; rows above the header are not. (2) Sums, notes and repeated
    headers are no data and go. (3) Client rows become one row per fiscal period, account, function, VAT code and
    currency, with the period's last day as date and no payee, text, voucher or invoice number. (4) Texts go through the
    privacy scanner, codes through that for codes and, but for suppliers' names, for names of persons. An invoice number
    that it stops becomes a pseudonym. (5) What the profile cannot read is not prepared, nor is a file with an account,
    function, VAT code, currency or period that the scanner stops: the file is mended first.
"""

from __future__ import annotations

import calendar
import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pipelines.parsing.dates import EXCEL_SERIAL, to_strptime
from pipelines.parsing.ledger import parse_ledger
from pipelines.parsing.ledger_profile import Profile
from pipelines.parsing.tabular import Cell, cell_text
from pipelines.preparing.invoice_numbers import pseudonym
from pipelines.preparing.ledger_cells import OpenLedger
from pipelines.scanner import find_in_codes, find_in_free_text, find_in_references

_FREE_TEXTS = ("posting_text", "local_account_text", "kostra_function_text")
# Codes and names: scanned, but eight digits may be a voucher's number.
_GROUP = ("local_account", "kostra_function", "vat_code", "currency")
_GROUP_TEXTS = ("local_account_text", "kostra_function_text")
_SERIAL_EPOCH = date(1899, 12, 30)
_MADE_ON = datetime(2020, 1, 1)  # noqa: DTZ001  a workbook's properties hold no time zone; the same rows are the same bytes

Key = tuple[str | None, ...]
_MOST_PROBLEMS = 20


class CannotPrepare(ValueError):
    """A ledger that cannot be handed in as it is.

    Attributes:
        problems: Each a place in the file and what is wrong there, in bokmål, to follow the file's name.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{len(self.problems)} problems")


@dataclass(frozen=True)
class CleanedLedger:
    """One ledger.

    Attributes:
        raw: Its cleaned bytes.
        rows_in: Rows read, sums and notes included.
        rows_kept: Rows that stand by themselves.
        rows_aggregated: Rows that went into sums.
        rows_removed: Sums, notes and repeated headers.
        sums: Rows of sums written.
        amount: Sum of all amounts; the same before and after.
        removed: How many cells or rows of each kind were removed.
    """

    raw: bytes
    rows_in: int
    rows_kept: int
    rows_aggregated: int
    rows_removed: int
    sums: int
    amount: Decimal
    removed: Counter[str] = field(default_factory=Counter)


def clean_ledger(ledger: OpenLedger, is_client: Sequence[bool], file_name: str) -> CleanedLedger:
    """Return a ledger without what must not be handed in.

    Args:
        ledger: The ledger as read; it has no unreadable rows.
        is_client: For each posting whether it is a client's.
        file_name: Its name, which may hold the period.

    Raises:
        CannotPrepare: A code that must stay gives a person away, or the cleaned ledger would not read as the same
            sums by the same profile.
    """
    cleaner = _Cleaner(ledger)
    groups: dict[Key, list[Mapping[str, Any]]] = {}
    rows: list[list[Cell]] = []
    for posting, is_summed in zip(ledger.postings, is_client, strict=True):
        if is_summed:
            key = (str(posting["fiscal_period"]), *(posting.get(name) for name in _GROUP))
            groups.setdefault(key, []).append(posting)
        else:
            rows.append(cleaner.keep(posting))
    rows += [cleaner.add_up(groups[key]) for key in sorted(groups, key=lambda key: [part or "" for part in key])]
    if cleaner.stopped:
        raise CannotPrepare(cleaner.stopped[:_MOST_PROBLEMS])
    cleaner.removed["title_rows"] += ledger.rows_above
    cleaner.removed["sum_rows"] += ledger.rows_removed
    cleaned = CleanedLedger(
        raw=_write(ledger, rows),
        rows_in=ledger.rows_in,
        rows_kept=len(ledger.postings) - sum(is_client),
        rows_aggregated=sum(is_client),
        rows_removed=ledger.rows_removed,
        sums=len(groups),
        amount=sum((posting["amount"] for posting in ledger.postings), Decimal("0.00")),
        removed=+cleaner.removed,
    )
    _check(ledger, cleaned, file_name)
    return cleaned


def _check(ledger: OpenLedger, cleaned: CleanedLedger, file_name: str) -> None:
    """Read what was written as landing will: the same rows and, period by period, the same sums to the øre."""
    again = parse_ledger(cleaned.raw, ledger.profile, file_name)
    is_whole = not again.rejects and len(again.postings) == cleaned.rows_kept + cleaned.sums
    if not is_whole or _sums(again.postings) != _sums(ledger.postings):
        raise CannotPrepare([": kan ikke skrives slik at profilen leser de samme summene. Prøv en annen profil."])


def _sums(postings: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str | None], Decimal]:
    sums: dict[tuple[str, str | None], Decimal] = {}
    for posting in postings:
        key = (str(posting["fiscal_period"]), posting.get("local_account"))
        sums[key] = sums.get(key, Decimal(0)) + posting["amount"]
    return sums


class _Cleaner:
    """Writes rows of one ledger, counting what it leaves out."""

    def __init__(self, ledger: OpenLedger) -> None:
        self.ledger = ledger
        self.removed: Counter[str] = Counter()
        self.stopped: list[str] = []
        free = {ledger.mapped[name] for name in _FREE_TEXTS if name in ledger.mapped}
        figures = {ledger.mapped[name] for name in ("amount", *ledger.date_columns) if name in ledger.mapped}
        self.used = sorted({*ledger.mapped.values(), *ledger.period_columns})
        self.free, self.figures = free, figures
        self.needed = {*ledger.period_columns, *(ledger.mapped[name] for name in _GROUP if name in ledger.mapped)}
        self.supplier, self.invoice_no = ledger.mapped.get("supplier_name"), ledger.mapped.get("invoice_no")

    def keep(self, posting: Mapping[str, Any]) -> list[Cell]:
        """Return a row with only what may go on (1, 4)."""
        cells = self.ledger.cells_of(posting)
        row: list[Cell] = [""] * len(self.ledger.header)
        for index in self.used:
            row[index] = self.scanned(cells[index], index, posting)
        self.removed["unused_cells"] += sum(
            1 for index, cell in enumerate(cells[: len(row)]) if index not in self.used and cell_text(cell)
        )
        return row

    def scanned(self, cell: Cell, index: int, posting: Mapping[str, Any]) -> Cell:
        text = cell_text(cell)
        if not text or index in self.figures or not self._find(text, index):
            return cell
        if index in self.needed:
            self.stopped.append(
                f", rad {posting['_row_no']}, kolonne {self.ledger.header[index]}: ser ut som et personnummer, "
                "kontonummer, navn eller kontaktpunkt, men trengs. Rett cellen."
            )
        self.removed["stopped_texts"] += 1
        return pseudonym(text) if index == self.invoice_no else ""

    def _find(self, text: str, index: int) -> tuple[str, ...]:
        if index in self.free:
            return find_in_free_text(text)
        return find_in_codes(text) if index == self.supplier else find_in_references(text)

    def add_up(self, postings: Sequence[Mapping[str, Any]]) -> list[Cell]:
        """Return the row that stands for a group of client postings (3)."""
        ledger, first = self.ledger, postings[0]
        cells = ledger.cells_of(first)
        row: list[Cell] = [""] * len(ledger.header)
        for name in (*_GROUP, *_GROUP_TEXTS):
            if (index := ledger.mapped.get(name)) is not None:
                row[index] = self.scanned(cells[index], index, first)
        for index in ledger.period_columns:
            row[index] = cells[index]
        amount = sum((posting["amount"] for posting in postings), Decimal("0.00"))
        row[ledger.mapped["amount"]] = _amount_cell(amount * ledger.profile.sign, ledger.profile)
        if (index := ledger.mapped.get("posting_date")) is not None:
            row[index] = _date_cell(_last_day(str(first["fiscal_period"])), ledger.profile)
        return row


def _last_day(fiscal_period: str) -> date:
    year, month = int(fiscal_period[:4]), min(int(fiscal_period[5:]), 12)
    return date(year, month, calendar.monthrange(year, month)[1])


def _amount_cell(amount: Decimal, profile: Profile) -> Cell:
    if profile.format == "xlsx":
        return float(amount)  # two decimals survive a binary number, and reading rounds to whole øre
    digits = 0 if profile.numbers.whole else 2
    text = f"{abs(amount):.{digits}f}".replace(".", profile.numbers.decimal)
    if amount >= 0:
        return text
    style = profile.numbers.negative[0]
    return {"minus": f"-{text}", "trailing_minus": f"{text}-", "parentheses": f"({text})"}[style]


def _date_cell(day: date, profile: Profile) -> Cell:
    if profile.format == "xlsx":
        return day
    pattern = to_strptime(profile.dates[0])
    return str((day - _SERIAL_EPOCH).days) if pattern == EXCEL_SERIAL else day.strftime(pattern)


def _write(ledger: OpenLedger, rows: Sequence[Sequence[Cell]]) -> bytes:
    """Return the file: as many blank rows as the profile skips, the header, the rows."""
    skipped: list[list[Cell]] = [[]] * ledger.profile.skip_leading
    table = [*skipped, list(ledger.header), *rows]
    return _write_workbook(ledger, table) if ledger.profile.format == "xlsx" else _write_text(ledger, table)


def _write_text(ledger: OpenLedger, rows: Sequence[Sequence[Cell]]) -> bytes:
    profile, stream = ledger.profile, io.StringIO(newline="")
    if profile.quote:
        csv.writer(stream, delimiter=profile.delimiter, lineterminator="\r\n").writerows(rows)
    else:
        # Cells were read without quotation marks, so that none holds the delimiter.
        stream.writelines(profile.delimiter.join(str(cell) for cell in row) + "\r\n" for row in rows)
    return stream.getvalue().encode(ledger.encoding or "utf-8")


def _write_workbook(ledger: OpenLedger, rows: Sequence[Sequence[Cell]]) -> bytes:
    import xlsxwriter

    stream = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    workbook = xlsxwriter.Workbook(stream, options)
    workbook.set_properties({"created": _MADE_ON})
    as_date = workbook.add_format({"num_format": "dd.mm.yyyy"})
    sheet = workbook.add_worksheet(ledger.profile.sheet)
    for row_no, row in enumerate(rows):
        for column, cell in enumerate(row):
            if isinstance(cell, date):
                sheet.write_datetime(row_no, column, cell, as_date)
            elif isinstance(cell, bool | int | float):
                sheet.write(row_no, column, cell)
            elif cell not in ("", None):
                sheet.write_string(row_no, column, str(cell))
    workbook.close()
    return stream.getvalue()
