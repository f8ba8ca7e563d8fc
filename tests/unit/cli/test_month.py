"""``samandel month``: what is answered is done, what is left is asked again next time, and nothing is kept between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pipelines.cli import month as guide
from pipelines.cli.main import app
from pipelines.gate.decisions import read_decisions
from pipelines.gate.listing import list_standing, list_verdicts
from pipelines.summary import RunSummary
from tests.signing import ANNA, BERIT, enter_approvers, with_four_eyes
from tests.unit.gate.small_home import CLOCK, EXTRACT, SHARE, SmallHome
from tests.unit.gate.test_deciding import PERSON, conclude
from tests.unit.gate.test_standing import BLOCKS, HOLDS

ENTER = ""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallHome:
    """A home whose warehouse counts as current, with a coordinator at a terminal."""
    written = SmallHome(tmp_path).write()
    with_four_eyes(written.home, CLOCK)
    monkeypatch.setattr(guide, "_is_terminal", lambda: True)
    monkeypatch.setattr("pipelines.due.due_owners", lambda *_: [])
    monkeypatch.setattr("pipelines.due.unjudged_keys", lambda *_: [])
    monkeypatch.setattr("pipelines.due.unsettled_keys", lambda *_: [])
    monkeypatch.setattr("pipelines.warehouse.build.is_current", lambda _: True)
    return written


def call(small: SmallHome, *answers: str, arguments: tuple[str, ...] = ()) -> Result:
    """Run the guide with typed answers."""
    given = "".join(f"{answer}\n" for answer in answers)
    where = ("--home", str(small.home.path), "--as-of", "2026-11-15")
    return CliRunner().invoke(app, ["month", *where, *arguments], input=given)


def listed(small: SmallHome) -> dict[str, Any]:
    return dict(json.loads(call(small, arguments=("--json",)).stdout))


def state(small: SmallHome, recipient: str) -> str:
    return next(row["state"] for row in list_verdicts(small.home, CLOCK.as_of) if row["recipient"] == recipient)


def own(small: SmallHome) -> list[Any]:
    """Return what was decided but for the products' terms."""
    return [one for one in read_decisions(small.home) if not one.terms]


def told(small: SmallHome) -> Iterator[str]:
    """Answer to what the members lack, which the small home tells of."""
    yield from ["v"] * sum(step["kind"] == "missing" for step in listed(small)["steps"])


def test_what_is_held_is_approved_with_person_key_reason_and_day(small: SmallHome) -> None:
    conclude(small, HOLDS)
    done = call(small, *told(small), "g", ANNA, ENTER, "Kontert om i november.", ENTER)
    assert "9901 Fjordvik: «Kommunens egne innkjøp» er holdt" in done.output
    assert "9901/1999" in done.output
    (decision,) = own(small)
    assert (decision.action, decision.decided_by, decision.expires_on) == ("approve", ANNA, "2026-12-15")
    assert state(small, EXTRACT.recipient) == "approved"
    assert not [step for step in listed(small)["steps"] if step["is_decision"]]
    assert small.home.gate_facts_file.is_file()


def test_one_hold_of_a_recipient_is_accepted_once_until_a_day(small: SmallHome) -> None:
    conclude(small, HOLDS)
    call(small, *told(small), "s", BERIT, ENTER, "Kontoene føres i desember.", "2027-01-31")
    (standing,) = [row for row in list_standing(small.home, CLOCK.as_of) if row["recipient"] != "*"]
    assert (standing["rule"], standing["by"], f"{standing['until']}") == ("IN10", BERIT, "2027-01-31")
    next(iter(small.tables[EXTRACT].values())).pop()
    small.write_candidate(EXTRACT)
    assert conclude(small, HOLDS).state == "approved"


def test_a_rule_that_protects_others_is_never_offered_for_more_than_one_candidate(small: SmallHome) -> None:
    conclude(small, PERSON, key=SHARE)
    done = call(small, *told(small), "s", "u", "l")
    assert "stående" not in done.output
    assert "gjør unntak" not in done.output
    assert own(small) == []


def test_what_is_blocked_is_waived_and_what_is_left_stays(small: SmallHome) -> None:
    conclude(small, BLOCKS, HOLDS)
    left = call(small, *told(small), "l")
    assert left.exit_code == 1
    assert "er holdt\n" not in left.output, "what else holds it is not asked while it stays blocked"
    assert own(small) == []
    call(small, *told(small), "u", ANNA, ENTER, "Måneden kommer ikke.", ENTER, "l")
    assert [one.action for one in own(small)] == ["waive"]
    assert state(small, EXTRACT.recipient) == "held"


def test_it_can_be_left_at_any_question_and_taken_up_again(small: SmallHome) -> None:
    conclude(small, HOLDS)
    before = {path: path.read_bytes() for path in small.home.path.rglob("*") if path.is_file()}
    answers = [*told(small), "g", ANNA, ENTER, "Kontert om."]
    for count in range(len(answers) + 1):
        done = call(small, *answers[:count])
        assert done.exit_code == 1
        assert "begynner der du slapp" in done.output
    assert call(small, "a").exit_code == 1
    assert {path: path.read_bytes() for path in small.home.path.rglob("*") if path.is_file()} == before
    call(small, *answers, ENTER)
    assert state(small, EXTRACT.recipient) == "approved"


def test_what_is_refused_is_said_and_asked_again(small: SmallHome) -> None:
    conclude(small, HOLDS)
    mistaken = ("g", "kari", ENTER, "Kontert om.", ENTER)
    done = call(small, *told(small), *mistaken, "x", "g", ANNA, ENTER, "Kontert om.", "i morgen", "2026-12-31")
    assert "kari may not sign" in done.output
    assert "Svar med én av bokstavene." in done.output
    assert "Skriv dagen som" in done.output
    assert [one.decided_by for one in own(small)] == [ANNA]


def test_what_changed_while_the_coordinator_answered_is_not_signed_unseen(
    small: SmallHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    conclude(small, HOLDS)
    until = guide._Guide._until

    def meanwhile(self: Any, days: int) -> Any:
        conclude(small, replace(HOLDS, examples=("9901/5999",)))
        return until(self, days)

    monkeypatch.setattr(guide._Guide, "_until", meanwhile)
    answers = ("g", ANNA, ENTER, "Kontert om.", ENTER)
    done = call(small, *told(small), *answers)
    assert "Ingenting er avgjort" in done.output
    assert own(small) == []
    assert "9901/5999" in done.output.split("Ingenting er avgjort")[1], "it is shown as it is now"


def test_a_products_terms_are_signed_by_two_and_not_twice_by_one(small: SmallHome) -> None:
    enter_approvers(small.home, ANNA, BERIT, "carl")
    (small.home.registers / "workshop_owners.csv").write_text(
        (small.home.registers / "workshop_owners.csv").read_text().replace("0.5", "0.4")
    )
    conclude(small, key=SHARE)
    signed = ("g", ANNA, ENTER, "Eierskapet er endret.", ENTER)
    done = call(small, *told(small), *signed, "g", ANNA, "l")
    assert "anna har godkjent allerede" in done.output
    assert state(small, SHARE.recipient) == "held"
    newcomer = call(small, *told(small), "g", "carl", ENTER, "Eierskapet er endret.", ENTER, "l")
    assert "Who stood there before approves it: anna, berit." in newcomer.output + newcomer.stderr
    call(small, *told(small), "g", BERIT, ENTER, "Eierskapet er endret.", ENTER)
    assert state(small, SHARE.recipient) == "approved"


def test_a_run_is_offered_and_what_comes_of_it_is_asked_next(small: SmallHome, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def run(home: Any, clock: Any, *, month: str, progress: Any) -> RunSummary:
        ran.append(month)
        (small.home.inbox / "9901" / "ledger" / "okt.csv").unlink()
        conclude(small, HOLDS)
        return RunSummary(month, (), (), 1, 0, 1, 0, 0, (), (), recalled=2)

    monkeypatch.setattr("pipelines.orchestrate.run_pipeline", run)
    dropped = small.home.inbox / "9901" / "ledger" / "okt.csv"
    dropped.parent.mkdir(parents=True)
    dropped.write_text("noe")
    left = call(small, "l")
    assert ran == []
    assert "Resten venter på kjøringen" in left.output
    done = call(small, "k", *["v"] * 9)
    assert ran == ["2026-10"]
    assert "Kjørt: 1 utgitt, 0 uendret, 1 holdt, 0 stanset, 2 trukket tilbake, 0 feilet." in done.output


def test_without_a_terminal_the_steps_and_commands_are_listed(
    small: SmallHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    conclude(small, HOLDS)
    monkeypatch.setattr(guide, "_is_terminal", lambda: False)
    done = call(small)
    assert done.exit_code == 1
    assert "$ samandel gate approve municipality_extract 9901 2026-10 --by anna --expires 2026-12-15" in done.output
    assert f"--home {small.home.path}" in done.output
    facts = listed(small)
    assert (facts["period"], facts["decisions"]) == ("2026-10", 1)
    assert {step["kind"] for step in facts["steps"]} >= {"approve"}
    assert all(step["title"] and step["who"] for step in facts["steps"])
