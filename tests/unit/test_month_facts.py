"""What the month's steps follow from is what the home says now, and reading it changes nothing."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipelines.deliveries import decide, find_delivery
from pipelines.home import Home
from pipelines.landing.decisions import ACCEPT
from pipelines.month import CHANGED, HELD, NEW, Facts, plan
from pipelines.month_facts import read_facts
from pipelines.proposals import refuse_proposal
from pipelines.session import hold_run_lock
from tests.homes import bytes_of
from tests.unit import registered
from tests.unit.dropped import CLOCK, NEIGHBOUR, OWN, drop, ingest, invoice, ledger, make_home

AMOUNTS = [f"{number},00" for number in range(1, 11)]


def facts_of(home: Home) -> Facts:
    return read_facts(home, CLOCK, "2026-10")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a ledger, a shrunken one after it, an invoice beside a broken one, and a file nobody can read."""
    home = make_home(tmp_path / "home")
    drop(home, "oktober.csv", ledger(amounts=AMOUNTS))
    ingest(home)
    drop(home, "oktober ny.csv", ledger(amounts=AMOUNTS[:3]))
    drop(home, "mai/1.xml", invoice("F-1"), "ehf")
    drop(home, "mai/2.xml", "<broken", "ehf")
    ingest(home)
    drop(home, "noe.csv", "hva;er\ndette;her\n", owner=NEIGHBOUR)
    ingest(home, NEIGHBOUR)
    return home


def test_deliveries_that_do_not_count_are_told_with_why_in_bokmaal(home: Home) -> None:
    before = bytes_of(home.path)
    facts = facts_of(home)
    assert bytes_of(home.path) == before
    (held,), (refused,), (counts,) = facts.held, facts.refused, facts.rejects
    assert (held.owner, held.name, held.drop, held.outcome) == (OWN, "Eksempel kommune", "oktober ny.csv", "held")
    assert held.reason.startswith("3 rader nå mot 10 i leveransen den skulle erstatte")
    assert held.examples == ("oktober 2026: 3 rader holdt tilbake",)
    assert (refused.owner, refused.outcome, refused.received) == (NEIGHBOUR, "failed", date(2026, 11, 15))
    assert "lese" in refused.reason
    assert refused.examples
    assert all(example.startswith("noe.csv") for example in refused.examples)
    assert (counts.source, counts.rejects) == ("ehf", 1)


def test_before_the_first_run_nobody_is_told_to_lack_a_month(home: Home) -> None:
    facts = facts_of(home)
    assert (facts.run, facts.missing) == (NEW, ())


def test_what_was_dropped_since_is_told_by_owner(home: Home) -> None:
    drop(home, "november.csv", ledger(amounts=AMOUNTS))
    assert facts_of(home).waiting == {OWN: ("ledger/november.csv",)}


def test_what_was_decided_at_intake_is_not_asked_again_before_the_run(home: Home) -> None:
    (held,) = facts_of(home).held
    receipts = find_delivery(home, held.delivery_id, held.owner, held.source)
    decide(home, receipts, ACCEPT, at=CLOCK.now, by="Kari", reason="Hele måneden.")
    facts = facts_of(home)
    assert facts.held == ()
    assert HELD not in {step.kind for step in plan(facts)}


def test_a_refused_delivery_is_told_of_until_a_good_one_comes(home: Home) -> None:
    drop(home, "oktober.csv", ledger(amounts=AMOUNTS), owner=NEIGHBOUR)
    ingest(home, NEIGHBOUR)
    assert facts_of(home).refused == ()


def test_a_run_is_due_where_what_was_parsed_is_not_built(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.month_facts._missing", lambda *_: [])
    home.warehouse.mkdir(parents=True)
    home.warehouse_file.write_bytes(b"")
    assert facts_of(home).run == CHANGED


def test_proposed_rows_wait_till_they_are_decided_on(tmp_path: Path) -> None:
    home = registered.make_registered_home(tmp_path / "home")
    task = {"Oppgavenummer": "T-9", "Kategori": "Ved", "Beskrivelse": "Ved", "Gjelder fra": date(2026, 12, 1)}
    form = registered.fill(registered.form_bytes(home, "tasks", registered.MEMBER), registered.write_row(2, task))
    registered.drop(home, registered.MEMBER, "tasks.xlsx", form)
    registered.take(home, registered.MEMBER)
    (proposal,) = facts_of(home).proposals
    assert (proposal.name, proposal.registers, proposal.is_clean) == ("Lilleby", ("tasks",), True)
    assert any("T-9" in example and "(tomt) → " in example for example in proposal.examples)
    refuse_proposal(home, proposal.proposal_id, by="Kari", reason="Gjelder neste år.", clock=CLOCK)
    assert facts_of(home).proposals == ()


def test_it_can_be_read_while_a_run_is_at_work(home: Home) -> None:
    with hold_run_lock(home):
        assert facts_of(home).held
