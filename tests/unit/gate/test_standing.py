"""What is said once until a day: for one rule or all that holds, seen with its end, and never for PV, DC, TN, PB."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pipelines import settings
from pipelines.cli.main import app
from pipelines.errors import ConfigurationError
from pipelines.gate.deciding import Signer, approve, approve_terms, waive
from pipelines.gate.decision import NEVER_WAIVED
from pipelines.gate.listing import list_standing
from pipelines.gate.rules import read_rules
from pipelines.publishing.facts_file import ensure_facts
from tests.signing import ANNA, BERIT
from tests.unit.gate import test_deciding
from tests.unit.gate.small_home import CLOCK, EXTRACT, SHARE, SmallHome
from tests.unit.gate.test_deciding import PERSON, UNTIL, WHY, conclude, state

_VERSIONS = {name: rule.version for name, rule in read_rules(settings.EXPECTATIONS / "rules").items()}
HOLDS = replace(test_deciding.HOLDS, version=_VERSIONS["IN10"])
OTHER = replace(HOLDS, rule="RF05", version=_VERSIONS["RF05"])
BLOCKS = replace(test_deciding.BLOCKS, version=_VERSIONS["IN02"])


def stand(small: SmallHome, until: date = UNTIL, rule: str | None = None, person: str = ANNA) -> None:
    approve(small.home, CLOCK, EXTRACT, Signer(person), reason=WHY, expires_on=until, is_standing=True, rule=rule)


def standing(small: SmallHome, day: date = CLOCK.as_of) -> list[tuple[str, ...]]:
    return [
        (row["action"], row["recipient"], row["rule"], f"{row['until']}")
        for row in list_standing(small.home, day)
        if row["recipient"] != "*"
    ]


def command(small: SmallHome, *arguments: str) -> Result:
    where = ("--home", str(small.home.path), "--as-of", "2026-11-15")
    return CliRunner().invoke(app, ["gate", *arguments, *where])


def test_one_hold_of_several_is_accepted_until_a_day(small: SmallHome) -> None:
    conclude(small, HOLDS, OTHER)
    stand(small, rule="RF05")
    assert standing(small) == [("approve", "9901", "RF05", "2026-12-31")]
    assert state(small) == "held"
    stand(small, rule="IN10")
    assert state(small) == "approved"


def test_it_counts_for_candidates_to_come_and_ends_the_day_after(small: SmallHome) -> None:
    conclude(small, HOLDS)
    stand(small)
    next(iter(small.tables[EXTRACT].values())).pop()
    small.write_candidate(EXTRACT)
    assert conclude(small, HOLDS).state == "approved"
    assert state(small, day=UNTIL) == "approved"
    assert state(small, day=UNTIL + timedelta(days=1)) == "held"
    assert standing(small, UNTIL) == [("approve", "9901", "IN10", "2026-12-31")]
    assert standing(small, UNTIL + timedelta(days=1)) == []


def test_a_later_one_takes_its_place(small: SmallHome) -> None:
    conclude(small, HOLDS)
    stand(small)
    stand(small, date(2027, 3, 31), person=BERIT)
    assert standing(small) == [("approve", "9901", "IN10", "2027-03-31")]


def test_a_waiver_stands_too(small: SmallHome) -> None:
    conclude(small, BLOCKS)
    waive(small.home, CLOCK, EXTRACT, "IN02", Signer(ANNA), reason=WHY, expires_on=UNTIL, is_standing=True)
    assert standing(small) == [("waive", "9901", "IN02", "2026-12-31")]


def test_what_is_about_one_candidate_does_not_stand(small: SmallHome) -> None:
    conclude(small, HOLDS)
    approve(small.home, CLOCK, EXTRACT, Signer(ANNA), reason=WHY, expires_on=UNTIL)
    assert standing(small) == []


def test_rules_that_protect_others_are_accepted_release_by_release_only(small: SmallHome) -> None:
    for family in NEVER_WAIVED:
        conclude(small, replace(PERSON, rule=f"{family}09"), key=SHARE)
        for rule in (None, f"{family}09"):
            with pytest.raises(ConfigurationError, match="for all to come"):
                approve(
                    small.home, CLOCK, SHARE, Signer(ANNA), reason=WHY, expires_on=UNTIL, is_standing=True, rule=rule
                )
    assert standing(small) == []


def test_a_standing_approval_of_all_leaves_out_rules_that_protect_others(small: SmallHome) -> None:
    conclude(small, HOLDS, PERSON)
    stand(small)
    assert [rule for _, _, rule, _ in standing(small)] == ["IN10"]
    assert state(small) == "held"


def test_a_rule_in_another_version_is_asked_about_again(small: SmallHome) -> None:
    conclude(small, replace(HOLDS, version="0"))
    stand(small)
    assert standing(small) == []
    assert conclude(small, HOLDS).state == "held"


def test_terms_are_listed_by_person_with_their_renewal(small: SmallHome) -> None:
    def ends(product: str) -> list[tuple[str, str]]:
        rows = [row for row in list_standing(small.home, CLOCK.as_of) if row["product"] == product]
        return sorted((row["by"], f"{row['until']}") for row in rows if row["rule"] == "PB04")

    assert ends("workshop_release") == [(ANNA, "2027-11-15"), (BERIT, "2027-11-15")]
    approve_terms(small.home, CLOCK, "workshop_release", Signer(ANNA), reason=WHY, expires_on=date(2028, 1, 31))
    assert ends("workshop_release") == [(ANNA, "2028-01-31"), (BERIT, "2027-11-15")]


def test_the_commands_take_one_rule_and_list_what_stands_and_until_when(small: SmallHome) -> None:
    conclude(small, HOLDS, OTHER)
    why = ("--reason", WHY, "--by", ANNA, "--expires", "2026-12-31")
    done = command(small, "approve", "municipality_extract", "9901", "--rule", "RF05", "--standing", *why)
    assert "RF05 approved by anna until 2026-12-31" in done.output
    assert "It is held still: IN10" in done.output
    rows: list[dict[str, Any]] = json.loads(command(small, "standing", "--json").output)
    (row,) = [row for row in rows if row["recipient"] == "9901"]
    assert (row["rule"], row["until"], row["days"], row["reason"]) == ("RF05", "2026-12-31", 46, WHY)
    assert "2026-12-31" in command(small, "standing").output
    refused = command(small, "approve", "municipality_extract", "--rule", "RF05", *why)
    assert "terms are approved whole" in str(refused.exception)


def test_the_facts_of_the_gate_say_what_was_decided_at_once(small: SmallHome) -> None:
    conclude(small, HOLDS, BLOCKS)
    why = ("--reason", WHY, "--by", ANNA, "--expires", "2026-12-31")
    for decided in (("approve",), ("waive", "--rule", "IN02")):
        assert command(small, decided[0], "municipality_extract", "9901", *decided[1:], *why).exit_code == 0
        assert not ensure_facts(small.home), "the facts were made after the decision"
