"""What reading a SAF-T file gives, piece by piece: its header, rows with what was refused among them, and sums.

Belongs here: the types that saft.py and saft_postings.py hand on. Not here: reading.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipelines.parsing.rejects import Reject
from pipelines.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_REMARKS = 100  # of one rule and kind; the rest are counted


@dataclass(frozen=True)
class Header:
    """Whose books these are, and for which days.

    Attributes:
        version: AuditFileVersion as stated.
        company_org_no: Digits of the company's registration number, or what stands there.
        currency: The currency of all amounts.
        days: First and last day that the file says it covers; the day it was made where it does not say.
    """

    version: str
    company_org_no: str | None
    currency: str
    days: tuple[date, ...]


@dataclass
class Part:
    """Some rows of a table and what was refused or remarked on with them.

    Attributes:
        table: The table of the rows; None where there are remarks only.
        rows: Rows as mappings; or
        columns: Rows as typed columns.
        lines: Lines of the file that were read for these rows; ``lines == rows + rejects`` for postings, else 0.
        rejects: Refused lines.
        issues: Remarks.
        periods: Fiscal periods of the rows.
    """

    table: Table | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    columns: pa.Table | None = None
    lines: int = 0
    rejects: list[Reject] = field(default_factory=list)
    issues: list[Reject] = field(default_factory=list)
    periods: set[str] = field(default_factory=set)


@dataclass
class Totals:
    """What the file came to."""

    suppliers: int = 0
    transactions: int = 0
    lines: int = 0
    debit: Decimal = Decimal("0.00")
    credit: Decimal = Decimal("0.00")


Give = Callable[[Header | Part], None]


class Remarks:
    """Keeps the first remarks of a kind and counts the others."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.waiting: list[Reject] = []

    def add(self, kind: str, remark: Reject) -> None:
        """Keep or count a remark; its kind begins with the rule and says what the remarks are about."""
        self.counts[kind] += 1
        if self.counts[kind] <= _MOST_REMARKS:
            self.waiting.append(remark)

    def take(self) -> list[Reject]:
        """Return what was kept since the last time."""
        waiting, self.waiting = self.waiting, []
        return waiting

    def rest(self) -> list[Reject]:
        """Return a remark for each kind of which some were only counted."""
        return [
            Reject(kind.split()[0], f"{count - _MOST_REMARKS} more remarks of this kind: {kind.split(maxsplit=1)[1]}.")
            for kind, count in sorted(self.counts.items())
            if count > _MOST_REMARKS
        ]
