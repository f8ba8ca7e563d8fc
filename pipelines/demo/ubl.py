"""E-invoices of the books as EHF 3 (Peppol BIS Billing 3): UBL 2.1 invoices and credit notes.

Belongs here: what stands where in a document. Not here: amounts and rounding (books.py, trading.py). Documents pass
the UBL 2.1 schema, EN 16931 and Peppol's rules, the Norwegian ones included.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from pipelines.demo.books import AllowanceCharge, Invoice, Line, MemberBooks, Supplier
from pipelines.demo.trading import vat_breakdown
from pipelines.demo.truth import kroner

_SPECIFICATION = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
_PROCESS = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_SCHEME = "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>"
_EXEMPT = {"E": "Unntatt fra merverdiavgift", "O": "Selger er ikke registrert i Merverdiavgiftsregisteret"}
# Legal forms whose units stand in the register of business enterprises.
_IN_FORETAKSREGISTERET = frozenset({"AS", "ASA", "SA", "ENK", "IKS", "KF", "STI"})


class DocumentWriter:
    """Writes documents of one consortium; parties that come again are rendered once."""

    def __init__(self) -> None:
        self._sellers: dict[tuple[int, bool], str] = {}
        self._buyers: dict[str, str] = {}

    def write(self, books: MemberBooks, invoice: Invoice, *, note: str = "") -> bytes:
        """Return an invoice or credit note as XML."""
        root = "CreditNote" if invoice.is_credit_note else "Invoice"
        parts = [
            f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{_UBL}{root}-2" '
            f'xmlns:cac="{_UBL}CommonAggregateComponents-2" xmlns:cbc="{_UBL}CommonBasicComponents-2">',
            *_header(invoice, note),
            *_references(invoice),
            self._seller(invoice),
            self._buyer(books, invoice.buyer_org_no),
            *_payment(invoice),
            *(_allowance_charge(part) for part in invoice.allowance_charges),
            *_totals(invoice),
            *(_line(invoice, number, line) for number, line in enumerate(invoice.lines, start=1)),
            f"</{root}>",
        ]
        return ("\n".join(part for part in parts if part) + "\n").encode()

    def _seller(self, invoice: Invoice) -> str:
        supplier = invoice.supplier
        is_outside_vat = invoice.lines[0].vat_category == "O"
        key = (supplier.serial, is_outside_vat)
        if key not in self._sellers:
            self._sellers[key] = _seller(supplier, is_outside_vat=is_outside_vat)
        return self._sellers[key]

    def _buyer(self, books: MemberBooks, org_no: str) -> str:
        if org_no not in self._buyers:
            name = next(name for number, _, name in books.org_nos if number == org_no)
            self._buyers[org_no] = _buyer(books, org_no, name)
        return self._buyers[org_no]


def _header(invoice: Invoice, note: str) -> list[str]:
    kind = (
        "<cbc:CreditNoteTypeCode>381</cbc:CreditNoteTypeCode>"
        if invoice.is_credit_note
        else f"<cbc:DueDate>{invoice.due_on}</cbc:DueDate>\n<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>"
    )
    return [
        f"<cbc:CustomizationID>{_SPECIFICATION}</cbc:CustomizationID>",
        f"<cbc:ProfileID>{_PROCESS}</cbc:ProfileID>",
        f"<cbc:ID>{escape(invoice.invoice_no)}</cbc:ID>",
        f"<cbc:IssueDate>{invoice.issued_on}</cbc:IssueDate>",
        kind,
        f"<cbc:Note>{escape(note)}</cbc:Note>" if note else "",
        "<cbc:DocumentCurrencyCode>NOK</cbc:DocumentCurrencyCode>",
        _optional("cbc:AccountingCost", invoice.accounting_cost),
        _optional("cbc:BuyerReference", invoice.buyer_reference),
    ]


def _optional(name: str, value: str) -> str:
    return f"<{name}>{escape(value)}</{name}>" if value else ""


def _references(invoice: Invoice) -> list[str]:
    parts = []
    if invoice.order_reference:
        sales_order = "<cbc:SalesOrderID>SO-1</cbc:SalesOrderID>" if invoice.order_reference == "NA" else ""
        parts.append(
            f"<cac:OrderReference><cbc:ID>{invoice.order_reference}</cbc:ID>{sales_order}</cac:OrderReference>"
        )
    if invoice.billed:
        number, issued_on = invoice.billed
        parts.append(
            f"<cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>{escape(number)}</cbc:ID>"
            f"<cbc:IssueDate>{issued_on}</cbc:IssueDate></cac:InvoiceDocumentReference></cac:BillingReference>"
        )
    if invoice.contract_reference:
        parts.append(
            f"<cac:ContractDocumentReference><cbc:ID>{escape(invoice.contract_reference)}</cbc:ID>"
            "</cac:ContractDocumentReference>"
        )
    return parts


def _address(street: str, city: str, post_code: str) -> str:
    return (
        f"<cac:PostalAddress><cbc:StreetName>{street}</cbc:StreetName><cbc:CityName>{city}</cbc:CityName>"
        f"<cbc:PostalZone>{post_code}</cbc:PostalZone><cac:Country><cbc:IdentificationCode>NO</cbc:IdentificationCode>"
        "</cac:Country></cac:PostalAddress>"
    )


def _seller(supplier: Supplier, *, is_outside_vat: bool) -> str:
    taxes = ""
    if not is_outside_vat:
        taxes += (
            f"<cac:PartyTaxScheme><cbc:CompanyID>NO{supplier.org_no}MVA</cbc:CompanyID>{_SCHEME}</cac:PartyTaxScheme>"
        )
    if supplier.legal_form in _IN_FORETAKSREGISTERET:
        taxes += (
            "<cac:PartyTaxScheme><cbc:CompanyID>Foretaksregisteret</cbc:CompanyID>"
            "<cac:TaxScheme><cbc:ID>TAX</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>"
        )
    # Nobody's telephone begins with two zeros.
    contact = ""
    if supplier.serial % 3:
        contact = (
            f"<cac:Contact><cbc:Name>{supplier.contact}</cbc:Name><cbc:Telephone>00 12 34 56</cbc:Telephone>"
            f"<cbc:ElectronicMail>post{supplier.serial}@firma.example</cbc:ElectronicMail></cac:Contact>"
        )
    name = escape(supplier.name)
    return (
        f'<cac:AccountingSupplierParty><cac:Party><cbc:EndpointID schemeID="0192">{supplier.org_no}</cbc:EndpointID>'
        f"<cac:PartyName><cbc:Name>{name}</cbc:Name></cac:PartyName>"
        f"{_address(supplier.street, supplier.city, supplier.post_code)}{taxes}"
        f"<cac:PartyLegalEntity><cbc:RegistrationName>{name}</cbc:RegistrationName>"
        f'<cbc:CompanyID schemeID="0192">{supplier.org_no}</cbc:CompanyID></cac:PartyLegalEntity>{contact}'
        "</cac:Party></cac:AccountingSupplierParty>"
    )


def _buyer(books: MemberBooks, org_no: str, name: str) -> str:
    member = books.member
    return (
        f'<cac:AccountingCustomerParty><cac:Party><cbc:EndpointID schemeID="0192">{org_no}</cbc:EndpointID>'
        f"<cac:PartyName><cbc:Name>{name}</cbc:Name></cac:PartyName>"
        f"{_address('Rådhusplassen 1', member.name, member.post_code)}"
        f"<cac:PartyLegalEntity><cbc:RegistrationName>{name}</cbc:RegistrationName>"
        f'<cbc:CompanyID schemeID="0192">{org_no}</cbc:CompanyID></cac:PartyLegalEntity>'
        "</cac:Party></cac:AccountingCustomerParty>"
    )


def _payment(invoice: Invoice) -> list[str]:
    terms = "Motregnes i neste faktura" if invoice.is_credit_note else ""
    return [
        f"<cac:Delivery><cbc:ActualDeliveryDate>{invoice.issued_on}</cbc:ActualDeliveryDate></cac:Delivery>"
        if len(invoice.lines) > 1
        else "",
        f"<cac:PaymentMeans><cbc:PaymentMeansCode>30</cbc:PaymentMeansCode><cbc:PaymentID>{escape(invoice.invoice_no)}"
        f"</cbc:PaymentID><cac:PayeeFinancialAccount><cbc:ID>{invoice.supplier.bank_account}</cbc:ID>"
        "</cac:PayeeFinancialAccount></cac:PaymentMeans>",
        f"<cac:PaymentTerms><cbc:Note>{terms}</cbc:Note></cac:PaymentTerms>" if terms else "",
    ]


def _amount(name: str, ore: int) -> str:
    return f'<cbc:{name} currencyID="NOK">{kroner(ore)}</cbc:{name}>'


def _tax_category(name: str, category: str, rate: int, *, reason: bool = False) -> str:
    # What lies outside VAT has no rate.
    percent = "" if category == "O" else f"<cbc:Percent>{rate}</cbc:Percent>"
    why = (
        f"<cbc:TaxExemptionReason>{_EXEMPT[category]}</cbc:TaxExemptionReason>"
        if reason and category in _EXEMPT
        else ""
    )
    return f"<cac:{name}><cbc:ID>{category}</cbc:ID>{percent}{why}{_SCHEME}</cac:{name}>"


def _allowance_charge(part: AllowanceCharge) -> str:
    is_charge = part.amount > 0
    code, reason = ("FC", "Frakt") if is_charge else ("95", "Rabatt")
    return (
        f"<cac:AllowanceCharge><cbc:ChargeIndicator>{'true' if is_charge else 'false'}</cbc:ChargeIndicator>"
        f"<cbc:AllowanceChargeReasonCode>{code}</cbc:AllowanceChargeReasonCode>"
        f"<cbc:AllowanceChargeReason>{reason}</cbc:AllowanceChargeReason>{_amount('Amount', abs(part.amount))}"
        f"{_tax_category('TaxCategory', part.vat_category, part.vat)}</cac:AllowanceCharge>"
    )


def _totals(invoice: Invoice) -> list[str]:
    groups = vat_breakdown(invoice)
    vat = sum(amount for _, _, _, amount in groups)
    lines = sum(line.net for line in invoice.lines)
    allowances = -sum(part.amount for part in invoice.allowance_charges if part.amount < 0)
    charges = sum(part.amount for part in invoice.allowance_charges if part.amount > 0)
    net = lines - allowances + charges
    subtotals = "".join(
        f"<cac:TaxSubtotal>{_amount('TaxableAmount', taxable)}{_amount('TaxAmount', amount)}"
        f"{_tax_category('TaxCategory', category, rate, reason=True)}</cac:TaxSubtotal>"
        for category, rate, taxable, amount in groups
    )
    return [
        f"<cac:TaxTotal>{_amount('TaxAmount', vat)}{subtotals}</cac:TaxTotal>",
        f"<cac:LegalMonetaryTotal>{_amount('LineExtensionAmount', lines)}{_amount('TaxExclusiveAmount', net)}"
        f"{_amount('TaxInclusiveAmount', net + vat)}"
        f"{_amount('AllowanceTotalAmount', allowances) if allowances else ''}"
        f"{_amount('ChargeTotalAmount', charges) if charges else ''}"
        f"{_amount('PayableAmount', net + vat)}</cac:LegalMonetaryTotal>",
    ]


def _line(invoice: Invoice, number: int, line: Line) -> str:
    name, quantity = (
        ("CreditNoteLine", "CreditedQuantity") if invoice.is_credit_note else ("InvoiceLine", "InvoicedQuantity")
    )
    allowance = ""
    if line.allowance:
        allowance = (
            "<cac:AllowanceCharge><cbc:ChargeIndicator>false</cbc:ChargeIndicator>"
            "<cbc:AllowanceChargeReasonCode>95</cbc:AllowanceChargeReasonCode>"
            f"<cbc:AllowanceChargeReason>Rabatt</cbc:AllowanceChargeReason>{_amount('Amount', line.allowance)}"
            "</cac:AllowanceCharge>"
        )
    cpv = ""
    if line.cpv_code:
        cpv = (
            '<cac:CommodityClassification><cbc:ItemClassificationCode listID="STI">'
            f"{line.cpv_code}</cbc:ItemClassificationCode></cac:CommodityClassification>"
        )
    return (
        f"<cac:{name}><cbc:ID>{number}</cbc:ID>"
        f'<cbc:{quantity} unitCode="{line.unit}">{line.quantity}</cbc:{quantity}>'
        f"{_amount('LineExtensionAmount', line.net)}"
        f"{_optional('cbc:AccountingCost', line.accounting_cost)}{allowance}"
        f"<cac:Item><cbc:Name>{escape(line.item)}</cbc:Name>{cpv}"
        f"{_tax_category('ClassifiedTaxCategory', line.vat_category, line.vat)}</cac:Item>"
        f"<cac:Price>{_amount('PriceAmount', line.price)}</cac:Price></cac:{name}>"
    )
