"""E-invoices to Parquet against the physical limit and against what a user would write instead, side by side.

Not a test: ``python -m tests.benchmarks.ehf [documents] [rounds]`` prints a table. Every contestant reads the same
files from the disk, in turn, A B C A B C …, so that a machine that slows down slows all. The fastest round counts;
processor time beside it says how much of a slow round was other people's.

* ``bare``: lxml parse and findtext of the fields that the parsed tables hold; nothing is converted, checked or written.
* ``xmltodict + pandas``: the same fields, decimals and dates converted, three Parquet files written.
* ``samandel``: landed files held against their digests, parsed, checked, typed, six Parquet files and the rejects
  written and flushed; on one process, and on as many as there are processors.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xmltodict
from lxml import etree

from pipelines.demo.make import make_demo
from pipelines.home import Home
from pipelines.landing.store import LandedFile, Receipt, store_bytes
from pipelines.parsing import ehf_workers, schema
from pipelines.parsing.ehf_batch import Buyer
from pipelines.parsing.sink import Sink

_LONG_AGO = date(2000, 1, 1)
_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
NAMES = {"cbc": f"{_UBL}CommonBasicComponents-2", "cac": f"{_UBL}CommonAggregateComponents-2"}
_TOTALS = "LineExtension AllowanceTotal ChargeTotal TaxExclusive TaxInclusive Prepaid PayableRounding Payable"
HEADER = [
    *(
        f"cbc:{name}"
        for name in [
            "CustomizationID",
            "ProfileID",
            "ID",
            "IssueDate",
            "DueDate",
            "TaxPointDate",
            "InvoiceTypeCode",
            "CreditNoteTypeCode",
            "DocumentCurrencyCode",
            "TaxCurrencyCode",
            "AccountingCost",
            "BuyerReference",
        ]
    ),
    "cac:InvoicePeriod/cbc:StartDate",
    "cac:InvoicePeriod/cbc:EndDate",
    "cac:OrderReference/cbc:ID",
    "cac:OrderReference/cbc:SalesOrderID",
    "cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID",
    "cac:BillingReference/cac:InvoiceDocumentReference/cbc:IssueDate",
    *(
        f"cac:{name}/cbc:ID"
        for name in ["ContractDocumentReference", "OriginatorDocumentReference", "ProjectReference"]
    ),
    *(f"cac:{name}/cbc:ID" for name in ["ReceiptDocumentReference", "DespatchDocumentReference"]),
    *(
        f"cac:Accounting{role}Party/cac:Party/{path}"
        for role in ("Supplier", "Customer")
        for path in (
            "cac:PartyLegalEntity/cbc:CompanyID",
            "cac:PartyLegalEntity/cbc:RegistrationName",
            "cac:PartyName/cbc:Name",
            "cac:PartyTaxScheme/cbc:CompanyID",
            "cbc:EndpointID",
            "cac:PostalAddress/cac:Country/cbc:IdentificationCode",
        )
    ),
    "cac:PayeeParty/cac:PartyLegalEntity/cbc:CompanyID",
    "cac:PayeeParty/cac:PartyName/cbc:Name",
    "cac:Delivery/cbc:ActualDeliveryDate",
    "cac:Delivery/cac:DeliveryLocation/cbc:ID",
    "cac:PaymentMeans/cbc:PaymentDueDate",
    "cac:TaxTotal/cbc:TaxAmount",
    *(f"cac:LegalMonetaryTotal/cbc:{name}Amount" for name in _TOTALS.split()),
]
LINE = [
    "cbc:ID",
    "cbc:InvoicedQuantity",
    "cbc:CreditedQuantity",
    "cbc:LineExtensionAmount",
    "cbc:AccountingCost",
    "cac:InvoicePeriod/cbc:StartDate",
    "cac:InvoicePeriod/cbc:EndDate",
    "cac:OrderLineReference/cbc:LineID",
    "cac:Item/cbc:Name",
    "cac:Item/cbc:Description",
    "cac:Item/cac:SellersItemIdentification/cbc:ID",
    "cac:Item/cac:BuyersItemIdentification/cbc:ID",
    "cac:Item/cac:StandardItemIdentification/cbc:ID",
    "cac:Item/cac:OriginCountry/cbc:IdentificationCode",
    "cac:Item/cac:CommodityClassification/cbc:ItemClassificationCode",
    "cac:Item/cac:ClassifiedTaxCategory/cbc:ID",
    "cac:Item/cac:ClassifiedTaxCategory/cbc:Percent",
    "cac:Price/cbc:PriceAmount",
    "cac:Price/cbc:BaseQuantity",
    "cac:Price/cac:AllowanceCharge/cbc:Amount",
    "cac:Price/cac:AllowanceCharge/cbc:BaseAmount",
]
SUBTOTAL = [
    "cbc:TaxableAmount",
    "cbc:TaxAmount",
    "cac:TaxCategory/cbc:ID",
    "cac:TaxCategory/cbc:Percent",
    "cac:TaxCategory/cbc:TaxExemptionReasonCode",
]
CHARGE = [
    "cbc:ChargeIndicator",
    "cbc:AllowanceChargeReasonCode",
    "cbc:AllowanceChargeReason",
    "cbc:MultiplierFactorNumeric",
    "cbc:Amount",
    "cbc:BaseAmount",
    "cac:TaxCategory/cbc:ID",
    "cac:TaxCategory/cbc:Percent",
]


def bare(paths: list[Path]) -> int:
    """Parse and find every field, and keep nothing."""
    read = 0
    for path in paths:
        try:
            root = etree.parse(str(path)).getroot()
        except etree.XMLSyntaxError:
            continue
        for name in HEADER:
            root.findtext(name, namespaces=NAMES)
        for tags, names in (
            (("cac:InvoiceLine", "cac:CreditNoteLine"), LINE),
            (("cac:TaxTotal/cac:TaxSubtotal",), SUBTOTAL),
            (("cac:AllowanceCharge", "cac:InvoiceLine/cac:AllowanceCharge"), CHARGE),
        ):
            for tag in tags:
                for element in root.iterfind(tag, namespaces=NAMES):
                    for name in names:
                        element.findtext(name, namespaces=NAMES)
        read += 1
    return read


def _get(node: Any, path: str) -> Any:
    for step in path.split("/"):
        if isinstance(node, list):
            node = node[0] if node else None
        if not isinstance(node, dict):
            return None
        node = node.get(step)
    if isinstance(node, list):
        node = node[0] if node else None
    return node.get("#text") if isinstance(node, dict) else node


def _many(node: Any) -> list[Any]:
    return [] if node is None else node if isinstance(node, list) else [node]


def with_xmltodict(paths: list[Path], folder: Path) -> int:
    """Read the same fields with xmltodict, and write them with pandas."""
    import pandas

    tables: dict[str, list[dict[str, Any]]] = {"invoices": [], "lines": [], "subtotals": [], "charges": []}
    for number, path in enumerate(paths):
        try:
            document = xmltodict.parse(path.read_bytes())
        except Exception:  # noqa: BLE001, S112  the truncated one
            continue
        root = next(iter(document.values()))
        lines = _many(root.get("cac:InvoiceLine")) + _many(root.get("cac:CreditNoteLine"))
        tables["invoices"].append({name: _get(root, name) for name in HEADER} | {"number": number})
        tables["lines"] += [{name: _get(line, name) for name in LINE} | {"number": number} for line in lines]
        for total in _many(root.get("cac:TaxTotal")):
            for subtotal in _many(total.get("cac:TaxSubtotal")):
                tables["subtotals"].append({name: _get(subtotal, name) for name in SUBTOTAL} | {"number": number})
        for charge in _many(root.get("cac:AllowanceCharge")):
            tables["charges"].append({name: _get(charge, name) for name in CHARGE} | {"number": number})
    for name, rows in tables.items():
        frame = pandas.DataFrame(rows)
        for column in frame.columns:
            if column.endswith(("Amount", "Quantity", "Percent", "Numeric")):
                frame[column] = [None if value is None else Decimal(value) for value in frame[column]]
            elif column.endswith("Date"):
                frame[column] = pandas.to_datetime(frame[column], errors="coerce")
        frame.to_parquet(folder / f"{name}.parquet", compression="zstd")
    return len(tables["invoices"])


def with_samandel(home: Home, files: list[LandedFile], buyers: Buyer, processes: int) -> int:
    """Take the landed files through the parser into the parsed tables."""
    digests = "0" * 16
    received = datetime(2026, 11, 15, tzinfo=UTC)
    receipt = Receipt(digests, buyers.municipality_no, "ehf", "ehf", 1, received, "x", None, tuple(files))
    sink = Sink(home, receipt, digests, schema.EHF_TABLES)
    for chunk, batch in ehf_workers.read_files(home, files, buyers, processes=processes):
        sink.rows_in += batch.documents
        for position, is_reject, note in batch.notes:
            (sink.reject if is_reject else sink.remark)(chunk[position], note)
        sink.rows_out += batch.documents - sum(is_reject for _, is_reject, _ in batch.notes)
        for table in schema.EHF_TABLES:
            sink.add_files(table, batch.tables[table.name])
    sink.finish()
    return sink.rows_out


def _land(folder: Path, documents: int) -> tuple[Home, list[LandedFile]]:
    """Make a demo, and land its e-invoices under one member."""
    made = folder / "demo"
    make_demo(made, municipalities=4, months=6, scale=0.3)
    home = Home(folder / "home")
    files = {}
    for path in sorted(made.glob("inbox/*/ehf/*/*.xml"))[:documents]:
        file = store_bytes(home, "9901", "ehf", path.name, path.read_bytes())
        files[file.sha256] = file
    shutil.rmtree(made)
    return home, list(files.values())


def _processor_seconds() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def main(documents: int = 16_000, rounds: int = 3) -> None:
    """Race, and print documents a second."""
    processors = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home, files = _land(folder, documents)
        paths = [home.path / file.path for file in files]
        out = folder / "out"
        out.mkdir()
        buyers = Buyer("9901", _everybody(paths))
        one, all_ = "samandel, one process", f"samandel, {processors} processes"
        contestants: dict[str, Callable[[], object]] = {
            "bare lxml and findtext (the limit)": lambda: bare(paths),
            "xmltodict and pandas": lambda: with_xmltodict(paths, out),
            one: lambda: with_samandel(home, files, buyers, 1),
            all_: lambda: with_samandel(home, files, buyers, processors),
        }
        taken: dict[str, tuple[float, float]] = {}
        for _ in range(rounds):
            for contestant, run in contestants.items():
                started, used = time.perf_counter(), _processor_seconds()
                run()
                seconds = (time.perf_counter() - started, _processor_seconds() - used)
                taken[contestant] = min(taken.get(contestant, seconds), seconds)
        size = sum(file.size for file in files)
    print(f"{len(files)} documents, {size / 1e6:.1f} MB, best of {rounds}, {processors} processors")
    for contestant, (wall, processor) in taken.items():
        print(
            f"  {contestant:<36}{len(files) / wall:>8,.0f} a second{processor / len(files) * 1e6:>8.0f} µs of processor"
        )
    limit, peer, alone, together = (wall for wall, _ in taken.values())
    print(f"  one process: {limit / alone:.2f} of the limit, {peer / alone:.1f} times xmltodict and pandas")
    print(
        f"  {processors} processes: {alone / together:.2f} times one, {peer / together:.1f} times xmltodict and pandas"
    )


def _everybody(paths: list[Path]) -> tuple[dict[str, Any], ...]:
    """Return every buyer as one of the member's own numbers: the race is about reading."""
    buyer = "cac:AccountingCustomerParty/cac:Party/cac:PartyLegalEntity/cbc:CompanyID"
    numbers = set()
    for path in paths:
        try:
            numbers.add(etree.parse(str(path)).getroot().findtext(buyer, namespaces=NAMES))
        except etree.XMLSyntaxError:
            continue
    return tuple(
        {"municipality_no": "9901", "org_no": number, "valid_from": _LONG_AGO, "valid_to": None}
        for number in sorted(number for number in numbers if number)
    )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))
