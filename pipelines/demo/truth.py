"""What the pipeline must find: spend by municipality, month, stream and scope, and by category where that is plain.

It is told from the generator's own books.

Belongs here: the documented rules of spend, once more and in another way than the platform does it. Not here: any file.

The rules, in short:

(1) What was posted in a month that was handed in counts through its postings. Where it also came as EHF, its lines
    explain them (they matter for the stream only), and its issue date decides the month; that of a credit note by the
    invoice that it names, where that is in the books.
(2) What came as EHF and was not posted counts by itself, if the ledger of its issue month was not handed in.
(3) Compensable VAT counts as scope vat; e-invoices that count by themselves bring none.
(4) The account decides the scope; where there is none, the CPV code does.
(5) Payments to workshops are transfer (by scope), inclusion (by CPV code, or art 370 on functions 273 and 276), else
    product. Everybody else's stream is none, and so is that of VAT.
(6) What takes an estimate back counts in the estimate's month, so that the two come to nothing there.
(7) Invoices that are booked as one count as if each was booked by itself, and VAT that is booked as cost is VAT.
(8) What a member buys of another is public sector, on whatever account but one of transfers.
(9) Co-funding that says what it is, and is booked on art 370 and function 273, is a transfer all the same.
(10) What was bought is said by the CPV code, else by the contract that is referred to, else by an account that is for
    one category. What none of them says is left to the platform, and is no part of this truth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from pipelines.demo.books import Books, Invoice, MemberBooks
from pipelines.demo.cast import UNIT4, XLSX
from pipelines.demo.catalogue import INCLUSION_CPV, VAT_ART, Account, workshop_category_of
from pipelines.demo.goods import MISBOOKED_COFUNDING

# One piece of spend: account or None, function, CPV code or '', signed øre.
Piece = tuple[Account | None, str, str, int]


def tell_truth(books: Books) -> dict[str, Any]:
    """Return the content of truth.json."""
    workshops = {workshop.supplier.serial for workshop in books.workshops}
    totals: Counter[tuple[str, str, str, str]] = Counter()
    seen: set[tuple[str, str, str, str]] = set()
    categories: Counter[tuple[str, str, str]] = Counter()
    for member_books in books.members:
        delivered = books.delivered_periods(member_books)
        for invoice in member_books.invoices:
            for month, piece in pieces_of(member_books, invoice, delivered):
                scope = scope_of(piece)
                if invoice.supplier.is_member and scope not in ("vat", "transfer"):  # (8)
                    scope = "public_sector"
                stream = "none"
                if invoice.supplier.serial in workshops:
                    scope = "transfer" if is_misbooked(invoice, piece) else scope
                    stream = stream_of(piece, scope)
                key = (member_books.member.municipality_no, month, stream, scope)
                totals[key] += piece[3]
                seen.add(key)
                said = None if scope == "vat" else category_of(books, member_books, invoice, piece)
                if said:
                    categories[member_books.member.municipality_no, *said] += piece[3]
    return {
        "rows": [
            {
                "municipality_no": municipality_no,
                "month": month,
                "stream": stream,
                "scope": scope,
                "net_amount_nok": kroner(totals[municipality_no, month, stream, scope]),
            }
            for municipality_no, month, stream, scope in sorted(seen)
        ],
        "categories": [
            {
                "municipality_no": municipality_no,
                "category_method": method,
                "category_key": category,
                "net_amount_nok": kroner(categories[municipality_no, method, category]),
            }
            for municipality_no, method, category in sorted(categories)
        ],
    }


def kroner(ore: int) -> str:
    """Return øre as kroner with two decimals."""
    return f"{'-' if ore < 0 else ''}{abs(ore) // 100}.{abs(ore) % 100:02d}"


def pieces_of(books: MemberBooks, invoice: Invoice, delivered: set[str]) -> Iterator[tuple[str, Piece]]:
    """Give the month and content of every piece of spend that an invoice is."""
    has_ehf = invoice.is_electronic and books.member.has_ehf
    issue_month = f"{invoice.issued_on:%Y-%m}"
    spend_month = f"{invoice.credits.issued_on:%Y-%m}" if invoice.credits and has_ehf else issue_month
    spend_month = f"{invoice.takes_back.issued_on:%Y-%m}" if invoice.takes_back else spend_month  # (6)
    if invoice.period in delivered:  # (1)
        # The unit4 layout has no invoice date: only the EHF twin tells it.
        has_date = has_ehf or books.member.layout != UNIT4
        month = spend_month if has_date else f"{invoice.posted_on:%Y-%m}"
        yield from ((month, piece) for piece in _posted(books, invoice, has_ehf=has_ehf))
    elif has_ehf and issue_month not in delivered:  # (2)
        yield from ((spend_month, piece) for piece in _unposted(books, invoice))


def _posted(books: MemberBooks, invoice: Invoice, *, has_ehf: bool) -> Iterator[Piece]:
    net_postings = [posting for posting in invoice.postings if posting.account.art != VAT_ART]
    yield from (
        (posting.account, "", "", posting.amount) for posting in invoice.postings if posting.account.art == VAT_ART
    )  # (3)
    if has_ehf and len({posting.account.code for posting in net_postings}) == 1:
        account, function = net_postings[0].account, net_postings[0].function
        explained = 0
        for line in invoice.lines:
            explained += invoice.sign * line.net
            yield account, function, line.cpv_code, invoice.sign * line.net
        difference = sum(posting.amount for posting in net_postings) - explained
        if invoice.has_vat_as_cost:  # (7)
            yield books.chart.vat_account(account.account_class), "", "", difference
        elif difference:
            yield account, function, "", difference
        return
    cpv_by_amount = _paired(invoice) if has_ehf else {}
    for posting in net_postings:
        yield posting.account, posting.function, cpv_by_amount.get(posting.amount, ""), posting.amount


def _paired(invoice: Invoice) -> dict[int, str]:
    """Return the lines' CPV codes by signed amount, where lines and postings pair off one to one."""
    lines = {invoice.sign * line.net: line.cpv_code for line in invoice.lines}
    posted = [posting.amount for posting in invoice.postings if posting.account.art != VAT_ART]
    is_one_to_one = len(lines) == len(invoice.lines) == len(posted) and set(posted) == set(lines)
    return lines if is_one_to_one and not invoice.allowance_charges else {}


def _unposted(books: MemberBooks, invoice: Invoice) -> Iterator[Piece]:
    accounts = [
        _account_of(books, invoice, line.accounting_cost) or _account_of(books, invoice, invoice.accounting_cost)
        for line in invoice.lines
    ]
    for line, account in zip(invoice.lines, accounts, strict=True):
        yield account, "", line.cpv_code, invoice.sign * line.net
    largest = max(range(len(accounts)), key=lambda position: (abs(invoice.lines[position].net), -position))
    for part in invoice.allowance_charges:
        yield accounts[largest], "", "", invoice.sign * part.amount


def _account_of(books: MemberBooks, invoice: Invoice, code: str) -> Account | None:
    account = books.chart.accounts.get(code)
    if account is None or invoice.issued_on < account.valid_from:
        return None
    return None if account.valid_to is not None and account.valid_to < invoice.issued_on else account


def scope_of(piece: Piece) -> str:
    """Return what kind of spend a piece is (4)."""
    account, _, cpv_code, _ = piece
    if account is not None:
        return account.scope
    category = workshop_category_of(cpv_code) if cpv_code else None
    if category is None:
        return "unknown"
    return "core_service_replacement" if category == "inclusion_service" else "core"


def category_of(books: Books, member_books: MemberBooks, invoice: Invoice, piece: Piece) -> tuple[str, str] | None:
    """Return what says what was bought, and the category; None where only text, function or art could (10)."""
    account, _, cpv_code, _ = piece
    if is_misbooked(invoice, piece):
        return None
    if cpv_code:
        return "cpv", workshop_category_of(cpv_code) or f"cpv_{cpv_code[:2]}"
    member = member_books.member
    is_told = (invoice.is_electronic and member.has_ehf) or member.layout == XLSX
    agreed = (
        contract.category
        for contract in books.contracts
        if contract.contract_id == invoice.contract_reference and member.municipality_no in contract.members
    )
    category = next(agreed, None) if is_told and invoice.contract_reference else None
    if category:
        return "contract", category
    return ("account", account.category) if account is not None and account.category else None


def is_misbooked(invoice: Invoice, piece: Piece) -> bool:
    """Return whether a piece is co-funding that was booked as a purchase (9)."""
    account, function, cpv_code, _ = piece
    is_purchase = account is not None and account.art == "370" and function == "273"
    return is_purchase and not cpv_code and invoice.text.startswith(MISBOOKED_COFUNDING.items)


def stream_of(piece: Piece, scope: str) -> str:
    """Return which stream a payment to a workshop belongs to (5)."""
    account, function, cpv_code, _ = piece
    if scope == "vat":
        return "none"
    if scope == "transfer":
        return "transfer"
    if cpv_code in INCLUSION_CPV or (account is not None and account.art == "370" and function in ("273", "276")):
        return "inclusion"
    return "product"
