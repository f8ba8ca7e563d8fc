"""A plain reading of the demo's files: no profile, no rule, nothing that the platform or the generator has.

Belongs here: rows and amounts as they stand in the files. Not here: what they should be.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

_CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
_CAC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"


@dataclass(frozen=True)
class Row:
    """A ledger row: what the tests need of it."""

    voucher: str
    account: str
    org_no: str
    supplier: str
    invoice_no: str
    month: str
    amount: Decimal
    function: str
    text: str


@dataclass(frozen=True)
class Document:
    """An e-invoice: what the tests need of it; a credit note's amounts are negative here."""

    path: Path
    kind: str
    invoice_no: str
    issue_month: str
    seller: str
    seller_name: str
    buyer: str
    net: Decimal
    line_sum: Decimal
    costs: tuple[str, ...]
    billed_no: str


def register(home: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((home / "registers" / f"{name}.csv").open(encoding="utf-8", newline="")))


def planted(home: Path) -> list[dict[str, str]]:
    return json.loads((home / "planted.json").read_text(encoding="utf-8"))


def plain(number: str) -> str:
    return re.sub(r"\W", "", number).upper().lstrip("0")


def counting_ledgers(home: Path, municipality_no: str) -> list[Path]:
    """The ledger files that count: of a month's files, the last by name; bytes that came before do not."""
    last: dict[str, Path] = {}
    for path in sorted((home / "inbox" / municipality_no / "ledger").iterdir(), key=lambda path: path.name):
        last[path.name[:7]] = path
    return list(last.values())


def rows_of(path: Path) -> list[Row]:
    if path.suffix == ".xlsx":
        return list(_workbook(path))
    raw = path.read_bytes()
    return list(_semicolon(raw) if raw.startswith(b"\xef\xbb\xbf") else _unit4(raw))


def _day(text: str) -> str:
    return f"{text[6:]}-{text[3:5]}"


def _semicolon(raw: bytes) -> Iterator[Row]:
    for row in csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=";"):
        yield Row(
            row["Bilagsnr"],
            row["Art"],
            re.sub(r"\D", "", row["Organisasjonsnr"]),
            row["Leverandørnavn"],
            row["Fakturanr"],
            _day(row["Fakturadato"]),
            Decimal(row["Beløp eks. mva"].replace(",", ".")),
            row["Tjeneste"],
            row["Tekst"],
        )


def _unit4(raw: bytes) -> Iterator[Row]:
    text = raw.decode("cp1252")
    assert text.startswith("Leverandørreskontro ")
    for row in csv.DictReader(io.StringIO(text.split("\r\n", 1)[1], newline=""), delimiter=";"):
        if row["Tekst"] == "Sum":
            continue
        stated = row["Beløp"].replace(" ", "").replace(",", ".")
        amount = -Decimal(stated[1:-1]) if stated.startswith("(") else Decimal(stated)
        yield Row(
            row["Bilagsnr"],
            row["Konto"],
            row.get("Org.nr") or "",
            row["Resk.nr(T)"],
            row["Fakturanr"],
            _day(row["Bilagsdato"]),
            amount,
            row["Funksjon"],
            row["Tekst"],
        )


def _workbook(path: Path) -> Iterator[Row]:
    from python_calamine import load_workbook

    header, *rows = load_workbook(str(path)).get_sheet_by_index(0).to_python()
    for cells in rows:
        row = dict(zip(header, cells, strict=True))
        yield Row(
            str(row["Bilagsnummer"]),
            str(row["Konto"]),
            str(row["Orgnr"]),
            str(row["Leverandør"]),
            str(row["Fakturanummer"]),
            f"{row['Fakturadato']:%Y-%m}",
            Decimal(str(row["Beløp"])),
            str(row["Funksjon"]),
            "",  # the layout has no text
        )


def documents_of(home: Path, municipality_no: str) -> list[Document]:
    """The member's e-invoices, without those that were planted as faults."""
    spoilt = {fault["file"] for fault in planted(home)}
    inbox = home / "inbox"
    return [
        read_document(path)
        for path in sorted((inbox / municipality_no / "ehf").rglob("*.xml"))
        if path.relative_to(inbox).as_posix() not in spoilt
    ]


def read_document(path: Path) -> Document:
    root = ElementTree.fromstring(path.read_bytes())
    is_credit = root.tag.endswith("}CreditNote")
    sign = -1 if is_credit else 1
    lines = root.findall(f"{_CAC}CreditNoteLine") + root.findall(f"{_CAC}InvoiceLine")
    seller, buyer = (
        root.find(f"{_CAC}Accounting{who}Party/{_CAC}Party/{_CAC}PartyLegalEntity") for who in ("Supplier", "Customer")
    )
    assert seller is not None
    assert buyer is not None
    return Document(
        path,
        root.tag.rpartition("}")[2],
        root.findtext(f"{_CBC}ID", ""),
        root.findtext(f"{_CBC}IssueDate", "")[:7],
        seller.findtext(f"{_CBC}CompanyID", ""),
        seller.findtext(f"{_CBC}RegistrationName", ""),
        buyer.findtext(f"{_CBC}CompanyID", ""),
        sign * Decimal(root.findtext(f"{_CAC}LegalMonetaryTotal/{_CBC}TaxExclusiveAmount", "")),
        sign * sum((Decimal(line.findtext(f"{_CBC}LineExtensionAmount", "")) for line in lines), Decimal(0)),
        tuple(line.findtext(f"{_CBC}AccountingCost", "") for line in lines),
        root.findtext(f"{_CAC}BillingReference/{_CAC}InvoiceDocumentReference/{_CBC}ID", ""),
    )
