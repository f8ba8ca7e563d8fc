"""The client of the company register gets every unit, waits when asked to, and never takes trouble for absence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest

from pipelines.errors import SourceUnreachable
from pipelines.landing import brreg_api
from pipelines.landing.brreg_api import KEPT, RegisterApi
from tests.unit.landing.brreg_stand_in import Fault, StandIn, serving, sub_unit, unit

UNIT, OTHER, SUB, DELETED, REMOVED, NEVER = (
    *("310031003", "310031011", "310031038", "310031046"),
    *("310031054", "310031062"),
)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client would have waited."""
    waited: list[float] = []
    monkeypatch.setattr(brreg_api.time, "sleep", waited.append)
    monkeypatch.setattr(brreg_api, "PAUSE_SECONDS", 0)
    return waited


@pytest.fixture
def register(waits: list[float]) -> Iterator[StandIn]:
    deleted = {"organisasjonsnummer": DELETED, "navn": "SLETTET AS", "slettedato": "2025-10-20"}
    stand_in = StandIn(
        units={UNIT: unit(UNIT), OTHER: unit(OTHER)},
        sub_units={SUB: sub_unit(SUB, UNIT)},
        deleted={DELETED: deleted},
        removed={REMOVED},
    )
    with serving(stand_in):
        yield stand_in


def fetched(register: StandIn, *org_nos: str) -> dict[str, dict[str, Any]]:
    answers = list(RegisterApi(register.url).units(org_nos))
    assert sorted(number for batch, _ in answers for number in batch) == sorted(set(org_nos))
    return {found["organisasjonsnummer"]: found for _, units in answers for found in units}


def real_waits(waits: list[float]) -> list[float]:
    return [seconds for seconds in waits if seconds]


def test_units_sub_units_deleted_and_removed_ones_are_found(register: StandIn) -> None:
    found = fetched(register, UNIT, SUB, DELETED, REMOVED, NEVER)
    assert {number: found[number]["respons_klasse"] for number in sorted(found)} == {
        UNIT: "Enhet",
        SUB: "Underenhet",
        DELETED: "SlettetEnhet",
        REMOVED: "SlettetEnhet",
    }
    assert found[REMOVED]["slettedato"] == "2026-03-01"


def test_many_units_are_asked_for_at_once(register: StandIn) -> None:
    fetched(register, UNIT, OTHER)
    (asked,) = register.asked
    assert f"organisasjonsnummer={UNIT},{OTHER}" in asked


def test_batches_are_small_enough_for_an_address(register: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brreg_api, "NUMBERS_AT_ONCE", 1)
    assert set(fetched(register, UNIT, OTHER)) == {UNIT, OTHER}
    assert len(register.asked) == 2


def test_pages_are_turned_as_the_register_cuts_them(register: StandIn) -> None:
    register.largest_page = 1
    assert set(fetched(register, UNIT, OTHER)) == {UNIT, OTHER}
    assert ["page=0" in register.asked[0], "page=1" in register.asked[1]] == [True, True]


def test_a_search_turns_all_its_pages(register: StandIn) -> None:
    numbers = [f"3000000{at:02}" for at in range(25)]
    register.units = {number: unit(number) for number in numbers}
    api = RegisterApi(register.url)
    assert [one["organisasjonsnummer"] for one in api.search("enheter", {"navn": "eksempel"}, size=10)] == numbers
    assert api.requests == 3


def test_a_search_without_hits_is_empty(register: StandIn) -> None:
    assert list(RegisterApi(register.url).search("enheter", {"organisasjonsnummer": NEVER})) == []


def test_of_a_unit_only_what_is_read_is_kept(register: StandIn) -> None:
    kept = fetched(register, UNIT)[UNIT]
    assert set(kept) <= set(KEPT)
    assert kept["forretningsadresse"] == {"kommunenummer": "9901"}
    assert "example.invalid" not in repr(kept)


def test_the_client_says_who_it_is(register: StandIn) -> None:
    fetched(register, UNIT)
    (agent,) = register.agents
    assert agent.startswith("samandel/")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_trouble_that_may_pass_is_waited_out(register: StandIn, waits: list[float], status: int) -> None:
    register.faults = [Fault(status), Fault(status)]
    assert set(fetched(register, UNIT)) == {UNIT}
    assert real_waits(waits) == [1, 4]


def test_the_register_says_how_long_to_wait(register: StandIn, waits: list[float]) -> None:
    now = datetime(2026, 11, 25, 8, 0, 0, tzinfo=UTC)
    in_half_a_minute = format_datetime(now.replace(second=30), usegmt=True)
    dated = {"Retry-After": in_half_a_minute, "Date": format_datetime(now, usegmt=True)}
    register.faults = [Fault(429, headers={"Retry-After": "7"}), Fault(503, headers={"Retry-After": "soon"})]
    assert set(fetched(register, UNIT)) == {UNIT}
    assert real_waits(waits) == [7, 4]
    headers: Any = dated
    assert brreg_api._retry_after(headers) == 30


def test_nobody_makes_the_client_wait_for_ever(register: StandIn, waits: list[float]) -> None:
    register.faults = [Fault(429, headers={"Retry-After": "999999999"})]
    fetched(register, UNIT)
    assert real_waits(waits) == [brreg_api.LONGEST_WAIT_SECONDS]


def test_tries_are_bounded_and_the_message_says_what_to_do(register: StandIn, waits: list[float]) -> None:
    register.faults = [Fault(500)] * 10
    with pytest.raises(SourceUnreachable) as raised:
        fetched(register, UNIT)
    assert len(register.asked) == 5
    assert real_waits(waits) == [1, 4, 15, 60]
    assert "(500)" in raised.value.what
    assert "--offline" in raised.value.remedy


@pytest.mark.parametrize(
    "fault",
    [
        Fault(body=b'{"_embedded": {"enheter": [{"organisasjons'),
        Fault(cut=True),
        Fault(body=b""),
        Fault(body=b"<html>Vedlikehold</html>"),
        Fault(body=b"[]"),
        Fault(body=b'{"feil": "ukjent"}'),
        Fault(body=b"[" * 100_000),
    ],
    ids=["cut JSON", "cut line", "empty", "HTML", "an array", "neither page nor units", "too deep"],
)
def test_a_broken_answer_is_asked_for_again_and_is_no_absence(register: StandIn, fault: Fault) -> None:
    register.faults = [fault]
    assert set(fetched(register, UNIT)) == {UNIT}
    assert len(register.asked) == 2


def test_an_answer_about_another_unit_is_refused(register: StandIn) -> None:
    register.units[UNIT] = unit(OTHER)
    with pytest.raises(SourceUnreachable, match="not asked for"):
        fetched(register, UNIT)
    register.units = {}
    register.deleted = {DELETED: {"organisasjonsnummer": OTHER, "slettedato": "2025-01-01"}}
    with pytest.raises(SourceUnreachable, match="something else"):
        fetched(register, DELETED)


def test_a_removed_unit_without_a_word_is_not_invented(register: StandIn) -> None:
    register.faults = [Fault(410, body=b"", part=f"/enheter/{REMOVED}")]
    assert fetched(register, REMOVED) == {}


def test_a_wrong_address_is_not_an_empty_register(register: StandIn) -> None:
    with pytest.raises(SourceUnreachable, match="404"):
        list(RegisterApi(register.url + "/v9").units([UNIT]))
    assert len(register.asked) == 1


def test_redirects_are_not_followed(register: StandIn) -> None:
    register.faults = [Fault(302, headers={"Location": "http://198.51.100.1/"})]
    with pytest.raises(SourceUnreachable, match="302"):
        fetched(register, UNIT)


def test_a_register_that_is_not_there_is_said_so(waits: list[float]) -> None:
    with pytest.raises(SourceUnreachable, match="cannot be reached"):
        list(RegisterApi("http://127.0.0.1:9/enhetsregisteret/api").units([UNIT]))
    assert real_waits(waits) == [1, 4, 15, 60]


def test_an_answer_without_end_is_not_read(register: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brreg_api, "_LARGEST_ANSWER", 10)
    with pytest.raises(SourceUnreachable, match="more than"):
        fetched(register, UNIT)


def test_changes_are_followed_from_one_id_to_the_next(register: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brreg_api, "PAGE_SIZE", 2)
    register.changes = [(1001, UNIT), (1004, OTHER), (1005, UNIT), (1009, DELETED), (1010, NEVER)]
    since = datetime(2026, 10, 1, tzinfo=UTC)
    found = list(RegisterApi(register.url).changes("enheter", since))
    assert found == [UNIT, OTHER, UNIT, DELETED, NEVER]
    assert "dato=2026-10-01T00:00:00.000Z" in register.asked[0]
    assert ["oppdateringsid=1005" in register.asked[1], "oppdateringsid=1010" in register.asked[2]] == [True, True]
    assert list(RegisterApi(register.url).changes("underenheter", since)) == []


def test_changes_without_end_are_given_up(register: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brreg_api, "PAGE_SIZE", 1)
    monkeypatch.setattr(brreg_api, "MOST_PAGES", 3)
    register.changes = [(at, UNIT) for at in range(1, 9)]
    with pytest.raises(SourceUnreachable, match="bulk file"):
        list(RegisterApi(register.url).changes("enheter", datetime(2026, 10, 1, tzinfo=UTC)))
