"""Settle what counts: which ledger periods are superseded, held or withdrawn, which e-invoices are duplicates.

Belongs here: the pure decision over all of one owner's deliveries, and storing it beside the parsed tables. Not here:
parsing (parse.py), what another member's deliveries have to do with it (shared_ledgers.py), what an accepted row means
(dbt). docs/corrections.md has all of it in one table.

(1) Ledgers: per source and fiscal period the latest delivery supersedes the one before, unless it has fewer than 70 %
    of the rows it would replace; then it is held (IN04) and the earlier one stands. A later, whole one supersedes both.
    The same files dropped again are the latest delivery once more: they take their periods back.
(2) E-invoices: seller (its name where one of two has no number), type, number and issue date are a document's key. The
    first one counts; the same key with the same facts is a duplicate, with other facts it is held (both IN03).
(3) Everything else counts as it came.
(4) A withdrawn delivery is as if it had never come: what it superseded, and what was a duplicate of it, counts again.
(5) An accepted one is not held, whatever (1), (2) or another member's ledger says; of its e-invoices, one that would
    be held takes the earlier one's place.
(6) An e-invoice addressed to a host's number that counts at another member is held (host_documents.py).
(7) A member's ledger and its SAF-T file hold the same purchases. A fiscal period that an accepted ledger covers is held
    for SAF-T (IN03); where the SAF-T delivery is accepted by the coordinator it takes the ledger's place there.
(8) Of two sources whose ledgers repeat each other in a fiscal period (repeated_ledgers.py), the one received later is
    held there (IN03).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pipelines.files import canonical_json, sha256_bytes
from pipelines.home import Home
from pipelines.landing.decisions import ACCEPT, WITHDRAW, read_decisions, standing_decisions
from pipelines.landing.store import Receipt, read_receipts
from pipelines.mask import mask_file_name
from pipelines.parsing import schema
from pipelines.parsing.books import (
    ALL,
    LEDGERS,
    Books,
    Decisions,
    Delivery,
    Row,
    RowCounts,
    count_periods,
    counted_receipts,
    is_decided,
    new_period,
    settled_outcome,
    withdrawn,
)
from pipelines.parsing.host_documents import KEY, SELLER, DocumentKey, counts_in, document_key, with_seller_numbers
from pipelines.parsing.kinds import KINDS
from pipelines.parsing.ledger_hashes import hashed_ledgers
from pipelines.parsing.repeated_ledgers import Repeats, find_repeats, repeated_periods
from pipelines.parsing.shared_ledgers import find_shared
from pipelines.parsing.store import SETTLED, Placed, place_receipts, stored_key, table_path, write_table

SETTLE_VERSION = "5"
_FACTS = ("payable_amount", "tax_exclusive_amount", "currency", "line_extension_total", "line_count")


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
    decisions: Decisions = MappingProxyType({}),
    shared: Mapping[Delivery, str] = MappingProxyType({}),
    elsewhere: Mapping[DocumentKey, str] = MappingProxyType({}),
    repeats: Repeats = MappingProxyType({}),
) -> Settlement:
    """Decide what counts.

    Args:
        receipts: All receipts of one owner, those of the same files again among them.
        row_counts: By source name and delivery id: rows by fiscal period, or under ALL for other kinds than ledgers.
            A delivery that could not be parsed has none, and nothing that could count.
        documents: The owner's parsed e-invoices (header rows).
        decisions: The coordinator's standing decisions.
        shared: Why a ledger is held for sharing postings with another member's (shared_ledgers.py).
        elsewhere: Which e-invoices count at another member (host_documents.py), and what to say of them here.
        repeats: Which ledgers of two sources hold the same postings (repeated_ledgers.py).

    Returns:
        The settlement, in an order that depends on nothing else.
    """
    settlement = Settlement()
    counted = counted_receipts(receipts, row_counts, decisions)
    ledgers: dict[str, Books] = {}
    first: dict[Delivery, Receipt] = {}
    for receipt in counted:
        is_first = first.setdefault((receipt.source_name, receipt.delivery_id), receipt) is receipt
        rows = row_counts[receipt.source_name, receipt.delivery_id]
        if receipt.source in LEDGERS:
            delivery = (receipt.source_name, receipt.delivery_id)
            repeated = repeated_periods(delivery, rows, ledgers, repeats)
            books = ledgers.setdefault(receipt.source_name, Books(decisions))
            books.receive(receipt, rows, shared.get(delivery), repeated)
        elif is_first and rows.get(ALL, 0):  # nothing counts of what brought nothing
            settlement.delivery_periods.append(_whole(receipt, rows.get(ALL, 0), decisions))
    for books in ledgers.values():
        settlement.delivery_periods += books.rows
        settlement.outcomes += books.outcomes()
    _settle_books_twice(counted, decisions, settlement)
    invoiced = [one for one in counted if one.source == "ehf"]
    _settle_documents(invoiced, documents, decisions, settlement, elsewhere)
    _note_withdrawn(receipts, row_counts, decisions, settlement)
    settlement.delivery_periods.sort(key=lambda row: (row["source_name"], row["sequence"], row["fiscal_period"]))
    settlement.outcomes.sort(key=lambda row: (row["source_name"], row["sequence"]))
    return settlement


def _settle_books_twice(counted: Sequence[Receipt], decisions: Decisions, settlement: Settlement) -> None:
    """(7) Of a ledger and a SAF-T file of the same fiscal period one counts."""
    receipts = {(one.source_name, one.sequence): one for one in counted}
    standing: dict[str, list[Row]] = defaultdict(list)
    for row in settlement.delivery_periods:
        if row["source"] == "ledger" and row["state"] == "accepted":
            standing[row["fiscal_period"]].append(row)
    held: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in settlement.delivery_periods:
        ledgers = standing.get(row["fiscal_period"], [])
        if row["source"] != "saft" or row["state"] != "accepted" or not ledgers:
            continue
        if is_decided(ACCEPT, receipts[row["source_name"], row["sequence"]], decisions):
            for ledger in ledgers:
                ledger |= {"state": "superseded", "superseded_by": row["_delivery_id"]}
            continue
        row |= {"state": "held", "reason": _BOOKS_TWICE}
        held[row["source_name"], row["sequence"]].append(row)
    for delivery, rows in held.items():
        count = sum(row["rows"] for row in rows)
        text = f"Held for {', '.join(row['fiscal_period'] for row in rows)}: {_BOOKS_TWICE}"
        outcome = settled_outcome(receipts[delivery], "held", "IN03", count, 0, count, text)
        # What was said of the delivery's other periods stands too.
        said = next((one for one in settlement.outcomes if (one["source_name"], one["sequence"]) == delivery), None)
        if said is None:
            settlement.outcomes.append(outcome)
        else:
            numbers = {name: said[name] + outcome[name] for name in ("rows_in", "rows_out", "rejects")}
            said |= numbers | {"outcome": "held", "message": f"{said['message']} {text}"}


_BOOKS_TWICE = (
    "A ledger of the same period counts already, and both hold the same purchases. Withdraw the ledger, or accept this "
    "delivery in its place."
)


def _whole(receipt: Receipt, rows: int, decisions: Decisions) -> Row:
    """(3) Return the one period of a delivery that has none."""
    row = new_period(receipt, ALL, rows)
    return row | withdrawn(receipt, decisions) if is_decided(WITHDRAW, receipt, decisions) else row


def _note_withdrawn(
    receipts: Sequence[Receipt], row_counts: RowCounts, decisions: Decisions, settlement: Settlement
) -> None:
    """(4) Say of every receipt of a withdrawn delivery that it is, those that came after the withdrawal too."""
    for receipt in receipts:
        if is_decided(WITHDRAW, receipt, decisions):
            delivery = (receipt.source_name, receipt.delivery_id)
            count = 0 if receipt.duplicate_of else sum(row_counts.get(delivery, {}).values())
            text = f"{withdrawn(receipt, decisions)['reason']}. Nothing of these files counts, however often they come."
            settlement.outcomes.append(settled_outcome(receipt, "withdrawn", None, count, 0, count, text))


def _settle_documents(
    counted: Sequence[Receipt],
    documents: Iterable[Row],
    decisions: Decisions,
    settlement: Settlement,
    elsewhere: Mapping[DocumentKey, str],
) -> None:
    """(2) The first document of a key counts, in the order of receipt, then of files."""
    # A delivery's first receipt; one that is not withdrawn, where there is such a one.
    bringing = sorted(enumerate(counted), key=lambda pair: (is_decided(WITHDRAW, pair[1], decisions), pair[0]))
    receipts: dict[str, Receipt] = {}
    place: dict[str, int] = {}
    for number, receipt in bringing:
        receipts.setdefault(receipt.delivery_id, receipt)
        place.setdefault(receipt.delivery_id, number)
    names = {
        (receipt.delivery_id, file.sha256): file.name
        for receipt in receipts.values()
        for file in reversed(receipt.files)  # of the same bytes under two names the first one counts
    }

    def name_of(document: Row) -> str:
        return names.get((document["_delivery_id"], document["_file_sha256"]), "")

    ordered = sorted(
        (document for document in with_seller_numbers(documents) if document["_delivery_id"] in receipts),
        key=lambda document: (
            place[document["_delivery_id"]],
            name_of(document),
            document["document_no"],
        ),
    )
    standing: dict[tuple[Any, ...], tuple[Row, Row]] = {}
    states: list[tuple[Row, Row]] = []
    for document in ordered:
        receipt = receipts[document["_delivery_id"]]
        state = _document_state(receipt, document)
        states.append((document, state))
        if is_decided(WITHDRAW, receipt, decisions):
            state["state"] = "withdrawn"
            continue
        key = document_key(document)
        earlier, earlier_state = standing.get(key, (None, state))
        if earlier is None:
            standing[key] = (document, state)
            continue
        state |= {name: earlier_state[name] for name in ("first_delivery_id", "first_file_sha256")}
        before = f"{mask_file_name(name_of(earlier))} of delivery {earlier['_delivery_id']}"
        if all(earlier[name] == document[name] for name in _FACTS):
            state["state"] = "duplicate"
            text = f"The same invoice came before, in {before}. It is counted once."
        elif is_decided(ACCEPT, receipt, decisions):
            # (5) Said of the earlier one: it is the one that no longer counts.
            name = mask_file_name(name_of(document))
            text = f"The coordinator accepted {name} of delivery {receipt.delivery_id} in its place."
            earlier_state["state"] = "superseded"
            standing[key] = (document, state)
            settlement.rejects.append(_reject(receipts, earlier, name_of(earlier), text))
            continue
        else:
            state["state"] = "held"
            text = (
                "An invoice with this seller, type, number and date but other amounts came before, in "
                f"{before}. This one is held: ask the seller which one is right."
            )
        settlement.rejects.append(_reject(receipts, document, name_of(document), text))
    for document, state in states:
        # (6) Last, so that of what this member delivered twice one is held and the rest are its duplicates.
        counts_there = counts_in(elsewhere, document)
        receipt = receipts[document["_delivery_id"]]
        if counts_there and state["state"] == "accepted" and not is_decided(ACCEPT, receipt, decisions):
            state["state"] = "held"
            settlement.rejects.append(_reject(receipts, document, name_of(document), counts_there))
    settlement.document_states += [state for _, state in states]
    _count_documents(receipts, states, settlement)


def _document_state(receipt: Receipt, document: Row) -> Row:
    return {
        "municipality_no": receipt.owner,
        "_delivery_id": receipt.delivery_id,
        "_file_sha256": document["_file_sha256"],
        "document_no": document["document_no"],
        "state": "accepted",
        "first_delivery_id": receipt.delivery_id,
        "first_file_sha256": document["_file_sha256"],
    }


def _count_documents(
    receipts: Mapping[str, Receipt], states: Sequence[tuple[Row, Row]], settlement: Settlement
) -> None:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for _, state in states:
        if state["state"] != "withdrawn":
            counts[state["_delivery_id"]][state["state"] != "accepted"] += 1
    for delivery_id, (accepted, refused) in sorted(counts.items()):
        if refused:
            text = f"{refused} of {accepted + refused} documents do not count: others of the same number stand."
            settlement.outcomes.append(
                settled_outcome(receipts[delivery_id], "ok", "IN03", accepted + refused, accepted, refused, text)
            )


def _reject(receipts: Mapping[str, Receipt], document: Row, file_name: str, message: str) -> Row:
    receipt = receipts[document["_delivery_id"]]
    return {
        "municipality_no": receipt.owner,
        "source": receipt.source,
        "severity": "reject",
        "rule": "IN03",
        "file_name": mask_file_name(file_name),
        "message": message,
        "_delivery_id": receipt.delivery_id,
        "_file_sha256": document["_file_sha256"],
        "_row_no": document["document_no"],
        "_xpath": document["_xpath"],
    }


def settle(
    home: Home,
    owner: str,
    shared: Mapping[Delivery, str] | None = None,
    elsewhere: Mapping[DocumentKey, str] = MappingProxyType({}),
) -> None:
    """Settle one owner's deliveries and store it, unless nothing has changed since the last time.

    Args:
        home: The home.
        owner: Whose deliveries.
        shared: Why ledgers of this owner are held for sharing postings with another member's; found out where absent.
        elsewhere: Which e-invoices count at another member (host_documents.py), and what to say of them here.
    """
    if shared is None:
        shared = find_shared(home).get(owner, {})
    receipts = [receipt for receipt in read_receipts(home, owner) if receipt.source != "registers"]
    decisions = standing_decisions(read_decisions(home, owner))
    placed = place_receipts(receipts)
    parsed = {one.name: stored_key(home, owner, one.name) for one in placed if not one.is_duplicate}
    facts = [
        SETTLE_VERSION,
        [(one.receipt.source_name, one.receipt.sequence, one.name) for one in placed],
        parsed,
        [(one.source_name, one.delivery_id, one.number, one.action) for one in decisions.values()],
        sorted([*delivery, reason] for delivery, reason in shared.items()),
        sorted([[str(part) for part in document], text] for document, text in elsewhere.items()),
        home.consortium.limits.shared_ledger_percent,
    ]
    key = sha256_bytes(canonical_json(facts).encode())
    if stored_key(home, owner, SETTLED) == key:
        return
    # What failed to parse has nothing that could count.
    readable = [one for one in placed if parsed.get(one.name)]
    ledgers, _ = hashed_ledgers(home, (receipt for receipt in receipts if receipt.source in LEDGERS))
    settlement = settle_deliveries(
        receipts,
        _row_counts(home, receipts, readable),
        _documents(home, readable),
        decisions,
        shared,
        elsewhere,
        find_repeats(ledgers, home.consortium.limits.shared_ledger_percent),
    )
    write_table(home, schema.DELIVERY_PERIODS, owner, SETTLED, settlement.delivery_periods)
    write_table(home, schema.DOCUMENT_STATES, owner, SETTLED, settlement.document_states)
    write_table(home, schema.REJECTS, owner, SETTLED, settlement.rejects)
    # Last: from now on the owner is settled.
    write_table(home, schema.OUTCOMES, owner, SETTLED, settlement.outcomes, key=key)


def _row_counts(
    home: Home, receipts: Sequence[Receipt], readable: Iterable[Placed]
) -> dict[Delivery, Mapping[str, int]]:
    by_kind = {(one.receipt.source, one.receipt.delivery_id): _count(home, one) for one in readable}
    return {
        (receipt.source_name, receipt.delivery_id): by_kind[receipt.source, receipt.delivery_id]
        for receipt in receipts
        if (receipt.source, receipt.delivery_id) in by_kind
    }


def _count(home: Home, placed: Placed) -> dict[str, int]:
    import pyarrow.parquet as pq

    receipt = placed.receipt
    if receipt.source in LEDGERS:
        return count_periods(home, receipt.owner, placed.name)
    path = table_path(home, KINDS[receipt.source].tables[0], receipt.owner, placed.name)
    return {ALL: pq.read_metadata(path).num_rows}


def _documents(home: Home, readable: Iterable[Placed]) -> list[Row]:
    import pyarrow.parquet as pq

    columns = [*SELLER, *KEY, *_FACTS, "document_no", "_delivery_id", "_file_sha256", "_xpath"]
    rows: list[Row] = []
    for placed in readable:
        if placed.receipt.source == "ehf":
            path = table_path(home, schema.EHF_INVOICES, placed.receipt.owner, placed.name)
            rows += pq.ParquetFile(path).read(columns=columns).to_pylist()
    return rows
