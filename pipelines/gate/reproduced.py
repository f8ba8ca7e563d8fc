"""DC10: what is hidden follows from the inputs alone.

Belongs here: making the pattern of a share again and holding it against the finished files. Not here: whether the
pattern protects anybody (disclosure.py, attack/).
"""

from __future__ import annotations

from pipelines.candidates.make import market_pattern
from pipelines.gate.case import Case, examples_of
from pipelines.gate.rules import Finding

_FIELD = "market_view.suppression_code"


def same_pattern(case: Case) -> Finding:
    """DC10: return the cells that are hidden in the candidate and not when it is made again, or the reverse."""
    shown = {
        (int(year), municipality_no, category): code
        for year, municipality_no, category, code in case.ask(
            "select year, municipality_no, spend_category, coalesce(suppression_code, '') from candidate_market_view"
        )
    }
    again = market_pattern(case.home, case.key, case.warehouse, case.registers, case.today)
    listed = sorted(shown.keys() | again.keys())
    if not listed:
        return Finding(0, reason="The market view has no cells.")
    wrong = [cell for cell in listed if shown.get(cell) != again.get(cell)]
    reason = f"{len(wrong)} cells come out otherwise when the share is made again." if wrong else ""
    return Finding(len(listed), len(wrong), reason, examples_of(wrong), _FIELD)
