"""E-invoices and credit notes (UBL 2.1) to rows: EHF 3, Peppol BIS Billing 3 and Self-Billing 3, EN 16931, EHF 2.

Belongs here: what stands where in a document, and whether its own figures agree. Not here: whose invoice it is
(parse.py), signs, duplicates and meaning (settle.py, dbt). Contacts' names, telephones and e-mail addresses are never
read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipelines.parsing.dates import parse_xml_date
from pipelines.parsing.hardened_xml import UnreadableXml, parse_xml
from pipelines.parsing.numbers import limited, parse_xml_decimal, to_money
from pipelines.parsing.org_numbers import passes_mod11, read_identifier
from pipelines.parsing.rejects import Reject

if TYPE_CHECKING:
    from lxml import etree

PARSER_VERSION = "1"

UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
INVOICE = f"{{{UBL}Invoice-2}}Invoice"
CREDIT_NOTE = f"{{{UBL}CreditNote-2}}CreditNote"
SBDH = "{http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader}StandardBusinessDocument"
_CBC = f"{{{UBL}CommonBasicComponents-2}}"
_CAC = f"{{{UBL}CommonAggregateComponents-2}}"

_PEPPOL = re.compile(r"urn:cen\.eu:en16931:2017#compliant#urn:fdc:peppol\.eu:2017:poacc:(self)?billing:3\.[0-9]+")
_PEPPOL_PROCESS = re.compile(r"urn:fdc:peppol\.eu:2017:poacc:(self)?billing:[0-9]{2}:[0-9]+\.[0-9]+")
_PLAIN = "urn:cen.eu:en16931:2017"
_EHF2 = re.compile(
    r"urn:www\.cenbii\.eu:transaction:biitrns0(10|14):ver2\.[0-9]"
    r":extended:urn:www\.peppol\.eu:bis:peppol[45]a:ver2\.[0-9]"
    r"(:extended:urn:www\.difi\.no:ehf:(faktura|kreditnota):ver2\.[0-9])?"
)
READABLE = "Peppol BIS Billing 3 / EHF 3, Peppol Self-Billing 3, plain EN 16931, EHF 2"

# Direct children with one value: column and how it is read.
_HEADER = {
    "CustomizationID": ("customization_id", "text"),
    "ProfileID": ("profile_id", "text"),
    "ID": ("invoice_no", "text"),
    "IssueDate": ("invoice_date", "date"),
    "DueDate": ("due_date", "date"),
    "InvoiceTypeCode": ("document_type", "text"),
    "CreditNoteTypeCode": ("document_type", "text"),
    "DocumentCurrencyCode": ("currency", "text"),
    "TaxCurrencyCode": ("tax_currency", "text"),
    "AccountingCost": ("accounting_cost", "text"),
    "BuyerReference": ("buyer_reference", "reference"),
}
# Values one level down.
_NESTED = {
    "InvoicePeriod": {"StartDate": ("period_start", "date"), "EndDate": ("period_end", "date")},
    "OrderReference": {"ID": ("order_reference", "reference")},
    "ContractDocumentReference": {"ID": ("contract_reference", "reference")},
    "OriginatorDocumentReference": {"ID": ("tender_reference", "reference")},
    "Delivery": {"ActualDeliveryDate": ("delivery_date", "date")},
    # Credit notes state BT-9 here.
    "PaymentMeans": {"PaymentDueDate": ("due_date", "date")},
    "LegalMonetaryTotal": {
        "LineExtensionAmount": ("line_extension_amount", "money"),
        "AllowanceTotalAmount": ("allowance_total_amount", "money"),
        "ChargeTotalAmount": ("charge_total_amount", "money"),
        "TaxExclusiveAmount": ("tax_exclusive_amount", "money"),
        "TaxInclusiveAmount": ("tax_inclusive_amount", "money"),
        "PrepaidAmount": ("prepaid_amount", "money"),
        "PayableRoundingAmount": ("rounding_amount", "money"),
        "PayableAmount": ("payable_amount", "money"),
    },
}
_LINE = {
    "ID": ("line_no", "text"),
    "InvoicedQuantity": ("quantity", "quantity"),
    "CreditedQuantity": ("quantity", "quantity"),
    "LineExtensionAmount": ("line_extension_amount", "money"),
    "AccountingCost": ("accounting_cost", "text"),
}
_ITEM = {"Name": ("item_name", "text"), "Description": ("item_description", "text")}
_PRICE = {"PriceAmount": ("price_amount", "quantity"), "BaseQuantity": ("base_quantity", "quantity")}
_TAX_CATEGORY = {"ID": ("vat_category", "text"), "Percent": ("vat_rate", "fraction")}
_ALLOWANCE_CHARGE = {
    "ChargeIndicator": ("is_charge", "boolean"),
    "AllowanceChargeReasonCode": ("reason_code", "text"),
    "AllowanceChargeReason": ("reason", "text"),
    "MultiplierFactorNumeric": ("percentage", "fraction"),
    "Amount": ("amount", "money"),
    "BaseAmount": ("base_amount", "money"),
}

_Fields = Mapping[str, tuple[str, str]]


def _qualified(fields: _Fields) -> dict[str, tuple[str, str]]:
    return {_CBC + name: wanted for name, wanted in fields.items()}


_HEADER_TAGS = _qualified(_HEADER)
_NESTED_TAGS = {_CAC + name: _qualified(fields) for name, fields in _NESTED.items()}
_LINE_TAGS, _ITEM_TAGS, _PRICE_TAGS = _qualified(_LINE), _qualified(_ITEM), _qualified(_PRICE)
_TAX_CATEGORY_TAGS, _ALLOWANCE_CHARGE_TAGS = _qualified(_TAX_CATEGORY), _qualified(_ALLOWANCE_CHARGE)

# Without these a document is no claim that could be counted.
_REQUIRED = {
    "invoice_no": ("invoice number (BT-1)", "cbc:ID"),
    "invoice_date": ("issue date (BT-2)", "cbc:IssueDate"),
    "currency": ("currency (BT-5)", "cbc:DocumentCurrencyCode"),
    "tax_exclusive_amount": ("total without VAT (BT-109)", "cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount"),
    "payable_amount": ("amount due (BT-115)", "cac:LegalMonetaryTotal/cbc:PayableAmount"),
}
# A document is refused for an unreadable date or amount; of these the row only loses the value.
_OPTIONAL_KINDS = {"quantity", "fraction"}
_STATED = ("tax_exclusive_amount", "tax_amount", "payable_amount")
_CPV_LISTS = {"STI", "CPV"}
_UNSPSC_LISTS = {"TST", "UNSPSC"}
_ZERO = Decimal("0.00")
_CPV = re.compile(r"([0-9]{8})(?:-[0-9])?")


@dataclass
class ParsedDocument:
    """What a file holds.

    Attributes:
        root: The root's name as ``{namespace}local``, or None where there is none to see.
        customization_id: BT-24, also where the document is refused for it.
        profile_id: BT-23, likewise.
        invoice: The header's row, or None where the document is refused.
        lines: Rows of the lines.
        allowance_charges: Rows of allowances and charges, the document's and the lines'.
        rejects: Why the document is refused.
        issues: What is wrong with a document that is not refused.
        stated: The header's amounts as texts, as the document states them.
    """

    root: str | None = None
    customization_id: str | None = None
    profile_id: str | None = None
    invoice: dict[str, Any] | None = None
    lines: list[dict[str, Any]] = field(default_factory=list)
    allowance_charges: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    issues: list[Reject] = field(default_factory=list)
    stated: dict[str, str] = field(default_factory=dict)


def parse_document(raw: bytes) -> ParsedDocument:
    """Turn the bytes of one document into rows, or into rejects; no input raises.

    Refused as IN01: what is not XML, has a DOCTYPE, is another root or another profile than READABLE (both named),
    lacks one of its five indispensable facts. Refused as IN06: an unreadable date or amount.
    """
    parsed = ParsedDocument()
    try:
        root = parse_xml(raw)
    except UnreadableXml as error:
        message = f"The file cannot be read as XML: {error}. Ask the sender for the document again."
        parsed.rejects.append(Reject("IN01", message, path="/"))
        return parsed
    document, path = _unwrap(root)
    parsed.root = str(document.tag)
    if document.tag not in (INVOICE, CREDIT_NOTE):
        _reject_root(parsed, document, path)
        return parsed
    reading = _Reading(parsed, document, path)
    reading.read()
    return parsed


def _unwrap(root: etree._Element) -> tuple[etree._Element, str]:
    """Return the business document and its path; an SBDH envelope is taken off."""
    name = _local(root)
    if root.tag == SBDH:
        for child in root:
            if _local(child) != "StandardBusinessDocumentHeader":
                return child, f"/{name}/{_local(child)}"
    return root, f"/{name}"


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _reject_root(parsed: ParsedDocument, document: etree._Element, path: str) -> None:
    parsed.customization_id = _child_text(document, _CBC + "CustomizationID")
    parsed.profile_id = _child_text(document, _CBC + "ProfileID")
    parsed.rejects.append(
        Reject(
            "IN01",
            f"The document is of the kind {_local(document)} ({_named_profile(parsed)}), not Invoice or CreditNote. "
            "Deliver invoices and credit notes only.",
            path=path,
        )
    )


def _named_profile(parsed: ParsedDocument) -> str:
    return f"profile {parsed.profile_id or 'not stated'}, specification {parsed.customization_id or 'not stated'}"


def is_readable_profile(customization_id: str | None, profile_id: str | None) -> bool:
    """Return whether a document of this specification (BT-24) and process (BT-23) is one that we read."""
    specification = customization_id or ""
    if specification == _PLAIN:
        # BT-23 is free text there, but another authority's process is another kind of document.
        return not (profile_id or "").startswith("urn:") or bool(_PEPPOL_PROCESS.fullmatch(profile_id or ""))
    if _PEPPOL.fullmatch(specification):
        return profile_id is None or bool(_PEPPOL_PROCESS.fullmatch(profile_id))
    return bool(_EHF2.fullmatch(specification))


def _text(element: etree._Element) -> str | None:
    text = element.text
    if text is None:
        return None
    return text.strip() or None


def _child_text(element: etree._Element, tag: str) -> str | None:
    for child in element.iterchildren(tag):
        return _text(child)
    return None


def _read_reference(text: str) -> str | None:
    # NA is prescribed where only a sales order exists: it names nothing.
    return None if text.upper() == "NA" else text


def _read_boolean(text: str) -> bool:
    if text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return False
    raise ValueError("is neither true nor false")


_READERS: dict[str, Callable[[str], Any]] = {
    "text": str,
    "reference": _read_reference,
    "date": parse_xml_date,
    "boolean": _read_boolean,
    "quantity": limited(places=8, digits=16),
    "fraction": limited(places=6, digits=3),
}


@dataclass(slots=True)
class _Party:
    org_no: str | None = None
    stated_norwegian: bool = False
    name: str | None = None
    country: str | None = None


def _read_party(element: etree._Element) -> _Party:
    """Return who a party is; its contact is not looked at."""
    facts: dict[str, str | None] = {}
    for child in element:
        reader = _PARTY_PARTS.get(child.tag)
        if reader is not None:
            reader(child, facts)
    party = _Party(name=facts.get("registered") or facts.get("trading"), country=facts.get("country"))
    if company := facts.get("company"):
        party.org_no, party.stated_norwegian = read_identifier(company, facts.get("company_scheme"), party.country)
    elif vat := facts.get("vat"):
        party.org_no, party.stated_norwegian = read_identifier(vat, None, None)
    elif endpoint := facts.get("endpoint"):
        party.org_no, party.stated_norwegian = read_identifier(endpoint, "0192", party.country)
    return party


def _endpoint(element: etree._Element, facts: dict[str, str | None]) -> None:
    if (element.get("schemeID") or "").upper() in ("0192", "NO:ORGNR"):
        facts.setdefault("endpoint", _text(element))


def _party_name(element: etree._Element, facts: dict[str, str | None]) -> None:
    facts.setdefault("trading", _child_text(element, _CBC + "Name"))


def _address(element: etree._Element, facts: dict[str, str | None]) -> None:
    for country in element.iterchildren(_CAC + "Country"):
        code = _child_text(country, _CBC + "IdentificationCode")
        facts.setdefault("country", code.upper() if code else None)


def _tax_scheme(element: etree._Element, facts: dict[str, str | None]) -> None:
    for scheme in element.iterchildren(_CAC + "TaxScheme"):
        if _child_text(scheme, _CBC + "ID") == "VAT":
            facts.setdefault("vat", _child_text(element, _CBC + "CompanyID"))


def _legal_entity(element: etree._Element, facts: dict[str, str | None]) -> None:
    facts.setdefault("registered", _child_text(element, _CBC + "RegistrationName"))
    for company in element.iterchildren(_CBC + "CompanyID"):
        if "company" not in facts:
            facts["company"], facts["company_scheme"] = _text(company), company.get("schemeID")


_PARTY_PARTS: dict[str, Callable[[etree._Element, dict[str, str | None]], None]] = {
    _CBC + "EndpointID": _endpoint,
    _CAC + "PartyName": _party_name,
    _CAC + "PostalAddress": _address,
    _CAC + "PartyTaxScheme": _tax_scheme,
    _CAC + "PartyLegalEntity": _legal_entity,
}


class _Reading:
    """One pass over one document."""

    def __init__(self, parsed: ParsedDocument, document: etree._Element, path: str) -> None:
        self.parsed, self.document, self.path = parsed, document, path
        self.is_credit_note = document.tag == CREDIT_NOTE
        self.header: dict[str, Any] = {}
        self.lines: list[dict[str, Any]] = []
        self.allowance_charges: list[dict[str, Any]] = []
        self.line_allowance_charges: list[dict[str, Any]] = []
        self.charges_on_line = 0
        self.taxes: list[tuple[str | None, str | None, Decimal | None]] = []
        self.seller = _Party()
        line_name = "CreditNoteLine" if self.is_credit_note else "InvoiceLine"
        self.line_path = f"{path}/cac:{line_name}"
        self.parts: dict[str, Callable[[etree._Element], None]] = {
            _CAC + "AccountingSupplierParty": self.read_seller,
            _CAC + "AccountingCustomerParty": self.read_buyer,
            _CAC + "PayeeParty": self.read_payee,
            _CAC + "BillingReference": self.read_billing_reference,
            _CAC + "AllowanceCharge": self.read_document_allowance_charge,
            _CAC + "TaxTotal": self.read_tax_total,
            _CAC + line_name: self.read_line,
        }

    def read(self) -> None:
        """Fill the parsed document: rows, or rejects and no rows."""
        parsed = self.parsed
        parsed.customization_id = _child_text(self.document, _CBC + "CustomizationID")
        parsed.profile_id = _child_text(self.document, _CBC + "ProfileID")
        if not is_readable_profile(parsed.customization_id, parsed.profile_id):
            message = (
                f"The {_local(self.document)} follows {_named_profile(parsed)}, which is not one of those that are "
                f"read: {READABLE}. Ask the sender for one of these."
            )
            parsed.rejects.append(Reject("IN01", message, path=f"{self.path}/cbc:CustomizationID"))
            return
        self.read_children()
        self.choose_taxes()
        self.require()
        if parsed.rejects:
            parsed.issues.clear()
            return
        self.finish()

    def read_children(self) -> None:
        header, document_path = self.header, self.path
        for child in self.document:
            tag = child.tag
            if (wanted := _HEADER_TAGS.get(tag)) is not None:
                self.take(child, wanted, header, document_path)
            elif (part := self.parts.get(tag)) is not None:
                part(child)
            elif (fields := _NESTED_TAGS.get(tag)) is not None:
                self.take_children(child, fields, header, document_path)

    def take_children(
        self, element: etree._Element, fields: dict[str, tuple[str, str]], row: dict[str, Any], path: str
    ) -> None:
        """Read an element's wanted children into a row."""
        for child in element:
            wanted = fields.get(child.tag)
            if wanted is not None:
                self.take(child, wanted, row, f"{path}/cac:{_local(element)}")

    def take(self, element: etree._Element, wanted: tuple[str, str], row: dict[str, Any], path: str) -> None:
        """Read one value into a row; of several the first stands, an empty one is none."""
        column, kind = wanted
        text = element.text
        if column in row or text is None or not (text := text.strip()):
            return
        if kind == "text":
            row[column] = text
            return
        try:
            row[column] = self.money(element, text, column, path) if kind == "money" else _READERS[kind](text)
        except ValueError as error:
            self.remark(element, column, text, path, error, refused=kind not in _OPTIONAL_KINDS)

    def money(self, element: etree._Element, text: str, column: str, path: str) -> Decimal:
        stated = parse_xml_decimal(text)
        amount, changed = to_money(stated)
        if changed:
            where = f"{path}/cbc:{_local(element)}"
            message = "The amount has more than two decimals; it was rounded to whole øre."
            self.parsed.issues.append(Reject("IN06", message, column=column, path=where))
        if column in _STATED and path.endswith("LegalMonetaryTotal"):
            self.parsed.stated[column] = format(stated, "f")
        return amount

    def remark(
        self, element: etree._Element, column: str, text: str, path: str, error: ValueError, *, refused: bool
    ) -> None:
        where = f"{path}/cbc:{_local(element)}"
        if refused:
            message = f"The value {error}; the document cannot be counted. Ask the sender for a correct one."
            self.parsed.rejects.append(Reject("IN06", message, column=column, path=where, raw=text))
        else:
            message = f"The value {error}; it was left out."
            self.parsed.issues.append(Reject("IN06", message, column=column, path=where, raw=text))

    def read_seller(self, element: etree._Element) -> None:
        for party in element.iterchildren(_CAC + "Party"):
            self.seller = _read_party(party)
            self.header |= {
                "seller_org_no": self.seller.org_no,
                "seller_name": self.seller.name,
                "seller_country": self.seller.country,
            }
            return

    def read_buyer(self, element: etree._Element) -> None:
        for party in element.iterchildren(_CAC + "Party"):
            buyer = _read_party(party)
            self.header |= {"buyer_org_no": buyer.org_no, "buyer_name": buyer.name}
            return

    def read_payee(self, element: etree._Element) -> None:
        payee = _read_party(element)
        self.header |= {"payee_org_no": payee.org_no, "payee_name": payee.name}

    def read_billing_reference(self, element: etree._Element) -> None:
        if "billed_invoice_no" in self.header:
            return
        fields = {
            _CBC + "ID": ("billed_invoice_no", "reference"),
            _CBC + "IssueDate": ("billed_invoice_date", "date"),
        }
        for name in ("InvoiceDocumentReference", "CreditNoteDocumentReference"):
            for reference in element.iterchildren(_CAC + name):
                self.take_children(reference, fields, self.header, f"{self.path}/cac:BillingReference")
                return

    def read_tax_total(self, element: etree._Element) -> None:
        for child in element.iterchildren(_CBC + "TaxAmount"):
            found: dict[str, Any] = {}
            self.take(child, ("tax_amount", "money"), found, f"{self.path}/cac:TaxTotal")
            self.taxes.append((child.get("currencyID"), _text(child), found.get("tax_amount")))
            return

    def choose_taxes(self) -> None:
        """Tell the VAT total in the document's currency from the one in the accounting currency."""
        currency, accounting = self.header.get("currency"), self.header.get("tax_currency")
        for stated_currency, text, amount in self.taxes:
            if amount is None or text is None:
                continue
            if stated_currency is not None and stated_currency == accounting != currency:
                self.header.setdefault("tax_amount_accounting", amount)
            elif "tax_amount" not in self.header:
                self.header["tax_amount"] = amount
                self.parsed.stated["tax_amount"] = format(parse_xml_decimal(text), "f")

    def read_document_allowance_charge(self, element: etree._Element) -> None:
        row_no = len(self.allowance_charges) + 1
        path = f"{self.path}/cac:AllowanceCharge[{row_no}]"
        self.allowance_charges.append(self.read_allowance_charge(element, "document", 0, row_no, path))

    def read_allowance_charge(
        self, element: etree._Element, level: str, line_row_no: int, row_no: int, path: str
    ) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for child in element:
            if (wanted := _ALLOWANCE_CHARGE_TAGS.get(child.tag)) is not None:
                self.take(child, wanted, row, path)
            elif child.tag == _CAC + "TaxCategory" and level == "document":
                self.take_children(child, _TAX_CATEGORY_TAGS, row, path)
        for column, name in (("is_charge", "ChargeIndicator"), ("amount", "Amount")):
            if column not in row and not self.parsed.rejects:
                message = f"An allowance or charge lacks its {name}; the document's sum cannot be explained."
                self.parsed.rejects.append(Reject("IN01", message, column=column, path=path))
        row |= {"document_no": 1, "level": level, "line_row_no": line_row_no, "_row_no": row_no, "_xpath": path}
        return row

    def read_line(self, element: etree._Element) -> None:
        position = len(self.lines) + 1
        self.charges_on_line = 0
        path = f"{self.line_path}[{position}]"
        row: dict[str, Any] = {"document_no": 1, "_row_no": position, "_xpath": path}
        for child in element:
            tag = child.tag
            if (wanted := _LINE_TAGS.get(tag)) is not None:
                self.take(child, wanted, row, path)
                if wanted[0] == "quantity":
                    row["unit_code"] = child.get("unitCode")
            elif (part := _LINE_PARTS.get(tag)) is not None:
                part(self, child, row, path)
        if "line_extension_amount" not in row and not self.parsed.rejects:
            message = "A line lacks its net amount (BT-131). Ask the sender for a correct document."
            self.parsed.rejects.append(Reject("IN01", message, column="line_extension_amount", path=path))
        self.lines.append(row)

    def read_item(self, element: etree._Element, row: dict[str, Any], path: str) -> None:
        item_path = f"{path}/cac:Item"
        for child in element:
            tag = child.tag
            if (wanted := _ITEM_TAGS.get(tag)) is not None:
                self.take(child, wanted, row, item_path)
            elif tag == _CAC + "CommodityClassification":
                _read_classification(child, row)
            elif tag == _CAC + "ClassifiedTaxCategory":
                self.take_children(child, _TAX_CATEGORY_TAGS, row, item_path)
            elif tag == _CAC + "SellersItemIdentification":
                row.setdefault("seller_item_no", _child_text(child, _CBC + "ID"))

    def read_price(self, element: etree._Element, row: dict[str, Any], path: str) -> None:
        self.take_children(element, _PRICE_TAGS, row, path)

    def read_order_line(self, element: etree._Element, row: dict[str, Any], path: str) -> None:
        del path
        if line := _child_text(element, _CBC + "LineID"):
            row.setdefault("order_line_reference", _read_reference(line))

    def read_line_allowance_charge(self, element: etree._Element, row: dict[str, Any], path: str) -> None:
        self.charges_on_line += 1
        own_path = f"{path}/cac:AllowanceCharge[{self.charges_on_line}]"
        row_no = len(self.line_allowance_charges) + 1
        self.line_allowance_charges.append(
            self.read_allowance_charge(element, "line", row["_row_no"], row_no, own_path)
        )

    def require(self) -> None:
        """Refuse a document without its indispensable facts."""
        unread = {reject.column for reject in self.parsed.rejects}
        for column, (label, where) in _REQUIRED.items():
            if column not in self.header and column not in unread:
                message = f"The document has no {label}. Ask the sender for a complete one."
                self.parsed.rejects.append(Reject("IN01", message, column=column, path=f"{self.path}/{where}"))

    def line_total(self) -> Decimal | None:
        """Return the sum of the lines, or refuse a document whose sum no amount column holds."""
        total = sum((line["line_extension_amount"] for line in self.lines), _ZERO)
        try:
            return to_money(total)[0]
        except ValueError as error:
            message = f"The sum of the lines {error}. Ask the sender for a correct document."
            self.parsed.rejects.append(Reject("IN06", message, column="line_extension_total", path=self.line_path))
            return None

    def finish(self) -> None:
        """Make the rows final, and remark on what does not agree."""
        header = self.header
        if self.is_credit_note:
            header.setdefault("document_type", "381")  # (EHF 2) a credit note there has no type code
        total = self.line_total()
        if total is None:
            self.parsed.issues.clear()
            return
        header |= {
            "document_no": 1,
            "is_credit_note": self.is_credit_note,
            "line_count": len(self.lines),
            "line_extension_total": total,
            "_row_no": 1,
            "_xpath": self.path,
        }
        parsed = self.parsed
        parsed.invoice, parsed.lines = header, self.lines
        parsed.allowance_charges = self.allowance_charges + self.line_allowance_charges
        if self.seller.stated_norwegian and not passes_mod11(self.seller.org_no or ""):
            message = "The seller's organisation number fails its check digit. Have the supplier's number corrected."
            where = f"{self.path}/cac:AccountingSupplierParty"
            parsed.issues.append(Reject("RF04", message, column="seller_org_no", path=where, raw=self.seller.org_no))
        parsed.issues += _arithmetic_issues(header, self.allowance_charges, self.path)


_LINE_PARTS: dict[str, Callable[[_Reading, etree._Element, dict[str, Any], str], None]] = {
    _CAC + "Item": _Reading.read_item,
    _CAC + "Price": _Reading.read_price,
    _CAC + "OrderLineReference": _Reading.read_order_line,
    _CAC + "AllowanceCharge": _Reading.read_line_allowance_charge,
}


def _read_classification(element: etree._Element, row: dict[str, Any]) -> None:
    """Take the first CPV and the first UNSPSC code; other lists are not ours."""
    for code in element.iterchildren(_CBC + "ItemClassificationCode"):
        text, list_id = _text(code), (code.get("listID") or "").upper()
        if text is None:
            continue
        if list_id in _CPV_LISTS and (found := _CPV.fullmatch(text)):
            row.setdefault("cpv_code", found[1])
        elif list_id in _UNSPSC_LISTS:
            row.setdefault("unspsc_code", text)


def _arithmetic_issues(header: dict[str, Any], charges: Iterable[dict[str, Any]], path: str) -> list[Reject]:
    """Say where the document's figures do not add up, with the amounts (IN11)."""
    charged = sum((row["amount"] if row["is_charge"] else -row["amount"] for row in charges), _ZERO)
    totals = f"{path}/cac:LegalMonetaryTotal"
    lines, net = header["line_extension_total"], header["tax_exclusive_amount"]
    tax, gross = header.get("tax_amount", _ZERO), header.get("tax_inclusive_amount")
    rounding, prepaid = header.get("rounding_amount", _ZERO), header.get("prepaid_amount", _ZERO)
    issues = []

    def compare(computed: Decimal, stated: Decimal | None, how: str, name: str) -> None:
        if stated is not None and computed != stated:
            message = (
                f"{how} is {computed:.2f}, but the document states {stated:.2f} (difference {stated - computed:.2f}). "
                "Compare the document with the order, and ask the supplier for a correction."
            )
            issues.append(Reject("IN11", message, path=f"{totals}/cbc:{name}"))

    compare(lines, header.get("line_extension_amount"), "The sum of the lines", "LineExtensionAmount")
    compare(lines + charged, net, "Lines plus charges minus allowances", "TaxExclusiveAmount")
    # (EHF 2) the rounding is already in the total with VAT
    if gross is None or net + tax + rounding != gross or not rounding:
        compare(net + tax, gross, "Total without VAT plus VAT", "TaxInclusiveAmount")
        compare(
            (net + tax if gross is None else gross) - prepaid + rounding,
            header["payable_amount"],
            _DUE,
            "PayableAmount",
        )
    else:
        compare(gross - prepaid, header["payable_amount"], _DUE, "PayableAmount")
    return issues


_DUE = "Total with VAT minus what is prepaid plus rounding"
