"""PB06: nothing came in after what the candidate was made from.

Belongs here: what has landed, held against what the standing build was made from. Not here: whether the candidate is of
that build (PB02), what changes between a verdict and publishing (bindings.py).

(1) What a build was made from ends with a number of the journal; a receipt or decision with a later one, or with none
yet, is newer. (2) A newer receipt that was read and changed nothing, such as the same files again, leaves the build as
it was: all that it would be made from now is what it was made from. One that was not read may change anything.
"""

from __future__ import annotations

from pathlib import Path

from pipelines.gate.case import Case, examples_of
from pipelines.gate.rules import Finding
from pipelines.landing.decisions import DECISIONS
from pipelines.landing.journal import read_journal
from pipelines.landing.store import RECEIPTS

_FIELD = "landing/journal.jsonl"


def nothing_newer(case: Case) -> Finding:
    """PB06: return what has been received since the warehouse was built that the candidate is held against."""
    from pipelines.warehouse.build import current_build_id, is_current
    from pipelines.warehouse.history import read_inputs

    home = case.home
    landed = {
        path.relative_to(home.landing).as_posix(): path
        for folder in (RECEIPTS, DECISIONS)
        for path in home.landing.glob(f"*/*/{folder}/[!.]*.json")
    }
    if not landed:
        return Finding(0, reason="Nothing has landed in this home.")
    record = read_inputs(home, current_build_id(home) or "")
    last = int(record["as_of_sequence"]) if record else 0
    numbers = {entry.file: entry.number for entry in read_journal(home)}
    newer = sorted(name for name in landed if numbers.get(name, last + 1) > last)  # (1)
    unread = [name for name in newer if not _is_read(home.parsed, landed[name])]
    wrong = newer if newer and not unread and not is_current(home) else unread  # (2)
    reason = f"{len(wrong)} things were received after the warehouse was built; run again." if wrong else ""
    return Finding(len(landed), len(wrong), reason, examples_of([(name,) for name in wrong]), _FIELD)


def _is_read(parsed: Path, path: Path) -> bool:
    """Return whether parsing has an outcome of a receipt; a decision has none of its own."""
    if path.parent.name == DECISIONS:
        return True
    owner, delivery = path.parts[-4], path.stem.partition("-")[2]
    return any((parsed / "outcomes" / f"municipality_no={owner}").glob(f"*{delivery}*.parquet"))
