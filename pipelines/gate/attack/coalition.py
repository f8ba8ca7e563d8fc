"""DC06: no owner that pools its own books with its workshop's release works out what the release hides of others.

Belongs here: the recipient's other products, declared coalitions. Not here: one product (findings.py, earlier.py).

(1) A coalition is an owner and its workshop, as the register of owners declares it. Each is attacked by itself, with
    all releases of the workshop's product.
(2) An owner knows its own purchases: its extract, and for months before it the extracts that it holds. What it knows of
    itself is no leak; what that tells of other municipalities is. What differs from the release by lines that the
    extract does not tell apart gives way to the release.
(3) A product that nothing here can read is a problem: what it gives away is not known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from pipelines.gate.attack.earlier import Dated, learn_releases, link
from pipelines.gate.attack.findings import CANDIDATE, judge_hidden, public_knowledge
from pipelines.gate.attack.held import held_beside, read_parquet, releases_held
from pipelines.gate.attack.market_view import OTHER, learn_view
from pipelines.gate.attack.system import System
from pipelines.gate.case import EXTRACT, Case, last_day
from pipelines.gate.rules import Finding, combine

if TYPE_CHECKING:
    import pyarrow as pa

# What of an extract is in a market view.
_SCOPES = frozenset({"core", "core_service_replacement"})
_NOBODY = frozenset({"natural_person", "unknown"})


@dataclass
class Books:
    """What an owner knows of its own purchases from others than the recipient.

    Attributes:
        months: The months that it knows.
        sums: Amounts by month and category; none where it bought nothing.
    """

    months: set[str] = field(default_factory=set)
    sums: dict[tuple[str, str], Decimal] = field(default_factory=dict)

    def amount(self, category: str, months: Iterable[str]) -> Decimal:
        """Return what was bought in some months."""
        return sum((self.sums.get((month, category), Decimal(0)) for month in months), Decimal(0))


def computable_with_others(case: Case) -> Finding:
    """DC06: return the hidden cells that an owner and the workshop can work out together."""
    held = held_beside(case.home, case.key)
    if foreign := sorted({each.product for each in held} - {case.key.product}):
        return Finding(1, 1, f"It is not known what these give away: {', '.join(foreign)}.", tuple(foreign), "releases")
    books = {owner: own_books(case, owner) for owner in declared_owners(case)}
    if not any(known.months for known in books.values()):
        return Finding(0, reason="The recipient gets no other product, and no owner of it holds an extract.")
    public, rows = public_knowledge(case), case.files.tables["market_view"].to_pylist()
    findings = []
    for owner, known in books.items():
        system = System()
        dated = learn_releases(system, held, public)
        candidate = Dated(learn_view(system, rows, CANDIDATE, public), case.key.period)
        link(system, [*dated, candidate])
        for each in (*dated, candidate):
            _learn_books(system, each, owner, known)
        others = [cell for cell in candidate.view.hidden if cell[1] != owner]
        findings.append(judge_hidden(case, "DC06", system, candidate.view, others))
    return combine(findings)


def declared_owners(case: Case) -> list[str]:
    """Return the municipalities that own a part of the recipient on the last day of the period (1)."""
    day = last_day(case.key.period)
    return sorted(
        {
            row["owner_municipality_no"]
            for row in case.registers["workshop_owners"]
            if row["workshop_org_no"] == case.recipient
            and row["valid_from"] <= day
            and (row["valid_to"] is None or row["valid_to"] >= day)
        }
    )


def own_books(case: Case, owner: str) -> Books:
    """Return what an owner has bought, from its newest extract that has the month (2)."""
    candidate = case.home.candidates / EXTRACT / owner / f"{EXTRACT}.parquet"
    books = Books()
    for table in (read_parquet(candidate), *_older_extracts(case, owner)):
        if table is None:
            continue
        for month, category, amount in _market_lines(table, case.recipient):
            if month not in books.months:
                books.sums[month, category] = books.sums.get((month, category), Decimal(0)) + amount
        books.months |= {month for month in table["period_month"].to_pylist() if month}
    return books


def _older_extracts(case: Case, owner: str) -> list[pa.Table | None]:
    """Return the extracts of earlier months, newest first."""
    held = [each for each in releases_held(case.home, owner) if each.product == EXTRACT]
    older = [each for each in held if each.period < case.key.period]
    return [each.table(EXTRACT) for each in reversed(older)]


def _market_lines(table: pa.Table, recipient: str) -> Iterable[tuple[str, str, Decimal]]:
    names = ("period_month", "spend_category", "net_amount_nok", "scope_flag", "payee_kind", "org_no")
    for month, category, amount, scope, kind, org_no in zip(*(table[name].to_pylist() for name in names), strict=True):
        is_others = scope in _SCOPES and kind not in _NOBODY and org_no != recipient
        if is_others and amount is not None and month and category:
            yield month, category, amount


def _learn_books(system: System, dated: Dated, owner: str, books: Books) -> None:
    """Add what an owner knows of its own cells: all of a year whose months it holds, else that it is no less."""
    for cell in dated.view.cells:
        if cell[1] != owner or cell in dated.view.shown or not dated.view.is_leaf(cell):
            continue
        covered = sorted(month for month in books.months if f"{cell[0]}-01" <= month <= dated.covers_to(cell))
        value = books.amount(cell[2], covered)
        is_whole = bool(covered) and covered[0] == f"{cell[0]}-01"
        says = f"{owner}'s own books of {'/'.join(cell)}"
        name = dated.view.name(OTHER, cell)
        system.learn({name: 1}, value, value if is_whole else None, says, is_assumed=True)
