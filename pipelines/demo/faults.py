"""The faults that the demo plants on purpose, and where the platform must find each of them.

Belongs here: which member gets which fault, and the extra or spoilt files. Not here: faults that are drawn by chance,
such as missing organisation numbers (trading.py). Only the missing months change what counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from pipelines.demo.books import Books, Invoice, MemberBooks
from pipelines.demo.cast import EHF_ONLY, LEDGER_AND_EHF, LEDGER_ONLY, SEMICOLON, UNIT4, XLSX
from pipelines.demo.ledgers import EXTENSIONS, Entry
from pipelines.demo.ubl import DocumentWriter

# Fewer months than this leave no room for a missing one.
_LEAST_MONTHS = 3


@dataclass(slots=True)
class Plan:
    """Which files are spoilt, by municipality number.

    Attributes:
        sum_rows: The month whose ledger ends in a sum.
        repeated: The month whose ledger is dropped twice.
        corrected: The month whose ledger is dropped again, corrected.
        planted: Rows of planted.json.
    """

    sum_rows: dict[str, str] = field(default_factory=dict)
    repeated: dict[str, str] = field(default_factory=dict)
    corrected: dict[str, str] = field(default_factory=dict)
    planted: list[dict[str, str]] = field(default_factory=list)

    def note(self, kind: str, books: MemberBooks, file: str, rule: str, where: str) -> None:
        """Add a row to planted.json."""
        self.planted.append(
            {
                "id": f"F{len(self.planted) + 1:02d}",
                "kind": kind,
                "municipality_no": books.member.municipality_no,
                "file": file,
                "expected_rule": rule,
                "expected_where": where,
            }
        )


def ledger_file(books: MemberBooks, period: str, suffix: str = "") -> str:
    """Return where a month's ledger is dropped, below the inbox; a suffix sorts after the plain name."""
    extension = EXTENSIONS[books.member.layout or ""]
    return f"{books.member.municipality_no}/ledger/{period}{suffix}.{extension}"


def plan_faults(books: Books) -> Plan:
    """Decide on the faults; missing months are written into the books, as they change what counts."""
    plan = Plan()
    months = books.months
    _miss_months(books, plan)
    middle = months[len(months) // 2]

    def whole(one: MemberBooks) -> bool:
        return not one.missing_periods

    repeated = _last(
        books, lambda one: one.member.delivers == LEDGER_AND_EHF and one.member.layout != XLSX and whole(one)
    )
    if repeated:
        plan.repeated[repeated.member.municipality_no] = middle
        plan.note("duplicate_delivery", repeated, ledger_file(repeated, middle, "_igjen"), "IN03", "outcomes")
    summed = _first(books, lambda one: one.member.layout == UNIT4 and whole(one))
    if summed:
        period = _month_with_credit(summed, months)
        plan.sum_rows[summed.member.municipality_no] = period
        plan.note("sum_row_and_parentheses", summed, ledger_file(summed, period), "IN08", "rejects")
    corrected = _first(
        books, lambda one: one.member.delivers == LEDGER_ONLY and one.member.layout == SEMICOLON and whole(one)
    )
    if corrected:
        plan.corrected[corrected.member.municipality_no] = middle
    _note_payees(books, plan)
    return plan


def _first(books: Books, holds: Callable[[MemberBooks], bool]) -> MemberBooks | None:
    return next((one for one in books.members if holds(one)), None)


def _last(books: Books, holds: Callable[[MemberBooks], bool]) -> MemberBooks | None:
    return next((one for one in reversed(books.members) if holds(one)), None)


def _miss_months(books: Books, plan: Plan) -> None:
    if len(books.months) < _LEAST_MONTHS:
        return
    missing = books.months[len(books.months) // 3]
    for delivers, kind in ((LEDGER_ONLY, "missing_month"), (LEDGER_AND_EHF, "missing_month_with_ehf")):
        candidates = [one for one in books.members if one.member.delivers == delivers]
        for member_books in candidates[-1:]:
            member_books.missing_periods.add(missing)
            plan.note(kind, member_books, ledger_file(member_books, missing), "IN02", "gate")


def _month_with_credit(books: MemberBooks, months: list[str]) -> str:
    credited = {invoice.period for invoice in books.invoices if invoice.is_credit_note}
    return next((month for month in months if month in credited), months[-1])


def _note_payees(books: Books, plan: Plan) -> None:
    """Note where persons and sole proprietors are among the payees."""
    kinds: tuple[tuple[str, str, Callable[[Invoice], bool]], ...] = (
        ("private_persons", "PV03", lambda invoice: invoice.supplier.is_person),
        ("sole_proprietors", "PV04", lambda invoice: invoice.supplier.legal_form == "ENK"),
    )
    for kind, rule, is_met in kinds:
        for one in books.members:
            delivered = books.delivered_periods(one)
            met = next(
                (i for i in one.invoices if i.period in delivered and is_met(i) and not one.missing_periods), None
            )
            if met and (rule == "PV03" or one.suppliers[met.supplier.serial].org_no == met.supplier.org_no):
                plan.note(kind, one, ledger_file(one, met.period), rule, "gate")
                break


def first_draft(entries: list[Entry]) -> list[Entry]:
    """Return a month's postings as they were handed in before the correction: some lacking, one amount wrong."""
    kept = entries[: max(1, len(entries) - max(1, len(entries) // 12))]
    invoice, posting, number = kept[len(kept) // 2]
    wrong = replace(posting, amount=posting.amount + 123_400)
    return [(invoice, wrong, number) if entry[1] is posting else entry for entry in kept]


def spoilt_documents(books: Books, plan: Plan, writer: DocumentWriter) -> Iterable[tuple[str, bytes]]:
    """Give the extra e-invoice files (path below the inbox, bytes) and note them in the plan."""
    both = [one for one in books.members if one.member.delivers == LEDGER_AND_EHF]
    if not both:
        return
    yield from _cut_short(both[0], plan, writer)
    yield from _sent_twice(books, both[-1 if len(both) < 3 else 2], plan, writer)
    receiver = next((one for one in books.members if one.member.delivers == EHF_ONLY), None) or both[-1]
    if receiver is not both[0]:
        month = books.months[-1]
        invoice = _electronic(both[0])
        path = f"{receiver.member.municipality_no}/ehf/{month}/99004.xml"
        plan.note("other_municipality", receiver, path, "RF10", "rejects")
        yield path, writer.write(both[0], invoice)


def _electronic(books: MemberBooks) -> Invoice:
    """Return an e-invoice from the middle of the books."""
    sent = [invoice for invoice in books.invoices if invoice.file]
    return sent[len(sent) // 2]


def _cut_short(one: MemberBooks, plan: Plan, writer: DocumentWriter) -> Iterable[tuple[str, bytes]]:
    """A transfer that broke; the whole document came as well."""
    invoice = _electronic(one)
    raw = writer.write(one, invoice)
    path = f"{one.member.municipality_no}/ehf/{invoice.issued_on:%Y-%m}/99001.xml"
    plan.note("truncated_document", one, path, "IN01", "rejects")
    yield path, raw[: len(raw) * 2 // 3]


def _sent_twice(books: Books, one: MemberBooks, plan: Plan, writer: DocumentWriter) -> Iterable[tuple[str, bytes]]:
    """The same invoice again, byte for byte and with a remark; both sort after the first."""
    invoice = _electronic(one)
    folder = f"{one.member.municipality_no}/ehf/{books.months[-1]}"
    for number, note in ((2, ""), (3, "Sendt på nytt")):
        path = f"{folder}/9900{number}.xml"
        plan.note("same_invoice_in_two_files", one, path, "IN03", "rejects")
        yield path, writer.write(one, invoice, note=note)
