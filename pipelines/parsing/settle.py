"""Settle what counts: which ledger periods are superseded or held, which e-invoices are duplicates.

Belongs here: the pure decision over all of one owner's deliveries, and storing it beside the parsed tables. Not here:
parsing (parse.py), what an accepted row means (dbt).

(1) Ledgers: per source and fiscal period the latest delivery supersedes the one before, unless it has fewer than 70 %
    of the rows it would replace; then it is held (IN04) and the earlier one stands. A later, whole one supersedes both.
(2) E-invoices: seller (its name where it has no number), type, number and issue date are a document's key. The first
    one counts; the same key with the same facts is a duplicate, with other facts it is held (both IN03).
(3) Everything else counts as it came.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.files import canonical_json, sha256_bytes
from pipelines.home import Home
from pipelines.landing.store import Receipt, read_receipts
from pipelines.mask import mask_file_name
from pipelines.parsing import schema
from pipelines.parsing.store import SETTLED, Placed, place_receipts, stored_key, table_path, write_table
from pipelines.tables import Table

SETTLE_VERSION = "1"
LEAST_PERCENT_KEPT = 70  # whole numbers: exactly 70 % is enough, whatever the rows
ALL = "all"
_FACTS = ("payable_amount", "tax_exclusive_amount", "currency", "line_extension_total", "line_count")
_KEY = ("document_type", "invoice_no", "invoice_date")
_SELLER = ("seller_org_no", "seller_name")
# What a delivery of a kind consists of; postings are counted by period.
_COUNTED: dict[str, Table] = {"ehf": schema.EHF_INVOICES, "notices": schema.NOTICES, "brreg": schema.COMPANIES}
Row = dict[str, Any]
RowCounts = Mapping[tuple[str, str], Mapping[str, int]]


@dataclass
class Settlement:
    """What counts: rows of delivery_periods and document_states, and what settling refused."""

    delivery_periods: list[Row] = field(default_factory=list)
    document_states: list[Row] = field(default_factory=list)
    rejects: list[Row] = field(default_factory=list)
    outcomes: list[Row] = field(default_factory=list)


def settle_deliveries(
    receipts: Sequence[Receipt],
    row_counts: RowCounts,
    documents: Iterable[Row],
) -> Settlement:
    """Decide what counts.

    Args:
        receipts: One owner's receipts without duplicates, by source and sequence.
        row_counts: By source name and delivery id: rows by fiscal period, or under ALL for other kinds than ledgers.
        documents: The owner's parsed e-invoices (header rows).

    Returns:
        The settlement, in an order that depends on nothing else.
    """
    settlement = Settlement()
    ledgers: dict[str, list[Receipt]] = defaultdict(list)
    for receipt in receipts:
        if receipt.source in ("ledger", "saft"):
            ledgers[receipt.source_name].append(receipt)
        else:
            rows = _rows_of(receipt, row_counts).get(ALL, 0)
            settlement.delivery_periods.append(_period(receipt, ALL, rows, "accepted"))
    for _, delivered in sorted(ledgers.items()):
        _settle_ledger(delivered, row_counts, settlement)
    invoiced = {receipt.delivery_id: receipt for receipt in receipts if receipt.source == "ehf"}
    _settle_documents(invoiced, documents, settlement)
    settlement.delivery_periods.sort(key=lambda row: (row["source_name"], row["sequence"], row["fiscal_period"]))
    return settlement


def _rows_of(receipt: Receipt, row_counts: RowCounts) -> Mapping[str, int]:
    return row_counts.get((receipt.source_name, receipt.delivery_id), {})


def _period(receipt: Receipt, fiscal_period: str, rows: int, state: str) -> Row:
    return {
        "municipality_no": receipt.owner,
        "source": receipt.source,
        "source_name": receipt.source_name,
        "_delivery_id": receipt.delivery_id,
        "sequence": receipt.sequence,
        "fiscal_period": fiscal_period,
        "rows": rows,
        "state": state,
        "superseded_by": None,
        "reason": None,
    }


def _settle_ledger(delivered: Sequence[Receipt], row_counts: RowCounts, settlement: Settlement) -> None:
    """(1) Walk through one source's deliveries in the order of receipt."""
    standing: dict[str, Row] = {}
    waiting: dict[str, list[Row]] = defaultdict(list)
    held: dict[int, list[Row]] = defaultdict(list)
    for receipt in sorted(delivered, key=lambda receipt: receipt.sequence):
        for fiscal_period, rows in sorted(_rows_of(receipt, row_counts).items()):
            row = _period(receipt, fiscal_period, rows, "accepted")
            settlement.delivery_periods.append(row)
            before = standing.get(fiscal_period)
            if before is not None and 100 * rows < LEAST_PERCENT_KEPT * before["rows"]:
                row["state"] = "held"
                row["reason"] = (
                    f"{rows} rows would replace {before['rows']}: fewer than {LEAST_PERCENT_KEPT} %. Deliver the whole "
                    "period again."
                )
                waiting[fiscal_period].append(row)
                held[receipt.sequence].append(row)
                continue
            for replaced in [*([before] if before else []), *waiting.pop(fiscal_period, [])]:
                replaced |= {"state": "superseded", "superseded_by": receipt.delivery_id}
            standing[fiscal_period] = row
    for receipt in delivered:
        still_held = [row for row in held[receipt.sequence] if row["state"] == "held"]
        if still_held:
            count = sum(row["rows"] for row in still_held)
            months = ", ".join(row["fiscal_period"] for row in still_held)
            text = f"Held for {months}: {still_held[0]['reason']}"
            settlement.outcomes.append(_outcome(receipt, "held", "IN04", count, 0, count, text))


def _settle_documents(receipts: Mapping[str, Receipt], documents: Iterable[Row], settlement: Settlement) -> None:
    """(2) The first document of a key counts, in the order of receipt, then of files."""
    first: dict[tuple[Any, ...], Row] = {}
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    names = {
        (receipt.delivery_id, file.sha256): file.name
        for receipt in receipts.values()
        for file in reversed(receipt.files)  # of the same bytes under two names the first one counts
    }

    def name_of(document: Row) -> str:
        return names.get((document["_delivery_id"], document["_file_sha256"]), "")

    ordered = sorted(
        (document for document in documents if document["_delivery_id"] in receipts),
        key=lambda document: (
            receipts[document["_delivery_id"]].source_name,
            receipts[document["_delivery_id"]].sequence,
            name_of(document),
            document["document_no"],
        ),
    )
    for document in ordered:
        receipt = receipts[document["_delivery_id"]]
        seller = next((document[name] for name in _SELLER if document[name]), None)
        key = (_folded(seller), *(_folded(document[name]) for name in _KEY))
        earlier = first.setdefault(key, document)
        state = "accepted"
        if earlier is not document:
            same = all(earlier[name] == document[name] for name in _FACTS)
            state = "duplicate" if same else "held"
            before = f"{mask_file_name(name_of(earlier))} of delivery {earlier['_delivery_id']}"
            settlement.rejects.append(_reject(receipt, document, name_of(document), before, same))
        counts[receipt.delivery_id][state != "accepted"] += 1
        settlement.document_states.append(
            {
                "municipality_no": receipt.owner,
                "_delivery_id": receipt.delivery_id,
                "_file_sha256": document["_file_sha256"],
                "document_no": document["document_no"],
                "state": state,
                "first_delivery_id": earlier["_delivery_id"],
                "first_file_sha256": earlier["_file_sha256"],
            }
        )
    for delivery_id, (accepted, refused) in sorted(counts.items()):
        if refused:
            text = f"{refused} of {accepted + refused} documents had been delivered before."
            settlement.outcomes.append(
                _outcome(receipts[delivery_id], "ok", "IN03", accepted + refused, accepted, refused, text)
            )


def _folded(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


def _reject(receipt: Receipt, document: Row, file_name: str, before: str, same: bool) -> Row:
    text = (
        f"The same invoice came before, in {before}. It is counted once."
        if same
        else f"An invoice with this seller, type, number and date but other amounts came before, in {before}. This "
        "one is held: ask the seller which one is right."
    )
    return {
        "municipality_no": receipt.owner,
        "source": receipt.source,
        "severity": "reject",
        "rule": "IN03",
        "file_name": mask_file_name(file_name),
        "message": text,
        "_delivery_id": receipt.delivery_id,
        "_file_sha256": document["_file_sha256"],
        "_row_no": document["document_no"],
        "_xpath": document["_xpath"],
    }


def _outcome(receipt: Receipt, outcome: str, rule: str, rows_in: int, rows_out: int, rejects: int, text: str) -> Row:
    return {
        "municipality_no": receipt.owner,
        "source": receipt.source,
        "source_name": receipt.source_name,
        "_delivery_id": receipt.delivery_id,
        "sequence": receipt.sequence,
        "step": "settled",
        "outcome": outcome,
        "rule": rule,
        "files": len(receipt.files),
        "rows_in": rows_in,
        "rows_out": rows_out,
        "rejects": rejects,
        "issues": 0,
        "message": text,
        "received_at": receipt.received_at,
    }


def settle(home: Home, owner: str) -> None:
    """Settle one owner's deliveries and store it, unless nothing has changed since the last time."""
    receipts = [receipt for receipt in read_receipts(home, owner) if receipt.source != "registers"]
    placed = [one for one in place_receipts(receipts) if not one.is_duplicate]
    parsed = {one.name: stored_key(home, owner, one.name) for one in placed}
    facts = [
        SETTLE_VERSION,
        [(one.receipt.source_name, one.receipt.sequence, one.name) for one in placed],
        parsed,
    ]
    key = sha256_bytes(canonical_json(facts).encode())
    if stored_key(home, owner, SETTLED) == key:
        return
    # What failed to parse has nothing that could count.
    readable = [one for one in placed if parsed[one.name]]
    settlement = settle_deliveries(
        [one.receipt for one in readable], _row_counts(home, readable), _documents(home, readable)
    )
    write_table(home, schema.DELIVERY_PERIODS, owner, SETTLED, settlement.delivery_periods)
    write_table(home, schema.DOCUMENT_STATES, owner, SETTLED, settlement.document_states)
    write_table(home, schema.REJECTS, owner, SETTLED, settlement.rejects)
    # Last: from now on the owner is settled.
    write_table(home, schema.OUTCOMES, owner, SETTLED, settlement.outcomes, key=key)


def _row_counts(home: Home, readable: Iterable[Placed]) -> dict[tuple[str, str], dict[str, int]]:
    import pyarrow.parquet as pq

    counts: dict[tuple[str, str], dict[str, int]] = {}
    for placed in readable:
        receipt = placed.receipt
        key = (receipt.source_name, receipt.delivery_id)
        if receipt.source in _COUNTED:
            path = table_path(home, _COUNTED[receipt.source], receipt.owner, placed.name)
            counts[key] = {ALL: pq.read_metadata(path).num_rows}
        else:
            path = table_path(home, schema.LEDGER_POSTINGS, receipt.owner, placed.name)
            periods = pq.ParquetFile(path).read(columns=["fiscal_period"]).column(0).to_pylist()
            counts[key] = dict(Counter(str(period) for period in periods))
    return counts


def _documents(home: Home, readable: Iterable[Placed]) -> list[Row]:
    import pyarrow.parquet as pq

    columns = [*_SELLER, *_KEY, *_FACTS, "document_no", "_delivery_id", "_file_sha256", "_xpath"]
    rows: list[Row] = []
    for placed in readable:
        if placed.receipt.source == "ehf":
            path = table_path(home, schema.EHF_INVOICES, placed.receipt.owner, placed.name)
            rows += pq.ParquetFile(path).read(columns=columns).to_pylist()
    return rows
