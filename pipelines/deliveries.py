"""Deliveries as a coordinator sees them: what came, what counts of it, what was refused; and deciding on one.

Belongs here: reading receipts, outcomes, states and rejects together, and which decisions are possible. Not here: what
follows from a decision (parsing/settle.py), printing (cli/delivery.py), the state of each source (outcomes.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import ConfigurationError
from pipelines.files import exclusive_lock
from pipelines.home import Home
from pipelines.landing.decisions import ACCEPT, WITHDRAW, Decision, read_decisions, standing_decisions, write_decision
from pipelines.landing.settings_delivery import is_settings
from pipelines.landing.store import Receipt, read_all_receipts
from pipelines.outcomes import read_outcomes
from pipelines.parsing import schema
from pipelines.parsing.shared_ledgers import shares_of
from pipelines.parsing.store import SETTLED, table_path
from pipelines.reasons import require_reason
from pipelines.tables import Table

if TYPE_CHECKING:
    import pyarrow.compute as pc

Row = dict[str, Any]
RECEIVED = "received"  # its state until a run has read it
MIXED = "mixed"
PROPOSED = "proposed"  # a register form that was read: 'samandel register list' says what is decided on it
STATES = (
    *("accepted", "held", "superseded", "withdrawn", "duplicate", "failed", "empty", "refused"),
    *(RECEIVED, PROPOSED, MIXED),
)
_SHOWN_REJECTS = 1000


def list_deliveries(home: Home, municipality_no: str | None = None, state: str | None = None) -> list[Row]:
    """Return every receipt with what became of it, by owner, source and order of receipt.

    Args:
        home: The home.
        municipality_no: Only this owner's.
        state: Only those in this state, or with a period or documents in it.

    Raises:
        ConfigurationError: Nobody of that number is a member, has a source or has delivered anything.
    """
    if municipality_no is not None:
        _require_owner(home, municipality_no)
    outcomes = _by_receipt(read_outcomes(home))
    receipts = [one for one in read_all_receipts(home, municipality_no) if not is_settings(one)]
    periods: dict[tuple[str, str, str], list[Row]] = {}
    documents: dict[tuple[str, str], list[str]] = {}
    for owner in sorted({receipt.owner for receipt in receipts}):
        for row in _settled(home, schema.DELIVERY_PERIODS, owner):
            periods.setdefault((owner, row["source_name"], row["_delivery_id"]), []).append(row)
        for row in _settled(home, schema.DOCUMENT_STATES, owner):
            documents.setdefault((owner, row["_delivery_id"]), []).append(row["state"])
    rows = []
    for receipt in receipts:
        said = outcomes.get((receipt.owner, receipt.source_name, receipt.sequence), [])
        of_periods = periods.get((receipt.owner, receipt.source_name, receipt.delivery_id), [])
        of_documents = documents.get((receipt.owner, receipt.delivery_id), []) if receipt.source == "ehf" else []
        row = _summary(receipt, said, of_periods, of_documents)
        if state is None or state in {row["state"], *row["periods"].values(), *of_documents}:
            rows.append(row)
    return rows


def _require_owner(home: Home, owner: str) -> None:
    known = {folder.name for folder in home.landing.glob("*") if folder.is_dir()}
    if owner in known:
        return
    known |= {str(row["municipality_no"]) for row in home.read_registers()["members"]}
    known |= {source.owner for source in home.consortium.sources}
    if owner not in known:
        raise ConfigurationError(
            f"Nobody here is {owner}.", where="--municipality", remedy=f"Known: {', '.join(sorted(known))}."
        )


def _summary(receipt: Receipt, said: Sequence[Row], of_periods: Sequence[Row], of_documents: Sequence[str]) -> Row:
    parsed = [one for one in said if one["step"] == "parsed"]
    is_form = receipt.source == "registers"
    periods = {} if is_form else {row["fiscal_period"]: row["state"] for row in of_periods}
    not_counted = sum(row["rows"] for row in of_periods if row["state"] != "accepted")
    if receipt.source == "ehf":
        not_counted = sum(one != "accepted" for one in of_documents)
    return {
        "delivery_id": receipt.delivery_id,
        "municipality_no": receipt.owner,
        "source": receipt.source_name,
        "sequence": receipt.sequence,
        "received_at": receipt.received_at,
        "drop": receipt.drop,
        "files": len(receipt.files),
        "rows": sum(one["rows_out"] or 0 for one in parsed),
        "rejects": sum(one["rejects"] or 0 for one in said if one["step"] != "settled"),
        "not_counted": not_counted if parsed else 0,  # of the same files again nothing is read
        "state": _state(receipt, said, periods, set(of_documents)),
        "periods": dict(sorted(periods.items())),
    }


def _state(receipt: Receipt, said: Sequence[Row], periods: dict[str, str], documents: set[str]) -> str:
    if receipt.refused is not None:
        return "refused"
    last = {one["step"]: one["outcome"] for one in said}
    if "withdrawn" in last.values():
        return "withdrawn"
    if receipt.duplicate_of is not None or "duplicate" in last.values():
        return "held" if last.get("settled") == "held" else "duplicate"
    if last.get("parsed") in ("failed", "empty"):
        return str(last["parsed"])
    found = set(periods.values())
    if receipt.source == "registers" and "parsed" in last:
        found = {PROPOSED}
    if documents and "accepted" not in documents:
        found = {next((one for one in ("held", "superseded", "duplicate") if one in documents), "withdrawn")}
    if not found:
        return RECEIVED
    return found.pop() if len(found) == 1 else MIXED


def _by_receipt(outcomes: Iterable[Row]) -> dict[tuple[str, str, int], list[Row]]:
    found: dict[tuple[str, str, int], list[Row]] = {}
    for row in outcomes:
        found.setdefault((row["municipality_no"], row["source_name"], row["sequence"]), []).append(row)
    return found


def show_delivery(home: Home, delivery_id: str, municipality_no: str | None = None, source: str | None = None) -> Row:
    """Return all that is known of a delivery: receipts, files, periods, documents, rejects, outcomes, decisions.

    Raises:
        ConfigurationError: There is none, or several, of that id.
    """
    receipts = find_delivery(home, delivery_id, municipality_no, source)
    first = receipts[0]
    owner, delivery_id = first.owner, first.delivery_id
    sequences = {receipt.sequence for receipt in receipts}
    outcomes = [
        row
        for row in read_outcomes(home)
        if (row["municipality_no"], row["source_name"]) == (owner, first.source_name) and row["sequence"] in sequences
    ]
    rejects = _rejects(home, owner, delivery_id, first.source)
    states = [row for row in _settled(home, schema.DOCUMENT_STATES, owner) if row["_delivery_id"] == delivery_id]
    periods = [
        row
        for row in _settled(home, schema.DELIVERY_PERIODS, owner)
        if (row["source_name"], row["_delivery_id"]) == (first.source_name, delivery_id)
    ]
    (listed,) = [one for one in list_deliveries(home, owner) if _is_of(one, first)]
    return {
        **{name: listed[name] for name in ("delivery_id", "municipality_no", "source", "state")},
        "receipts": [_receipt_facts(receipt) for receipt in receipts],
        "files": [asdict(file) for file in first.files],
        "archives": [asdict(archive) for archive in first.archives],
        "periods": [
            {name: row[name] for name in ("fiscal_period", "rows", "state", "superseded_by", "reason")}
            for row in sorted(periods, key=lambda row: row["fiscal_period"] or "")
        ],
        "documents": {
            name: sum(row["state"] == name for row in states) for name in sorted({row["state"] for row in states})
        },
        "outcomes": [
            {name: row[name] for name in ("sequence", "step", "outcome", "rule", "rows_in", "rows_out", "rejects")}
            | {"message": row["message"]}
            for row in outcomes
        ],
        "rejects": rejects[:_SHOWN_REJECTS],
        "rejects_left_out": max(0, len(rejects) - _SHOWN_REJECTS),
        "decisions": [
            {name: value for name, value in asdict(one).items() if name in ("action", "at", "by", "reason")}
            for one in read_decisions(home, owner)
            if (one.source_name, one.delivery_id) == (first.source_name, delivery_id)
        ],
        "shared_with": [asdict(share) for share in shares_of(home, owner, delivery_id)],
    }


def _is_of(row: Row, receipt: Receipt) -> bool:
    return (row["source"], row["sequence"]) == (receipt.source_name, receipt.sequence)


def _receipt_facts(receipt: Receipt) -> Row:
    return {
        "sequence": receipt.sequence,
        "received_at": receipt.received_at,
        "drop": receipt.drop,
        "duplicate_of": receipt.duplicate_of,
        "refused": receipt.refused,
    }


def find_delivery(
    home: Home, delivery_id: str, municipality_no: str | None = None, source: str | None = None
) -> list[Receipt]:
    """Return the receipts of the one delivery that an id, or the beginning of one, names; the first receipt first.

    Raises:
        ConfigurationError: There is none, or several: of two members, of two sources, or of two beginnings.
    """
    found = [
        receipt
        for receipt in read_all_receipts(home, municipality_no)
        if receipt.delivery_id.startswith(delivery_id or "?")
        and not is_settings(receipt)
        and source in (None, receipt.source_name)
    ]
    places = sorted({(one.owner, one.source_name, one.delivery_id) for one in found})
    if not places:
        raise ConfigurationError(
            f"There is no delivery {delivery_id}.",
            where=" ".join(filter(None, (municipality_no, source))) or "landing/",
            remedy="'samandel delivery list' names them all.",
        )
    if len(places) > 1:
        raise ConfigurationError(
            f"{len(places)} deliveries are meant by {delivery_id}.",
            where="; ".join(" ".join(place) for place in places[:10]),
            remedy="Write more of the id, or add --municipality and --source.",
        )
    return found


def decide(home: Home, receipts: Sequence[Receipt], action: str, *, at: datetime, by: str, reason: str) -> Decision:
    """Withdraw or accept a delivery; what follows from it is settled by the next run.

    Raises:
        ConfigurationError: No reason is given, or one that names somebody; or the decision would change nothing.
        WarehouseBusy: A run is at work in this home.
    """
    first = receipts[0]
    if first.refused is not None:
        raise ConfigurationError(
            "The drop was refused: nothing of it was taken, so there is nothing to decide on.",
            where=f"{first.owner} {first.source_name} {first.delivery_id}",
            remedy="Let it be delivered again as its receipt says.",
        )
    if first.source == "registers":
        raise ConfigurationError(
            "A register form is decided on row by row.",
            where=f"{first.owner} {first.source_name} {first.delivery_id}",
            remedy="See 'samandel register'.",
        )
    reason = require_reason(reason)
    if not by.strip():
        raise ConfigurationError("Nobody is named.", where="--by", remedy="Name who decides.")
    with exclusive_lock(home.run_lock, doing="running the pipeline"):
        key = (first.owner, first.source_name, first.delivery_id)
        standing = standing_decisions(read_decisions(home, first.owner)).get(key)
        if standing is not None and standing.action == action:
            raise ConfigurationError(
                f"The delivery is {'withdrawn' if action == WITHDRAW else 'accepted'} already.",
                where=f"{first.owner} {first.source_name} {first.delivery_id}: {standing.reason}",
                remedy="Nothing more is needed; run 'samandel run' if it has not run since.",
            )
        if action == ACCEPT and standing is None and not _is_held(home, first):
            raise ConfigurationError(
                "Nothing of the delivery is held or withdrawn.",
                where=f"{first.owner} {first.source_name} {first.delivery_id}",
                remedy="'samandel delivery list --state held' says what is.",
            )
        last = max(receipts, key=lambda receipt: receipt.received_at)
        return write_decision(home, last, action, at=at, by=by, reason=reason)


def _is_held(home: Home, receipt: Receipt) -> bool:
    return any(
        row["_delivery_id"] == receipt.delivery_id and row["state"] == "held"
        for table in (schema.DELIVERY_PERIODS, schema.DOCUMENT_STATES)
        for row in _settled(home, table, receipt.owner)
    )


def _settled(home: Home, table: Table, owner: str) -> list[Row]:
    path = table_path(home, table, owner, SETTLED)
    return _read(path)


def _rejects(home: Home, owner: str, delivery_id: str, source: str) -> list[Row]:
    """Return what was refused of a delivery at parsing and at settling, with row and remedy; values are masked."""
    import pyarrow.compute as pc

    wanted = (pc.field("_delivery_id") == delivery_id) & (pc.field("source") == source)
    folder = table_path(home, schema.REJECTS, owner, SETTLED).parent
    rows: list[Row] = []
    for path in sorted(folder.glob("*.parquet")):
        if path.stem == SETTLED or path.name.startswith(delivery_id):
            rows += _read(path, wanted)
    names = {"severity": "severity", "rule": "rule", "file": "file_name", "row": "_row_no", "column": "column_name"}
    names |= {"path": "_xpath", "raw": "raw", "message": "message"}
    # What was refused before what was only remarked on; within a file as it stands there.
    rows.sort(key=lambda row: (row["severity"] != "reject", row["file_name"] or "", row["_row_no"] or 0))
    return [{shown: row[name] for shown, name in names.items()} for row in rows]


def _read(path: Path, wanted: pc.Expression | None = None) -> list[Row]:
    import pyarrow.parquet as pq

    if not path.is_file():
        return []
    table = pq.ParquetFile(path).read()
    return (table if wanted is None else table.filter(wanted)).to_pylist()
