"""DC04: no hidden cell of a workshop's release can be worked out from what the workshop holds.

Belongs here: putting together what a recipient holds, holding each hidden cell's interval against its value. Not here:
what figures say (market_view.py), solving (intervals.py), hiding (candidates/).

(1) The recipient's interval is computed from released files and public lists alone. What the warehouse holds is only
    what the interval is then held against.
(2) A cell is worked out when all its possible values are within p % of its value, p % being taken of the absolute
    amounts behind it, so that a credit note does not make a cell safe.
(3) Where the warehouse cannot say what a cell is (a total, an earlier release), it is worked out when there is any
    value in the interval of which the whole interval is within p %.
(4) A hidden cell that nobody else stands behind gives nobody away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal

from pipelines.gate.attack.intervals import TOLERANCE, Interval, intervals, narrow
from pipelines.gate.attack.market_view import OTHER, Cell, Public, View, learn_view, unread_columns
from pipelines.gate.attack.system import Contradiction, Name, System
from pipelines.gate.case import Case, examples_of
from pipelines.gate.disclosure import cells
from pipelines.gate.rules import Finding
from pipelines.reference import seed_rows

FIELD = "market_view.other_nok_or_suppressed"
CANDIDATE = "the candidate"


def computable_in_candidate(case: Case) -> Finding:
    """DC04: return the hidden cells that follow from the candidate's own margins, hierarchies and figures."""
    system = System()
    view = learn_view(system, case.files.tables["market_view"].to_pylist(), CANDIDATE, public_knowledge(case))
    if problems := sorted({*view.problems, *unread_columns(case.files.columns_by_table)}):
        reason = f"It is not known what these give away: {', '.join(problems)}."
        return Finding(max(len(view.cells), 1), 1, reason, tuple(problems), "market_view")
    return judge_hidden(case, "DC04", system, view)


def judge_hidden(
    case: Case, rule: str, system: System, view: View, protected: Collection[Cell] | None = None
) -> Finding:
    """Return which hidden cells of the candidate's view a system tells.

    Args:
        case: The candidate.
        rule: The rule that asks; its page holds p.
        system: What the recipient knows.
        view: The candidate's view.
        protected: Only these cells; all hidden ones where None.
    """
    share = case.rules[rule].parameter("p_share")
    truths = {cell.key: (cell.true_other, cell.magnitude) for cell in cells(case) if view.is_leaf(cell.key)}
    asked = [cell for cell in view.hidden if protected is None or cell in protected]
    hidden = {view.name(OTHER, cell): truths.get(cell) for cell in asked}
    try:
        found = worked_out(system, hidden, share)
    except Contradiction as error:
        reason = f"No amounts fit all figures: {'; '.join(error.says[:5])}."
        return Finding(max(len(hidden), 1), 1, reason, error.says, FIELD)
    if not hidden:
        return Finding(0, reason="No cell is hidden." if protected is None else "No cell of another is hidden.")
    told = [cell for cell in asked if view.name(OTHER, cell) in found]
    reason = f"A hidden cell can be worked out to within {share:.0%} of its value." if told else ""
    return Finding(len(hidden), len(told), reason, examples_of(told), FIELD)


def worked_out(
    system: System, hidden: Mapping[Name, tuple[Decimal, Decimal] | None], share: Decimal
) -> dict[Name, Interval]:
    """Return the hidden unknowns that are worked out, with their intervals.

    Args:
        system: What the recipient knows.
        hidden: Value and absolute amounts of each hidden unknown; None where the warehouse cannot say (3).
        share: p.

    Raises:
        Contradiction: No amounts fit all figures.
    """
    limits = {name: limit_of(share, *truth) for name, truth in hidden.items() if truth is not None and truth[1]}  # (4)
    unknown = intervals(system, [name for name, truth in hidden.items() if truth is None])
    return narrow(system, limits) | {name: each for name, each in unknown.items() if is_narrow(each, share)}


def limit_of(share: Decimal, value: Decimal, magnitude: Decimal) -> Interval:
    """Return within which values a cell is worked out (2)."""
    reach = share * max(abs(value), magnitude)
    return Interval(float(value - reach), float(value + reach))


def is_narrow(interval: Interval, share: Decimal) -> bool:
    """Return whether an interval is within p % of one of its values (3); nothing at all gives nobody away (4)."""
    least, greatest = sorted((abs(interval.lower), abs(interval.upper)))
    if greatest == 0 or interval.lower * interval.upper < 0:
        return False
    return greatest / (1 + float(share)) <= least / (1 - float(share)) + TOLERANCE


def public_knowledge(case: Case) -> Public:
    """Return what everybody knows: the list of categories with its parents, the limits of the law."""
    listed = case.ask("select category_key, parent_key from dim_categories")
    limits: dict[str, list[Decimal]] = {}
    for row in seed_rows("thresholds"):
        if row["rule_key"] == "law_entry":
            last = int((row["valid_to"] or "2100")[:4])
            for year in range(int(row["valid_from"][:4]), last + 1):
                limits.setdefault(str(year), []).append(Decimal(row["amount_nok_ex_vat"]))
    return Public(
        parents={code: above for code, above in listed if above},
        categories=frozenset(code for code, _ in listed),
        limits=limits,
    )
