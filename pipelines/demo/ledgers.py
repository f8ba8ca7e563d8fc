"""Supplier ledgers of the books in the three layouts that the demo's members export.

Belongs here: columns, encodings, number and date styles. Not here: which months are handed in (make.py, faults.py).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime

from pipelines.demo.books import Invoice, LedgerSupplier, MemberBooks, Posting
from pipelines.demo.cast import SEMICOLON, UNIT4, XLSX
from pipelines.demo.catalogue import FUNCTION_TEXTS, VAT_ART

EXTENSIONS = {UNIT4: "csv", SEMICOLON: "csv", XLSX: "xlsx"}
_UNIT4 = (
    "BA Bilagsnr Bilagsdato År Periode Konto Konto(T) Ansvar Ansvar(T) Funksjon Funksjon(T) Prosjekt AV Tekst Beløp "
    "Resk.nr Resk.nr(T) Org.nr Fakturanr"
)
_UNIT4_HEADER = tuple(_UNIT4.split())
_SEMICOLON_HEADER = (
    "Leverandørnr",
    "Leverandørnavn",
    "Organisasjonsnr",
    "Bilagsnr",
    "Linje",
    "Fakturanr",
    "Fakturadato",
    "Forfallsdato",
    "Bokføringsdato",
    "Periode",
    "Art",
    "Art tekst",
    "Ansvar",
    "Tjeneste",
    "Tjeneste tekst",
    "Prosjekt",
    "Mva-kode",
    "Beløp eks. mva",
    "Tekst",
)
_XLSX = (
    "Bilagsart Bilagsnummer Linjenr Bokført Fakturadato Fakturanummer Reskontronr Leverandør Orgnr Konto Kontonavn "
    "Funksjon Ansvar Prosjekt Kontraktnr Beløp"
)
_XLSX_HEADER = tuple(_XLSX.split())
_XLSX_DATES = (3, 4)
# All workbooks say that they were made on this day: the same books are the same bytes.
_MADE_ON = datetime(2026, 11, 15)  # noqa: DTZ001  a workbook's properties hold no time zone

# Invoice, its posting, the posting's number within the voucher.
Entry = tuple[Invoice, Posting, int]
Cell = str | float | date | None


def entries_of(books: MemberBooks, period: str) -> list[Entry]:
    """Return a month's postings in the order of vouchers."""
    return [
        (invoice, posting, number)
        for invoice in books.invoices
        if invoice.period == period and not invoice.is_booked_with_another
        for number, posting in enumerate(_booked(invoice), start=1)
    ]


def _booked(invoice: Invoice) -> Iterator[Posting]:
    """Give an invoice's postings, with what is booked in them of other invoices."""
    for number, posting in enumerate(invoice.postings):
        others = sum(other.postings[number].amount for other in invoice.booked_with_it)
        yield replace(posting, amount=posting.amount + others) if others else posting


def write_ledger(books: MemberBooks, entries: list[Entry], *, has_sum_row: bool = False) -> bytes:
    """Return a ledger file in the member's layout."""
    layout = books.member.layout
    if layout == XLSX:
        return _write_xlsx(books, entries)
    write = _write_unit4 if layout == UNIT4 else _write_semicolon
    return write(books, entries, has_sum_row=has_sum_row)


def _csv(rows: Iterator[list[str]]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=";", lineterminator="\r\n").writerows(rows)
    return stream.getvalue()


def _dotted(day: date) -> str:
    return f"{day:%d.%m.%Y}"


def _comma(ore: int) -> str:
    return f"{'-' if ore < 0 else ''}{abs(ore) // 100},{abs(ore) % 100:02d}"


def _grouped(ore: int) -> str:
    text = f"{abs(ore) // 100:,}".replace(",", " ") + f",{abs(ore) % 100:02d}"
    return f"({text})" if ore < 0 else text


def _vat_code(posting: Posting) -> str:
    return "" if posting.account.art == VAT_ART else "1"


def _write_unit4(books: MemberBooks, entries: list[Entry], *, has_sum_row: bool) -> bytes:
    has_org_nos = books.member.ledger_has_org_nos
    header = [name for name in _UNIT4_HEADER if has_org_nos or name != "Org.nr"]

    def rows() -> Iterator[list[str]]:
        yield [f"Leverandørreskontro {books.member.name} kommune"]
        yield header
        for invoice, posting, _ in entries:
            yield _unit4_row(books, invoice, posting, has_org_nos=has_org_nos)
        if has_sum_row:
            total = dict.fromkeys(header, "")
            total["Tekst"], total["Beløp"] = "Sum", _grouped(sum(posting.amount for _, posting, _ in entries))
            yield list(total.values())

    return _csv(rows()).encode("cp1252")


def _unit4_row(books: MemberBooks, invoice: Invoice, posting: Posting, *, has_org_nos: bool) -> list[str]:
    known = books.suppliers[invoice.supplier.serial]
    return [
        "IK" if invoice.is_credit_note else "IV",
        invoice.voucher_no,
        _dotted(invoice.posted_on),
        invoice.period[:4],
        invoice.period.replace("-", ""),
        posting.account.code,
        posting.account.text,
        posting.cost_centre,
        f"Enhet {posting.cost_centre[0]}",
        posting.function,
        FUNCTION_TEXTS[posting.function],
        posting.project,
        _vat_code(posting),
        invoice.text,
        _grouped(posting.amount),
        known.code,
        known.name,
        *([known.org_no] if has_org_nos else []),
        invoice.ledger_invoice_no,
    ]


def _write_semicolon(books: MemberBooks, entries: list[Entry], *, has_sum_row: bool) -> bytes:
    def rows() -> Iterator[list[str]]:
        yield list(_SEMICOLON_HEADER)
        for invoice, posting, number in entries:
            yield _semicolon_row(books, invoice, posting, number)
        if has_sum_row:
            total = dict.fromkeys(_SEMICOLON_HEADER, "")
            total["Leverandørnr"] = "Sum"
            total["Beløp eks. mva"] = _comma(sum(posting.amount for _, posting, _ in entries))
            yield list(total.values())

    return _csv(rows()).encode("utf-8-sig")


def _written_org_no(known: LedgerSupplier) -> str:
    """Return the number as different hands have written it."""
    org_no = known.org_no
    styles: tuple[Callable[[], str], ...] = (
        lambda: org_no,
        lambda: org_no,
        lambda: f"{org_no[:3]} {org_no[3:6]} {org_no[6:]}",
        lambda: f"NO {org_no} MVA",
    )
    return styles[int(known.code) % len(styles)]() if org_no else ""


def _semicolon_row(books: MemberBooks, invoice: Invoice, posting: Posting, number: int) -> list[str]:
    known = books.suppliers[invoice.supplier.serial]
    return [
        known.code,
        known.name,
        _written_org_no(known),
        invoice.voucher_no,
        str(number),
        invoice.ledger_invoice_no,
        _dotted(invoice.issued_on),
        _dotted(invoice.due_on),
        _dotted(invoice.posted_on),
        invoice.period.replace("-", ""),
        posting.account.code,
        posting.account.text,
        posting.cost_centre,
        posting.function,
        FUNCTION_TEXTS[posting.function],
        posting.project,
        _vat_code(posting),
        _comma(posting.amount),
        invoice.text,
    ]


def _write_xlsx(books: MemberBooks, entries: list[Entry]) -> bytes:
    import xlsxwriter

    stream = io.BytesIO()
    workbook = xlsxwriter.Workbook(
        stream, {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    )
    workbook.set_properties({"title": "Leverandørreskontro", "created": _MADE_ON})
    sheet = workbook.add_worksheet("Reskontro")
    as_date = workbook.add_format({"num_format": "dd.mm.yyyy"})
    as_amount = workbook.add_format({"num_format": "#,##0.00"})
    sheet.write_row(0, 0, _XLSX_HEADER)
    for row_no, (invoice, posting, number) in enumerate(entries, start=1):
        for column, value in enumerate(_xlsx_row(books, invoice, posting, number)):
            if column in _XLSX_DATES:
                sheet.write_datetime(row_no, column, value, as_date)
            elif column == len(_XLSX_HEADER) - 1:
                sheet.write_number(row_no, column, value, as_amount)
            elif value:
                sheet.write(row_no, column, value)
    workbook.close()
    return stream.getvalue()


def _xlsx_row(books: MemberBooks, invoice: Invoice, posting: Posting, number: int) -> list[Cell]:
    known = books.suppliers[invoice.supplier.serial]
    return [
        "LK" if invoice.is_credit_note else "LF",
        invoice.voucher_no,
        number,
        invoice.posted_on,
        invoice.issued_on,
        invoice.ledger_invoice_no,
        known.code,
        known.name,
        known.org_no,
        posting.account.code,
        posting.account.text,
        posting.function,
        posting.cost_centre,
        posting.project,
        invoice.contract_reference,
        # A cell holds a binary number; with two decimals it reads as the same øre.
        posting.amount / 100,
    ]
