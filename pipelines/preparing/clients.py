"""Which payments are for clients: known from a ledger's strict functions, or from a list of suppliers.

Belongs here: recognising client postings, and the e-invoices behind them. Not here: what is done with them (ledgers.py,
documents.py).

(1) A posting on a strict function, or to a listed supplier, is a client's. (2) So is every other posting of the same
    voucher and supplier (its VAT, its part on another function), and of the same supplier and invoice number (the
    invoice posted again), in whichever ledger. (3) An e-invoice is a client's when its seller and number are those of
    such a posting. (4) One that no other posting explains is a client's when its number and amount are a client
    posting's, however that spells the seller; and (5) when its seller has client postings at all: a client named by
    mistake is worse than an invoice left out, whose amount the sums hold anyway.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pipelines.preparing.invoice_numbers import comparable_number
from pipelines.reference import function_of

Row = Mapping[str, Any]
_ORG_NO = re.compile(r"(?<!\d)(\d{3})[ .]?(\d{3})[ .]?(\d{3})(?!\d)")
_LEGAL_FORM = re.compile(r" (AS|ASA|ENK|SA|KF|IKS|DA|ANS|STI)$")
_LISTED, _MATCHED, _POSSIBLE = "client_listed", "client_matched", "client_possible"


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
    return _LEGAL_FORM.sub("", " ".join(re.sub(r"[^\w]+|_", " ", (name or "").upper()).split()))


@dataclass
class _Booked:
    """The invoices that postings name: by supplier and number, and by number and amount."""

    by_supplier: set[tuple[str, str]] = field(default_factory=set)
    by_amount: set[tuple[str, Decimal]] = field(default_factory=set)
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
        places = iter(range(len(rows)))
        return [[next(places) in marked for _ in postings] for postings in ledgers]

    def _is_direct(self, posting: Row) -> bool:
        return function_of(posting.get("kostra_function")) in self._functions or self._listed.holds(
            posting.get("supplier_org_no"), posting.get("supplier_name")
        )  # (1)

    def _remember(self, posting: Row, *, is_client: bool) -> None:
        names = _names_of(posting.get("supplier_org_no"), posting.get("supplier_name"))
        if is_client:
            self._suppliers |= names
        if number := comparable_number(posting.get("invoice_no")):
            (self._clients if is_client else self._others).add(posting, names, number)

    def reason_for(self, invoice: Row) -> str | None:
        """Return why an e-invoice is a client's, or None where it is not."""
        org_no, name = invoice.get("seller_org_no"), invoice.get("seller_name")
        if self._listed.holds(org_no, name):
            return _LISTED
        by_supplier, by_amount = _invoice_keys(invoice)
        if by_supplier & self._clients.by_supplier:
            return _MATCHED  # (3)
        if by_supplier & self._others.by_supplier:
            return None
        if by_amount & self._clients.by_amount:
            return _MATCHED  # (4)
        return _POSSIBLE if _names_of(org_no, name) & self._suppliers else None  # (5)

    def is_booked(self, invoice: Row) -> bool:
        """Return whether a posting that is no client's explains an e-invoice."""
        by_supplier, by_amount = _invoice_keys(invoice)
        return bool(by_supplier & self._others.by_supplier or by_amount & self._others.by_amount)


def _names_of(org_no: str | None, name: str | None) -> set[str]:
    """Return what a supplier is known by: its number, and its name, for a ledger may lack the number."""
    return {known for known in (org_no, comparable_name(name)) if known}


def _invoice_keys(invoice: Row) -> tuple[set[tuple[str, str]], set[tuple[str, Decimal]]]:
    number = comparable_number(invoice.get("invoice_no"))
    names = _names_of(invoice.get("seller_org_no"), invoice.get("seller_name"))
    # Ledgers state net or gross amounts.
    amounts = [invoice.get(name) for name in ("tax_exclusive_amount", "tax_inclusive_amount")]
    by_amount = {(number, abs(amount)) for amount in amounts if number and amount is not None}
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
