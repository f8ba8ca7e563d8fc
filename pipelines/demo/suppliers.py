"""Everybody who is paid: companies, sole proprietors, public bodies, workshops and persons.

Belongs here: inventing them, and giving each member a choice. Not here: what they sell to whom (trading.py).
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.demo.books import Supplier, Workshop
from pipelines.demo.cast import Member, WorkshopPlan
from pipelines.demo.goods import GOODS
from pipelines.demo.names import Inventor
from pipelines.demo.trades import TRADES

# Supplier count of a member: 19 x inhabitants^0.42 at full scale; fewer where invoices are thinned.
_COUNT, _COUNT_EXPONENT, _SCALE_EXPONENT = 19, 0.42, 0.4
_LEAST_OF_A_TRADE = 5
_REGIONAL_OF_A_TRADE = 14
_SOLE_PROPRIETOR_SHARE = 0.20
_PAPER_SHARE = 0.12
_POPULARITY = 0.75
# Where companies are that are in no member municipality: name, number, post code that is not in use. The first is in
# the members' county, the others in another.
_ELSEWHERE = (("Ytrevik", "9950", "9998"), ("Storhamn", "9801", "9997"), ("Langsund", "9802", "9996"))


@dataclass(slots=True)
class Choice:
    """Suppliers of a trade that a member may choose from, the popular ones first."""

    suppliers: list[Supplier]
    cumulative_weights: list[float]

    def draw(self, rng: random.Random) -> Supplier:
        """Return one of them."""
        return rng.choices(self.suppliers, cum_weights=self.cumulative_weights)[0]


class SupplierWorld:
    """Invents suppliers; the same seed invents the same ones."""

    def __init__(self, seed: int, scale: float) -> None:
        self.inventor = Inventor(f"{seed}:names")
        self.suppliers: list[Supplier] = []
        self._rng = random.Random(f"{seed}:suppliers")
        self._scale = min(1.0, scale)
        self._regional: dict[str, list[Supplier]] = {}

    def add(self, member: Member, trade: str, name: str, legal_form: str, *, sends_ehf: bool) -> Supplier:
        """Invent the facts of a supplier and remember it."""
        rng, inventor = self._rng, self.inventor
        is_small = legal_form in ("ENK", "")
        supplier = Supplier(
            serial=len(self.suppliers) + 1,
            name=name,
            legal_form=legal_form,
            org_no=inventor.org_no() if legal_form else "",
            trade=trade,
            nace=TRADES[trade].nace if trade in TRADES else "88.994",
            municipality_no=member.municipality_no,
            city=member.name,
            post_code=member.post_code,
            street=inventor.address(),
            bank_account=inventor.bank_account(),
            contact=inventor.contact(),
            sends_ehf=sends_ehf,
            is_vat_registered=legal_form in ("AS", "ASA", "SA", "IKS", "KF") or (is_small and rng.random() < 0.6),
            number_style=rng.randrange(5),
            last_number=rng.randrange(100, 9000),
        )
        self.suppliers.append(supplier)
        return supplier

    def add_workshop(self, plan: WorkshopPlan, member: Member) -> Workshop:
        """Return a workshop as a payee."""
        supplier = self.add(member, "workshop", self.inventor.reserve(plan.name), "AS", sends_ehf=True)
        return Workshop(plan, supplier)

    def add_ambiguous_pairs(self, members: Sequence[Member]) -> None:
        """Invent companies that share a name with another one of the region, legal form aside."""
        for trade in ("cleaning", "building"):
            regional = self.regional(trade, members)
            twin = next(supplier for supplier in regional if supplier.legal_form == "AS")
            name = f"{twin.name.removesuffix(' AS')} SA"
            regional.append(self.add(members[-1], trade, name, "SA", sends_ehf=True))

    def move_some_away(self) -> None:
        """Let some of the companies that sell to every member be elsewhere; nothing is drawn."""
        companies = [
            supplier
            for trade in sorted(self._regional)
            for supplier in self._regional[trade]
            if supplier.legal_form in ("AS", "ASA", "SA")
        ]
        for place, supplier in enumerate(companies[::5]):
            supplier.city, supplier.municipality_no, supplier.post_code = _ELSEWHERE[place % len(_ELSEWHERE)]

    def regional(self, trade: str, members: Sequence[Member]) -> list[Supplier]:
        """Return the suppliers of a trade that sell to every member."""
        if trade not in self._regional:
            count = max(3, round(_REGIONAL_OF_A_TRADE * TRADES[trade].size))
            homes = self._rng.choices(members, weights=[member.inhabitants for member in members], k=count)
            self._regional[trade] = [self._invent(home, trade) for home in homes]
        return self._regional[trade]

    def choices(self, member: Member, members: Sequence[Member]) -> dict[str, Choice]:
        """Return whom a member may choose from, by trade; its own local suppliers are invented here."""
        wanted = _COUNT * member.inhabitants**_COUNT_EXPONENT * self._scale**_SCALE_EXPONENT
        trades = sorted({good.trade for good in GOODS})
        total_size = sum(TRADES[trade].size for trade in trades)
        choices = {}
        for trade in trades:
            count = max(_LEAST_OF_A_TRADE, round(wanted * TRADES[trade].size / total_size))
            choices[trade] = self._choice(member, members, trade, count)
        return choices

    def _choice(self, member: Member, members: Sequence[Member], trade: str, count: int) -> Choice:
        shared = [] if trade in ("persons", "neighbours") else self.regional(trade, members)
        is_public = TRADES[trade].paper_only and trade != "persons"
        local = 0 if is_public and shared else max(1, count - len(shared) // 2)
        suppliers = [self._invent(member, trade) for _ in range(local)]
        suppliers += self._rng.sample(shared, min(len(shared), max(count // 2, count - local, 2)))
        self._rng.shuffle(suppliers)
        # Sole proprietors get the small jobs.
        suppliers.sort(key=lambda supplier: supplier.legal_form == "ENK")
        weights = (1 / (rank + 1) ** _POPULARITY for rank in range(len(suppliers)))
        return Choice(suppliers, list(itertools.accumulate(weights)))

    def _invent(self, member: Member, name: str) -> Supplier:
        trade = TRADES[name]
        rng = self._rng
        if name == "persons":
            return self.add(member, name, self.inventor.person(), "", sends_ehf=False)
        if trade.paper_only:
            return self.add(
                member, name, self.inventor.public_body(trade.words[0]), trade.legal_forms[0], sends_ehf=False
            )
        if trade.has_sole_proprietors and rng.random() < _SOLE_PROPRIETOR_SHARE:
            before = rng.choice(("", trade.words[0]))
            return self.add(member, name, self.inventor.person(before), "ENK", sends_ehf=rng.random() < 0.5)
        legal_form = rng.choice(trade.legal_forms)
        sends_ehf = rng.random() >= _PAPER_SHARE
        return self.add(member, name, self.inventor.company(trade.words, legal_form), legal_form, sends_ehf=sends_ehf)
