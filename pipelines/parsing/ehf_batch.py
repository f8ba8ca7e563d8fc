"""Many e-invoices at once: files to columns, whose document each is (RF10), and keeping count.

Belongs here: what one chunk of a delivery's files gives, in the form that goes between processes. Not here: one
document (ehf.py), on how many processors chunks are read (ehf_workers.py), where the columns go (sink.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from pipelines.home import Home
from pipelines.landing.store import LandedFile, read_file
from pipelines.limits import DEFAULT_LIMITS, Limits
from pipelines.municipalities import own_org_nos
from pipelines.parsing import ehf, schema
from pipelines.parsing.ehf import ParsedDocument
from pipelines.parsing.rejects import Reject
from pipelines.tables import Table, arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

_FILES_OF_A_CHUNK = 256
_BYTES_OF_A_CHUNK = 8 * 2**20


@dataclass(frozen=True)
class Buyer:
    """The member whose deliveries are read: its number, its rows of the register of own numbers, and what is read."""

    municipality_no: str
    own_numbers: tuple[Mapping[str, Any], ...]
    limits: Limits = DEFAULT_LIMITS


@dataclass
class Batch:
    """What a chunk of files gave.

    Attributes:
        documents: How many files were read; each holds one document.
        tables: Rows by table name, with ``_file_sha256``.
        notes: What is refused or remarked on: the file's position in the chunk, whether it is the one reject of a
            document that goes no further, and what is to be said.
        months: ``YYYY-MM`` of the documents that go on.
    """

    documents: int
    tables: dict[str, pa.Table]
    notes: list[tuple[int, bool, Reject]] = field(default_factory=list)
    months: set[str] = field(default_factory=set)


def cut_into_chunks(files: Sequence[LandedFile]) -> Iterator[Sequence[LandedFile]]:
    """Give the files in chunks of bounded number and size, in order; the cuts depend on nothing but the files."""
    start, size = 0, 0
    for position, file in enumerate(files):
        if position > start and (position - start >= _FILES_OF_A_CHUNK or size + file.size > _BYTES_OF_A_CHUNK):
            yield files[start:position]
            start, size = position, 0
        size += file.size
    if start < len(files):
        yield files[start:]


def read_chunk(home: Home, files: Sequence[LandedFile], buyer: Buyer) -> Batch:
    """Read a chunk of landed files.

    Raises:
        UnreadableDelivery: A file's bytes are gone, or are no longer those that were received.
    """
    rows: dict[str, list[dict[str, Any]]] = {table.name: [] for table in schema.EHF_TABLES}
    batch = Batch(len(files), {})
    own: dict[date, set[str]] = {}
    for position, file in enumerate(files):
        document = ehf.parse_document(read_file(home, file), buyer.limits)
        invoice = document.invoice
        if invoice is None:
            # One document, one reject: that is what is counted. What else was wrong with it is remarked on.
            batch.notes.append((position, True, document.rejects[0]))
            batch.notes += [(position, False, other) for other in document.rejects[1:]]
            continue
        day = invoice["invoice_date"]
        if day not in own:
            own[day] = own_org_nos(buyer.own_numbers, buyer.municipality_no, day)
        if invoice["buyer_org_no"] not in own[day]:
            batch.notes.append((position, True, _wrong_tenant(buyer, invoice)))
            continue
        batch.months.add(day.strftime("%Y-%m"))
        batch.notes += [(position, False, issue) for issue in document.issues]
        _keep(document, file.sha256, rows)
    batch.tables = {table.name: as_columns(table, rows[table.name]) for table in schema.EHF_TABLES}
    return batch


def _keep(document: ParsedDocument, sha256: str, rows: dict[str, list[dict[str, Any]]]) -> None:
    if document.invoice is not None:
        document.invoice["_file_sha256"] = sha256
        rows["ehf_invoices"].append(document.invoice)
    for name, found in (
        ("ehf_invoice_lines", document.lines),
        ("ehf_allowance_charges", document.allowance_charges),
        ("ehf_tax_subtotals", document.tax_subtotals),
        ("ehf_billing_references", document.billing_references),
        ("ehf_item_classifications", document.item_classifications),
    ):
        for row in found:
            row["_file_sha256"] = sha256
        rows[name] += found


def _wrong_tenant(buyer: Buyer, invoice: Mapping[str, Any]) -> Reject:
    """RF10: a document whose buyer is not one of the member's own numbers on its date is somebody else's."""
    return Reject(
        "RF10",
        f"The buyer is not {buyer.municipality_no} or one of its units on the date of issue. Pass the document on to "
        "whom it is addressed to, or add the number to registers/member_org_nos.csv.",
        path="cac:AccountingCustomerParty",
        raw=invoice["buyer_org_no"],
    ).stating(ehf.net_of(invoice, invoice["is_credit_note"]), invoice["invoice_date"], invoice["currency"])


def as_columns(table: Table, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return rows as columns: those that any row has."""
    import pyarrow as pa

    stated = set().union(*rows)
    return pa.table(
        {
            column.name: pa.array([row.get(column.name) for row in rows], column.type)
            for column in _arrow_schema(table)
            if column.name in stated
        }
    )


@cache
def _arrow_schema(table: Table) -> pa.Schema:
    return arrow_schema(table)
