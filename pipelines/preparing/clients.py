"""Which payments are for clients: known from a ledger's strict functions, or from a list of suppliers.

Belongs here: recognising client postings, and the e-invoices behind them. Not here: what is done with them (ledgers.py,
documents.py).

(1) A posting on a strict function, or to a listed supplier, is a client's. (2) So is every other posting of the same
    voucher and supplier (its VAT, its part on another function), and of the same supplier and invoice number (the
    invoice posted again), in whichever ledger. (3) An e-invoice is a client's when its seller and number are those of
    such a posting. (4) One that no other posting explains is a client's when its number and amount are a client
    posting's, however that spells the seller; (5) when its seller has client postings at all; and (6) when its amount
    is that of a client posting, or of what is booked with it: a client named by mistake is worse than an invoice left
    out, whose amount the sums hold anyway.

Sellers are the same by number or by name. Where ledger or invoice lacks the number, names are also the same when all
words of one stand in the other (legal forms, «og» and signs aside), for two systems seldom spell a name alike.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pipelines.prepared import LISTED, MATCHED, POSSIBLE
from pipelines.preparing.invoice_numbers import comparable_number
from pipelines.reference import function_of

Row = Mapping[str, Any]
_ORG_NO = re.compile(r"(?<!\d)(\d{3})[ .]?(\d{3})[ .]?(\d{3})(?!\d)")
_LEGAL_FORM = re.compile(r" (AS|ASA|ENK|SA|KF|IKS|DA|ANS|STI)$")
_SAYS_NOTHING = frozenset(
    {"AS", "ASA", "ENK", "SA", "KF", "IKS", "DA", "ANS", "STI", "BA", "NUF", "A", "S", "OG", "AND"}
)
_SPELLINGS = (("AA", "A"), ("Å", "A"), ("OE", "O"), ("Ø", "O"), ("Æ", "AE"))
_AMOUNTS = ("tax_exclusive_amount", "tax_inclusive_amount", "payable_amount")


class SupplierList:
    """Suppliers whose invoices are always clients', by organisation number or name.

    Attributes:
        org_nos: Organisation numbers.
        names: Names as they are compared.
    """

    def __init__(self, text: str) -> None:
        self.org_nos: set[str] = set()
        self.names: set[str] = set()
        for line in text.splitlines():
            numbers = ["".join(found.groups()) for found in _ORG_NO.finditer(line)]
            self.org_nos.update(numbers)
            if not numbers and (name := comparable_name(re.split(r"[;\t]", line)[0])):
                self.names.add(name)

    def holds(self, org_no: str | None, name: str | None) -> bool:
        """Return whether a supplier is listed."""
        return (org_no or "") in self.org_nos or comparable_name(name) in self.names


def comparable_name(name: str | None) -> str:
    """Return a supplier's name as two systems would agree on it."""
    plain = (name or "").upper().replace("&", " OG ")
    return _LEGAL_FORM.sub("", " ".join(re.sub(r"[^\w]+|_", " ", plain).split()))


def words_of(name: str | None) -> frozenset[str]:
    """Return the words by which a supplier's name is known, however it is spelled."""
    plain = comparable_name(name)
    for sign, spelled in _SPELLINGS:
        plain = plain.replace(sign, spelled)
    return frozenset(plain.split()) - _SAYS_NOTHING


class _Spelled:
    """Names of suppliers as sets of words."""

    def __init__(self) -> None:
        self._known: set[frozenset[str]] = set()
        self._asked: dict[frozenset[str], bool] = {}

    def add(self, name: str | None) -> None:
        self._known |= {words} if (words := words_of(name)) else set()
        self._asked.clear()

    def holds(self, name: str | None) -> bool:
        """Return whether all words of a name stand in a known one, or the other way, or their letters are the same."""
        if not (words := words_of(name)):
            return False
        if words not in self._asked:
            joined = sorted("".join(words))
            self._asked[words] = any(
                words <= known or known <= words or sorted("".join(known)) == joined for known in self._known
            )
        return self._asked[words]


@dataclass
class _Booked:
    """The invoices that postings name: by supplier and number, number and amount, supplier and amount."""

    by_supplier: set[tuple[str, str]] = field(default_factory=set)
    by_amount: set[tuple[str, Decimal]] = field(default_factory=set)
    by_supplier_amount: set[tuple[str, Decimal]] = field(default_factory=set)
    totals: defaultdict[tuple[str | None, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def add(self, posting: Row, names: set[str], number: str) -> None:
        self.by_supplier |= {(name, number) for name in names}
        total = (_payee(posting), number)
        self.totals[total] += posting["amount"]
        # An invoice may stand in one row or in several: its amount is a row's, or what they come to so far.
        self.by_amount |= {(number, abs(posting["amount"])), (number, abs(self.totals[total]))}


class Clients:
    """What is known of clients, filled from ledgers and asked by documents."""

    def __init__(self, functions: Iterable[str], listed: SupplierList | None) -> None:
        self._functions = frozenset(functions)
        self._listed = listed or SupplierList("")
        self._suppliers: set[str] = set()
        # Words of clients' suppliers: those without a number, and all of them, for invoices that have none.
        self._unnumbered, self._spelled = _Spelled(), _Spelled()
        self._numbered: defaultdict[str, tuple[_Spelled, _Spelled]] = defaultdict(lambda: (_Spelled(), _Spelled()))
        self._amounts: set[Decimal] = set()
        self._clients, self._others = _Booked(), _Booked()

    def mark(self, ledgers: Sequence[Sequence[Row]]) -> list[list[bool]]:
        """Return for each posting of each ledger whether it is a client's, and remember whose they are."""
        rows = [(ledger_no, posting) for ledger_no, postings in enumerate(ledgers) for posting in postings]
        keys = [_keys(ledger_no, posting) for ledger_no, posting in rows]
        sharing: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
        for place, own in enumerate(keys):
            for key in own:
                sharing[key].append(place)
        waiting = [place for place, (_, posting) in enumerate(rows) if self._is_direct(posting)]
        marked = set(waiting)
        while waiting:  # (2), until nothing more is drawn in
            for key in keys[waiting.pop()]:
                drawn_in = set(sharing.pop(key, ())) - marked
                marked |= drawn_in
                waiting += drawn_in
        for place, (_, posting) in enumerate(rows):
            self._remember(posting, is_client=place in marked)
        self._remember_amounts(rows, marked)
        places = iter(range(len(rows)))
        return [[next(places) in marked for _ in postings] for postings in ledgers]

    def _is_direct(self, posting: Row) -> bool:
        return function_of(posting.get("kostra_function")) in self._functions or self._listed.holds(
            posting.get("supplier_org_no"), posting.get("supplier_name")
        )  # (1)

    def _remember(self, posting: Row, *, is_client: bool) -> None:
        org_no, name = posting.get("supplier_org_no"), posting.get("supplier_name")
        names = _names_of(org_no, name)
        number = comparable_number(posting.get("invoice_no"))
        if is_client:
            self._suppliers |= names
            spelled = [(self._unnumbered, self._spelled), *([self._numbered[number]] if number else [])]
            for unnumbered, every in spelled:
                every.add(name)
                if not org_no:
                    unnumbered.add(name)
        booked = self._clients if is_client else self._others
        booked.by_supplier_amount |= {(known, abs(posting["amount"])) for known in names}
        if number:
            booked.add(posting, names, number)

    def _remember_amounts(self, rows: Sequence[tuple[int, Row]], marked: set[int]) -> None:
        """Remember what client postings come to: each, and together with others of the voucher or the invoice (6)."""
        sums: defaultdict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
        for place, (ledger_no, posting) in enumerate(rows):
            for key in _sum_keys(ledger_no, posting, is_client=place in marked):
                sums[key] += posting["amount"]
        for place in marked:
            ledger_no, posting = rows[place]
            keys = _sum_keys(ledger_no, posting, is_client=True)
            self._amounts |= {abs(posting["amount"]), *(abs(sums[key]) for key in keys)}
        self._amounts.discard(Decimal(0))

    def reason_for(self, invoice: Row) -> str | None:
        """Return why an e-invoice is a client's, or None where it is not."""
        org_no, name = invoice.get("seller_org_no"), invoice.get("seller_name")
        if self._listed.holds(org_no, name):
            return LISTED
        by_supplier, by_amount = _invoice_keys(invoice)
        number = comparable_number(invoice.get("invoice_no"))
        is_same = number in self._numbered and _is_spelled(*self._numbered[number], org_no, name)
        if is_same or by_supplier & self._clients.by_supplier:
            return MATCHED  # (3)
        if by_supplier & self._others.by_supplier:
            return None
        if by_amount & self._clients.by_amount:
            return MATCHED  # (4)
        if _names_of(org_no, name) & self._suppliers or _is_spelled(self._unnumbered, self._spelled, org_no, name):
            return POSSIBLE  # (5)
        return None if self.is_booked(invoice) or not _amounts_of(invoice) & self._amounts else POSSIBLE  # (6)

    def is_booked(self, invoice: Row) -> bool:
        """Return whether a posting that is no client's explains an e-invoice: two of supplier, number and amount."""
        by_supplier, by_amount = _invoice_keys(invoice)
        if by_supplier & self._others.by_supplier or by_amount & self._others.by_amount:
            return True
        names = _names_of(invoice.get("seller_org_no"), invoice.get("seller_name"))
        return any(
            (name, amount) in self._others.by_supplier_amount for name in names for amount in _amounts_of(invoice)
        )


def _is_spelled(unnumbered: _Spelled, every: _Spelled, org_no: str | None, name: str | None) -> bool:
    return (unnumbered if org_no else every).holds(name)


def _sum_keys(ledger_no: int, posting: Row, *, is_client: bool) -> list[tuple[Any, ...]]:
    """Return the sums that a posting is part of: its voucher's, its payee's in that, its invoice's; of clients' too."""
    voucher, number = posting.get("voucher_no"), comparable_number(posting.get("invoice_no"))
    keys: list[tuple[Any, ...]] = []
    if voucher is not None:
        keys += [(ledger_no, voucher), (ledger_no, voucher, _payee(posting))]
    if number:
        keys.append((number, _payee(posting)))
    return [(alone, *key) for key in keys for alone in ((False, True) if is_client else (False,))]


def _amounts_of(invoice: Row) -> set[Decimal]:
    """Return what an invoice may be booked as: ledgers state net or gross amounts."""
    amounts = (invoice.get(name) for name in _AMOUNTS)
    return {abs(amount) for amount in amounts if amount}


def _names_of(org_no: str | None, name: str | None) -> set[str]:
    """Return what a supplier is known by: its number, and its name, for a ledger may lack the number."""
    return {known for known in (org_no, comparable_name(name)) if known}


def _invoice_keys(invoice: Row) -> tuple[set[tuple[str, str]], set[tuple[str, Decimal]]]:
    number = comparable_number(invoice.get("invoice_no"))
    names = _names_of(invoice.get("seller_org_no"), invoice.get("seller_name"))
    by_amount = {(number, amount) for amount in _amounts_of(invoice) if number}
    return {(name, number) for name in names if number}, by_amount


def _payee(posting: Row) -> str | None:
    return posting.get("supplier_ledger_code") or posting.get("supplier_org_no") or posting.get("supplier_name")


def _keys(ledger_no: int, posting: Row) -> list[tuple[Any, ...]]:
    """Return what a posting shares with those that are a client's if it is: its voucher and supplier, its invoice."""
    keys: list[tuple[Any, ...]] = []
    if posting.get("voucher_no") is not None:
        keys.append((ledger_no, posting["voucher_no"], _payee(posting)))
    if number := comparable_number(posting.get("invoice_no")):
        names = _names_of(posting.get("supplier_org_no"), posting.get("supplier_name")) or {_payee(posting) or ""}
        keys += [(name, number) for name in sorted(names) if name]
    return keys
