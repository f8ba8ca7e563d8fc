"""Cases of bookkeeping that are planted by hand, with one member: what books do that no single e-invoice tells.

Belongs here: an estimate that is taken back, several invoices booked as one, VAT that is booked as cost, purchases from
another member. Not here: what is drawn by chance (trading.py), faults in files (faults.py). Nothing is drawn here, so
that everything else stays as it was drawn.

They are in the last two months, which every home of four months or more hands in.
"""

from __future__ import annotations

from datetime import date

from pipelines.demo.books import Books, Invoice, LedgerSupplier, Line, MemberBooks, Posting, Supplier
from pipelines.demo.cast import LEDGER_AND_EHF, SEMICOLON
from pipelines.demo.goods import GOODS, Good, good_of_category
from pipelines.demo.suppliers import SupplierWorld

_LEAST_MONTHS = 4
# A series of its own: what is drawn never comes so far.
_FIRST_VOUCHER = 990_001
_FIRST_CODE = 900_001


def plant_cases(books: Books, world: SupplierWorld) -> None:
    """Add the cases to the books of the first member whose ledger has texts, and which has e-invoices too."""
    able = [one for one in books.members if one.member.delivers == LEDGER_AND_EHF and one.member.layout == SEMICOLON]
    if not able or len(books.months) < _LEAST_MONTHS:
        return
    planted = _Cases(books, able[0], world)
    planted.accrual_and_reversal()
    planted.one_posting_for_two_invoices()
    planted.food_with_its_vat()
    if books.members[0] is not able[0]:
        planted.from_another_member(books.members[0])


def _good(trade: str, art: str) -> Good:
    return next(good for good in GOODS if (good.trade, good.art) == (trade, art))


class _Cases:
    """Adds invoices to one member's books."""

    def __init__(self, books: Books, member_books: MemberBooks, world: SupplierWorld) -> None:
        self.member_books, self.world = member_books, world
        self.before, self.last = books.months[-2:]
        self.vouchers = _FIRST_VOUCHER

    def accrual_and_reversal(self) -> None:
        """Power that is estimated at the month's end, taken back in the next month, and then billed for."""
        good, supplier = _good("energy", "180"), self._supplier("energy", "Kraft")
        accrual = self._paper(good, supplier, _day(self.before, 28), 4_200_000, "Avsetning strøm")
        reversal = self._paper(good, supplier, _day(self.last, 1), 4_200_000, "Tilbakeføring av avsetning strøm")
        reversal.is_credit_note, reversal.takes_back = True, accrual
        reversal.postings[0].amount = -4_200_000
        self._invoice(good, supplier, _day(self.last, 5), [4_317_500], "Strøm")

    def one_posting_for_two_invoices(self) -> None:
        """Two invoices in one voucher: once under both their numbers, once under none."""
        good = _good("telecom", "130")
        for word, is_numbered in (("Nett", True), ("Telekom", False)):
            supplier = self._supplier("telecom", word)
            first, second = (
                self._invoice(good, supplier, _day(self.before, day), [amount], "Bredbånd")
                for day, amount in ((4, 310_000), (18, 287_500))
            )
            first.booked_with_it.append(second)
            second.is_booked_with_another = True
            first.ledger_invoice_no = f"{first.invoice_no}, {second.invoice_no}" if is_numbered else ""
            first.posted_on = second.posted_on

    def food_with_its_vat(self) -> None:
        """Meeting food, whose VAT is not compensated: the books hold it as cost, the e-invoice tells it apart."""
        good, supplier = good_of_category("meeting_food"), self._supplier("catering", "Selskapsmat")
        invoice = self._invoice(good, supplier, _day(self.before, 11), [100_000, 60_000], "Lunsj til kommunestyret")
        net, vat = invoice.postings
        net.amount += vat.amount
        invoice.postings = [net]
        invoice.has_vat_as_cost = True

    def from_another_member(self, seller: MemberBooks) -> None:
        """Two purchases from another member; the second is booked as if a firm had been hired."""
        org_no, _, name = seller.org_nos[0]
        supplier = self.world.add(seller.member, "neighbours", name, "KOMM", sends_ehf=True)
        supplier.org_no, supplier.is_member = org_no, True
        for good, day, amount, text in (
            (_good("neighbours", "350"), 7, 3_600_000, "Vertskommunesamarbeid"),
            (_good("consulting", "271"), 9, 2_150_000, "Rådgivning fra nabokommune"),
        ):
            self._invoice(good, supplier, _day(self.before, day), [amount], text)

    # -- one invoice

    def _supplier(self, trade: str, word: str) -> Supplier:
        name = self.world.inventor.company((word,), "AS")
        supplier = self.world.add(self.member_books.member, trade, name, "AS", sends_ehf=True)
        supplier.is_vat_registered = True
        return supplier

    def _invoice(self, good: Good, supplier: Supplier, day: date, amounts: list[int], text: str) -> Invoice:
        """Add an e-invoice, a line for each amount, with its postings: net, and VAT where there is any."""
        invoice = self._paper(good, supplier, day, sum(amounts), text)
        supplier.last_number += 7
        invoice.is_electronic = True
        invoice.invoice_no = invoice.ledger_invoice_no = f"{supplier.last_number}"
        vat = 0 if supplier.is_member else good.vat
        invoice.lines = [_line(good, amount, vat, text) for amount in amounts]
        if vat:
            net = invoice.postings[0]
            account = self.member_books.chart.vat_account(good.account_class)
            tax = (sum(amounts) * vat * 2 + 100) // 200
            invoice.postings.append(Posting(account, net.function, net.cost_centre, net.project, tax))
        return invoice

    def _paper(self, good: Good, supplier: Supplier, day: date, amount: int, text: str) -> Invoice:
        """Add what the books have without an e-invoice, as one posting."""
        function = good.functions[0]
        account = self.member_books.chart.account_for(good, day)
        voucher_no = f"{day:%y}{self.vouchers}"
        self.vouchers += 1
        invoice = Invoice(
            supplier=supplier,
            invoice_no="",
            ledger_invoice_no="",
            issued_on=day,
            due_on=day,
            posted_on=day,
            period=f"{day:%Y-%m}",
            voucher_no=voucher_no,
            buyer_org_no=self.member_books.org_nos[0][0],
            is_credit_note=False,
            billed=None,
            contract_reference="",
            order_reference="",
            buyer_reference="100SAK",
            accounting_cost="",
            text=text,
            is_electronic=False,
            lines=[_line(good, amount, 0, text)],
            allowance_charges=[],
            postings=[Posting(account, function, f"1{function}0", "", amount)],
        )
        known = LedgerSupplier(f"{_FIRST_CODE + supplier.serial}", supplier.name, supplier.org_no)
        self.member_books.suppliers.setdefault(supplier.serial, known)
        self.member_books.invoices.append(invoice)
        return invoice


def _day(month: str, day: int) -> date:
    return date(int(month[:4]), int(month[5:]), day)


def _line(good: Good, amount: int, vat: int, item: str) -> Line:
    return Line(item, good.unit, 1, amount, 0, vat, "S" if vat else "E", "", "")
