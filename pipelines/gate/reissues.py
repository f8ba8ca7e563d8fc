"""PB05: a release of a period that was released before says what it follows, and can say what it changes.

Belongs here: the releases of the candidate's own period. Not here: writing the notes (publishing/), whether differences
give anything away (attack/), recalling.

(1) Every revision but the first states which one it supersedes, and its notes lie in it; revisions that an earlier
version published have none. (2) ``current.json`` names one of them, so that the others are seen to be superseded.
(3) The tables of the latest can be read, for the notes of the next are made of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.gate.attack.held import Held, held_beside
from pipelines.gate.case import Case
from pipelines.gate.rules import MAX_EXAMPLES, Finding

CHANGES = "changes_since_previous.csv"


def reissue_explained(case: Case) -> Finding:
    """PB05: return what of the period's earlier releases does not say what superseded what, or cannot be compared."""
    held = [
        each
        for each in held_beside(case.home, case.key)
        if (each.product, each.period) == (case.key.product, case.key.period)
    ]
    if not held:
        return Finding(0, reason="Nothing else has been released of this period.")
    problems = [problem for each in held for problem in _unexplained(each)]
    problems += list(_not_current(held))
    problems += [
        f"{held[-1].release_id}, {name}: cannot be read, so that what changes cannot be told"
        for name in case.suite.tables
        if (held[-1].folder / f"{name}.parquet").is_file() and held[-1].table(name) is None
    ]
    reason = f"{len(problems)} facts of earlier releases are missing: {'; '.join(problems[:3])}." if problems else ""
    applied = max(2 * len(held) + len(case.suite.tables), len(problems))
    return Finding(applied, len(problems), reason, tuple(problems[:MAX_EXAMPLES]), "releases")


def _unexplained(each: Held) -> Iterator[str]:
    manifest = _read(each.folder / "manifest.json")
    if not manifest:
        yield f"{each.release_id}: its manifest cannot be read"
    elif each.revision > 1 and not manifest.get("supersedes"):
        yield f"{each.release_id}: does not say what it supersedes"
    listed = {str(file.get("path")) for file in manifest.get("files", []) if isinstance(file, dict)}
    if CHANGES in listed and not (each.folder / CHANGES).is_file():
        yield f"{each.release_id}: its change notes are gone"


def _not_current(held: list[Held]) -> Iterator[str]:
    period = held[-1].folder.parent
    folders = {path.name for path in period.iterdir() if path.is_dir()}
    if len(folders) == 1 and not (period / "current.json").exists():
        return  # Publishing was cut short after the first release had its place; the next one names itself.
    stated = _read(period / "current.json").get("release_id")
    if str(stated).rpartition("-")[2] not in folders:
        yield f"{held[-1].period}: current.json names no release that is there"


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
