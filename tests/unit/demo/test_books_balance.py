"""What truth.json says is what a plain reading of the files adds up to."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.demo import reading

_LEDGER_ONLY = ("9902", "9905", "9908", "9911", "9913", "9916", "9917", "9920")
_BOTH = ("9901", "9904", "9906", "9907", "9909", "9912", "9914", "9915", "9918")
_EHF_ONLY = ("9903", "9910", "9919")
_TRANSFER_ARTS = {"400", "430", "450", "470", "480"}


def _truth(home: Path, *keys: str) -> Counter[tuple[str, ...]]:
    totals: Counter[tuple[str, ...]] = Counter()
    for row in json.loads((home / "truth.json").read_text())["rows"]:
        totals[tuple(row[key] for key in keys)] += Decimal(row["net_amount_nok"])
    return totals


def _ledger_rows(home: Path, number: str) -> list[reading.Row]:
    return [row for path in reading.counting_ledgers(home, number) for row in reading.rows_of(path)]


def _uncovered(home: Path, number: str, rows: list[reading.Row]) -> list[reading.Document]:
    """The e-invoices of months without a ledger that no posting is about."""
    covered = {path.name[:7] for path in reading.counting_ledgers(home, number)}
    posted = {(row.org_no, reading.plain(row.invoice_no)) for row in rows if row.org_no}
    vat = {row["local_account"] for row in reading.register(home, "charts_of_accounts") if row["kostra_art"] == "429"}
    totals: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row.account not in vat:
            totals[row.voucher, reading.plain(row.invoice_no)] += row.amount
    amounts = {(invoice_no, amount) for (_, invoice_no), amount in totals.items()}
    return [
        document
        for document in reading.documents_of(home, number)
        if document.issue_month not in covered
        and (document.seller, reading.plain(document.invoice_no)) not in posted
        and (reading.plain(document.invoice_no), document.net) not in amounts
    ]


@pytest.mark.parametrize("number", _LEDGER_ONLY + _BOTH)
def test_ledger_and_uncovered_invoices_add_up_to_the_truth(thin_home: Path, number: str) -> None:
    rows = _ledger_rows(thin_home, number)
    total = sum((row.amount for row in rows), Decimal(0))
    if number in _BOTH:
        total += sum((document.net for document in _uncovered(thin_home, number, rows)), Decimal(0))
    assert total == _truth(thin_home, "municipality_no")[number,]


def test_a_missing_ledger_month_is_made_good_by_e_invoices(thin_home: Path) -> None:
    counted = _uncovered(thin_home, "9918", _ledger_rows(thin_home, "9918"))
    assert len(counted) >= 3
    assert {document.issue_month for document in counted} == {"2026-03"}
    assert not any(
        _uncovered(thin_home, number, _ledger_rows(thin_home, number)) for number in _BOTH if number != "9918"
    )


@pytest.mark.parametrize("number", _EHF_ONLY)
def test_e_invoices_alone_add_up_to_the_truth_month_by_month(thin_home: Path, number: str) -> None:
    found: Counter[str] = Counter()
    documents = reading.documents_of(thin_home, number)
    invoices = {(one.seller, one.invoice_no): one.issue_month for one in documents if one.kind == "Invoice"}
    for document in documents:
        # A credit note counts in the month of the invoice that it names, where that came too.
        found[invoices.get((document.seller, document.billed_no), document.issue_month)] += document.net
    truth = _truth(thin_home, "municipality_no", "month")
    assert found == {month: amount for (owner, month), amount in truth.items() if owner == number}


@pytest.mark.parametrize("number", ["9902", "9908", "9913", "9916", "9917"])
def test_ledgers_with_invoice_dates_add_up_month_by_month(thin_home: Path, number: str) -> None:
    found: Counter[str] = Counter()
    for row in _ledger_rows(thin_home, number):
        found[row.month] += row.amount
    truth = _truth(thin_home, "municipality_no", "month")
    assert found == {month: amount for (owner, month), amount in truth.items() if owner == number}


def _is_misbooked_cofunding(row: reading.Row, art: str) -> bool:
    """One member books the co-funding of sheltered places as if work training were bought; the text tells."""
    return (art, row.function) == ("370", "273") and row.text.startswith("Medfinansiering")


@pytest.mark.parametrize("number", _LEDGER_ONLY)
def test_arts_decide_the_scope(thin_home: Path, number: str) -> None:
    arts = {
        row["local_account"]: row["kostra_art"]
        for row in reading.register(thin_home, "charts_of_accounts")
        if row["municipality_no"] == number
    }
    found: Counter[str] = Counter()
    for row in _ledger_rows(thin_home, number):
        art = arts[row.account]
        is_transfer = art in _TRANSFER_ARTS or _is_misbooked_cofunding(row, art)
        found["vat" if art == "429" else "transfer" if is_transfer else "other"] += row.amount
    truth = _truth(thin_home, "municipality_no", "scope")
    assert found["vat"] == truth[number, "vat"]
    assert found["transfer"] == truth[number, "transfer"]


def test_only_one_member_books_its_co_funding_as_a_purchase(thin_home: Path) -> None:
    arts = {
        (row["municipality_no"], row["local_account"]): row["kostra_art"]
        for row in reading.register(thin_home, "charts_of_accounts")
    }
    misbooking = {
        number
        for number in _LEDGER_ONLY + _BOTH
        for row in _ledger_rows(thin_home, number)
        if _is_misbooked_cofunding(row, arts[number, row.account])
    }
    assert misbooking == {"9913"}


def test_what_workshops_are_paid_is_a_stream(thin_home: Path) -> None:
    names = {reading.plain(row["name"]) for row in reading.register(thin_home, "workshops")}
    vat = {
        row["local_account"] for row in reading.register(thin_home, "charts_of_accounts") if row["kostra_art"] == "429"
    }
    truth = _truth(thin_home, "municipality_no", "stream")
    for number in _LEDGER_ONLY:
        paid = sum(
            row.amount
            for row in _ledger_rows(thin_home, number)
            if any(reading.plain(row.supplier) in (name, name.removesuffix("AS")) for name in names)
            and row.account not in vat
        )
        assert paid == sum(truth[number, stream] for stream in ("product", "inclusion", "transfer"))
    assert {stream for _, stream in truth} == {"none", "product", "inclusion", "transfer"}


def test_all_scopes_occur(thin_home: Path) -> None:
    scopes = {scope for (scope,) in _truth(thin_home, "scope")}
    assert scopes == {
        "core",
        "core_not_addressable",
        "core_service_replacement",
        "excluded_person",
        "exempt_property",
        "mixed",
        "public_sector",
        "transfer",
        "unknown",
        "vat",
    }


def test_late_october_invoices_are_posted_after_the_window(thin_home: Path) -> None:
    rows = _ledger_rows(thin_home, "9901")
    posted = {reading.plain(row.invoice_no) for row in rows}
    unposted = [
        document
        for document in reading.documents_of(thin_home, "9901")
        if reading.plain(document.invoice_no) not in posted
    ]
    assert unposted
    assert {document.issue_month for document in unposted} == {"2026-10"}


def test_art_270_ends_with_2025(thin_home: Path) -> None:
    chart = {
        row["local_account"]: row["kostra_art"]
        for row in reading.register(thin_home, "charts_of_accounts")
        if row["municipality_no"] == "9902"
    }
    by_year: dict[str, set[str]] = {"2025": set(), "2026": set()}
    for path in reading.counting_ledgers(thin_home, "9902"):
        by_year[path.name[:4]] |= {chart[row.account] for row in reading.rows_of(path)}
    assert "270" in by_year["2025"]
    assert not by_year["2025"] & {"271", "272"}
    assert {"271", "272"} <= by_year["2026"]
    assert "270" not in by_year["2026"]
