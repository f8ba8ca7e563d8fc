"""One candidate before the gate: everything that a check may look at.

Belongs here: the case, small readers of it that several checks share. Not here: any check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from pipelines.candidates.products import CandidateKey
from pipelines.gate.candidate_files import CandidateFiles
from pipelines.gate.rules import MAX_EXAMPLES, Finding, Rule
from pipelines.gate.suites import Suite
from pipelines.home import Home

if TYPE_CHECKING:
    import duckdb

EXTRACT, SHARE, MART = "municipality_extract", "workshop_release", "consortium_mart"


@dataclass
class Case:
    """A candidate, and what it is held against.

    Attributes:
        home: The consortium's home.
        key: Product, recipient, period.
        window: The months that the content covers, oldest first.
        files: The candidate's decoded bytes.
        suite: What is signed about the product.
        rules: Every rule with a page.
        registers: The home's registers.
        warehouse: The last green warehouse, read-only, with the candidate's tables beside it as ``candidate_<table>``.
        today: The day of the judgement.
        suite_findings: What the suites found, by rule.
    """

    home: Home
    key: CandidateKey
    window: tuple[str, ...]
    files: CandidateFiles
    suite: Suite
    rules: Mapping[str, Rule]
    registers: Mapping[str, list[dict[str, Any]]]
    warehouse: duckdb.DuckDBPyConnection
    today: date
    suite_findings: Mapping[str, Finding] = field(default_factory=dict)

    @property
    def recipient(self) -> str:
        """Return who would receive the candidate."""
        return self.key.recipient

    def ask(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query; ``$recipient`` and ``$window`` are always at hand."""
        known: dict[str, Any] = {"recipient": self.recipient, "window": list(self.window), **parameters}
        used = {name: value for name, value in known.items() if f"${name}" in sql}
        return self.warehouse.execute(sql, used).fetchall()

    def ask_one(self, sql: str, **parameters: Any) -> tuple[Any, ...]:
        """Return the only row of a query."""
        (row,) = self.ask(sql, **parameters)
        return row


def window_of(period: str, months: int) -> tuple[str, ...]:
    """Return the months ``YYYY-MM`` that end in a period, oldest first."""
    year, month = (int(part) for part in period.split("-"))
    last = year * 12 + month - 1
    return tuple(f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(last - months + 1, last + 1))


def last_day(month: str) -> date:
    """Return the last day of a month ``YYYY-MM``."""
    import calendar

    year, number = (int(part) for part in month.split("-"))
    return date(year, number, calendar.monthrange(year, number)[1])


def examples_of(rows: Sequence[Sequence[Any]]) -> tuple[str, ...]:
    """Return the first rows as sorted example keys; a row's values are joined by a slash."""
    keys = sorted({"/".join("" if value is None else str(value) for value in row) for row in rows})
    return tuple(keys[:MAX_EXAMPLES])
