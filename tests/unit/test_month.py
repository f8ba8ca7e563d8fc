"""The month's steps follow from facts alone: which there are, in which order, what is a decision, what is sent."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pipelines import month_nb as nb
from pipelines.month import (
    APPROVE,
    CHANGED,
    DECIDED,
    EXPIRES,
    HELD,
    MEND,
    MISSING,
    NEW,
    PROPOSAL,
    RECALLED,
    REFUSED,
    REJECTS,
    RELEASED,
    RUN,
    TERMS,
    WAIVE,
    Delivery,
    Facts,
    Item,
    Missing,
    Proposed,
    Released,
    Standing,
    Step,
    Terms,
    Withheld,
    decisions_needed,
    plan,
)

ROOT = Path(__file__).resolve().parents[2]
NOTHING = Facts(
    consortium="Samarbeidet",
    period="2026-10",
    as_of=date(2026, 11, 15),
    home=" --home hjem",
    approvers=("anna", "berit"),
    keys="file:../hjem-keys/ID.pem",
)
CAME = date(2026, 11, 2)
LACKS = Missing("9907", "Lilleby", {"ledger": ("2026-07", "2026-09", "2026-10")}, 15)
HELD_BACK = Delivery(
    *("9902", "Storvik", "ledger", "ledger", "d" * 16, "okt.csv", CAME, "held"),
    reason="30 rader nå mot 100 i leveransen den skulle erstatte.",
    remedy="Kontroller at uttrekket er fullstendig.",
    examples=("oktober 2026: 30 rader holdt tilbake",),
    report="reports/9902/d.html",
)
REFUSED_DROP = replace(HELD_BACK, outcome="refused", reason="Avtalen sier at filene skal klargjøres.", report="")
COUNTS = replace(HELD_BACK, outcome="accepted", rejects=3)
PROPOSES = Proposed(
    "p" * 12,
    "Eksempel Vekst AS",
    "skjema.xlsx",
    CAME,
    ("tasks",),
    ("tasks, T-9: text (tomt) → Ved",),
    2,
    True,
    "f" * 64,
)
FIRST = Terms("workshop_release", "Bedriftens del", "First release of the product.", "2026-11-15T00:00:00Z", 8, ())
LACKS_MONTH = Item("IN02", "block", "1 of 12 months.", ("9907/ledger/2026-07",), True)
NEW_ACCOUNTS = Item("IN10", "hold", "3 accounts.", ("9901/1999",), True)
WITHHOLDS = Item("DC09", "hold", "60 % is withheld.", (), False)
COMPUTED = Item("DC04", "block", "1 hidden cell can be computed.", ("2026/9901/meeting_food",), False)
CANDIDATE = Withheld(
    *("municipality_extract", "Kommunens egne innkjøp", "9907", "Lilleby", "2026-10", "c" * 12),
    *("blocked", "2026-11-15T00:00:00Z", (LACKS_MONTH,)),
)
SOON = Standing("municipality_extract", "Kommunens egne innkjøp", "9901", "IN10", "approve", "anna", CAME, 9)
OUT = Released("Kommunens egne innkjøp", "9901", "Fjordvik", "2026-10-r1", "releases/municipality_extract/9901")


def only(facts: Facts) -> Step:
    (step,) = plan(facts)
    return step


def kinds(facts: Facts) -> list[str]:
    return [step.kind for step in plan(facts)]


def test_where_nothing_is_left_there_are_no_steps() -> None:
    assert plan(NOTHING) == []


def test_what_was_dropped_is_taken_before_anything_else() -> None:
    facts = replace(NOTHING, run=NEW, waiting={"9901": ("a.csv", "b.csv", "c.csv", "d.csv")}, missing=(LACKS,))
    assert kinds(facts) == [RUN, MISSING]
    run = plan(facts)[0]
    assert run.lines == ("9901: a.csv, b.csv, c.csv og 1 til",)
    assert run.commands == ("samandel run --month 2026-10 --home hjem",)
    assert not run.is_decision


def test_who_lacks_a_month_is_named_with_the_sentence_to_send() -> None:
    step = only(replace(NOTHING, missing=(LACKS,)))
    assert step.kind == MISSING
    assert step.title == "9907 Lilleby mangler reskontro for juli 2026 og september 2026–oktober 2026"
    assert step.lines == ("15 dager etter utgangen av måneden.",)
    assert step.message.startswith(
        "Hei! Samarbeidet mangler reskontro for juli 2026 og september 2026–oktober 2026 fra"
    )
    assert step.is_open
    assert not step.is_decision


def test_a_month_that_the_release_went_out_without_is_told_only() -> None:
    step = only(replace(NOTHING, missing=(replace(LACKS, is_released=True),)))
    assert not step.is_open
    assert nb.RELEASED_ANYWAY in step.lines


def test_what_was_refused_goes_back_to_the_sender_with_the_reason() -> None:
    step = only(replace(NOTHING, refused=(REFUSED_DROP,)))
    assert (step.kind, step.is_decision, step.since) == (REFUSED, False, "2026-11-02")
    assert step.title == "9902 Storvik: siste levering av reskontro er avvist i innboksen"
    assert "«okt.csv», reskontro) er avvist i innboksen. Avtalen sier" in step.message
    assert "vedlagt" not in step.message


def test_what_is_held_at_intake_is_one_decision_and_its_examples_are_not_sent() -> None:
    step = only(replace(NOTHING, held=(HELD_BACK,)))
    assert (step.kind, step.is_decision) == (HELD, True)
    assert "oktober 2026: 30 rader holdt tilbake" in step.lines
    assert "30 rader holdt" not in step.message
    assert step.message.endswith("Rapporten om leveransen er vedlagt.")
    assert [command.split(" --reason")[0] for command in step.commands] == [
        f"samandel delivery {what} {'d' * 16} --municipality 9902 --source ledger" for what in ("accept", "withdraw")
    ]


def test_rows_refused_in_deliveries_that_count_are_told_together() -> None:
    step = only(replace(NOTHING, rejects=(COUNTS,)))
    assert (step.kind, step.is_open) == (REJECTS, False)
    assert step.lines == ("9902 Storvik, reskontro: 3 avvist (reports/9902/d.html)",)


def test_a_proposal_is_one_decision_about_exactly_the_difference_that_is_shown() -> None:
    step = only(replace(NOTHING, proposals=(PROPOSES,)))
    assert (step.kind, step.is_decision) == (PROPOSAL, True)
    assert step.lines[1:] == ("tasks, T-9: text (tomt) → Ved", "… og 1 til.")
    assert f"--difference {'f' * 64} --by NAVN" in step.commands[1]


def test_a_proposal_with_rows_that_cannot_be_taken_says_so() -> None:
    step = only(replace(NOTHING, proposals=(replace(PROPOSES, is_clean=False),)))
    assert "--valid-rows-only" in step.commands[1]
    assert "Noen rader kan ikke tas inn" in step.lines[-1]


def test_a_run_that_was_due_to_decisions_at_intake_comes_after_them_and_before_the_gate() -> None:
    facts = replace(NOTHING, run=CHANGED, held=(HELD_BACK,), proposals=(PROPOSES,), withheld=(CANDIDATE,))
    assert kinds(facts) == [HELD, PROPOSAL, RUN, WAIVE]
    assert [step.is_stale for step in plan(facts)] == [False, False, False, True]


def test_a_run_that_lets_out_what_was_approved_comes_after_the_gate() -> None:
    facts = replace(NOTHING, run=DECIDED, withheld=(CANDIDATE,), released=(OUT,))
    assert kinds(facts) == [WAIVE, RUN, RELEASED]
    assert not any(step.is_stale for step in plan(facts))


@pytest.mark.parametrize(
    ("signed", "title", "by", "count"),
    [((), "venter på to godkjenninger", "anna", 2), (("anna",), "venter på én godkjenning til", "berit", 1)],
    ids=["none has signed", "one has signed"],
)
def test_a_products_terms_are_two_persons_decisions(signed: tuple[str, ...], title: str, by: str, count: int) -> None:
    step = only(replace(NOTHING, terms=(replace(FIRST, signed=signed),)))
    assert (step.kind, step.is_decision) == (TERMS, True)
    assert title in step.title
    assert f"samandel gate approve workshop_release --by {by} --expires 2027-11-15" in step.commands[0]
    assert "file:../hjem-keys/ID.pem" in step.who
    assert decisions_needed([step]) == count


def test_what_is_blocked_is_waived_rule_by_rule_and_then_approved() -> None:
    blocked = replace(CANDIDATE, items=(LACKS_MONTH, NEW_ACCOUNTS, WITHHOLDS))
    first, second = plan(replace(NOTHING, withheld=(blocked,)))
    assert (first.kind, second.kind) == (WAIVE, APPROVE)
    assert first.commands[0].startswith("samandel gate waive municipality_extract 9907 2026-10 --rule IN02 --by anna")
    assert first.lines[:3] == ("IN02 Ingen måned mangler", "Porten sier: 1 of 12 months.", "  · 9907/ledger/2026-07")
    assert second.commands[0].startswith("samandel gate approve municipality_extract 9907 2026-10 --by anna")
    assert {"IN10 Kontoplanen har kontoene som er brukt", "DC09 Lite av verdien er holdt tilbake"} <= set(second.lines)
    assert first.who == "anna eller berit, med egen nøkkel (file:../hjem-keys/ID.pem)"
    assert first.candidate == second.candidate
    assert decisions_needed([first, second]) == 2


def test_of_a_candidate_that_nobody_may_let_out_nothing_else_is_asked() -> None:
    step = only(replace(NOTHING, withheld=(replace(CANDIDATE, items=(COMPUTED, LACKS_MONTH, NEW_ACCOUNTS)),)))
    assert (step.kind, step.is_decision, step.is_open) == (MEND, False, True)
    assert not any(command.startswith(("samandel gate waive", "samandel gate approve")) for command in step.commands)
    assert decisions_needed([step]) == 0


def test_what_was_recalled_is_mended_not_decided() -> None:
    step = only(replace(NOTHING, withheld=(replace(CANDIDATE, state="recalled", items=()),)))
    assert (step.kind, step.is_decision, step.is_open) == (RECALLED, False, True)


def test_three_examples_at_most_are_shown() -> None:
    many = replace(NEW_ACCOUNTS, examples=("1", "2", "3", "4"))
    step = only(replace(NOTHING, withheld=(replace(CANDIDATE, items=(many,)),)))
    assert [line for line in step.lines if line.startswith("  · ")] == ["  · 1", "  · 2", "  · 3"]


def test_a_decision_that_soon_expires_is_told_of() -> None:
    later = replace(SOON, rule="RF05", days=31)
    step = only(replace(NOTHING, standing=(SOON, later)))
    assert (step.kind, step.is_open) == (EXPIRES, False)
    (line,) = step.lines
    assert "IN10" in line
    assert "om 9 dager" in line


def test_what_is_out_is_listed_last_and_leaves_nothing_to_do() -> None:
    step = only(replace(NOTHING, released=(OUT,)))
    assert (step.kind, step.is_open) == (RELEASED, False)
    assert step.title.startswith("1 utgivelser for oktober 2026 er ute")


def test_without_approvers_it_is_said_how_to_get_some() -> None:
    facts = replace(NOTHING, approvers=(), terms=(FIRST,), withheld=(CANDIDATE,))
    assert all("samandel keys new" in step.who for step in plan(facts))


def test_a_step_is_about_the_same_until_something_changes() -> None:
    facts = replace(NOTHING, withheld=(CANDIDATE,), terms=(FIRST,), held=(HELD_BACK,))
    remade = replace(facts, withheld=(replace(CANDIDATE, candidate="e" * 12),))
    before, after = ({step.about for step in plan(one)} for one in (facts, remade))
    assert len(before) == 3
    assert before - after == {f"waive municipality_extract/9907/2026-10/{'c' * 12} IN02"}


def test_every_rule_of_the_gate_has_its_words() -> None:
    pages = {path.stem for path in (ROOT / "expectations" / "rules").glob("*.md")}
    assert set(nb.RULES) == pages


def test_months_that_follow_each_other_are_one() -> None:
    assert nb.months(["2026-01", "2025-12", "2025-11", "2026-06"]) == "november 2025–januar 2026 og juni 2026"


def test_no_word_of_the_steps_is_english_but_what_the_gate_said() -> None:
    facts = replace(
        NOTHING,
        **{"run": CHANGED, "missing": (LACKS,), "refused": (REFUSED_DROP,), "held": (HELD_BACK,), "rejects": (COUNTS,)},
        **{"proposals": (PROPOSES,), "terms": (FIRST,), "withheld": (CANDIDATE,), "standing": (SOON,)},
        released=(OUT,),
    )
    said = " ".join(
        text
        for step in plan(facts)
        for text in (step.title, *step.lines, step.who, step.message)
        if not text.startswith("Porten sier:")
    )
    assert not set(re.findall(r"[a-zæøå]+", said.lower())) & {"the", "and", "of", "is", "held", "waits", "who", "month"}


def test_what_soon_expires_is_renewed_by_its_command() -> None:
    terms = replace(SOON, recipient="*", rule="PB04")
    step = only(replace(NOTHING, standing=(SOON, terms)))
    assert [command.split(" --by")[0] for command in step.commands] == [
        "samandel gate approve municipality_extract 9901 --rule IN10 --standing",
        "samandel gate approve municipality_extract",
    ]
