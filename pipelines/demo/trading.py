"""A year of buying: draws what each member buys, from whom, and how it is booked.

Belongs here: chance, and the rules that keep the books consistent. Not here: the facts decided by hand (cast.py,
goods.py), what the purchases count as (truth.py).

What the rest of the demo relies on:

(1) An invoice number is unique per supplier; number and net amount together are unique per member, as ledgers without
    organisation numbers are matched by them.
(2) All postings of an invoice stand in one fiscal period, on accounts that are valid on the posting date.
(3) Lines sum to postings in øre, except on a few single-account invoices whose supplier's number is in the ledger.
(4) A credit note names an earlier invoice of the supplier in the same books, else a number that is in none of them.
"""

from __future__ import annotations

import calendar
import random
import re
from collections.abc import Callable
from datetime import date, timedelta

from pipelines.demo.books import (
    AllowanceCharge,
    Books,
    Invoice,
    LedgerSupplier,
    Line,
    MemberBooks,
    Posting,
    Supplier,
    Workshop,
)
from pipelines.demo.cases import plant_cases
from pipelines.demo.cast import EHF_ONLY, LEDGER_AND_EHF, MEMBERS, WORKSHOPS, XLSX, Member, WorkshopPlan
from pipelines.demo.catalogue import Chart
from pipelines.demo.contracting import agree_contracts
from pipelines.demo.goods import (
    COFUNDING,
    GOODS,
    INCLUSION,
    INVESTMENT,
    MISBOOKED_COFUNDING,
    Good,
    good_of_category,
)
from pipelines.demo.names import org_no_check_digit
from pipelines.demo.suppliers import Choice, SupplierWorld

LAST_MONTH = (2026, 10)
# DOMAIN 5.3: spend per head and year, invoices per head and year, at full scale.
_SPEND_PER_HEAD, _SPEND_EXPONENT, _TYPICAL_SIZE = 30_000, -0.12, 5_000
_INVOICES_PER_HEAD = 1.7
_LEAST_INVOICES_A_MONTH = 8
_CORE_SHARE = 0.6
_CREDIT_NOTE_SHARE = 0.03
_NO_ORG_NO_SHARE, _BAD_ORG_NO_SHARE = 0.05, 0.01
# Wrong organisation numbers stay below this part of a ledger's value.
_BAD_ORG_NO_VALUE = 0.004
_SEVERAL_ACCOUNTS_SHARE = 0.24
_WORKSHOP_SALES_SHARE = 0.005

# Goods of these trades come on one invoice, at times with several VAT rates.
_SOLD_TOGETHER = frozenset(
    ("supplies", "office", "timber", "grocery", "service", "building", "furniture", "medical", "teaching")
)
_MISBOOKING_MEMBER = "9913"

Progress = Callable[[str, int, int], None]


def window_months(count: int) -> list[str]:
    """Return the months of the window, the last one LAST_MONTH."""
    year, month = LAST_MONTH
    numbers = [year * 12 + month - 1 - back for back in range(count)]
    return [f"{number // 12}-{number % 12 + 1:02d}" for number in reversed(numbers)]


def keep_books(*, municipalities: int, months: int, scale: float, seed: int, progress: Progress) -> Books:
    """Return the books of the whole consortium."""
    cast = MEMBERS[:municipalities]
    numbers = {member.municipality_no for member in cast}
    world = SupplierWorld(seed, scale)
    for member in cast:
        world.inventor.reserve(f"{member.name} kommune")
    plans = [plan for plan in WORKSHOPS if numbers & {owner for owner, _ in plan.owners}]
    by_no = {member.municipality_no: member for member in cast}
    homes = [next(by_no[owner] for owner, _ in plan.owners if owner in numbers) for plan in plans]
    workshops = [world.add_workshop(plan, home) for plan, home in zip(plans, homes, strict=True)]
    world.add_ambiguous_pairs(cast)
    books = Books(window_months(months), [], world.suppliers, workshops, [], seed)
    own_numbers = {member.municipality_no: _own_org_nos(world, member) for member in cast}
    choices = {member.municipality_no: world.choices(member, cast) for member in cast}
    world.move_some_away()
    books.contracts = agree_contracts(world, choices, workshops, seed)
    for done, member in enumerate(cast):
        progress("books", done, len(cast))
        chart = Chart(member.chart_style, member.has_coarse_chart)
        member_books = MemberBooks(member, own_numbers[member.municipality_no], chart)
        trader = _Trader(books, member_books, choices[member.municipality_no], scale)
        trader.trade()
        books.members.append(member_books)
    plant_cases(books, world)
    progress("books", len(cast), len(cast))
    return books


def _own_org_nos(world: SupplierWorld, member: Member) -> list[tuple[str, str, str]]:
    own = [(world.inventor.org_no(), "municipality", f"{member.name} kommune")]
    if member.inhabitants >= 10_000:
        own.append((world.inventor.org_no(), "enterprise", f"{member.name} eiendom KF"))
    if member.inhabitants >= 5_000:
        own.append((world.inventor.org_no(), "sub-unit", f"{member.name} helse og omsorg"))
    return own


class _Trader:
    """Fills one member's books."""

    def __init__(self, books: Books, member_books: MemberBooks, choices: dict[str, Choice], scale: float) -> None:
        self.books, self.member_books, self.member = books, member_books, member_books.member
        self.chart, self.choices, self.scale = member_books.chart, choices, scale
        self.rng = random.Random(f"{books.seed}:{self.member.municipality_no}")
        self.taken: set[tuple[str, int]] = set()
        self.last_voucher: dict[str, int] = {}
        self.goods = [good for good in GOODS if self._can_buy(good)]
        self.related = self._related_goods()

    def _can_buy(self, good: Good) -> bool:
        # Who delivers e-invoices only does not see what comes on paper.
        suppliers = self.choices[good.trade].suppliers
        return self.member.delivers != EHF_ONLY or any(supplier.sends_ehf for supplier in suppliers)

    def _related_goods(self) -> dict[Good, list[Good]]:
        """Return the goods that may stand on one invoice with another."""
        together = [good for good in self.goods if good.trade in _SOLD_TOGETHER and good.account_class != INVESTMENT]
        return {good: [other for other in together if other is not good] for good in together}

    def trade(self) -> None:
        """Draw the member's year."""
        for good in GOODS:
            # Charts hold what a member could need, bought or not.
            self.chart.account_for(good, date(2025, 12, 31))
            self.chart.account_for(good, date(2026, 1, 1))
        for good in (INCLUSION, COFUNDING):
            self.chart.account_for(good, date(2026, 1, 1))
        self.buy_from_market()
        for workshop in self.books.workshops:
            self.buy_from_workshop(workshop)
        invoices = self.member_books.invoices
        invoices.sort(
            key=lambda invoice: (invoice.posted_on, invoice.issued_on, invoice.supplier.serial, invoice.invoice_no)
        )
        self._name_credited()
        for invoice in invoices:
            self._number_voucher(invoice)
        if self.member.has_ledger:
            self._limit_bad_org_nos()

    # -- the market

    def buy_from_market(self) -> None:
        part_of_year = len(self.books.months) / 12
        per_head = _SPEND_PER_HEAD * (self.member.inhabitants / _TYPICAL_SIZE) ** _SPEND_EXPONENT
        wanted = round(_INVOICES_PER_HEAD * self.member.inhabitants * self.scale * part_of_year)
        count = max(wanted, _LEAST_INVOICES_A_MONTH * len(self.books.months))
        target = count * per_head / _INVOICES_PER_HEAD
        drawn = self.rng.choices(self.goods, weights=[good.weight for good in self.goods], k=count)
        raw = [good.median * self.rng.lognormvariate(0, 0.8 if good.category else 1.15) for good in drawn]
        factor = min(3.0, max(0.4, target / sum(raw)))
        for position, (good, amount) in enumerate(zip(drawn, raw, strict=True)):
            # The first ones fill every month, so that no ledger lacks one by chance.
            month = (
                self.books.months[position % len(self.books.months)] if position < 3 * len(self.books.months) else None
            )
            supplier = self._draw_supplier(good)
            self.buy(good, supplier, amount * factor * (0.8 if supplier.legal_form == "ENK" else 1), month)

    def _draw_supplier(self, good: Good) -> Supplier:
        choice = self.choices[good.trade]
        supplier = choice.draw(self.rng)
        while self.member.delivers == EHF_ONLY and not supplier.sends_ehf:
            supplier = choice.draw(self.rng)
        return supplier

    # -- the workshops

    def buy_from_workshop(self, workshop: Workshop) -> None:
        plan, no = workshop.plan, self.member.municipality_no
        is_owner = any(owner == no for owner, _ in plan.owners)
        if is_owner and no not in plan.idle_owners:
            self._buy_products(workshop, 1.0)
        elif no in plan.neighbours:
            self._buy_products(workshop, 0.25)
        if not is_owner:
            return
        yearly = self._yearly_sales(plan)
        if plan.is_cofunded:
            good = MISBOOKED_COFUNDING if no == _MISBOOKING_MEMBER else COFUNDING
            self._buy_regularly(workshop, good, yearly, 12 if plan.yearly_sales else 4)
        if plan.sells_inclusion:
            self._buy_regularly(workshop, INCLUSION, yearly / 2, 6)

    def _yearly_sales(self, plan: WorkshopPlan) -> float:
        if plan.yearly_sales is not None:
            return plan.yearly_sales
        per_head: float = _SPEND_PER_HEAD * (self.member.inhabitants / _TYPICAL_SIZE) ** _SPEND_EXPONENT
        scale = max(self.scale, 0.02)
        return max(6_000.0, per_head * self.member.inhabitants * scale * _CORE_SHARE * _WORKSHOP_SALES_SHARE)

    def _buy_products(self, workshop: Workshop, part: float) -> None:
        categories = workshop.plan.categories
        yearly = self._yearly_sales(workshop.plan) * part
        if workshop.plan.yearly_sales is not None:
            self._buy_regularly(workshop, good_of_category(categories[0]), yearly, 12)
            return
        goods = [good_of_category(category) for category in categories if category != "canteen"]
        typical = sum(good.median for good in goods) / len(goods)
        count = max(3, round(yearly / typical * len(self.books.months) / 12))
        for _ in range(count):
            good = self.rng.choices(goods, weights=[1 / (rank + 1) for rank in range(len(goods))])[0]
            self.buy(good, workshop.supplier, typical * self.rng.lognormvariate(0, 0.4), None)

    def _buy_regularly(self, workshop: Workshop, good: Good, yearly: float, times: int) -> None:
        for month in self.books.months:
            if int(month[5:]) % (12 // times) == 0:
                self.buy(good, workshop.supplier, yearly / times * self.rng.uniform(0.9, 1.1), month)

    # -- one purchase

    def buy(self, good: Good, supplier: Supplier, amount: float, month: str | None) -> None:
        """Draw one invoice and book it."""
        rng = self.rng
        is_electronic = supplier.sends_ehf
        issued_on = self._draw_issue_date(month, is_electronic=is_electronic)
        posted_on = issued_on + timedelta(days=rng.randint(2, 13) if is_electronic else rng.randint(4, 24))
        is_workshop = supplier.trade == "workshop"
        is_credit_note = (
            not supplier.is_person and not is_workshop and bool(good.cpv_codes) and rng.random() < _CREDIT_NOTE_SHARE
        )
        goods = self._goods_together(good, is_workshop=is_workshop)
        lines = self._draw_lines(goods, supplier, amount * (0.3 if is_credit_note else 1), issued_on)
        is_single = len({self.chart.account_for(one, posted_on).code for one, _ in lines}) == 1
        parts = self._draw_allowance_charges([line for _, line in lines]) if is_single and is_electronic else []
        invoice = Invoice(
            supplier=supplier,
            invoice_no="",
            ledger_invoice_no="",
            issued_on=issued_on,
            due_on=issued_on + timedelta(days=30 if rng.random() < 0.8 else 14),
            posted_on=posted_on,
            period=self._draw_period(issued_on, posted_on),
            voucher_no="",
            buyer_org_no=self._draw_buyer(),
            is_credit_note=is_credit_note,
            billed=None,
            contract_reference=self._draw_contract(supplier),
            order_reference="",
            buyer_reference="",
            accounting_cost="",
            text=lines[0][1].item,
            is_electronic=is_electronic,
            lines=[line for _, line in lines],
            allowance_charges=parts,
            postings=[],
        )
        self._refer(invoice, lines)
        self._number(invoice)
        self._post(invoice, lines)
        self.member_books.invoices.append(invoice)

    def _draw_issue_date(self, month: str | None, *, is_electronic: bool) -> date:
        rng = self.rng
        month = (
            month
            or rng.choices(self.books.months, weights=[0.6 if m.endswith("-07") else 1 for m in self.books.months])[0]
        )
        year, number = int(month[:4]), int(month[5:])
        issued_on = date(year, number, rng.randint(1, calendar.monthrange(year, number)[1]))
        if month == self.books.months[0] and not is_electronic and rng.random() < 0.15:
            # Paper from the last days before the window, posted inside it.
            issued_on = date(year, number, 1) - timedelta(days=rng.randint(1, 4))
        return issued_on

    def _draw_period(self, issued_on: date, posted_on: date) -> str:
        """Return the fiscal period: the posting's month, at times the month before while that is still open."""
        is_late = posted_on.month != issued_on.month and posted_on.day <= 6 and posted_on.year == issued_on.year
        if is_late and self.member.layout != XLSX and self.rng.random() < 0.15:
            return f"{issued_on:%Y-%m}"
        return f"{posted_on:%Y-%m}"

    def _draw_buyer(self) -> str:
        org_nos = self.member_books.org_nos
        return (org_nos[0] if len(org_nos) == 1 or self.rng.random() < 0.8 else self.rng.choice(org_nos[1:]))[0]

    def _draw_contract(self, supplier: Supplier) -> str:
        agreed = supplier.contracts.get(self.member.municipality_no)
        if agreed:
            return agreed if self.rng.random() < 0.75 else ""
        # The supplier's own agreement number, which no register knows.
        return f"AVT-{supplier.serial:05d}" if supplier.legal_form and self.rng.random() < 0.28 else ""

    def _goods_together(self, good: Good, *, is_workshop: bool) -> list[Good]:
        related = self.related.get(good)
        if is_workshop or not related or self.rng.random() >= _SEVERAL_ACCOUNTS_SHARE * 2.2:
            return [good]
        return [good, *self.rng.sample(related, min(len(related), self.rng.choice((1, 1, 1, 2))))]

    def _draw_lines(
        self, goods: list[Good], supplier: Supplier, amount: float, issued_on: date
    ) -> list[tuple[Good, Line]]:
        rng = self.rng
        if len(goods) == 1:
            counts = [1 if goods[0].median > 20_000 else rng.choice((1, 1, 2, 2, 3, 4))]
        else:
            # One line each can pair off with its posting; several cannot.
            counts = [1] * len(goods) if rng.random() < 0.5 else [rng.choice((1, 2, 2)) for _ in goods]
        total = sum(counts)
        lines = []
        for good, count in zip(goods, counts, strict=True):
            for _ in range(count):
                lines.append((good, self._draw_line(good, supplier, amount / total * rng.uniform(0.7, 1.3), issued_on)))
        return lines

    def _draw_line(self, good: Good, supplier: Supplier, amount: float, issued_on: date) -> Line:
        rng = self.rng
        ore = max(500, round(amount * 100))
        quantity = 1 if good.unit in ("MON", "EA") and rng.random() < 0.4 else rng.randint(1, 12)
        price = max(50, round(ore / quantity))
        if rng.random() < 0.5:
            price = max(100, round(price / 100) * 100)
        allowance = round(quantity * price * 0.1) if rng.random() < 0.02 else 0
        if supplier.is_vat_registered or not supplier.legal_form:
            vat, category = good.vat, "S" if good.vat else "Z" if good.art == "105" else "E"
        else:
            vat, category = 0, "O"
        cpv = rng.choice(good.cpv_codes) if good.cpv_codes and rng.random() < self._cpv_share(supplier) else ""
        cost = self._draw_accounting_cost(good, issued_on, has_cpv=bool(cpv))
        return Line(rng.choice(good.items), good.unit, quantity, price, allowance, vat, category, cpv, cost)

    def _cpv_share(self, supplier: Supplier) -> float:
        return 1.0 if supplier.trade == "workshop" else 0.7

    def _draw_accounting_cost(self, good: Good, issued_on: date, *, has_cpv: bool) -> str:
        if not self.member.has_ehf:
            return ""
        code = self.chart.account_for(good, issued_on).code
        if good in (COFUNDING, MISBOOKED_COFUNDING):
            return code
        if self.member.delivers == LEDGER_AND_EHF:
            return code if self.rng.random() < 0.5 else ""
        drawn = self.rng.random()
        if drawn < (0.85 if has_cpv else 0.93):
            return code
        # Something that is no account of the buyer's, or nothing.
        return f"Prosjekt {self.rng.randint(10, 99)}" if drawn > 0.98 else ""

    def _draw_allowance_charges(self, lines: list[Line]) -> list[AllowanceCharge]:
        rng = self.rng
        if lines[0].vat_category == "O" or rng.random() >= 0.06:
            return []
        rates = {(line.vat, line.vat_category) for line in lines}
        net = sum(line.net for line in lines)
        if len(rates) > 1 or net < 20_000:
            return []
        freight = AllowanceCharge(rng.choice((9_900, 14_900, 24_900)), lines[0].vat, lines[0].vat_category)
        discount = AllowanceCharge(-round(net * rng.choice((0.02, 0.05))), lines[0].vat, lines[0].vat_category)
        return [[freight], [discount], [discount, freight]][rng.choices((0, 1, 2), weights=(5, 4, 1))[0]]

    def _refer(self, invoice: Invoice, lines: list[tuple[Good, Line]]) -> None:
        """Draw what the seller was asked to write on the invoice."""
        rng = self.rng
        if rng.random() < 0.45:
            # NA is what a seller writes who has a sales order only.
            invoice.order_reference = "NA" if rng.random() < 0.1 else f"PO{rng.randint(10_000, 99_999)}"
        if not invoice.order_reference or rng.random() < 0.5:
            invoice.buyer_reference = f"{rng.randint(100, 999)}{self.member.name[:2].upper()}"
        codes = {self.chart.account_for(good, invoice.issued_on).code for good, _ in lines}
        if len(codes) == 1 and self.member.has_ehf and rng.random() < 0.04:
            invoice.accounting_cost = codes.pop()

    def _number(self, invoice: Invoice) -> None:
        """Give the invoice a number of its supplier (1), and as the bookkeeper wrote it."""
        supplier, rng = invoice.supplier, self.rng
        if supplier.is_person or (
            invoice.lines[0].item in ("Driftstilskudd", "Overføring") and not invoice.is_electronic
        ):
            return
        while True:
            supplier.last_number += rng.randint(1, 9)
            number = supplier.last_number
            styles = (f"{number}", f"F-{number}", f"{number:07d}", f"{number}/26", f"INV{number}")
            invoice.invoice_no = styles[supplier.number_style]
            key = (re.sub(r"\W", "", invoice.invoice_no).lstrip("0"), invoice.net)
            if key not in self.taken:
                break
        self.taken.add(key)
        loose = (f"{number}", f"F{number}", f"{number}", f"{number}-26", f"INV {number}")
        invoice.ledger_invoice_no = loose[supplier.number_style] if rng.random() < 0.4 else invoice.invoice_no
        if invoice.is_credit_note:
            earlier = max(invoice.issued_on - timedelta(days=rng.randint(5, 25)), date(2025, 10, 1))
            invoice.billed = (styles[supplier.number_style].replace(str(number), str(number - 1)), earlier)

    def _post(self, invoice: Invoice, lines: list[tuple[Good, Line]]) -> None:
        """Book the invoice (2), (3)."""
        if not self.member.has_ledger:
            return
        rng = self.rng
        by_account: dict[str, tuple[Good, int]] = {}
        for good, line in lines:
            code = self.chart.account_for(good, invoice.posted_on).code
            _, amount = by_account.get(code, (good, 0))
            by_account[code] = (by_account[code][0] if code in by_account else good, amount + line.net)
        if len(by_account) == 1:
            code, (good, amount) = by_account.popitem()
            by_account[code] = (good, amount + sum(part.amount for part in invoice.allowance_charges))
        known = self._known_as(invoice.supplier)
        is_single = len(by_account) == 1
        for code, (good, amount) in by_account.items():
            signed = invoice.sign * amount
            if is_single and invoice.is_electronic and self._may_differ(invoice, known) and rng.random() < 0.015:
                signed += rng.choice((-2, -1, 1, 2, 100, 5_000))
            self._post_net(invoice, code, good, signed, may_split=is_single and amount > 60_000)
        self._post_vat(invoice, lines)

    def _may_differ(self, invoice: Invoice, known: LedgerSupplier) -> bool:
        # Without the number in the ledger only an equal amount finds the e-invoice.
        return self.member.has_ehf and known.org_no == invoice.supplier.org_no and bool(known.org_no)

    def _post_net(self, invoice: Invoice, code: str, good: Good, signed: int, *, may_split: bool) -> None:
        rng = self.rng
        account = self.chart.accounts[code]
        function = rng.choice(good.functions)
        project = f"P{rng.randint(100, 180)}" if good.account_class == INVESTMENT else ""
        amounts = [signed]
        if may_split and rng.random() < 0.5:
            first = signed * rng.randint(3, 7) // 10
            amounts = [first, signed - first]
        for amount in amounts:
            centre = f"{rng.randint(1, 9)}{function}{rng.randint(0, 9)}"
            invoice.postings.append(Posting(account, function, centre, project, amount))

    def _post_vat(self, invoice: Invoice, lines: list[tuple[Good, Line]]) -> None:
        vat = invoice.sign * sum(amount for _, _, _, amount in vat_breakdown(invoice))
        if not vat:
            return
        first = invoice.postings[0]
        account = self.chart.vat_account(lines[0][0].account_class)
        invoice.postings.append(Posting(account, first.function, first.cost_centre, first.project, vat))

    def _name_credited(self) -> None:
        """Let credit notes name the supplier's latest invoice before them, where there is one (4)."""
        latest: dict[int, Invoice] = {}
        for invoice in sorted(self.member_books.invoices, key=lambda one: (one.issued_on, one.invoice_no)):
            if not invoice.is_credit_note and invoice.invoice_no:
                latest[invoice.supplier.serial] = invoice
            elif invoice.is_credit_note and (known := latest.get(invoice.supplier.serial)):
                invoice.credits, invoice.billed = known, (known.invoice_no, known.issued_on)

    def _number_voucher(self, invoice: Invoice) -> None:
        year = invoice.period[:4]
        self.last_voucher[year] = self.last_voucher.get(year, 0) + 1
        invoice.voucher_no = f"{year[2:]}{self.last_voucher[year]:06d}"

    # -- what the ledger knows of suppliers

    def _known_as(self, supplier: Supplier) -> LedgerSupplier:
        known = self.member_books.suppliers.get(supplier.serial)
        if known is None:
            known = self._register_supplier(supplier)
            self.member_books.suppliers[supplier.serial] = known
        return known

    def _register_supplier(self, supplier: Supplier) -> LedgerSupplier:
        rng = self.rng
        name, org_no = supplier.name, supplier.org_no
        if rng.random() < 0.3:
            name = name.upper()
        if rng.random() < 0.1:
            name = name.removesuffix(" AS")
        if supplier.legal_form and supplier.trade != "workshop":
            drawn = rng.random()
            if drawn < _NO_ORG_NO_SHARE:
                org_no = ""
                if rng.random() < 0.5:
                    name = f"{name} avd. {rng.choice(('nord', 'sør', 'øst'))}"
            elif drawn < _NO_ORG_NO_SHARE + _BAD_ORG_NO_SHARE:
                org_no = _spoilt(org_no)
        if not self.member.ledger_has_org_nos:
            org_no = ""
        code = f"{20_000 + 7 * len(self.member_books.suppliers)}"
        return LedgerSupplier(code, name, org_no)

    def _limit_bad_org_nos(self) -> None:
        """Take wrong organisation numbers away, the largest first, until they are a small part of the value."""
        value: dict[int, int] = {}
        for invoice in self.member_books.invoices:
            posted = sum(abs(posting.amount) for posting in invoice.postings)
            value[invoice.supplier.serial] = value.get(invoice.supplier.serial, 0) + posted
        suppliers = self.member_books.suppliers
        bad = sorted(
            (serial for serial, known in suppliers.items() if known.org_no and not _passes(known.org_no)),
            key=lambda serial: (-value[serial], serial),
        )
        left = sum(value[serial] for serial in bad)
        for serial in bad:
            if left <= _BAD_ORG_NO_VALUE * sum(value.values()):
                break
            suppliers[serial].org_no = ""
            left -= value[serial]


def _passes(org_no: str) -> bool:
    return org_no_check_digit(org_no[:8]) == int(org_no[8])


def _spoilt(org_no: str) -> str:
    return f"{org_no[:8]}{(int(org_no[8]) + 3) % 10}"


def vat_breakdown(invoice: Invoice) -> list[tuple[str, int, int, int]]:
    """Return VAT category, rate, taxable amount and VAT in øre, as stated; VAT is rounded half up per group."""
    taxable: dict[tuple[str, int], int] = {}
    for line in invoice.lines:
        key = (line.vat_category, line.vat)
        taxable[key] = taxable.get(key, 0) + line.net
    for part in invoice.allowance_charges:
        taxable[part.vat_category, part.vat] += part.amount
    return [
        (category, rate, amount, (amount * rate * 2 + 100) // 200)
        for (category, rate), amount in sorted(taxable.items())
    ]
