"""Units that a home has met are fetched once, resumed after a kill, and land like anything dropped in an inbox."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipelines.cli.main import app
from pipelines.errors import ConfigurationError, ProblemsFound, SourceUnreachable
from pipelines.home import CONSORTIUM, Home, read_consortium
from pipelines.landing import brreg_api, brreg_fetch
from pipelines.landing.brreg_api import RegisterApi
from pipelines.landing.brreg_fetch import Memory, fetch_units, read_memory
from pipelines.parsing.brreg_wanted import Known, known_units, met_org_nos, wanted_units
from pipelines.settings import Clock
from tests.unit.dropped import (
    BUYER,
    CLOCK,
    CONSORTIUM_YAML,
    OTHER_BUYER,
    SELLER,
    drop,
    ingest,
    invoice,
    make_home,
    source_of,
)
from tests.unit.dropped import rows_of as rows
from tests.unit.landing.brreg_stand_in import Fault, StandIn, serving, sub_unit, unit

DELETED, SUB = "310031046", "310031038"
MET = {BUYER, OTHER_BUYER, SELLER}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brreg_api, "WAIT_SECONDS", ())
    monkeypatch.setattr(brreg_api, "PAUSE_SECONDS", 0)


@pytest.fixture
def register() -> Iterator[StandIn]:
    stand_in = StandIn(
        units={SELLER: unit(SELLER, "EKSEMPEL MAT AS"), BUYER: unit(BUYER, "EKSEMPEL KOMMUNE")},
        sub_units={SUB: sub_unit(SUB, SELLER)},
        deleted={DELETED: {"organisasjonsnummer": DELETED, "navn": "SLETTET AS", "slettedato": "2025-10-20"}},
    )
    with serving(stand_in):
        yield stand_in


@pytest.fixture
def home(tmp_path: Path, register: StandIn) -> Home:
    """A home that has parsed an invoice and whose register source asks the stand-in."""
    text = CONSORTIUM_YAML.replace("{kind: brreg,", f"{{kind: brreg, api: '{register.url}', refresh_days: 30,")
    home = make_home(tmp_path / "home", text)
    drop(home, "1.xml", invoice(), "ehf")
    ingest(home)
    return home


def later(days: int) -> Clock:
    return Clock.pinned(date.fromordinal(CLOCK.as_of.toordinal() + days))


def run_fetch(home: Home, *options: str, clock: Clock = CLOCK) -> Result:
    return CliRunner().invoke(
        app, ["brreg", "fetch", "--home", str(home.path), "--as-of", clock.as_of.isoformat(), *options]
    )


def facts_of(home: Home, *options: str, clock: Clock = CLOCK) -> dict[str, object]:
    result = run_fetch(home, "--json", *options, clock=clock)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_what_was_met_is_asked_for_and_lands_as_a_delivery(home: Home, register: StandIn) -> None:
    facts = facts_of(home)
    assert (facts["met"], facts["asked"], facts["found"]) == (3, 3, 2)
    assert facts["unknown_to_register"] == [OTHER_BUYER]
    (outcome,) = ingest(home, CONSORTIUM)
    assert (outcome["outcome"], outcome["rows_in"], outcome["rows_out"]) == ("ok", 2, 2)
    companies = {row["org_no"]: row for row in rows(home, "companies", CONSORTIUM)}
    assert {number: row["name"] for number, row in companies.items()} == {
        SELLER: "EKSEMPEL MAT AS",
        BUYER: "EKSEMPEL KOMMUNE",
    }
    assert companies[SELLER]["business_municipality_no"] == "9901"


def test_no_contact_is_in_what_lands(home: Home) -> None:
    path = Path(str(facts_of(home)["drop"]))
    assert b"example.invalid" not in path.read_bytes()
    assert b"00 00" not in path.read_bytes()


def test_a_second_fetch_asks_for_nothing(home: Home, register: StandIn) -> None:
    facts_of(home)
    ingest(home, CONSORTIUM)
    register.asked.clear()
    assert facts_of(home)["wanted"] == 0
    assert [path.partition("?")[0].rpartition("/api/")[2] for path in register.asked] == [
        "oppdateringer/enheter",
        "oppdateringer/underenheter",
    ]


def test_old_units_are_asked_for_again_and_history_is_kept(home: Home, register: StandIn) -> None:
    facts_of(home)
    ingest(home, CONSORTIUM)
    register.units[SELLER] = unit(SELLER, "NYTT NAVN AS")
    assert facts_of(home, clock=later(29))["wanted"] == 0
    assert facts_of(home, clock=later(30))["wanted"] == 3
    ingest(home, CONSORTIUM)
    names = [row["name"] for row in rows(home, "companies", CONSORTIUM) if row["org_no"] == SELLER]
    assert sorted(names) == ["EKSEMPEL MAT AS", "NYTT NAVN AS"]


def test_a_changed_unit_is_asked_for_before_it_is_old(home: Home, register: StandIn) -> None:
    facts_of(home)
    ingest(home, CONSORTIUM)
    register.changes = [(1001, SELLER), (1002, "310031100")]
    assert facts_of(home, clock=later(1))["asked"] == 1


def test_all_are_asked_for_where_that_is_wanted(home: Home) -> None:
    facts_of(home)
    ingest(home, CONSORTIUM)
    assert facts_of(home, "--older-than", "0")["asked"] == 3


def test_offline_touches_no_network_and_says_so(home: Home, register: StandIn) -> None:
    result = run_fetch(home, "--offline")
    assert result.exit_code == 0
    assert "Offline: the network was not touched. 3 would be asked for." in result.stdout
    assert register.asked == []
    facts_of(home)
    ingest(home, CONSORTIUM)
    register.asked.clear()
    facts = facts_of(home, "--offline")
    assert (facts["offline"], facts["known"], facts["wanted"], facts["drop"]) == (True, 2, 0, None)
    assert register.asked == []


def test_offline_needs_no_register_at_all(home: Home) -> None:
    text = re.sub(r"api: '[^']*'", "api: 'https://register.invalid/api'", home.consortium_file.read_text())
    home.consortium_file.write_text(text)
    assert run_fetch(Home(home.path), "--offline").exit_code == 0


def test_a_fetch_that_is_cut_goes_on_where_it_was(
    home: Home, register: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brreg_api, "NUMBERS_AT_ONCE", 1)
    register.faults = [Fault(500, part=SELLER)]
    result = run_fetch(home)
    assert isinstance(result.exception, SourceUnreachable)
    assert list((home.inbox / CONSORTIUM / "brreg").glob("*.json")) == []
    register.asked.clear()
    facts = facts_of(home)
    assert (facts["asked"], facts["found"]) == (3, 2)
    # The numbers before the one that failed are not asked for again.
    assert all(OTHER_BUYER not in path for path in register.asked)
    assert any(SELLER in path for path in register.asked)


def test_a_kill_between_drop_and_memory_lands_nothing_twice(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(brreg_fetch, "_remember", killed)
        assert run_fetch(home).exit_code != 0
    facts_of(home)
    assert len(list((home.inbox / CONSORTIUM / "brreg").glob("*.json"))) == 2
    assert [outcome["outcome"] for outcome in ingest(home, CONSORTIUM)] == ["ok", "duplicate"]
    assert len(rows(home, "companies", CONSORTIUM)) == 2


def test_answers_of_a_week_ago_are_asked_for_again(home: Home, register: StandIn) -> None:
    source = source_of(home, "brreg", CONSORTIUM)
    folder = home.inbox / brreg_fetch.FETCHED / CONSORTIUM / "brreg" / "answers"
    folder.mkdir(parents=True)
    (folder / "old.json").write_text(json.dumps({"day": "2026-11-01", "units": {SELLER: None}}))
    (folder / "half.json").write_text('{"day": "2026-11-1')
    fetched = fetch_units(home, source, CLOCK, [SELLER], RegisterApi(register.url))
    assert (fetched.asked, fetched.found, fetched.unknown) == (1, 1, ())


def test_a_deleted_and_a_sub_unit_are_what_they_are(home: Home, register: StandIn) -> None:
    source = source_of(home, "brreg", CONSORTIUM)
    fetch_units(home, source, CLOCK, [DELETED, SUB], RegisterApi(register.url))
    ingest(home, CONSORTIUM)
    companies = {row["org_no"]: row for row in rows(home, "companies", CONSORTIUM)}
    assert companies[DELETED]["deleted_on"] == date(2025, 10, 20)
    assert (companies[SUB]["is_sub_unit"], companies[SUB]["parent_org_no"]) == (True, SELLER)
    known = known_units(home, [DELETED, SUB, SELLER])
    assert known == {DELETED: Known(CLOCK.as_of, True), SUB: Known(CLOCK.as_of, False, SELLER)}


def test_nothing_found_lays_no_file_down(home: Home, register: StandIn) -> None:
    source = source_of(home, "brreg", CONSORTIUM)
    fetched = fetch_units(home, source, CLOCK, ["310031100"], RegisterApi(register.url))
    assert (fetched.drop, fetched.unknown) == (None, ("310031100",))
    assert read_memory(home, source).unknown == {"310031100"}


def test_impossible_numbers_are_not_asked_for(home: Home) -> None:
    drop(home, "2.xml", invoice("F-2").replace(SELLER, "310028143"), "ehf")
    ingest(home)
    assert met_org_nos(home, home.read_registers()) == MET


@pytest.mark.parametrize(
    ("known", "asked", "changed", "days", "wanted"),
    [
        (None, None, False, 30, True),
        (Known(date(2026, 11, 1), False), None, False, 30, False),
        (Known(date(2026, 10, 16), False), None, False, 30, True),
        (Known(date(2026, 10, 1), False), date(2026, 11, 1), False, 30, False),
        (Known(date(2020, 1, 1), True), None, False, 30, False),
        (Known(date(2020, 1, 1), True), None, True, 30, True),
        (None, date(2026, 11, 1), False, 30, False),
        (None, date(2026, 10, 1), False, 30, True),
        (Known(date(2026, 11, 15), True), None, False, 0, True),
    ],
    ids=[
        *("never heard of", "fresh", "old", "asked for since", "deleted", "deleted and changed"),
        *("unknown, asked for lately", "unknown, asked for long ago", "all"),
    ],
)
def test_what_is_wanted(known: Known | None, asked: date | None, changed: bool, days: int, wanted: bool) -> None:
    memory = Memory({SELLER: asked} if asked else {})
    found = wanted_units([SELLER], {SELLER: known} if known else {}, memory, [SELLER] * changed, CLOCK.as_of, days)
    assert found == [SELLER] * wanted


def test_a_home_without_the_interface_says_what_to_write(home: Home) -> None:
    home.consortium_file.write_text(CONSORTIUM_YAML)
    result = run_fetch(Home(home.path))
    assert isinstance(result.exception, ConfigurationError)
    assert "api: https://data.brreg.no/enhetsregisteret/api" in result.exception.remedy


def test_damaged_memory_is_said_so(home: Home) -> None:
    source = source_of(home, "brreg", CONSORTIUM)
    path = home.inbox / brreg_fetch.FETCHED / CONSORTIUM / "brreg" / "memory.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"asked": []}')
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_memory(home, replace(source))


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("{kind: ehf, api: 'https://x.invalid'}", "only a source of kind brreg"),
        ("{kind: brreg, api: 'https://x.invalid', url: 'https://x.invalid/f.csv'}", "no url beside it"),
        ("{kind: brreg, api: 'http://x.invalid'}", "must be https://"),
        ("{kind: brreg, api: 'https://name:secret@x.invalid'}", "must be https://"),
        ("{kind: brreg, api: 'file:///etc/passwd'}", "must be https://"),
        ("{kind: brreg, refresh_days: often}", "refresh_days"),
    ],
)
def test_a_wrong_address_of_the_interface_is_a_problem(entry: str, told: str) -> None:
    text = CONSORTIUM_YAML.replace("{kind: brreg, settle_seconds: 0}", entry)
    with pytest.raises(ProblemsFound) as raised:
        read_consortium(text.encode())
    assert any(told in problem for problem in raised.value.problems)
    assert "secret" not in str(raised.value)
