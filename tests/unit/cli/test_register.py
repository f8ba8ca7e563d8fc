"""``samandel register``: forms out, what waits and what it would change, decisions by name."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from pipelines.cli.register import app
from pipelines.deliveries import list_deliveries
from pipelines.doctor import examine
from pipelines.errors import ConfigurationError
from pipelines.home import Home
from pipelines.parsing.settle import settle
from pipelines.proposals import find_proposal, read_decisions, refuse_proposal
from pipelines.settings import Clock
from tests.integration.tiny_home import WORKSHOP
from tests.unit.registered import MEMBER, drop, fill, form_bytes, make_registered_home, take, write_row

TASK = {"Oppgavenummer": "T-9", "Kategori": "Ved", "Beskrivelse": "Ved til rådhuset", "Gjelder fra": date(2026, 12, 1)}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_registered_home(tmp_path / "home")


def call(home: Home, *arguments: str | Path) -> str:
    """Run one command, whose errors are left to the caller as they are to the command line's outermost edge."""
    result = CliRunner().invoke(app, [*map(str, arguments), "--home", str(home.path)])
    if isinstance(result.exception, Exception) and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def call_json(home: Home, *arguments: str | Path) -> Any:
    return json.loads(call(home, *arguments, "--json"))


def hand_in(home: Home, **more: Any) -> str:
    drop(home, MEMBER, "tasks.xlsx", fill(form_bytes(home, "tasks", MEMBER), write_row(2, TASK | more)))
    take(home, MEMBER)
    return str(call_json(home, "list")[-1]["proposal_id"])


def test_one_form_is_written_where_it_is_asked_for(home: Home, tmp_path: Path) -> None:
    target = tmp_path / "skjema.xlsx"
    assert "1 rows filled in" in call(home, "form", "tasks", "--owner", MEMBER, "--output", target)
    assert load_workbook(target)["Skjema"]["A1"].value == "Oppgaver: Lilleby (9901)"


def test_all_forms_of_an_owner_are_written(home: Home, tmp_path: Path) -> None:
    call(home, "forms", "--owner", WORKSHOP, "--output", tmp_path / "ut")
    assert sorted(path.name for path in (tmp_path / "ut").iterdir()) == [
        f"{name}_{WORKSHOP}.xlsx"
        for name in ("placements", "ripple", "workshop_accounts", "workshop_capabilities", "workshop_departments")
    ]


def test_the_day_decides_which_rows_a_form_holds(home: Home, tmp_path: Path) -> None:
    target = tmp_path / "skjema.xlsx"
    arguments = ("form", "workshop_capabilities", "--owner", WORKSHOP, "--output", target)
    assert "2 rows filled in" in call(home, *arguments, "--as-of", "2025-06-30")
    assert "1 rows filled in" in call(home, *arguments, "--as-of", "2025-07-01")


def test_what_waits_is_listed_and_shown(home: Home) -> None:
    proposal = hand_in(home)
    assert proposal in call(home, "list")
    text = call(home, "show", proposal[:4])
    assert "added" in text
    assert f"samandel register accept {proposal} --difference" in text
    facts = call_json(home, "show", proposal)
    assert [change["kind"] for change in facts["changes"]] == ["added"]
    assert facts["unchanged_rows"] == 1


def test_what_is_shown_is_accepted_by_its_digest(home: Home) -> None:
    proposal = hand_in(home)
    digest = call_json(home, "show", proposal)["difference"]
    with pytest.raises(ConfigurationError, match="not the one that was shown"):
        call(home, "accept", proposal, "--by", "Kari", "--difference", "0" * 16)
    assert "registers/tasks.csv" in call(home, "accept", proposal, "--by", "Kari", "--difference", digest)
    assert "T-9,9901" in (home.registers / "tasks.csv").read_text(encoding="utf-8")
    assert call_json(home, "list") == []
    assert [row["state"] for row in call_json(home, "list", "--all")] == ["accepted"]
    assert "To accept" not in call(home, "show", proposal)


def test_nobody_accepts_what_was_not_shown(home: Home) -> None:
    with pytest.raises(ConfigurationError, match="was not said"):
        call(home, "accept", hand_in(home), "--by", "Kari")


def test_refused_rows_are_shown_and_left_out_only_when_asked(home: Home) -> None:
    drop(home, MEMBER, "tasks.xlsx", fill(form_bytes(home, "tasks", MEMBER), write_row(2, TASK | {"Kategori": "Mat"})))
    take(home, MEMBER)
    (listed,) = call_json(home, "list")
    text = call(home, "show", listed["proposal_id"])
    assert "Not one of the values in the drop-down list." in text
    assert "--valid-rows-only" in text


def test_refused_rows_are_shown_as_the_sender_reads_them_too(home: Home) -> None:
    proposal = hand_in(home, **{"Anslått verdi": -1})
    shown = " ".join(call(home, "show", proposal).split())
    assert "Not a number that the column can hold." in shown
    assert "Tallet passer ikke i kolonnen. Se hjelpeteksten øverst." in shown


def test_a_form_that_was_read_is_listed_as_proposed_whatever_is_decided_on_it(home: Home) -> None:
    proposal = hand_in(home)
    settle(home, MEMBER)
    assert _listed(home) == [("proposed", {})]
    call(home, "refuse", proposal, "--by", "Kari", "--reason", "Hører hjemme hos naboen")
    assert _listed(home) == [("proposed", {})]


def _listed(home: Home) -> list[tuple[str, dict[str, str]]]:
    return [(row["state"], row["periods"]) for row in list_deliveries(home, MEMBER) if row["source"] == "registers"]


def test_a_refusal_is_recorded_with_its_reason(home: Home) -> None:
    proposal = hand_in(home)
    call(home, "refuse", proposal, "--by", "Kari", "--reason", "Hører hjemme hos naboen")
    entry = json.loads((home.proposals / "decisions.jsonl").read_text(encoding="utf-8"))
    assert (entry["decision"], entry["by"], entry["reason"]) == ("refused", "Kari", "Hører hjemme hos naboen")


@pytest.mark.parametrize("command", ["accept", "refuse"])
def test_no_decision_can_be_dated_by_hand(command: str) -> None:
    with pytest.raises(AssertionError, match="No such option"):
        call(Home(Path()), command, "abc", "--by", "Kari", "--as-of", "2026-01-01")


def test_a_decision_is_never_dated_before_the_form_or_the_decision_before_it(home: Home) -> None:
    proposal = hand_in(home)
    long_ago = Clock.pinned(date(2001, 1, 1))
    refuse_proposal(home, proposal, by="Kari", reason="Feil", clock=long_ago)
    (decided,) = read_decisions(home)
    assert decided["decided_at"] == f"{find_proposal(home, proposal).received_at:%Y-%m-%dT%H:%M:%SZ}"


def test_sub_units_are_proposed_for_one_register_only(home: Home) -> None:
    assert "Nothing to propose" in call(home, "propose", "member_org_nos")
    with pytest.raises(ConfigurationError, match="Nothing can be proposed for tasks"):
        call(home, "propose", "tasks")


def findings(home: Home, check: str) -> list[tuple[str, str]]:
    return [(one["state"], one["found"]) for one in examine(Home(home.path)) if one["check"] == check]


def test_the_doctor_says_what_waits_and_whether_the_record_is_whole(home: Home) -> None:
    assert findings(home, "proposals") == [("ok", "none wait; the record of decisions is whole")]
    call(home, "refuse", hand_in(home), "--by", "Kari", "--reason", "Feil")
    hand_in(home, Beskrivelse="Ved til skolen")
    assert findings(home, "proposals") == [("note", "1 wait for a decision: samandel register list")]
    record = home.proposals / "decisions.jsonl"
    record.write_text(record.read_text(encoding="utf-8").replace('"previous":""', '"previous":"x"'), encoding="utf-8")
    assert [state for state, _ in findings(home, "proposals")] == ["wrong"]


def test_the_doctor_finds_a_missing_contract_profile(home: Home) -> None:
    text = home.consortium_file.read_text(encoding="utf-8")
    home.consortium_file.write_text(f"{text}  - {{kind: registers, name: avtaler, profile: kag}}\n", encoding="utf-8")
    (home.inbox / "_consortium" / "avtaler").mkdir(parents=True)
    assert any("no such contract profile" in found for _, found in findings(home, "source _consortium/avtaler"))
