"""What the coordinator decided about a delivery after it was received: withdrawn, or accepted whatever holds it.

Belongs here: keeping these decisions and reading them. Not here: receipts and bytes (store.py), what follows for the
figures (parsing/settle.py), the command (cli/delivery.py).

A decision is a file of its own beside the receipts and is never changed: of several on one delivery the last stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipelines.errors import UnreadableDelivery
from pipelines.files import pretty_json, write_atomically
from pipelines.home import Home
from pipelines.landing.store import Receipt, printable

DECISIONS = "decisions"
WITHDRAW, ACCEPT = "withdraw", "accept"


@dataclass(frozen=True)
class Decision:
    """One decision.

    Attributes:
        number: 1, 2, … per owner and source.
        action: WITHDRAW: nothing of the delivery counts. ACCEPT: it counts, whatever held it or had withdrawn it.
        owner: Whose delivery.
        source_name: Which of its sources.
        delivery_id: Which delivery.
        at: The clock of the command; never before the delivery's last receipt or the source's last decision.
        by: Who decided.
        reason: Why, in that person's words.
    """

    number: int
    action: str
    owner: str
    source_name: str
    delivery_id: str
    at: datetime
    by: str
    reason: str


def write_decision(home: Home, receipt: Receipt, action: str, *, at: datetime, by: str, reason: str) -> Decision:
    """Add a decision on a received delivery."""
    earlier = [one for one in read_decisions(home, receipt.owner) if one.source_name == receipt.source_name]
    decision = Decision(
        number=max((one.number for one in earlier), default=0) + 1,
        action=action,
        owner=receipt.owner,
        source_name=receipt.source_name,
        delivery_id=receipt.delivery_id,
        at=max([at, receipt.received_at, *(one.at for one in earlier)]),  # a clock may be pinned to a day before
        by=printable(by),
        reason=printable(" ".join(reason.split())),
    )
    name = f"{decision.number:06d}-{action}-{decision.delivery_id}.json"
    document = asdict(decision) | {"at": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    path = home.landing / decision.owner / decision.source_name / DECISIONS / name
    write_atomically(path, pretty_json(document).encode())
    return decision


def read_decisions(home: Home, owner: str | None = None) -> list[Decision]:
    """Return all decisions, or one owner's, by owner, source and number."""
    paths = home.landing.glob(f"{owner or '*'}/*/{DECISIONS}/*.json")
    decisions = [_read(path) for path in paths if not path.name.startswith(".")]
    return sorted(decisions, key=lambda one: (one.owner, one.source_name, one.number))


def standing_decisions(decisions: Iterable[Decision]) -> dict[tuple[str, str, str], Decision]:
    """Return the last decision on each delivery, by owner, source name and delivery id."""
    return {(one.owner, one.source_name, one.delivery_id): one for one in sorted(decisions, key=lambda one: one.number)}


def _read(path: Path) -> Decision:
    try:
        document = json.loads(path.read_bytes())
        return Decision(**document | {"at": datetime.fromisoformat(document["at"])})
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableDelivery(
            "A decision on a delivery cannot be read.",
            where=str(path),
            remedy="Restore it from a backup; decisions are never edited.",
        ) from error
