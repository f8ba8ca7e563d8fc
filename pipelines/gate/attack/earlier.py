"""DC05: no release tells, beside those that its recipient already holds, what one of them hides.

Belongs here: what releases of one product say together, what the differences between them are. Not here: one release
alone (findings.py), other recipients (coalition.py).

(1) A cell's year is covered up to the release's month, or to December. Two releases that cover the same months of a
    year are about the same amount; one that covers more is about no less. Both are assumptions: late invoices and
    corrections change amounts, and where figures say so the assumption goes.
(2) What an earlier release hides stays hidden: its cells are attacked too, with all that is known since.
(3) The difference between two figures is a figure: who stands behind it is counted in the months between, and it must
    pass what a cell must pass (DC01, DC02); of a sum, those behind all rows that it sums are counted. Where nobody
    stands there, a correction is behind it, of which nobody can say whose it is: a person must look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from pipelines.gate.attack.findings import (
    CANDIDATE,
    FIELD,
    is_narrow,
    judge_hidden,
    public_knowledge,
)
from pipelines.gate.attack.held import Held, held_beside
from pipelines.gate.attack.intervals import intervals
from pipelines.gate.attack.market_view import OTHER, Cell, Public, View, learn_view
from pipelines.gate.attack.system import Contradiction, Name, System
from pipelines.gate.case import Case, examples_of
from pipelines.gate.disclosure import is_safe_sum, purchases_behind
from pipelines.gate.rules import Finding, combine


@dataclass(frozen=True)
class Dated:
    """A view and the month that its release is of."""

    view: View
    period: str

    def covers_to(self, cell: Cell) -> str:
        """Return the last month of a cell's year that the release can cover (1)."""
        return min(self.period, f"{cell[0]}-12")


def computable_with_earlier(case: Case) -> Finding:
    """DC05: return the hidden cells that earlier releases and the candidate tell together, and unsafe differences."""
    held = [each for each in held_beside(case.home, case.key) if each.product == case.key.product]
    if not held:
        return Finding(0, reason="The recipient holds no earlier release of the product.")
    unreadable = [each.release_id for each in held if each.table("market_view") is None]
    if unreadable:
        return Finding(1, 1, f"Earlier releases cannot be read: {', '.join(unreadable)}.", tuple(unreadable), FIELD)
    public = public_knowledge(case)
    system, before = System(), System()
    dated = learn_releases(system, held, public)
    learn_releases(before, held, public)
    rows = case.files.tables["market_view"].to_pylist()
    candidate = Dated(learn_view(system, rows, CANDIDATE, public), case.key.period)
    link(system, [*dated, candidate])
    link(before, dated)
    told = [
        judge_hidden(case, "DC05", system, candidate.view),
        _told_of_old(case, system, before, [each.view for each in dated]),
    ]
    differences = _differences(case, [*dated, candidate])
    if any(finding.is_failing for finding in told):
        differences = replace(differences, severity=None)  # What is told blocks, whatever else is only held.
    return combine([*told, differences])


def learn_releases(system: System, held: Iterable[Held], public: Public) -> list[Dated]:
    """Add what held releases say, each by itself; oldest first."""
    dated = []
    for each in held:
        table = each.table("market_view")
        if table is not None:
            dated.append(Dated(learn_view(system, table.to_pylist(), each.release_id, public), each.period))
    return dated


def link(system: System, dated: Iterable[Dated]) -> None:
    """Add what a reader assumes of the same cell in successive releases (1)."""
    for earlier, later, cell in successions(dated):
        if cell in earlier.view.shown and cell in later.view.shown:
            continue  # Nothing is left to assume.
        names = earlier.view.name(OTHER, cell), later.view.name(OTHER, cell)
        says = f"{'/'.join(cell)} in {earlier.view.release} and {later.view.release}"
        if earlier.covers_to(cell) == later.covers_to(cell):
            system.same(*names, says, is_assumed=True)
        else:
            system.learn({names[1]: 1, names[0]: -1}, 0, None, says, is_assumed=True)


def successions(dated: Iterable[Dated]) -> list[tuple[Dated, Dated, Cell]]:
    """Return each cell's successive releases, in order of what they cover, then of when they came."""
    by_cell: dict[Cell, list[tuple[str, int, Dated]]] = {}
    for order, each in enumerate(dated):
        for cell in each.view.cells:
            by_cell.setdefault(cell, []).append((each.covers_to(cell), order, each))
    pairs = []
    for cell, listed in sorted(by_cell.items()):
        ordered = [each for _, _, each in sorted(listed, key=lambda entry: entry[:2])]
        pairs += [(before, after, cell) for before, after in zip(ordered, ordered[1:], strict=False)]
    return pairs


def _told_of_old(case: Case, system: System, before: System, old: Iterable[View]) -> Finding:
    """Return the cells hidden in earlier releases that the candidate, and no earlier one, tells (2)."""
    share = case.rules["DC05"].parameter("p_share")
    hidden = {view.name(OTHER, cell): cell for view in old for cell in view.hidden}
    try:
        now = narrow_of_their_own(system, hidden, share)
        told = now - narrow_of_their_own(before, now, share) if now else now
    except Contradiction:
        return Finding(0, reason="The figures contradict each other.")  # Told by the candidate's own cells.
    rows = [(*hidden[name], f"hidden in {name[0]}") for name in told]
    reason = "A cell that an earlier release hides can be worked out." if told else ""
    return Finding(
        len(hidden), len(told), reason or ("" if hidden else "No earlier cell is hidden."), examples_of(rows)
    )


def narrow_of_their_own(system: System, names: Iterable[Name], share: Decimal) -> set[Name]:
    """Return the unknowns whose interval alone is narrow."""
    return {name for name, each in intervals(system, names).items() if is_narrow(each, share)}


def _differences(case: Case, dated: list[Dated]) -> Finding:
    """Return the differences between figures of successive releases behind which too few stand (3)."""
    applied, few, corrected = 0, [], []
    behind = purchases_behind(case)
    for earlier, later, cell in successions(dated):
        if CANDIDATE not in (earlier.view.release, later.view.release):
            continue  # Both are out.
        pair = earlier.view.shown.get(cell), later.view.shown.get(cell)
        if None in pair or pair[0] == pair[1]:
            continue
        applied += 1
        lines = [
            each for part in later.view.sums.get(cell, (cell,)) for each in _lines_since(earlier, later, part, behind)
        ]
        payees = [each[1:] for each in lines if each[1] != case.recipient]
        if not payees:
            corrected.append((*cell, f"since {earlier.view.release}"))
        elif not is_safe_sum(case, int(cell[0]), payees):
            few.append((*cell, f"since {earlier.view.release}"))
    if few:
        reason = "Too few others stand behind the difference to an earlier release."
        return Finding(applied, len(few), reason, examples_of(few), FIELD)
    if corrected:
        reason = "A figure was corrected: the difference to an earlier release may be one supplier's."
        return Finding(applied, len(corrected), reason, examples_of(corrected), FIELD, severity="hold")
    return Finding(applied, reason="" if applied else "No figure differs from an earlier release's.")


def _lines_since(
    earlier: Dated, later: Dated, cell: Cell, behind: Mapping[tuple[Any, ...], list[tuple[str, str, Decimal, Decimal]]]
) -> list[tuple[str, str, Decimal, Decimal]]:
    """Return the purchases of a row that the later release covers and the earlier does not: all where it had no row."""
    since = earlier.covers_to(cell) if cell in earlier.view.cells else ""
    lines = behind.get((int(cell[0]), *cell[1:]), [])
    return [each for each in lines if since < each[0] <= later.covers_to(cell)]
