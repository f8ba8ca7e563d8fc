"""Each delivery has a report that says how it stands; it is written again when that changes, and only then."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.deliveries import decide
from pipelines.home import Home
from pipelines.landing.store import read_all_receipts
from pipelines.parsing.sender_report import _debit_only, report_path, reports_of, write_reports
from pipelines.parsing.settle import settle
from pipelines.proposals import list_proposals, refuse_proposal
from tests.unit import registered
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
    assert "Levert mer enn én gang" in page
    assert "Den samme fakturaen er levert før, i «1.xml»." in page
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
    assert "ligger til side" in page
    assert SYNTHETIC not in page
    assert report_path(home, OWN, name).is_file()


def told(home: Home, drop_name: str) -> str:
    """Return what the page on the last drop of a name says."""
    receipt = [one for one in read_all_receipts(home, OWN) if one.drop == drop_name][-1]
    (path, *_) = [one for one in reports_of(home, [receipt]) if one.is_file()]
    return path.read_text(encoding="utf-8")


AMOUNTS = [f"{number},00" for number in range(1, 11)]


def test_what_is_held_for_few_rows_says_how_many_and_counts_nothing(home: Home) -> None:
    drop(home, "202610.csv", ledger(amounts=AMOUNTS))
    report(home)
    drop(home, "ny.csv", ledger(amounts=AMOUNTS[:3]))
    report(home)
    page = told(home, "ny.csv")
    assert "Holdt tilbake" in page
    assert "3 rader nå mot 10 i leveransen den skulle erstatte: færre enn 70 %." in page
    assert _row("Lest, men teller ikke med", "3") in page
    assert _row("Teller med", "0") in page


def _row(name: str, value: str) -> str:
    return f'<th scope="row">{name}</th><td class="n">{value}</td>'


def test_a_correction_is_held_against_the_last_delivery_that_counts_and_no_held_one(home: Home) -> None:
    for name, amounts in (("a.csv", AMOUNTS), ("held.csv", AMOUNTS[:3]), ("b.csv", [*AMOUNTS, "12,00"])):
        drop(home, name, ledger(amounts=amounts))
        report(home)
    assert '<th scope="row">Antall rader</th><td class="n">10</td><td class="n">11</td>' in told(home, "b.csv")


def test_the_same_files_again_are_not_called_accepted(home: Home) -> None:
    drop(home, "202610.csv", ledger(amounts=AMOUNTS))
    report(home)
    drop(home, "igjen.csv", ledger(amounts=AMOUNTS))
    report(home)
    page = told(home, "igjen.csv")
    assert "Levert før" in page
    assert "Godtatt" not in page
    assert "Teller med" not in page


def test_files_that_take_their_period_back_say_so(home: Home) -> None:
    for name, amounts in (("a.csv", AMOUNTS), ("b.csv", [*AMOUNTS, "12,00"]), ("igjen.csv", AMOUNTS)):
        drop(home, name, ledger(amounts=amounts))
        report(home)
    assert "Levert før, og gjelder igjen" in told(home, "igjen.csv")
    assert "Erstattet" in told(home, "b.csv")
    assert "Godtatt" in told(home, "a.csv")


def test_each_file_that_cannot_be_read_has_its_own_reason(home: Home) -> None:
    drop(home, "okt/tom.csv", b"")
    drop(home, "okt/god.csv", ledger(amounts=AMOUNTS))
    drop(home, "okt/feil.csv", "hva;er\ndette;her\n")
    drop(home, "okt/kopi.csv", ledger(amounts=AMOUNTS))
    report(home)
    page = told(home, "okt")
    assert "<td>tom.csv</td><td>Filen er tom.</td>" in page
    assert "<td>feil.csv</td><td>Overskriftene er ikke de avtalte. Det mangler: Leverandørnr, " in page
    assert "Beløp eks. mva." in page, "an abbreviation in the last of them cuts nothing off"
    assert "<td>kopi.csv</td><td>Filen er den samme som «god.csv» i samme leveranse." in page
    assert _row("Filer som ikke er med", "3") in page
    assert _row("Rader lest", "10") in page


def test_invoices_that_all_came_before_are_told_as_that(home: Home) -> None:
    drop(home, "1.xml", invoice("F-1"), source="ehf")
    report(home)
    drop(home, "2.xml", invoice("F-1") + "<!-- again -->", source="ehf")
    report(home)
    (page,) = [page for page in pages(home).values() if "2.xml" in page]
    assert "Alle dokumentene i leveransen er levert før." in page
    assert "Sammenligning" not in page, "there is nothing to compare"


def test_an_invoice_that_is_held_is_in_a_delivery_that_is_held(home: Home) -> None:
    drop(home, "1.xml", invoice("F-1"), source="ehf")
    report(home)
    drop(home, "2.xml", invoice("F-1", net="300.00"), source="ehf")
    report(home)
    (page,) = [page for page in pages(home).values() if "<td>2.xml</td>" in page]
    assert "Holdt tilbake" in page
    assert "men andre beløp, er levert før, i «1.xml»." in page


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


def test_a_form_is_never_called_accepted_before_somebody_has_accepted_it(tmp_path: Path) -> None:
    home = registered.make_registered_home(tmp_path / "home")
    task = {"Oppgavenummer": "T-9", "Kategori": "Ved", "Beskrivelse": "Ved", "Gjelder fra": date(2026, 12, 1)}

    def hand_in(name: str, **more: object) -> str:
        form = registered.form_bytes(home, "tasks", OWN)
        registered.drop(home, OWN, name, registered.fill(form, registered.write_row(2, task | more)))
        registered.take(home, OWN)
        return form_page(name)

    def form_page(name: str) -> str:
        settle(home, OWN)
        write_reports(home, OWN, home.read_registers())
        return told(home, name)

    wrong = hand_in("feil.xlsx", Kategori="Mat")
    for words in ("Mottatt, venter på godkjenning, men noe er avvist", "Velg en verdi fra listen.", "Med i forslaget"):
        assert words in wrong
    assert "Godtatt" not in wrong
    right = hand_in("rett.xlsx")
    assert "Mottatt, venter på godkjenning" in right
    assert "Erstattet av et senere skjema" in form_page("feil.xlsx")
    (proposal,) = [one for one in list_proposals(home) if one.state == "waiting"]
    refuse_proposal(home, proposal.proposal_id, by="Kari", reason="Feil kommune", clock=registered.CLOCK)
    assert "Ikke godkjent" in form_page("rett.xlsx")


def test_somebody_elses_form_was_read_and_cannot_be_taken_in(tmp_path: Path) -> None:
    home = registered.make_registered_home(tmp_path / "home")
    registered.drop(home, OWN, "naboen.xlsx", registered.form_bytes(home, "tasks", registered.NEIGHBOUR))
    registered.take(home, OWN)
    write_reports(home, OWN, home.read_registers())
    page = told(home, "naboen.xlsx")
    assert "Kunne ikke tas inn" in page
    assert "Skjemaet tilhører noen andre. Lever deres eget." in page
    assert "Fakturaen" not in page


def test_a_withdrawn_delivery_says_that_the_same_files_do_not_help(home: Home) -> None:
    drop(home, "202610.csv", ledger())
    report(home)
    decide(home, read_all_receipts(home, OWN), "withdraw", at=registered.CLOCK.now, by="Kari", reason="Feil fil")
    report(home)
    page = told(home, "202610.csv")
    assert "Trukket" in page
    assert "De samme filene om igjen teller ikke." in page
    assert _row("Teller med", "0") in page
