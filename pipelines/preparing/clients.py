"""Which payments are for clients: known from a ledger's strict functions, or from a list of suppliers.

Belongs here: recognising client postings, and the e-invoices behind them. Not here: what is done with them (ledgers.py,
documents.py).

(1) A posting on a strict function, or to a listed supplier, is a client's. (2) So is every other posting of the same
    voucher and supplier: its VAT, its part on another function. (3) An e-invoice is a client's when its seller and
    number are those of such a posting. (4) One that no other posting explains, from a seller with client postings, is
    taken for one: a client named by mistake is worse than an invoice left out, whose amount the sums hold anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
_ORG_NO = re.compile(r"(?<!\d)(\d{3})[ .]?(\d{3})[ .]?(\d{3})(?!\d)")
_LEGAL_FORM = re.compile(r" (AS|ASA|ENK|SA|KF|IKS|DA|ANS|STI)$")
_FUNCTION_DIGITS = 3
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


def comparable_number(number: str | None) -> str:
    """Return an invoice's number without what systems add and leave out."""
    return re.sub(r"[\W_]+", "", number or "").upper().lstrip("0")


class Clients:
    """What is known of clients, filled from ledgers and asked by documents."""

    def __init__(self, functions: Iterable[str], listed: SupplierList | None) -> None:
        self._functions = frozenset(functions)
        self._listed = listed or SupplierList("")
        self._suppliers: set[str] = set()
        self._client_invoices: set[tuple[str, str]] = set()
        self._other_invoices: set[tuple[str, str]] = set()

    def mark(self, postings: Sequence[Row]) -> list[bool]:
        """Return for each posting of a ledger whether it is a client's, and remember whose they are."""
        direct = [self._is_direct(posting) for posting in postings]
        vouchers = {
            _voucher(posting)
            for posting, is_client in zip(postings, direct, strict=True)
            if is_client and posting.get("voucher_no")
        }
        marked = [
            is_client or (posting.get("voucher_no") is not None and _voucher(posting) in vouchers)  # (2)
            for posting, is_client in zip(postings, direct, strict=True)
        ]
        for posting, is_client in zip(postings, marked, strict=True):
            self._remember(posting, is_client=is_client)
        return marked

    def _is_direct(self, posting: Row) -> bool:
        digits = re.sub(r"\D", "", posting.get("kostra_function") or "")
        return digits[:_FUNCTION_DIGITS] in self._functions or self._listed.holds(
            posting.get("supplier_org_no"), posting.get("supplier_name")
        )  # (1)

    def _remember(self, posting: Row, *, is_client: bool) -> None:
        names = _names_of(posting.get("supplier_org_no"), posting.get("supplier_name"))
        number = comparable_number(posting.get("invoice_no"))
        if is_client:
            self._suppliers |= names
        if number:
            invoices = self._client_invoices if is_client else self._other_invoices
            invoices |= {(name, number) for name in names}

    def reason_for(self, invoice: Row) -> str | None:
        """Return why an e-invoice is a client's, or None where it is not."""
        org_no, name = invoice.get("seller_org_no"), invoice.get("seller_name")
        if self._listed.holds(org_no, name):
            return _LISTED
        names = _names_of(org_no, name)
        keys = {(known, comparable_number(invoice.get("invoice_no"))) for known in names}
        if keys & self._client_invoices:
            return _MATCHED  # (3)
        if names & self._suppliers and not keys & self._other_invoices:
            return _POSSIBLE  # (4)
        return None


def _names_of(org_no: str | None, name: str | None) -> set[str]:
    """Return what a supplier is known by: its number, and its name, for a ledger may lack the number."""
    return {known for known in (org_no, comparable_name(name)) if known}


def _voucher(posting: Row) -> tuple[str | None, ...]:
    supplier = posting.get("supplier_ledger_code") or posting.get("supplier_org_no") or posting.get("supplier_name")
    return posting.get("voucher_no"), supplier
