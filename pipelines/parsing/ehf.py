"""E-invoices and credit notes (UBL 2.1) to rows: EHF 3, Peppol BIS Billing 3 and Self-Billing 3, EN 16931, EHF 2.

Belongs here: what stands where in a document. Not here: what is an invoice at all (ubl.py), its parties
(ehf_parties.py), its arithmetic (ehf_figures.py), whose invoice it is (kinds.py), signs, duplicates and meaning
(settle.py, dbt). Contacts' names, telephones and e-mail addresses, notes, payment accounts and addresses are never
read; attachments are not decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pipelines.limits import DEFAULT_LIMITS, Limits
from pipelines.parsing.dates import parse_xml_date
from pipelines.parsing.ehf_figures import figure_issue, figure_issues
from pipelines.parsing.ehf_parties import Party, read_party
from pipelines.parsing.hardened_xml import UnreadableXml, parse_xml
from pipelines.parsing.numbers import limited, parse_xml_decimal, to_money
from pipelines.parsing.rejects import Reject
from pipelines.parsing.ubl import (
    CAC,
    CBC,
    CREDIT_NOTE,
    INVOICE,
    PLAIN,
    READABLE,
    UnusableEnvelope,
    child_text,
    is_ehf2,
    is_readable_profile,
    local_name,
    path_of,
    text_of,
    unwrap,
)

if TYPE_CHECKING:
    from lxml import etree

PARSER_VERSION = "3"
_MOST_REMARKS = 100  # on one document; a hostile one would otherwise be remarked on without end
_REMEMBERED = 1 << 15  # amounts, dates and codes repeat themselves within and between documents
_ZERO = Decimal("0.00")

_Row = dict[str, Any]
_Reader = Callable[[str], Any]
# What is done with an element: a column and how its text is read (None: as it is), what is read inside it into the same
# row, or who reads it.
_Wanted = tuple[
    "str | None",
    "_Reader | None",
    "dict[str, _Wanted] | None",
    "Callable[[_Reading, etree._Element, _Row], None] | None",
]
_Spec = dict[str, _Wanted]


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
        tax_subtotals: Rows of the VAT breakdown.
        billing_references: Rows of earlier documents that this one names.
        item_classifications: Rows of the items' class codes.
        rejects: Why the document is refused.
        issues: What is wrong with a document that is not refused.
        stated: The header's amounts as texts, as the document states them.
    """

    root: str | None = None
    customization_id: str | None = None
    profile_id: str | None = None
    invoice: _Row | None = None
    lines: list[_Row] = field(default_factory=list)
    allowance_charges: list[_Row] = field(default_factory=list)
    tax_subtotals: list[_Row] = field(default_factory=list)
    billing_references: list[_Row] = field(default_factory=list)
    item_classifications: list[_Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    issues: list[Reject] = field(default_factory=list)
    stated: dict[str, str] = field(default_factory=dict)


def parse_document(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> ParsedDocument:
    """Turn the bytes of one document into rows, or into rejects; no input raises.

    Refused as IN01: what is not XML, has a DOCTYPE, is another root or another profile than READABLE (both named),
    is an envelope around anything but one document, lacks one of its five indispensable facts. Refused as IN06: an
    unreadable date or amount.
    """
    parsed = ParsedDocument()
    try:
        root = parse_xml(raw, limits)
    except UnreadableXml as error:
        message = f"The file cannot be read as XML: {error}. Ask the sender for the document again."
        parsed.rejects.append(Reject("IN01", message, path="/"))
        return parsed
    parsed.root = str(root.tag)
    try:
        document, path = unwrap(root)
    except UnusableEnvelope as error:
        message = f"The SBDH envelope {error}; one invoice or credit note was expected. Deliver them one by one."
        parsed.rejects.append(Reject("IN01", message, path=f"/{local_name(root)}"))
        return parsed
    parsed.root = str(document.tag)
    if document.tag not in (INVOICE, CREDIT_NOTE):
        _reject_root(parsed, document, path)
        return parsed
    _Reading(parsed, document, path).read()
    return parsed


def net_of(header: Mapping[str, Any], is_credit_note: bool) -> Decimal | None:
    """Return a document's total without VAT, negative where it takes back, or None where it states none."""
    total = header.get("tax_exclusive_amount")
    return total if total is None or not is_credit_note else -total


def check_figures(document: etree._Element) -> list[Reject]:
    """Return the figures of a document that do not agree, even where it is too incomplete to be read."""
    reading = _Reading(ParsedDocument(), document, f"/{local_name(document)}")
    reading.read_into(document, _HEADER, reading.header)
    reading.choose_taxes()
    return reading.figure_issues()


def _reject_root(parsed: ParsedDocument, document: etree._Element, path: str) -> None:
    parsed.customization_id = child_text(document, _CUSTOMIZATION_ID)
    parsed.profile_id = child_text(document, _PROFILE_ID)
    message = (
        f"The document is of the kind {local_name(document)} ({_named_profile(parsed)}), not Invoice or CreditNote. "
        "Deliver invoices and credit notes only."
    )
    parsed.rejects.append(Reject("IN01", message, path=path))


def _named_profile(parsed: ParsedDocument) -> str:
    return f"profile {parsed.profile_id or 'not stated'}, specification {parsed.customization_id or 'not stated'}"


class _Rounded(Exception):
    """An amount states more than whole øre."""

    def __init__(self, amount: Decimal) -> None:
        self.amount = amount
        super().__init__()


@lru_cache(maxsize=_REMEMBERED)
def _money(text: str) -> Decimal:
    amount, is_changed = to_money(parse_xml_decimal(text))
    if is_changed:
        raise _Rounded(amount)
    return amount


def _reference(text: str) -> str | None:
    # NA is prescribed where only a sales order exists: it names nothing.
    return None if text.upper() == "NA" else text


def _boolean(text: str) -> bool:
    if text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return False
    raise ValueError("is neither true nor false")


def _country(text: str) -> str | None:
    return text.upper() if len(text) == 2 else None


_date = lru_cache(maxsize=_REMEMBERED)(parse_xml_date)
_quantity = lru_cache(maxsize=_REMEMBERED)(limited(places=8, digits=16))
_fraction = lru_cache(maxsize=_REMEMBERED)(limited(places=6, digits=3))
# A document is refused for an unreadable date or amount; of these the row only loses the value.
_DISPENSABLE = {_quantity, _fraction}

# Without these a document is no claim that could be counted.
_REQUIRED = {
    "invoice_no": ("invoice number (BT-1)", "cbc:ID"),
    "invoice_date": ("issue date (BT-2)", "cbc:IssueDate"),
    "currency": ("currency (BT-5)", "cbc:DocumentCurrencyCode"),
    "tax_exclusive_amount": ("total without VAT (BT-109)", "cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount"),
    "payable_amount": ("amount due (BT-115)", "cac:LegalMonetaryTotal/cbc:PayableAmount"),
}
_STATED = {CBC + "TaxExclusiveAmount": "tax_exclusive_amount", CBC + "PayableAmount": "payable_amount"}
# Lists of class codes by the names that BIS Billing 3 and EHF 2 give them.
_CLASS_LISTS = {"CPV": "STI", "UNSPSC": "TST"}
# EHF 2's VAT categories that BIS Billing 3 writes otherwise; its E and Z are kept.
_EHF2_CATEGORIES = {"H": "S", "AA": "S", "R": "S", "K": "AE"}
_GTIN, _GTIN_NAMES = "0160", ("GTIN", "0160")
_GLN_NAMES = ("GLN", "0088")
_PROJECT_TYPE_CODE = "50"  # BT-11 of a credit note

_CUSTOMIZATION_ID, _PROFILE_ID = CBC + "CustomizationID", CBC + "ProfileID"
_ID, _ISSUE_DATE = CBC + "ID", CBC + "IssueDate"
_PARTY, _CONTACT = CAC + "Party", CAC + "Contact"
_TAX_AMOUNT, _TAX_SUBTOTAL = CBC + "TaxAmount", CAC + "TaxSubtotal"
_TAX_SCHEME = CAC + "TaxScheme"
_CLASS_CODE = CBC + "ItemClassificationCode"


class _Reading:
    """One pass over one document."""

    def __init__(self, parsed: ParsedDocument, document: etree._Element, path: str) -> None:
        self.parsed, self.document, self.path = parsed, document, path
        self.is_credit_note = document.tag == CREDIT_NOTE
        self.is_ehf2 = False
        self.header: _Row = {}
        self.lines: list[_Row] = []
        self.allowance_charges: list[_Row] = []
        self.line_allowance_charges: list[_Row] = []
        self.taxes: list[tuple[str | None, str | None, Decimal | None]] = []
        self.national_taxes: list[tuple[str | None, Decimal]] = []
        self.other_tax: Decimal | None = None
        self.left_out = 0
        self.line_path = f"{path}/cac:{'CreditNoteLine' if self.is_credit_note else 'InvoiceLine'}"

    def read(self) -> None:
        """Fill the parsed document: rows, or rejects and no rows."""
        parsed = self.parsed
        parsed.customization_id = child_text(self.document, _CUSTOMIZATION_ID)
        parsed.profile_id = child_text(self.document, _PROFILE_ID)
        if not is_readable_profile(parsed.customization_id, parsed.profile_id):
            message = (
                f"The {local_name(self.document)} follows {_named_profile(parsed)}, which is not one of those that are "
                f"read: {READABLE}. Ask the sender for one of these."
            )
            parsed.rejects.append(Reject("IN01", message, path=f"{self.path}/cbc:CustomizationID"))
            return
        self.is_ehf2 = is_ehf2(parsed.customization_id)
        self.read_into(self.document, _HEADER, self.header)
        self.choose_taxes()
        self.require()
        if not parsed.rejects:
            self.finish()
        if parsed.rejects:
            parsed.issues.clear()
            net = net_of(self.header, self.is_credit_note)
            stated = parsed.rejects[0].stating(net, self.header.get("invoice_date"), self.header.get("currency"))
            parsed.rejects[0] = stated

    def read_into(self, element: etree._Element, spec: _Spec, row: _Row) -> None:
        """Read an element's wanted children into a row: of several the first stands, an empty one is none."""
        # The loop that all the time goes into: no calls but those that a value needs.
        for child in element:
            wanted = spec.get(child.tag)
            if wanted is None:
                continue
            column, read, inner, part = wanted
            if column is None:
                if inner is not None:
                    self.read_into(child, inner, row)
                else:
                    part(self, child, row)  # type: ignore[misc]
            elif column not in row:
                text = child.text
                if text is None or not (text := text.strip()):
                    continue
                try:
                    row[column] = text if read is None else read(text)
                except (_Rounded, ValueError) as error:
                    self.take_otherwise(child, column, read, text, row, error)

    def take(self, element: etree._Element, column: str, read: _Reader, row: _Row) -> bool:
        """Read one value into a row, or say why it cannot be read; say whether there was one to read."""
        text = element.text
        if column in row or text is None or not (text := text.strip()):
            return False
        try:
            row[column] = read(text)
        except (_Rounded, ValueError) as error:
            self.take_otherwise(element, column, read, text, row, error)
        return True

    def take_otherwise(  # noqa: PLR0913, PLR0917
        self,
        element: etree._Element,
        column: str,
        read: _Reader | None,
        text: str,
        row: _Row,
        error: Exception,
    ) -> None:
        if isinstance(error, _Rounded):
            row[column] = error.amount
            message = "The amount has more than two decimals; it was rounded to whole øre."
            self.remark(Reject("IN06", message, column=column, path=self.path_to(element)))
        elif read in _DISPENSABLE:
            message = f"The value {error}; it was left out."
            self.remark(Reject("IN06", message, column=column, path=self.path_to(element), raw=text))
        elif len(self.parsed.rejects) < _MOST_REMARKS:
            message = f"The value {error}; the document cannot be counted. Ask the sender for a correct one."
            self.parsed.rejects.append(Reject("IN06", message, column=column, path=self.path_to(element), raw=text))

    def remark(self, issue: Reject) -> None:
        """Note an issue; beyond a hundred they are only counted."""
        if len(self.parsed.issues) < _MOST_REMARKS:
            self.parsed.issues.append(issue)
        else:
            self.left_out += 1

    def path_to(self, element: etree._Element) -> str:
        """Return where an element stands, unless nobody will read it."""
        if len(self.parsed.issues) >= _MOST_REMARKS:
            return self.path
        return path_of(element, self.document, self.path)

    def read_totals(self, element: etree._Element, row: _Row) -> None:
        self.read_into(element, _TOTALS, row)
        stated = self.parsed.stated
        for child in element:
            column = _STATED.get(child.tag)
            if column is not None and column not in stated and (text := text_of(child)):
                stated[column] = text

    def read_seller(self, element: etree._Element, row: _Row) -> None:
        party = self.read_party(element, "seller", row)
        if party is not None:
            row["seller_country"], row["seller_vat_no"] = party.country, party.vat_no

    def read_buyer(self, element: etree._Element, row: _Row) -> None:
        self.read_party(element, "buyer", row)
        if not self.is_ehf2 or row.get("buyer_reference") is not None:
            return
        for contact in element.iterfind(f"{_PARTY}/{_CONTACT}"):  # its ID is the buyer's reference, BT-10
            if text := child_text(contact, _ID):
                row["buyer_reference"] = _reference(text)

    def read_party(self, element: etree._Element, role: str, row: _Row) -> Party | None:
        for child in element:
            if child.tag == _PARTY:
                return self.note_party(child, role, row)
        return None

    def read_payee(self, element: etree._Element, row: _Row) -> None:
        self.note_party(element, "payee", row)

    def note_party(self, element: etree._Element, role: str, row: _Row) -> Party:
        party = read_party(element)
        row[f"{role}_org_no"], row[f"{role}_name"] = party.org_no, party.name
        for what, raw in party.faulty:
            message = f"The {role}'s {what}. Have the number corrected where the document was made."
            self.remark(Reject("RF04", message, column=f"{role}_org_no", path=self.path_to(element), raw=raw))
        return party

    def read_additional_document(self, element: etree._Element, row: _Row) -> None:
        if child_text(element, CBC + "DocumentTypeCode") == _PROJECT_TYPE_CODE and (text := child_text(element, _ID)):
            row.setdefault("project_reference", _reference(text))

    def read_delivery(self, element: etree._Element, row: _Row) -> None:
        self.read_into(element, _DELIVERY, row)
        for location in element.iterfind(f"{CAC}DeliveryLocation/{_ID}"):
            text = text_of(location)
            if text and (location.get("schemeID") or "").upper() in _GLN_NAMES and text.isdigit():
                row.setdefault("delivery_location_gln", text)

    def read_billing_reference(self, element: etree._Element, row: _Row) -> None:
        del row
        for child in element:
            if child.tag not in _BILLED:
                continue
            found: _Row = {}
            self.read_into(child, _BILLING_REFERENCE, found)
            if found:
                self.parsed.billing_references.append(found)
                row_no = len(self.parsed.billing_references)
                found |= {"document_no": 1, "_row_no": row_no, "_xpath": f"{self.path}/cac:BillingReference[{row_no}]"}

    def read_tax_total(self, element: etree._Element, row: _Row) -> None:
        del row
        for child in element:
            if child.tag == _TAX_AMOUNT:
                found: _Row = {}
                self.take(child, "tax_amount", _money, found)
                self.taxes.append((child.get("currencyID"), text_of(child), found.get("tax_amount")))
            elif child.tag == _TAX_SUBTOTAL:
                self.read_tax_subtotal(child)

    def read_tax_subtotal(self, element: etree._Element) -> None:
        subtotals = self.parsed.tax_subtotals
        found: _Row = {}
        self.read_into(element, _SUBTOTAL, found)
        national = found.pop("national_tax_amount", None)
        if national is not None:
            self.national_taxes.append((found.pop("national_currency", None), national))
        row_no = len(subtotals) + 1
        self.tell_category(found)
        found |= {"document_no": 1, "_row_no": row_no, "_xpath": f"{self.path}/cac:TaxTotal/cac:TaxSubtotal[{row_no}]"}
        subtotals.append(found)

    def read_subtotal_amount(self, element: etree._Element, row: _Row) -> None:
        if self.take(element, "tax_amount", _money, row):
            row["currency"] = element.get("currencyID")

    def read_national_amount(self, element: etree._Element, row: _Row) -> None:
        if self.take(element, "national_tax_amount", _money, row):
            row["national_currency"] = element.get("currencyID")

    def choose_taxes(self) -> None:
        """Tell the VAT total in the document's currency from the one in the accounting currency."""
        header = self.header
        currency, accounting = header.get("currency"), header.get("tax_currency")
        for stated_currency, text, amount in self.taxes:
            if amount is None or text is None:
                continue
            if stated_currency is not None and stated_currency == accounting != currency:
                header.setdefault("tax_amount_accounting", amount)
            elif "tax_amount" not in header:
                header["tax_amount"] = amount
                self.parsed.stated["tax_amount"] = text
            elif amount != header["tax_amount"]:
                self.other_tax = amount
        if self.national_taxes and "tax_amount_accounting" not in header:  # (EHF 2) by category, not as a total
            national_currency = self.national_taxes[0][0]
            if national_currency is not None:
                header.setdefault("tax_currency", national_currency)
            self.keep_sum("tax_amount_accounting", [amount for _, amount in self.national_taxes], header)

    def keep_sum(self, column: str, amounts: list[Decimal], row: _Row) -> None:
        """Keep a sum, or refuse the document where no amount column holds it."""
        try:
            row[column] = to_money(sum(amounts, _ZERO))[0]
        except ValueError as error:
            message = f"A sum {error}. Ask the sender for a correct document."
            self.parsed.rejects.append(Reject("IN06", message, column=column, path=self.path))

    def tell_category(self, row: _Row) -> None:
        if self.is_ehf2 and (category := row.get("vat_category")) in _EHF2_CATEGORIES:
            row["vat_category"] = _EHF2_CATEGORIES[category]

    def read_document_allowance_charge(self, element: etree._Element, row: _Row) -> None:
        del row
        row_no = len(self.allowance_charges) + 1
        path = f"{self.path}/cac:AllowanceCharge[{row_no}]"
        self.allowance_charges.append(self.read_allowance_charge(element, "document", 0, row_no, path))

    def read_line_allowance_charge(self, element: etree._Element, row: _Row) -> None:
        row_no = len(self.line_allowance_charges) + 1
        row["charges"] = position = row.get("charges", 0) + 1
        path = f"{row['_xpath']}/cac:AllowanceCharge[{position}]"
        self.line_allowance_charges.append(self.read_allowance_charge(element, "line", row["_row_no"], row_no, path))

    def read_allowance_charge(
        self, element: etree._Element, level: str, line_row_no: int, row_no: int, path: str
    ) -> _Row:
        row: _Row = {"document_no": 1, "level": level, "line_row_no": line_row_no, "_row_no": row_no, "_xpath": path}
        self.read_into(element, _DOCUMENT_CHARGE if level == "document" else _LINE_CHARGE, row)
        self.tell_category(row)
        if self.is_ehf2:
            _factor_to_percentage(row)
        for column, name in (("is_charge", "ChargeIndicator"), ("amount", "Amount")):
            if column not in row and not self.parsed.rejects:
                message = f"An allowance or charge lacks its {name}; the document's sum cannot be explained."
                self.parsed.rejects.append(Reject("IN01", message, column=column, path=path))
        return row

    def read_line(self, element: etree._Element, row: _Row) -> None:
        del row
        position = len(self.lines) + 1
        line: _Row = {"document_no": 1, "_row_no": position, "_xpath": f"{self.line_path}[{position}]"}
        self.read_into(element, _LINE, line)
        line.pop("charges", None)
        if self.is_ehf2:
            self.tell_category(line)
        if "line_extension_amount" not in line and not self.parsed.rejects:
            message = "A line lacks its net amount (BT-131). Ask the sender for a correct document."
            self.parsed.rejects.append(Reject("IN01", message, column="line_extension_amount", path=line["_xpath"]))
        self.lines.append(line)

    def read_quantity(self, element: etree._Element, row: _Row) -> None:
        if self.take(element, "quantity", _quantity, row):
            row["unit_code"] = element.get("unitCode")

    def read_base_quantity(self, element: etree._Element, row: _Row) -> None:
        if self.take(element, "base_quantity", _quantity, row):
            row["base_quantity_unit_code"] = element.get("unitCode")

    def read_price_discount(self, element: etree._Element, row: _Row) -> None:
        if child_text(element, CBC + "ChargeIndicator") not in ("true", "1"):
            self.read_into(element, _PRICE_DISCOUNT, row)

    def read_standard_item(self, element: etree._Element, row: _Row) -> None:
        for identifier in element:
            if identifier.tag == _ID and "standard_item_no" not in row and (text := text_of(identifier)):
                row["standard_item_no"] = text
                scheme = identifier.get("schemeID")
                row["standard_item_scheme"] = _GTIN if (scheme or "").upper() in _GTIN_NAMES else scheme

    def read_classification(self, element: etree._Element, row: _Row) -> None:
        for code in element:
            text = text_of(code) if code.tag == _CLASS_CODE else None
            if text is None:
                continue
            list_id = (code.get("listID") or "").strip().upper()
            list_id, version = _CLASS_LISTS.get(list_id, list_id), code.get("listVersionID")
            found = self.parsed.item_classifications
            found.append(
                {
                    "document_no": 1,
                    "line_row_no": row["_row_no"],
                    "list_id": list_id or None,
                    "list_version": version,
                    "class_code": text,
                    "_row_no": len(found) + 1,
                    "_xpath": f"{row['_xpath']}/cac:Item",
                }
            )
            # (several) the first of each list stands on the line itself
            if list_id == "STI" and "cpv_code" not in row and (cpv := _cpv(text)):
                row["cpv_code"], row["cpv_list_version"] = cpv, version
            elif list_id == "TST" and "unspsc_code" not in row:
                row["unspsc_code"], row["unspsc_list_version"] = text, version

    def require(self) -> None:
        """Refuse a document without its indispensable facts."""
        header, rejects = self.header, self.parsed.rejects
        missing = [column for column in _REQUIRED if column not in header]
        unread = {reject.column for reject in rejects} if missing else set()
        for column in missing:
            if column not in unread:
                label, where = _REQUIRED[column]
                message = f"The document has no {label}. Ask the sender for a complete one."
                rejects.append(Reject("IN01", message, column=column, path=f"{self.path}/{where}"))

    def finish(self) -> None:
        """Make the rows final, and remark on what does not agree."""
        header, parsed = self.header, self.parsed
        if self.is_credit_note:
            header.setdefault("document_type", "381")  # (EHF 2) a credit note there has no type code
        self.keep_sum("line_extension_total", [line["line_extension_amount"] for line in self.lines], header)
        if parsed.rejects:
            self.clear()
            return
        if parsed.billing_references:
            first = parsed.billing_references[0]
            header |= {column: first[column] for column in _BILLING_COLUMNS if column in first}
        header |= {
            "document_no": 1,
            "is_credit_note": self.is_credit_note,
            "line_count": len(self.lines),
            "_row_no": 1,
            "_xpath": self.path,
        }
        parsed.invoice, parsed.lines = header, self.lines
        parsed.allowance_charges = self.allowance_charges + self.line_allowance_charges
        for issue in self.figure_issues():
            self.remark(issue)
        if self.left_out:
            message = f"There are {self.left_out} more remarks on this document, which were left out."
            parsed.issues.append(Reject("IN11", message, path=self.path))

    def figure_issues(self) -> list[Reject]:
        charges = self.allowance_charges + self.line_allowance_charges
        issues = figure_issues(
            self.header,
            self.lines,
            charges,
            self.parsed.tax_subtotals,
            self.path,
            is_ehf2=self.is_ehf2,
            is_plain=self.header.get("customization_id") == PLAIN,
        )
        if self.other_tax is not None:
            where, how = f"{self.path}/cac:TaxTotal", "VAT by the first of two totals"
            issues.append(figure_issue("BR-CO-15", how, self.header["tax_amount"], self.other_tax, where))
        return issues

    def side_rows(self) -> tuple[list[_Row], ...]:
        parsed = self.parsed
        return parsed.tax_subtotals, parsed.billing_references, parsed.item_classifications

    def clear(self) -> None:
        """Leave no rows of a refused document."""
        for rows in self.side_rows():
            rows.clear()


def _cpv(text: str) -> str | None:
    """Return the eight digits of a CPV code, with or without its check digit."""
    code, dash, check = text.partition("-")
    is_code = len(code) == 8 and code.isascii() and code.isdigit()
    is_checked = not dash or (len(check) == 1 and check.isascii() and check.isdigit())
    return code if is_code and is_checked else None


def _factor_to_percentage(row: _Row) -> None:
    """(EHF 2) The multiplier is a fraction there, unless only a percentage gives the amount."""
    factor, base, amount = row.get("percentage"), row.get("base_amount"), row.get("amount")
    if factor is None:
        return
    if base is not None and amount is not None and abs(base * factor / 100 - amount) < abs(base * factor - amount):
        return
    percentage = factor * 100
    if percentage < 1000:
        row["percentage"] = percentage
    else:
        del row["percentage"]


def _inside(spec: _Spec) -> _Wanted:
    return None, None, spec, None


def _by(part: Callable[[_Reading, etree._Element, _Row], None]) -> _Wanted:
    return None, None, None, part


def _leaf(column: str, read: _Reader | None = None) -> _Wanted:
    return column, read, None, None


def _spec(values: _Spec, parts: _Spec | None = None) -> _Spec:
    """Return what is read of an element: its basic components and its aggregates, by name."""
    return {
        **{CBC + name: wanted for name, wanted in values.items()},
        **{CAC + name: wanted for name, wanted in (parts or {}).items()},
    }


_BILLING_COLUMNS = ("billed_invoice_no", "billed_invoice_date")
_BILLED = {CAC + "InvoiceDocumentReference", CAC + "CreditNoteDocumentReference"}
_BILLING_REFERENCE = _spec(
    {"ID": _leaf("billed_invoice_no", _reference), "IssueDate": _leaf("billed_invoice_date", _date)}
)
_PERIOD = _spec({"StartDate": _leaf("period_start", _date), "EndDate": _leaf("period_end", _date)})
_DELIVERY = _spec({"ActualDeliveryDate": _leaf("delivery_date", _date)})
_TOTALS = _spec(
    {
        "LineExtensionAmount": _leaf("line_extension_amount", _money),
        "AllowanceTotalAmount": _leaf("allowance_total_amount", _money),
        "ChargeTotalAmount": _leaf("charge_total_amount", _money),
        "TaxExclusiveAmount": _leaf("tax_exclusive_amount", _money),
        "TaxInclusiveAmount": _leaf("tax_inclusive_amount", _money),
        "PrepaidAmount": _leaf("prepaid_amount", _money),
        "PayableRoundingAmount": _leaf("rounding_amount", _money),
        "PayableAmount": _leaf("payable_amount", _money),
    }
)
_CATEGORY = _spec(
    {
        "ID": _leaf("vat_category"),
        "Percent": _leaf("vat_rate", _fraction),
    }
)
_SUBTOTAL = _spec(
    {
        "TaxableAmount": _leaf("taxable_amount", _money),
        "TaxAmount": _by(_Reading.read_subtotal_amount),
        "TransactionCurrencyTaxAmount": _by(_Reading.read_national_amount),
    },
    {"TaxCategory": _inside(_CATEGORY | _spec({"TaxExemptionReasonCode": _leaf("exemption_reason_code")}))},
)
_LINE_CHARGE = _spec(
    {
        "ChargeIndicator": _leaf("is_charge", _boolean),
        "AllowanceChargeReasonCode": _leaf("reason_code"),
        "AllowanceChargeReason": _leaf("reason"),
        "MultiplierFactorNumeric": _leaf("percentage", _fraction),
        "Amount": _leaf("amount", _money),
        "BaseAmount": _leaf("base_amount", _money),
    }
)
_DOCUMENT_CHARGE = _LINE_CHARGE | _spec({}, {"TaxCategory": _inside(_CATEGORY)})
_ITEM = _spec(
    {"Name": _leaf("item_name"), "Description": _leaf("item_description")},
    {
        "SellersItemIdentification": _inside(_spec({"ID": _leaf("seller_item_no")})),
        "BuyersItemIdentification": _inside(_spec({"ID": _leaf("buyer_item_no")})),
        "StandardItemIdentification": _by(_Reading.read_standard_item),
        "OriginCountry": _inside(_spec({"IdentificationCode": _leaf("origin_country", _country)})),
        "CommodityClassification": _by(_Reading.read_classification),
        "ClassifiedTaxCategory": _inside(_CATEGORY),
    },
)
_PRICE_DISCOUNT = _spec(
    {"Amount": _leaf("price_discount_amount", _quantity), "BaseAmount": _leaf("gross_price_amount", _quantity)}
)
_PRICE = _spec(
    {"PriceAmount": _leaf("price_amount", _quantity), "BaseQuantity": _by(_Reading.read_base_quantity)},
    {"AllowanceCharge": _by(_Reading.read_price_discount)},
)
_ORDER_LINE = _spec(
    {"LineID": _leaf("order_line_reference", _reference)},
    {"OrderReference": _inside(_spec({"ID": _leaf("order_reference", _reference)}))},
)
_LINE = _spec(
    {
        "ID": _leaf("line_no"),
        "InvoicedQuantity": _by(_Reading.read_quantity),
        "CreditedQuantity": _by(_Reading.read_quantity),
        "LineExtensionAmount": _leaf("line_extension_amount", _money),
        "AccountingCost": _leaf("accounting_cost"),
    },
    {
        "InvoicePeriod": _inside(_PERIOD),
        "OrderLineReference": _inside(_ORDER_LINE),
        "Delivery": _inside(_DELIVERY),
        "AllowanceCharge": _by(_Reading.read_line_allowance_charge),
        "Item": _inside(_ITEM),
        "Price": _inside(_PRICE),
    },
)


def _document_reference(column: str) -> _Wanted:
    return _inside(_spec({"ID": _leaf(column, _reference)}))


_HEADER = _spec(
    {
        "CustomizationID": _leaf("customization_id"),
        "ProfileID": _leaf("profile_id"),
        "ID": _leaf("invoice_no"),
        "IssueDate": _leaf("invoice_date", _date),
        "DueDate": _leaf("due_date", _date),
        "TaxPointDate": _leaf("tax_point_date", _date),
        "InvoiceTypeCode": _leaf("document_type"),
        "CreditNoteTypeCode": _leaf("document_type"),
        "DocumentCurrencyCode": _leaf("currency"),
        "TaxCurrencyCode": _leaf("tax_currency"),
        "AccountingCost": _leaf("accounting_cost"),
        "BuyerReference": _leaf("buyer_reference", _reference),
    },
    {
        "InvoicePeriod": _inside(_PERIOD),
        "OrderReference": _inside(
            _spec(
                {
                    "ID": _leaf("order_reference", _reference),
                    "SalesOrderID": _leaf("sales_order_reference", _reference),
                }
            )
        ),
        "BillingReference": _by(_Reading.read_billing_reference),
        "ContractDocumentReference": _document_reference("contract_reference"),
        "OriginatorDocumentReference": _document_reference("tender_reference"),
        "ProjectReference": _document_reference("project_reference"),
        "ReceiptDocumentReference": _document_reference("receipt_reference"),
        "DespatchDocumentReference": _document_reference("despatch_reference"),
        "AdditionalDocumentReference": _by(_Reading.read_additional_document),
        "AccountingSupplierParty": _by(_Reading.read_seller),
        "AccountingCustomerParty": _by(_Reading.read_buyer),
        "PayeeParty": _by(_Reading.read_payee),
        "Delivery": _by(_Reading.read_delivery),
        # Credit notes, and EHF 2, state BT-9 here.
        "PaymentMeans": _inside(_spec({"PaymentDueDate": _leaf("due_date", _date)})),
        "AllowanceCharge": _by(_Reading.read_document_allowance_charge),
        "TaxTotal": _by(_Reading.read_tax_total),
        "LegalMonetaryTotal": _by(_Reading.read_totals),
        "InvoiceLine": _by(_Reading.read_line),
        "CreditNoteLine": _by(_Reading.read_line),
    },
)
