"""E-invoices as they are handed in: no attachments, no contacts, no texts that give a person away, the same amounts.

Belongs here: what is taken out of a document, and proof that its figures are the same. Not here: which documents are
clients' (clients.py), reading documents (parsing/ehf.py).

What intake does not need goes out whole: attachments and references to them, contacts, persons, delivery places and
receivers, notes, streets, bank accounts, payment references, signatures, extensions, the SBDH envelope. Every other
text goes through the privacy scanner; what it stops is removed where the element is optional, else replaced.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.parsing import ehf, schema, ubl
from pipelines.parsing.hardened_xml import parse_xml
from pipelines.scanner import find_in_codes, find_in_free_text

if TYPE_CHECKING:
    from lxml import etree

REMOVED_TEXT = "(fjernet)"
_REMOVED = {
    "AdditionalDocumentReference": "attachments",
    "Attachment": "attachments",
    "Contact": "contacts",
    "AccountingContact": "contacts",
    "BuyerContact": "contacts",
    "SellerContact": "contacts",
    "DeliveryContact": "contacts",
    "Person": "contacts",
    "SignatoryParty": "contacts",
    "Signature": "contacts",
    "DeliveryParty": "delivery",
    "DeliveryLocation": "delivery",
    "DeliveryAddress": "delivery",
    "CarrierParty": "delivery",
    "Note": "notes",
    "PaymentTerms": "notes",
    "InstructionNote": "notes",
    "StreetName": "addresses",
    "AdditionalStreetName": "addresses",
    "AddressLine": "addresses",
    "BuildingNumber": "addresses",
    "PayeeFinancialAccount": "accounts",
    "PayerFinancialAccount": "accounts",
    "CardAccount": "accounts",
    "PaymentMandate": "accounts",
    "PaymentID": "accounts",
    "UBLExtensions": "extensions",
}
_FREE_TEXTS = {
    "Description",
    "AllowanceChargeReason",
    "BuyerReference",
    "AccountingCost",
    "TaxExemptionReason",
    "DocumentDescription",
    "Value",
    "Keyword",
    "BrandName",
    "ModelName",
}
# Text in these is a figure, a day or a code list's member: nothing that gives a person away fits.
_FIGURES = ("Amount", "Quantity", "Percent", "Numeric", "Date", "Time", "Indicator")
_MONEY = tuple(column.name for column in schema.EHF_INVOICES.columns if column.type == "money")
_LINE_FACTS = ("line_extension_amount", "quantity", "cpv_code", "unspsc_code", "vat_rate")
_KEY = ("document_type", "invoice_date", "currency", "line_count")


@dataclass(frozen=True)
class CleanedDocument:
    """One document.

    Attributes:
        raw: Its cleaned bytes; None where it cannot be read as an e-invoice.
        invoice: Its header's facts, or None.
        removed: How many elements and texts of each kind were removed.
        reason: Why it cannot be read, or None.
    """

    raw: bytes | None = None
    invoice: dict[str, Any] | None = None
    removed: Counter[str] = field(default_factory=Counter)
    reason: str | None = None


def clean_document(raw: bytes) -> CleanedDocument:
    """Return a document without what must not be handed in; no input raises.

    Raises:
        AssertionError: The cleaned document would state other figures.
    """
    before = ehf.parse_document(raw)
    if before.invoice is None:
        reject = before.rejects[0]
        return CleanedDocument(reason=f"{reject.rule}: {reject.message}")
    from lxml import etree

    document, _ = ubl.unwrap(parse_xml(raw))
    removed: Counter[str] = Counter()
    _take_out(document, removed)
    _scan(document, removed)
    cleaned = etree.tostring(document, xml_declaration=True, encoding="UTF-8", with_tail=False)
    after = ehf.parse_document(cleaned)
    if after.invoice is None or _figures(before) != _figures(after):
        raise AssertionError("a cleaned document states other figures than the original")
    return CleanedDocument(cleaned, before.invoice, removed)


def _figures(parsed: ehf.ParsedDocument) -> tuple[Any, ...]:
    invoice = parsed.invoice or {}
    return (
        [invoice.get(name) for name in (*_MONEY, *_KEY)],
        [[line.get(name) for name in _LINE_FACTS] for line in parsed.lines],
        [(row.get("is_charge"), row.get("amount")) for row in parsed.allowance_charges],
    )


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _take_out(document: etree._Element, removed: Counter[str]) -> None:
    for element in list(document.iter()):
        kind = _REMOVED.get(_local(element))
        # Within what is out already nothing more is counted.
        if kind is not None and _is_within(element, document):
            removed[kind] += 1
            _remove(element)


def _is_within(element: etree._Element, document: etree._Element) -> bool:
    return any(ancestor is document for ancestor in element.iterancestors())


def _remove(element: etree._Element) -> None:
    """Take an element out, and its parents where nothing is left in them."""
    parent = element.getparent()
    while parent is not None:
        parent.remove(element)
        if len(parent) or (parent.text or "").strip() or parent.getparent() is None:
            return
        element, parent = parent, parent.getparent()


def _scan(document: etree._Element, removed: Counter[str]) -> None:
    for element in list(document.iter()):
        element.tail = None  # between elements nothing stands that anybody reads
        if len(element):
            element.text = None
        for name, value in list(element.attrib.items()):
            if find_in_free_text(str(value)):
                removed["stopped_texts"] += 1
                del element.attrib[name]
        tag, text = _local(element), (element.text or "").strip()
        if len(element) or not text or tag.endswith(_FIGURES):
            continue
        parent = element.getparent()
        is_item_name = tag == "Name" and parent is not None and _local(parent) == "Item"
        is_free = tag in _FREE_TEXTS or is_item_name
        if not (find_in_free_text(text) if is_free else find_in_codes(text)):
            continue
        removed["stopped_texts"] += 1
        if is_free and not is_item_name:
            _remove(element)
        else:
            element.text = REMOVED_TEXT
