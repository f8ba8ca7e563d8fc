"""E-invoices addressed to a host that pays for others: when two members deliver one, it counts once.

Belongs here: who may deliver documents addressed to a number, and which invoices of a member count at another. Not
here: what being held means for a document (settle.py), who is whose host (registers/member_org_nos.csv).

A row of member_org_nos with the role ``host`` says that another's number stands on invoices that this member delivers.
Of those who may deliver a number's documents, the member that it is comes first, then those that have it as their
host, by municipality number. An invoice (seller, type, number, date) counts at the first of them that has it accepted;
the others' is held until somebody decides: withdrawn at the one, or accepted at the other. It depends on no order of
receipt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipelines.home import Home
from pipelines.landing.store import read_receipts
from pipelines.parsing import schema
from pipelines.parsing.store import SETTLED, place_receipts, table_path

HOST = "host"
DocumentKey = tuple[Any, ...]
Row = Mapping[str, Any]
SELLER = ("seller_org_no", "seller_name")
WITH_NUMBER = "with a number"
KEY = ("document_type", "invoice_no", "invoice_date")


def claimants_of(member_org_nos: Iterable[Row]) -> dict[str, list[str]]:
    """Return who may deliver documents addressed to each number that is somebody's host's, the first one first."""
    rows = list(member_org_nos)
    hosts = {row["org_no"] for row in rows if row["role"] == HOST}
    ranked: dict[str, set[tuple[bool, str]]] = {org_no: set() for org_no in hosts}
    for row in rows:
        if row["org_no"] in hosts:
            ranked[row["org_no"]].add((row["role"] == HOST, row["municipality_no"]))
    return {
        org_no: list(dict.fromkeys(municipality_no for _, municipality_no in sorted(found)))
        for org_no, found in sorted(ranked.items())
    }


def settling_order(owners: Iterable[str], member_org_nos: Iterable[Row]) -> list[str]:
    """Return owners in an order in which what counts at a host is settled before those whose host it is.

    Members with a host are among them whoever is asked for: what their host delivers can change what counts of theirs.
    They come twice, for one of them may be another's host.
    """
    guests = sorted({row["municipality_no"] for row in member_org_nos if row["role"] == HOST})
    return [*(owner for owner in owners if owner not in guests), *guests, *guests]


def document_key(document: Row) -> DocumentKey:
    """Return what an invoice is known by: seller (its name where it has no number), type, number and date."""
    seller = next((document[name] for name in SELLER if document[name]), None)
    return (_folded(seller), *(_folded(document[name]) for name in KEY))


def with_seller_numbers(documents: Iterable[Row]) -> list[dict[str, Any]]:
    """Return invoices with the seller's number, where only another copy of the same one has it.

    A copy has the same seller's name, type, number and date. Where sellers of several numbers go by that name, the
    least number is taken: which document came first makes no difference.
    """
    rows = [dict(document) for document in documents]
    numbers: dict[DocumentKey, str] = {}
    for row in rows:
        if (number := row["seller_org_no"]) and row["seller_name"]:
            key = _by_name(row)
            numbers[key] = min(number, numbers.get(key, number))
    for row in rows:
        row["seller_org_no"] = row["seller_org_no"] or numbers.get(_by_name(row))
    return rows


def counts_in(elsewhere: Mapping[DocumentKey, str], document: Row) -> str | None:
    """Return what to say of an invoice that counts at another member; by the seller's name where one has no number.

    Args:
        elsewhere: As counted_elsewhere returns it.
        document: An invoice of this member.
    """
    by_name = _by_name(document)
    other = by_name if document["seller_org_no"] else (WITH_NUMBER, *by_name)
    return elsewhere.get(document_key(document)) or elsewhere.get(other)


def _by_name(document: Row) -> DocumentKey:
    return document_key({**document, "seller_org_no": None})


def _folded(value: Any) -> Any:
    return " ".join(value.split()).upper() if isinstance(value, str) else value


def counted_elsewhere(home: Home, owner: str, member_org_nos: Sequence[Row]) -> dict[DocumentKey, str]:
    """Return the invoices that count at another member, and what to say where this one delivers them too.

    Reads what the others' settling has accepted: those before this one must be settled first.
    """
    found: dict[DocumentKey, str] = {}
    for org_no, claimants in claimants_of(member_org_nos).items():
        if owner not in claimants:
            continue
        for other in claimants[: claimants.index(owner)]:
            for document in _accepted_documents(home, other, org_no):
                text = (
                    f"{other} has delivered the same invoice (delivery {document['_delivery_id']}), addressed to the "
                    "host's number: it counts there, and this one is held. Withdraw the other, or accept this one."
                )
                found.setdefault(document_key(document), text)
                if document["seller_org_no"] and document["seller_name"]:
                    found.setdefault((WITH_NUMBER, *_by_name(document)), text)
    return found


def _accepted_documents(home: Home, owner: str, buyer_org_no: str) -> list[dict[str, Any]]:
    """Return an owner's e-invoices addressed to a number that its settling accepted."""
    import pyarrow.parquet as pq

    settled = table_path(home, schema.DOCUMENT_STATES, owner, SETTLED)
    if not settled.is_file():
        return []
    accepted = {
        (row["_delivery_id"], row["_file_sha256"], row["document_no"])
        for row in pq.ParquetFile(settled).read().to_pylist()
        if row["state"] == "accepted"
    }
    columns = [*SELLER, *KEY, "buyer_org_no", "document_no", "_delivery_id", "_file_sha256"]
    documents = []
    receipts = [receipt for receipt in read_receipts(home, owner) if receipt.source == "ehf"]
    for placed in place_receipts(receipts):
        path = table_path(home, schema.EHF_INVOICES, owner, placed.name)
        if placed.is_duplicate or not path.is_file():
            continue
        documents += [
            row
            for row in pq.ParquetFile(path).read(columns=columns).to_pylist()
            if row["buyer_org_no"] == buyer_org_no
            and (row["_delivery_id"], row["_file_sha256"], row["document_no"]) in accepted
        ]
    return documents
