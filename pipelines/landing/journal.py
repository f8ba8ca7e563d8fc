"""The order in which everything was received: one number for each receipt and each decision of the whole home.

Belongs here: ``landing/journal.jsonl``. Not here: receipts (store.py) and decisions (decisions.py) themselves, which
keep an order per source only; building a past state (past.py at the root).

What is not numbered yet is appended, never put in between: a number once given stays, whatever comes later and whatever
its clock said. What comes within one run is ordered by its time, owner, source and name.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import UnreadableDelivery
from pipelines.files import canonical_json, write_atomically
from pipelines.home import Home
from pipelines.landing.decisions import DECISIONS
from pipelines.landing.store import RECEIPTS

JOURNAL = "journal.jsonl"


@dataclass(frozen=True)
class Received:
    """One thing that was received.

    Attributes:
        number: 1, 2, … over the whole home.
        file: Where its receipt or decision lies, relative to ``landing/``.
    """

    number: int
    file: str

    @property
    def is_receipt(self) -> bool:
        """Return whether it is a receipt, and not a decision."""
        return Path(self.file).parent.name == RECEIPTS


def read_journal(home: Home) -> list[Received]:
    """Return everything that has its number, in order.

    Raises:
        UnreadableDelivery: The journal is not as it was written.
    """
    path = home.landing / JOURNAL
    if not path.is_file():
        return []
    try:
        entries = [Received(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    except (ValueError, TypeError):
        entries = []
    if [entry.number for entry in entries] != list(range(1, len(entries) + 1)) or not entries:
        raise UnreadableDelivery(
            "The journal of what was received cannot be read.",
            where=str(path),
            remedy="Restore it from a backup; without it past states cannot be named.",
        )
    return entries


def extend_journal(home: Home) -> list[Received]:
    """Give a number to everything that has none yet; return all of it, in order."""
    known = read_journal(home)
    numbered = {entry.file for entry in known}
    new = []
    for folder in (RECEIPTS, DECISIONS):
        for path in home.landing.glob(f"*/*/{folder}/*.json"):
            file = path.relative_to(home.landing).as_posix()
            if file not in numbered and not path.name.startswith("."):
                new.append((_moment(path), file))
    if not new:
        return known
    entries = known + [Received(len(known) + place, file) for place, (_, file) in enumerate(sorted(new), start=1)]
    lines = "".join(f"{canonical_json(asdict(entry))}\n" for entry in entries)
    write_atomically(home.landing / JOURNAL, lines.encode(), mode=0o600)
    return entries


def _moment(path: Path) -> str:
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
        return str(document.get("received_at") or document["at"])
    except (ValueError, KeyError, AttributeError) as error:
        raise UnreadableDelivery(
            "A receipt or a decision cannot be read.", where=str(path), remedy="Restore it from a backup."
        ) from error
