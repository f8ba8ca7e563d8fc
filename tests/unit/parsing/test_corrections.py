"""What corrections do to what counts: every row of the table in docs/corrections.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.files import sha256_file
from pipelines.home import Home
from pipelines.landing.decisions import ACCEPT, DECISIONS, WITHDRAW, read_decisions, write_decision
from pipelines.landing.store import read_receipts
from pipelines.parsing import settle as settling
from pipelines.parsing.settle import settle
from tests.unit.dropped import CLOCK, CONSORTIUM_YAML, OWN, drop, ingest, invoice, ledger, make_home, rows_of

TWO_BOOKS = CONSORTIUM_YAML.replace(
    '  "9902"', '      - {kind: ledger, name: old_system, profile: semicolon, settle_seconds: 0}\n  "9902"', 1
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home")


def deliver(home: Home, content: str, source: str = "ledger", name: str = "a") -> str:
    drop(home, f"{name}.{'xml' if source == 'ehf' else 'csv'}", content, source)
    ingest(home)
    return max(read_receipts(home, OWN, source), key=lambda receipt: receipt.sequence).delivery_id


def decide(home: Home, action: str, delivery_id: str, source: str = "ledger") -> None:
    receipt = next(one for one in read_receipts(home, OWN, source) if one.delivery_id == delivery_id)
    write_decision(home, receipt, action, at=CLOCK.now, by="kari", reason="feil fil")
    settle(home, OWN)


def periods(home: Home) -> list[tuple[str, str]]:
    return [(row["_delivery_id"], row["state"]) for row in rows_of(home, "delivery_periods")]


def documents(home: Home) -> dict[str, str]:
    return {row["_delivery_id"]: row["state"] for row in rows_of(home, "document_states")}


def settled(home: Home) -> list[tuple[int, str, str | None]]:
    return [
        (row["sequence"], row["outcome"], row["rule"]) for row in rows_of(home, "outcomes") if row["step"] == "settled"
    ]


AMOUNTS = [f"{number},00" for number in range(1, 11)]


def test_an_earlier_months_exact_bytes_after_a_correction_take_the_period_back(home: Home) -> None:
    first = deliver(home, ledger(amounts=AMOUNTS))
    second = deliver(home, ledger(amounts=["99,00", *AMOUNTS]))
    assert periods(home) == [(first, "superseded"), (second, "accepted")]
    assert deliver(home, ledger(amounts=AMOUNTS)) == first
    assert periods(home) == [(first, "accepted"), (second, "superseded")]
    assert settled(home) == [(3, "ok", "IN03")]
    assert rows_of(home, "delivery_periods")[1]["superseded_by"] == first
    deliver(home, ledger(amounts=["99,00", *AMOUNTS]))
    assert periods(home) == [(first, "superseded"), (second, "accepted")]


def test_the_same_bytes_while_they_stand_change_nothing(home: Home) -> None:
    first = deliver(home, ledger(amounts=AMOUNTS))
    deliver(home, ledger(amounts=AMOUNTS))
    assert periods(home) == [(first, "accepted")]
    assert settled(home) == []


def test_earlier_bytes_with_too_few_rows_are_held_when_they_come_again(home: Home) -> None:
    first = deliver(home, ledger(amounts=AMOUNTS[:5]))
    second = deliver(home, ledger(amounts=AMOUNTS))
    deliver(home, ledger(amounts=AMOUNTS[:5]))
    assert periods(home) == [(first, "held"), (second, "accepted")]
    assert settled(home) == [(3, "held", "IN04")]


def test_only_the_periods_in_a_correction_are_replaced(home: Home) -> None:
    both = ledger("202609", AMOUNTS) + ledger("202610", AMOUNTS).partition("\n")[2]
    first = deliver(home, both)
    second = deliver(home, ledger("202610", ["7,00", *AMOUNTS]))
    assert periods(home) == [(first, "accepted"), (first, "superseded"), (second, "accepted")]
    deliver(home, both)
    assert periods(home) == [(first, "accepted"), (first, "accepted"), (second, "superseded")]


def test_a_withdrawn_ledger_lets_what_it_replaced_count_again(home: Home) -> None:
    first = deliver(home, ledger(amounts=AMOUNTS))
    second = deliver(home, ledger(amounts=["99,00", *AMOUNTS]))
    decide(home, WITHDRAW, second)
    assert periods(home) == [(first, "accepted"), (second, "withdrawn")]
    assert settled(home) == [(2, "withdrawn", None)]
    assert rows_of(home, "delivery_periods")[1]["reason"] == "Withdrawn on 2026-11-15: feil fil"


@pytest.mark.parametrize("kind", ["ledger", "ehf"])
@pytest.mark.parametrize("number", [0, 1], ids=["what was replaced", "what replaced it"])
def test_withdrawn_and_accepted_again_everything_is_as_if_never_withdrawn(home: Home, kind: str, number: int) -> None:
    if kind == "ledger":
        deliver(home, ledger(amounts=AMOUNTS))
        deliver(home, ledger(amounts=["99,00", *AMOUNTS]))
    else:
        deliver(home, invoice("F-1"), "ehf")
        deliver(home, invoice("F-2"), "ehf", name="b")
    before = parsed(home)
    receipt = read_receipts(home, OWN, kind)[number]
    decide(home, WITHDRAW, receipt.delivery_id, kind)
    assert parsed(home) != before
    decide(home, ACCEPT, receipt.delivery_id, kind)
    assert parsed(home) == before


def parsed(home: Home) -> dict[str, object]:
    """Return every parsed file's bytes, and the rows of the one that also notes what it was settled under."""
    found: dict[str, object] = {
        str(path.relative_to(home.parsed)): sha256_file(path)
        for path in home.parsed.rglob("*")
        if path.is_file() and "outcomes" not in path.parts
    }
    return found | {"outcomes": rows_of(home, "outcomes")}


def test_withdrawn_bytes_stay_withdrawn_when_they_come_again_and_count_when_accepted(home: Home) -> None:
    first = deliver(home, ledger(amounts=AMOUNTS))
    second = deliver(home, ledger(amounts=["99,00", *AMOUNTS]))
    decide(home, WITHDRAW, second)
    deliver(home, ledger(amounts=["99,00", *AMOUNTS]))
    assert periods(home) == [(first, "accepted"), (second, "withdrawn")]
    assert [outcome for _, outcome, _ in settled(home)] == ["withdrawn", "withdrawn"]
    decide(home, ACCEPT, second)
    assert periods(home) == [(first, "superseded"), (second, "accepted")]
    assert [(one.number, one.action, one.by) for one in read_decisions(home)] == [
        (1, WITHDRAW, "kari"),
        (2, ACCEPT, "kari"),
    ]


def test_a_held_period_counts_when_the_coordinator_accepts_it(home: Home) -> None:
    first = deliver(home, ledger(amounts=AMOUNTS))
    second = deliver(home, ledger(amounts=AMOUNTS[:2]))
    assert settled(home) == [(2, "held", "IN04")]
    decide(home, ACCEPT, second)
    assert periods(home) == [(first, "superseded"), (second, "accepted")]
    assert settled(home) == []
    third = deliver(home, ledger(amounts=AMOUNTS[:1]))
    assert periods(home)[2] == (third, "held")


def test_the_same_bytes_of_two_sources_count_by_the_second_when_the_first_is_withdrawn(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", TWO_BOOKS)
    first = deliver(home, ledger(amounts=AMOUNTS))
    assert deliver(home, ledger(amounts=AMOUNTS), "old_system") == first
    assert [(row["source_name"], row["state"]) for row in rows_of(home, "delivery_periods")] == [("ledger", "accepted")]
    decide(home, WITHDRAW, first)
    assert [(row["source_name"], row["state"]) for row in rows_of(home, "delivery_periods")] == [
        ("ledger", "withdrawn"),
        ("old_system", "accepted"),
    ]


def test_a_withdrawn_invoice_lets_its_duplicate_count(home: Home) -> None:
    first = deliver(home, invoice("F-1"), "ehf")
    second = deliver(home, invoice("F-1") + "\n", "ehf")
    assert documents(home) == {first: "accepted", second: "duplicate"}
    decide(home, WITHDRAW, first, "ehf")
    assert documents(home) == {first: "withdrawn", second: "accepted"}
    assert {row["_delivery_id"]: row["state"] for row in rows_of(home, "delivery_periods")} == {
        first: "withdrawn",
        second: "accepted",
    }


def test_a_corrected_invoice_is_held_until_it_is_accepted_in_the_others_place(home: Home) -> None:
    first = deliver(home, invoice("F-1"), "ehf")
    second = deliver(home, invoice("F-1", net="90.00"), "ehf")
    assert documents(home) == {first: "accepted", second: "held"}
    decide(home, ACCEPT, second, "ehf")
    assert documents(home) == {first: "superseded", second: "accepted"}
    (reject,) = rows_of(home, "rejects")
    assert (reject["rule"], reject["_delivery_id"]) == ("IN03", first)
    third = deliver(home, invoice("F-1") + "\n", "ehf")
    assert documents(home) == {first: "superseded", second: "accepted", third: "held"}


def test_a_corrected_invoice_counts_when_the_wrong_one_is_withdrawn(home: Home) -> None:
    first = deliver(home, invoice("F-1"), "ehf")
    second = deliver(home, invoice("F-1", net="90.00"), "ehf")
    decide(home, WITHDRAW, first, "ehf")
    assert documents(home) == {first: "withdrawn", second: "accepted"}


def test_a_late_invoice_counts_whatever_its_month(home: Home) -> None:
    deliver(home, invoice("F-1", day="2026-10-01"), "ehf")
    late = deliver(home, invoice("F-2", day="2026-01-15"), "ehf")
    assert documents(home)[late] == "accepted"


def test_an_invoice_that_came_first_by_the_clock_counts_whatever_its_source_is_called(tmp_path: Path) -> None:
    second_source = '      - {kind: ehf, name: a_later_source, settle_seconds: 0}\n  "9902"'
    home = make_home(tmp_path / "home", CONSORTIUM_YAML.replace('  "9902"', second_source, 1))
    first = deliver(home, invoice("F-1"), "ehf")
    receipt = home.landing / OWN / "ehf" / "receipts"
    for path in receipt.iterdir():
        path.write_text(path.read_text().replace("2026-11-15", "2026-11-14"))
    second = deliver(home, invoice("F-1") + "\n", "a_later_source")
    assert documents(home) == {first: "accepted", second: "duplicate"}


def test_a_delivery_that_could_not_be_read_can_be_withdrawn(home: Home) -> None:
    wrong = deliver(home, "Something;else\n1;2\n")
    decide(home, WITHDRAW, wrong)
    assert periods(home) == []
    assert settled(home) == [(1, "withdrawn", None)]


def test_decisions_are_kept_and_never_changed(home: Home) -> None:
    first = deliver(home, ledger())
    decide(home, WITHDRAW, first)
    (path,) = (home.landing / OWN / "ledger" / DECISIONS).iterdir()
    before = path.read_bytes()
    decide(home, ACCEPT, first)
    decide(home, WITHDRAW, first)
    assert path.read_bytes() == before
    assert [one.number for one in read_decisions(home, OWN)] == [1, 2, 3]
    assert periods(home) == [(first, "withdrawn")]


class Killed(BaseException):
    """A kill: nothing may catch it."""


@pytest.mark.parametrize("call", range(1, 5))
def test_settling_a_withdrawal_killed_anywhere_ends_in_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    homes = [make_home(tmp_path / name) for name in ("undisturbed", "killed")]
    for home in homes:
        deliver(home, ledger(amounts=AMOUNTS))
        second = deliver(home, ledger(amounts=["99,00", *AMOUNTS]))
        receipt = read_receipts(home, OWN, "ledger")[1]
        assert receipt.delivery_id == second
        write_decision(home, receipt, WITHDRAW, at=CLOCK.now, by="kari", reason="feil fil")
    undisturbed, killed = homes
    settle(undisturbed, OWN)
    calls = 0
    write = settling.write_table

    def killing(*arguments: object, **more: object) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise Killed
        write(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(settling, "write_table", killing)
    with pytest.raises(Killed):
        settle(killed, OWN)
    monkeypatch.undo()
    settle(killed, OWN)
    digests = [
        {path.relative_to(home.path): sha256_file(path) for path in home.path.rglob("*") if path.is_file()}
        for home in homes
    ]
    assert digests[0] == digests[1]
