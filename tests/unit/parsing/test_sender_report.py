"""Each delivery has a report that says how it stands; it is written again when that changes, and only then."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.home import Home
from pipelines.landing.store import read_all_receipts
from pipelines.parsing.sender_report import _debit_only, report_path, reports_of, write_reports
from tests.unit.dropped import OTHER_BUYER, OWN, drop, ingest, invoice, ledger, make_home, rows_of
from tests.unit.test_scanner import SYNTHETIC


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home")


def report(home: Home) -> int:
    ingest(home)
    return write_reports(home, OWN, home.read_registers())


def pages(home: Home) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in (home.reports / OWN).glob("*.html")}


def test_a_delivery_is_reported_once(home: Home) -> None:
    drop(home, "202610.csv", ledger(amounts=["100,00", "200,00"]))
    assert report(home) == 1
    (page,) = pages(home).values()
    for words in ("Godtatt", "Eksempel kommune (9901)", "300,00", "oktober 2026", "Ingenting er avvist"):
        assert words in page
    assert report(home) == 0


def test_the_next_delivery_is_held_against_it_and_takes_over(home: Home) -> None:
    drop(home, "202610.csv", ledger(amounts=["100,00", "200,00"]))
    report(home)
    drop(home, "202610b.csv", ledger(amounts=["100,00", "250,00"]))
    assert report(home) == 2, "the new one, and the old one whose state has changed"
    first, second = (
        pages(home)[row["_delivery_id"]] for row in sorted(_periods(home), key=lambda row: row["sequence"])
    )
    assert "Erstattet" in first
    assert "Sammenligning med forrige leveranse" in second
    assert "+50,00" in second


def _periods(home: Home) -> list[dict[str, object]]:
    return rows_of(home, "delivery_periods")


def test_what_was_refused_says_where_and_what_to_do_and_not_what_stood_there(home: Home) -> None:
    drop(home, "202610.csv", ledger(amounts=["100,00", f"{SYNTHETIC} Kari"]))
    report(home)
    (page,) = pages(home).values()
    assert "Godtatt, men noe er avvist" in page
    assert "Dato eller beløp kan ikke leses" in page
    assert SYNTHETIC not in page
    assert "Kari" not in page


def test_documents_that_do_not_count_are_in_no_sum(home: Home) -> None:
    drop(home, "a/1.xml", invoice("F-1"), source="ehf")
    drop(home, "a/2.xml", invoice("F-1") + "<!-- again -->", source="ehf")
    drop(home, "a/3.xml", invoice("F-2", buyer=OTHER_BUYER), source="ehf")
    report(home)
    (page,) = pages(home).values()
    assert "Adressert til en annen" in page
    assert "Levert før" in page
    assert "200,00" not in page
    assert "100,00" in page


def test_a_refused_drop_has_a_page_as_well(home: Home) -> None:
    members = (home.registers / "members.csv").read_text().replace("unprepared", "prepared_only")
    (home.registers / "members.csv").write_text(members)
    drop(home, f"202610 {SYNTHETIC}.csv", ledger())
    assert report(home) == 1
    ((name, page),) = pages(home).items()
    assert ".refused" in name
    assert "Avvist" in page
    assert "samandel prepare" in page
    assert SYNTHETIC not in page
    assert report_path(home, OWN, name).is_file()


def test_the_same_deliveries_are_the_same_bytes(tmp_path: Path) -> None:
    found = []
    for folder in ("a", "b"):
        home = make_home(tmp_path / folder)
        drop(home, "202610.csv", ledger(amounts=["100,00", "x"]))
        report(home)
        found.append(pages(home))
    assert found[0] == found[1]


def test_the_report_on_a_delivery_is_found_by_its_receipts(home: Home) -> None:
    drop(home, "202610.csv", ledger())
    report(home)
    receipts = read_all_receipts(home, OWN)
    assert [path.stem for path in reports_of(home, receipts)] == [receipts[0].delivery_id]
    assert reports_of(home, []) == []


def test_whole_books_are_summed_by_debit() -> None:
    import pyarrow as pa

    rows = pa.table({"amount": pa.array([Decimal("5.00"), Decimal("-5.00"), Decimal("2.00")], pa.decimal128(18, 2))})
    debit = _debit_only(rows)
    assert debit is not None
    assert sum(debit.column("amount").to_pylist()) == Decimal("7.00")
