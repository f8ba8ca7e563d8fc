"""A ledger with its postings and the cells that they were read from.

Belongs here: finding a posting's cells, and which columns a profile uses. Not here: what is done with them
(ledgers.py), what a cell means (parsing/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.parsing.ledger import parse_ledger
from pipelines.parsing.ledger_header import Header, header_texts
from pipelines.parsing.ledger_profile import DATE_COLUMNS, Profile
from pipelines.parsing.rejects import Reject
from pipelines.parsing.tabular import Cell, Rows, cell_text, read_csv, read_sheets

_NO_DATA = "IN08"
_NO_TABLE = Reject("IN01", "A ledger in JSON cannot be prepared: export it as CSV or XLSX.")


@dataclass(frozen=True)
class OpenLedger:
    """A ledger that was read.

    Attributes:
        profile: What it was read by.
        header: Header texts in order.
        encoding: Python codec name; None for workbooks.
        postings: Its postings, with ``_row_no``.
        cells: Every row of the file.
        mapped: Parsed column to position, as far as the file has them.
        period_columns: Positions that the fiscal period is read from, dates left out.
        rows_in: Non-blank rows below the header.
        rows_above: Non-blank rows above the header.
        rows_removed: Rows that are no data: sums, notes, repeated headers.
        unreadable: What cannot be read; such a ledger is not prepared.
    """

    profile: Profile
    header: Sequence[str]
    encoding: str | None
    postings: Sequence[Mapping[str, Any]]
    cells: Sequence[Sequence[Cell]]
    mapped: Mapping[str, int]
    period_columns: tuple[int, ...]
    rows_in: int
    rows_above: int
    rows_removed: int
    unreadable: tuple[Reject, ...] = ()

    @property
    def date_columns(self) -> tuple[str, ...]:
        """Return the parsed columns that hold days."""
        return DATE_COLUMNS

    def cells_of(self, posting: Mapping[str, Any]) -> list[Cell]:
        """Return the cells of a posting's row, as many as the header has."""
        cells = list(self.cells[posting["_row_no"] - 1][: len(self.header)])
        return [*cells, *[""] * (len(self.header) - len(cells))]


def open_ledger(raw: bytes, profile: Profile, file_name: str) -> OpenLedger:
    """Return a ledger with its cells; what cannot be read stands under ``unreadable``."""
    if profile.format == "json":
        return OpenLedger(profile, (), None, (), (), {}, (), 0, 0, 0, (_NO_TABLE,))
    parsed = parse_ledger(raw, profile, file_name)
    unreadable = tuple(reject for reject in parsed.rejects if reject.rule != _NO_DATA)
    if parsed.header_row is None or parsed.columns is None:
        return OpenLedger(profile, (), None, (), (), {}, (), 0, 0, 0, unreadable)
    rows = _rows(raw, profile, parsed.columns)
    header = Header(parsed.columns, profile)
    mapped = {
        rule.column: found
        for rule in profile.columns
        if (found := header.index_of(rule.headers, rule.occurrence)) is not None
    }
    period_columns = {
        found
        for rule in profile.periods
        for name in (rule.column, rule.year_column)
        if name is not None and (found := header.index_of((name,))) is not None
    }
    above = rows.cells[: parsed.header_row - 1]
    return OpenLedger(
        profile=profile,
        header=parsed.columns,
        encoding=rows.encoding,
        postings=parsed.postings,
        cells=rows.cells,
        mapped=mapped,
        period_columns=tuple(sorted(period_columns)),
        rows_in=parsed.rows_in,
        rows_above=sum(1 for cells in above if any(cell_text(cell) for cell in cells)),
        rows_removed=len(parsed.rejects) - len(unreadable),
        unreadable=unreadable,
    )


def _rows(raw: bytes, profile: Profile, header: Sequence[str]) -> Rows:
    if profile.format == "csv":
        return read_csv(raw, profile.encodings, profile.delimiter, quote=profile.quote)
    sheets = read_sheets(raw, profile.sheet)
    return next(rows for _, rows in sheets if any(header_texts(cells) == list(header) for cells in rows.cells))
