"""E-invoices as they are handed in: no attachments, no contacts, no texts that give a person away, the same amounts.

Belongs here: what is taken out of a document, and proof that its figures are the same. Not here: which documents are
clients' (clients.py), reading documents (parsing/ehf.py).

What intake does not need goes out whole: attachments and references to them, contacts, persons, delivery places and
receivers, notes, streets, bank accounts, payment references, signatures, extensions, the buyer's name, the SBDH
envelope. Every other text goes through the privacy scanner, and all but the seller's name through that for names of
persons; what stands for a code must be written like one, and a figure must not be a personal number. What is stopped is
removed where the element is optional, else replaced: an invoice's number by a pseudonym, so that two invoices stay two.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.parsing import ehf, schema, ubl
from pipelines.parsing.hardened_xml import parse_xml
from pipelines.person_names import find_person_names
from pipelines.preparing.invoice_numbers import pseudonym
from pipelines.preparing.words import why_refused
from pipelines.scanner import (
    PERSON_NAME,
    PERSONAL_NUMBER,
    find_in_codes,
    find_in_free_text,
    find_in_references,
    is_personal_number,
)

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
_BUYERS_NAME = "buyer_names"
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
# Their names are what somebody writes; elsewhere a name is a party's.
_NAMED_FREELY = {"Item", "AdditionalItemProperty"}
_CODE_LISTS = {"CustomizationID", "ProfileID", "UBLVersionID", "EndpointID", "CompanyID"}
# A word of a list, or digits in groups (an organisation number, «MVA» behind it).
_CODE = re.compile(r"[A-Za-z0-9._:/#+*-]{1,200}|(?:[A-Z]{2})?[0-9 .-]{1,40}(?:MVA)?")
_JOINS = re.compile(r"[^A-Za-z]+")
_WHOLE = re.compile(r"[+-]?0*([0-9]{11})(?:[.,][0-9]*)?")
_LISTED_IDS = {"TaxCategory", "ClassifiedTaxCategory", "TaxScheme"}
_INVOICE_REFERENCES = {"InvoiceDocumentReference", "CreditNoteDocumentReference"}
_SELLER, _BUYER = "AccountingSupplierParty", "AccountingCustomerParty"
_NO_REASON = (
    "En kode eller et nummer i fakturaen ser ut som et personnummer, kontonummer eller kontaktpunkt. "
    "Be leverandøren om en ny."
)
# Text in these is a figure or a day: without letters nothing that gives a person away fits.
_FIGURES = ("Amount", "Quantity", "Percent", "Numeric", "Date", "Time", "Indicator")
_MONEY = tuple(column.name for column in schema.EHF_INVOICES.columns if column.type == "money")
_LINE_FACTS = ("line_extension_amount", "quantity", "cpv_code", "unspsc_code", "vat_rate")
_KEY = ("document_type", "invoice_date", "currency", "line_count", "seller_org_no", "buyer_org_no")


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
    """Return a document without what must not be handed in, or why it cannot be; no input raises."""
    before = ehf.parse_document(raw)
    if before.invoice is None:
        reject = before.rejects[0]
        return CleanedDocument(reason=why_refused(reject))
    from lxml import etree

    document, _ = ubl.unwrap(parse_xml(raw))
    removed: Counter[str] = Counter()
    _take_out(document, removed)
    _scan(document, removed)
    cleaned = etree.tostring(document, xml_declaration=True, encoding="UTF-8", with_tail=False)
    after = ehf.parse_document(cleaned)
    if after.invoice is None or _figures(before) != _figures(after):
        return CleanedDocument(reason=_NO_REASON)
    return CleanedDocument(cleaned, before.invoice, removed)


def _figures(parsed: ehf.ParsedDocument) -> tuple[Any, ...]:
    """Return what must be the same before and after; the number as it is kept."""
    invoice = parsed.invoice or {}
    number = str(invoice.get("invoice_no"))
    return (
        pseudonym(number) if find_in_references(number) else number,
        [invoice.get(name) for name in (*_MONEY, *_KEY)],
        [[line.get(name) for name in _LINE_FACTS] for line in parsed.lines],
        [(row.get("is_charge"), row.get("amount")) for row in parsed.allowance_charges],
    )


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _take_out(document: etree._Element, removed: Counter[str]) -> None:
    for element in list(document.iter()):
        kind = _REMOVED.get(_local(element))
        if _local(element) == "PartyName" and _is_of(_BUYER, element):
            kind = _BUYERS_NAME
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


def _is_of(party: str, element: etree._Element) -> bool:
    return any(_local(ancestor) == party for ancestor in element.iterancestors())


def _scan(document: etree._Element, removed: Counter[str]) -> None:
    for element in list(document.iter()):
        element.tail = None  # between elements nothing stands that anybody reads
        if len(element):
            element.text = None
        for name, value in list(element.attrib.items()):
            if find_in_free_text(str(value)):
                removed["stopped_texts"] += 1
                del element.attrib[name]
        if len(element) or not (text := (element.text or "").strip()) or text == REMOVED_TEXT:
            continue
        if _local(element) == "RegistrationName" and _is_of(_BUYER, element):
            removed[_BUYERS_NAME] += 1
            element.text = REMOVED_TEXT
        elif _find(element, text):
            removed["stopped_texts"] += 1
            _replace(element, text, document)


def _find(element: etree._Element, text: str) -> tuple[str, ...]:
    """Return what in an element's text gives a person away, as strictly as the element is used."""
    tag, parent = _local(element), _parent(element)
    if tag.endswith(_FIGURES) and not any(map(str.isalpha, text)):
        whole = _WHOLE.fullmatch(text)
        return (PERSONAL_NUMBER,) if whole and is_personal_number(whole[1]) else ()
    if tag in _FREE_TEXTS or (tag == "Name" and parent in _NAMED_FREELY):
        return find_in_free_text(text)
    is_listed = tag.endswith("Code") or tag in _CODE_LISTS or (tag == "ID" and parent in _LISTED_IDS)
    is_sellers_name = tag in ("Name", "RegistrationName") and _is_of(_SELLER, element)
    if is_listed:
        return find_in_codes(text) or _find_in_word(text)
    return find_in_codes(text) if is_sellers_name else find_in_references(text)


def _find_in_word(text: str) -> tuple[str, ...]:
    """Return what is wrong with a code that is not written like one, or joins the names of a person."""
    if not _CODE.fullmatch(text):
        return ("no code",)
    return (PERSON_NAME,) if find_person_names(_JOINS.sub(" ", text)) else ()


def _replace(element: etree._Element, text: str, document: etree._Element) -> None:
    parent = element.getparent()
    if _local(element) in _FREE_TEXTS:
        _remove(element)
    elif _local(element) == "ID" and (parent is document or _parent(element) in _INVOICE_REFERENCES):
        element.text = pseudonym(text)
    else:
        element.text = REMOVED_TEXT


def _parent(element: etree._Element) -> str:
    parent = element.getparent()
    return "" if parent is None else _local(parent)
