"""The generator's own books: every invoice and posting of the demo, before any file is written.

Belongs here: what an invoice is, in øre (integers). Not here: how it came to be (trading.py), what it counts as
(truth.py), how it looks in a file (ubl.py, ledgers.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from pipelines.demo.cast import Member, WorkshopPlan
from pipelines.demo.catalogue import Account, Chart


@dataclass(slots=True, eq=False)
class Supplier:
    """Somebody who is paid.

    Attributes:
        serial: Order of invention.
        name: Registered name; a person's own.
        legal_form: As in the register; empty for persons, who are in none.
        org_no: Empty for persons.
        trade: Line of business.
        nace: Industry code.
        municipality_no: Where its business address is.
        city: Post town.
        post_code: Post code.
        street: Street address.
        bank_account: Eleven digits.
        contact: A contact person, who must never be published.
        sends_ehf: Sends e-invoices.
        is_vat_registered: In the VAT register.
        number_style: How its invoice numbers look.
        last_number: Its latest invoice number.
        contracts: Contract by municipality.
        is_member: It is a member of the consortium, under its own number.
    """

    serial: int
    name: str
    legal_form: str
    org_no: str
    trade: str
    nace: str
    municipality_no: str
    city: str
    post_code: str
    street: str
    bank_account: str
    contact: str
    sends_ehf: bool
    is_vat_registered: bool
    number_style: int
    last_number: int
    contracts: dict[str, str] = field(default_factory=dict)
    is_member: bool = False

    @property
    def is_person(self) -> bool:
        """Return whether this is a private person."""
        return not self.legal_form


@dataclass(slots=True, eq=False)
class Workshop:
    """A workshop as payee, and its plan."""

    plan: WorkshopPlan
    supplier: Supplier


@dataclass(slots=True, eq=False)
class LedgerSupplier:
    """A supplier as one member's ledger knows it; org_no may be empty or wrong."""

    code: str
    name: str
    org_no: str


@dataclass(slots=True)
class Line:
    """One line of an invoice; amounts as stated, positive on credit notes too.

    Attributes:
        item: What it is called.
        unit: Unit code.
        quantity: Whole units.
        price: Øre per unit.
        allowance: Øre taken off the line.
        vat: VAT rate in percent.
        vat_category: S, Z, E or O.
        cpv_code: CPV, or empty.
        accounting_cost: What the seller wrote as the buyer's posting string, or empty.
    """

    item: str
    unit: str
    quantity: int
    price: int
    allowance: int
    vat: int
    vat_category: str
    cpv_code: str
    accounting_cost: str

    @property
    def net(self) -> int:
        """Return the line's net amount in øre."""
        return self.quantity * self.price - self.allowance


@dataclass(slots=True)
class AllowanceCharge:
    """An allowance (negative) or charge (positive) on the whole invoice."""

    amount: int
    vat: int
    vat_category: str


@dataclass(slots=True)
class Posting:
    """One posting: signed øre."""

    account: Account
    function: str
    cost_centre: str
    project: str
    amount: int


@dataclass(slots=True, eq=False)
class Invoice:
    """One invoice or credit note of one member.

    Attributes:
        supplier: Who is paid.
        invoice_no: As the supplier writes it; empty where there is none.
        ledger_invoice_no: As the bookkeeper wrote it.
        issued_on: Issue date.
        due_on: Due date.
        posted_on: Posting date.
        period: Fiscal period of the postings, YYYY-MM.
        voucher_no: Voucher number in the ledger.
        buyer_org_no: The buying unit.
        is_credit_note: It takes back.
        billed: Number and date of the invoice that a credit note is about.
        credits: That invoice, where it stands in the books.
        takes_back: The estimate that this takes back; both are postings only.
        booked_with_it: Invoices whose postings stand in this one's, account by account.
        is_booked_with_another: It is one of these.
        has_vat_as_cost: Its VAT stands in its net posting.
        contract_reference: Contract number, or empty.
        order_reference: Order number, or empty.
        buyer_reference: Buyer's reference, or empty.
        accounting_cost: Posting string of the whole document, or empty.
        text: What the bookkeeper wrote.
        is_electronic: It comes as EHF.
        lines: What was bought.
        allowance_charges: On the whole invoice.
        postings: How it is booked, VAT postings included.
        file: Its EHF file below the home's inbox, once it has been written.
    """

    supplier: Supplier
    invoice_no: str
    ledger_invoice_no: str
    issued_on: date
    due_on: date
    posted_on: date
    period: str
    voucher_no: str
    buyer_org_no: str
    is_credit_note: bool
    billed: tuple[str, date] | None
    contract_reference: str
    order_reference: str
    buyer_reference: str
    accounting_cost: str
    text: str
    is_electronic: bool
    lines: list[Line]
    allowance_charges: list[AllowanceCharge]
    postings: list[Posting]
    file: str = ""
    credits: Invoice | None = None
    takes_back: Invoice | None = None
    booked_with_it: list[Invoice] = field(default_factory=list)
    is_booked_with_another: bool = False
    has_vat_as_cost: bool = False

    @property
    def sign(self) -> int:
        """Return -1 for a credit note, else 1."""
        return -1 if self.is_credit_note else 1

    @property
    def net(self) -> int:
        """Return the net total as stated, in øre."""
        return sum(line.net for line in self.lines) + sum(part.amount for part in self.allowance_charges)


@dataclass(slots=True, eq=False)
class MemberBooks:
    """The books of one member.

    Attributes:
        member: Whose they are.
        org_nos: Its organisation numbers, its own first, with role and name.
        chart: Its chart of accounts.
        invoices: In the order of posting.
        suppliers: What its ledger knows of each supplier, by serial.
        missing_periods: Months of the window whose ledger it has failed to hand in.
    """

    member: Member
    org_nos: list[tuple[str, str, str]]
    chart: Chart
    invoices: list[Invoice] = field(default_factory=list)
    suppliers: dict[int, LedgerSupplier] = field(default_factory=dict)
    missing_periods: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Contract:
    """A contract, and the members that it covers."""

    contract_id: str
    title: str
    category: str | None
    supplier_org_no: str
    is_reserved: bool
    exclusivity: str
    starts_on: date
    ends_on: date
    options_to: date | None
    value: int
    notice_id: str
    members: tuple[str, ...]


@dataclass(slots=True)
class Books:
    """The books of the whole consortium.

    Attributes:
        months: The window, YYYY-MM, in order.
        members: One for each municipality, by number.
        suppliers: Everybody who is paid, by serial.
        workshops: The workshops of these members.
        contracts: Their contracts.
        seed: What everything was drawn from.
    """

    months: list[str]
    members: list[MemberBooks]
    suppliers: list[Supplier]
    workshops: list[Workshop]
    contracts: list[Contract]
    seed: int

    def delivered_periods(self, books: MemberBooks) -> set[str]:
        """Return the months whose ledger a member hands in."""
        if not books.member.has_ledger:
            return set()
        return set(self.months) - books.missing_periods
