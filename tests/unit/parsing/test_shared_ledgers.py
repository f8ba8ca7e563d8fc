"""A ledger that holds another member's postings is held, whoever is due and in whatever order members are parsed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from itertools import permutations
from pathlib import Path

import pytest

from pipelines.home import Home
from pipelines.landing.decisions import ACCEPT, WITHDRAW, write_decision
from pipelines.landing.inbox import pull_source
from pipelines.landing.store import read_receipts
from pipelines.parsing.parse import parse_owner
from pipelines.parsing.settle import settle
from pipelines.parsing.shared_ledgers import FOLDER, find_shared, shares_of
from pipelines.settings import Clock
from tests.unit.dropped import CONSORTIUM_YAML, LEDGER_HEADER, MEMBER_ORG_NOS, MEMBERS, drop, make_home, rows_of

FIRST, SECOND, THIRD = "9901", "9902", "9903"
EVERYBODY = (FIRST, SECOND, THIRD)
SETTINGS = CONSORTIUM_YAML.replace(
    "joint_sources:",
    '  "9903":\n    sources:\n      - {kind: ledger, profile: semicolon, settle_seconds: 0}\njoint_sources:',
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return home_of_three(tmp_path / "home")


def home_of_three(path: Path, more: str = "") -> Home:
    home = make_home(path, SETTINGS + more)
    (home.registers / "members.csv").write_text(MEMBERS + "9903,Tredje kommune,900,unprepared,2020-01-01,\n")
    (home.registers / "member_org_nos.csv").write_text(MEMBER_ORG_NOS + "9903,310000019,municipality,2020-01-01,\n")
    return home


def ledger(numbers: Iterable[int], period: str = "202610", *, amount: str = "0,25") -> str:
    rows = [
        f"50001;Eksempel Mat AS;{number};F-{number};{1 + number % 28:02d}.{period[4:]}.2026;{period};11150;"
        f"{number}{amount[1:]}"
        for number in numbers
    ]
    return "\n".join([LEDGER_HEADER, *rows]) + "\n"


def take(home: Home, owner: str, content: str, *, day: int, name: str = "a.csv") -> None:
    """Receive and parse a ledger, as a run on that day would."""
    drop(home, name, content, owner=owner)
    (source,) = [one for one in home.consortium.sources_of(owner) if one.kind == "ledger"]
    pull_source(home, source, Clock.pinned(date(2026, 11, day)))


def settle_all(home: Home, owners: Iterable[str] = EVERYBODY) -> None:
    for owner in owners:
        parse_owner(home, owner, home.read_registers())
    shared = find_shared(home)
    for owner in owners:
        settle(home, owner, shared.get(owner, {}))


def states(home: Home) -> dict[str, list[str]]:
    return {
        owner: [f"{row['fiscal_period'][5:]} {row['state']}" for row in rows_of(home, "delivery_periods", owner)]
        for owner in EVERYBODY
    }


def decide(home: Home, owner: str, action: str, number: int = 0) -> None:
    receipt = read_receipts(home, owner)[number]
    write_decision(home, receipt, action, at=Clock.pinned(date(2026, 11, 20)).now, by="kari", reason="avklart")


def test_the_later_of_two_is_held_in_all_its_periods_and_nobody_else(home: Home) -> None:
    take(home, FIRST, ledger(range(100, 200)), day=1)
    take(home, SECOND, ledger(range(100, 200)) + ledger(range(900, 905), "202609").partition("\n")[2], day=2)
    take(home, THIRD, ledger(range(300, 400)), day=3)
    settle_all(home)
    assert states(home) == {FIRST: ["10 accepted"], SECOND: ["09 held", "10 held"], THIRD: ["10 accepted"]}
    (outcome,) = [row for row in rows_of(home, "outcomes", SECOND) if row["step"] == "settled"]
    assert (outcome["outcome"], outcome["rule"]) == ("held", "RF10")
    assert (outcome["rows_in"], outcome["rows_out"], outcome["rejects"]) == (105, 0, 105)
    assert "100 of 105 postings" in outcome["message"]
    assert FIRST not in outcome["message"]
    assert [row for row in rows_of(home, "outcomes", FIRST) if row["step"] == "settled"] == []


@pytest.mark.parametrize(
    ("shared", "own", "held"), [(50, 199, True), (50, 200, False), (49, 0, False), (50, 0, True), (60, 239, True)]
)
def test_more_than_a_fifth_and_at_least_fifty_must_be_shared(home: Home, shared: int, own: int, held: bool) -> None:
    take(home, FIRST, ledger(range(1000, 1300)), day=1)
    take(home, SECOND, ledger([*range(1000, 1000 + shared), *range(5000, 5000 + own)]), day=2)
    settle_all(home)
    assert states(home)[SECOND] == ["10 held" if held else "10 accepted"]


def test_both_limits_are_settings(tmp_path: Path) -> None:
    home = home_of_three(tmp_path / "home", "limits: {shared_ledger_percent: 60, shared_ledger_postings: 5}\n")
    take(home, FIRST, ledger(range(10)), day=1)
    take(home, SECOND, ledger(range(4, 14)), day=2)
    take(home, THIRD, ledger(range(3, 13)), day=3)
    settle_all(home)
    assert states(home) == {FIRST: ["10 accepted"], SECOND: ["10 accepted"], THIRD: ["10 held"]}


def test_it_does_not_matter_in_which_order_members_are_parsed_or_who_is_due(tmp_path: Path) -> None:
    outcomes = []
    for number, order in enumerate(permutations(EVERYBODY)):
        home = home_of_three(tmp_path / str(number))
        for owner, day in zip(order, (3, 3, 3), strict=True):
            take(home, owner, ledger(range(100, 200)), day=day)
            settle_all(home, [owner] if number % 2 else EVERYBODY)
        settle_all(home)
        outcomes.append({name: rows_of(home, "delivery_periods", name) for name in EVERYBODY})
    assert all(one == outcomes[0] for one in outcomes)
    assert [outcomes[0][owner][0]["state"] for owner in EVERYBODY] == ["accepted", "held", "held"]


def test_a_whole_year_is_held_when_the_other_delivered_it_month_by_month(home: Home) -> None:
    months = [f"2026{month:02d}" for month in range(1, 11)]
    for day, period in enumerate(months, start=1):
        take(home, FIRST, ledger(range(day * 1000, day * 1000 + 20), period), day=day)
    year = "".join(
        ledger(range(day * 1000, day * 1000 + 20), period).partition("\n")[2] for day, period in enumerate(months, 1)
    )
    take(home, SECOND, f"{LEDGER_HEADER}\n{year}", day=20)
    settle_all(home)
    assert set(states(home)[SECOND]) == {f"{month:02d} held" for month in range(1, 11)}


def test_what_the_other_had_replaced_before_holds_nobody(home: Home) -> None:
    take(home, FIRST, ledger(range(100, 200)), day=1)  # the neighbour's, by mistake
    take(home, FIRST, ledger(range(600, 700)), day=2)
    take(home, SECOND, ledger(range(100, 200)), day=3)
    settle_all(home)
    assert states(home)[SECOND] == ["10 accepted"]


def test_a_held_ledger_holds_nobody_and_replaces_nothing(home: Home) -> None:
    take(home, FIRST, ledger(range(100, 200)), day=1)
    take(home, SECOND, ledger(range(500, 600)), day=2)
    take(home, SECOND, ledger([*range(100, 200), *range(700, 800)]), day=3)
    take(home, THIRD, ledger(range(700, 800)), day=4)
    settle_all(home)
    assert states(home) == {
        FIRST: ["10 accepted"],
        SECOND: ["10 accepted", "10 held"],
        THIRD: ["10 accepted"],
    }


def test_the_coordinator_lets_go_by_accepting_one_or_withdrawing_the_other(home: Home) -> None:
    take(home, FIRST, ledger(range(100, 200)), day=1)
    take(home, SECOND, ledger(range(100, 200)), day=2)
    settle_all(home)
    decide(home, SECOND, ACCEPT)
    settle_all(home)
    assert states(home)[SECOND] == ["10 accepted"]
    decide(home, SECOND, WITHDRAW)
    settle_all(home)
    assert states(home)[SECOND] == ["10 withdrawn"]
    take(home, THIRD, ledger(range(100, 200)), day=5)
    decide(home, FIRST, WITHDRAW)
    settle_all(home)
    assert states(home) == {FIRST: ["10 withdrawn"], SECOND: ["10 withdrawn"], THIRD: ["10 accepted"]}


def test_postings_that_identify_nothing_are_not_compared(home: Home) -> None:
    same = ledger(range(100, 200))
    nameless = same.replace(";F-", ";;F-").replace("Eksempel Mat AS;", "Eksempel Mat AS", 1)
    blank = "\n".join(
        ";".join("" if column == 2 else value for column, value in enumerate(line.split(";"))) if number else line
        for number, line in enumerate(same.splitlines())
    )
    assert nameless != blank
    take(home, FIRST, blank, day=1)
    take(home, SECOND, blank + "\n", day=2)
    settle_all(home)
    assert states(home)[SECOND] == ["10 accepted"]


def test_only_what_is_new_is_compared(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.parsing import shared_ledgers

    asked: list[list[str]] = []
    compare = shared_ledgers._compare

    def watch(new: list[shared_ledgers.Ledger], every: list[shared_ledgers.Ledger]) -> object:
        asked.append([ledger.receipt.owner for ledger in new])
        return compare(new, every)

    monkeypatch.setattr(shared_ledgers, "_compare", watch)
    take(home, FIRST, ledger(range(100, 200)), day=1)
    take(home, SECOND, ledger(range(100, 200)), day=2)
    settle_all(home)
    settle_all(home)
    take(home, THIRD, ledger(range(100, 200)), day=3)
    settle_all(home)
    assert asked == [[FIRST, SECOND], [], [THIRD]]


def test_what_is_kept_can_be_lost_or_damaged(home: Home) -> None:
    take(home, FIRST, ledger(range(100, 200)), day=1)
    take(home, SECOND, ledger(range(100, 200)), day=2)
    settle_all(home)
    before = {path: path.read_bytes() for path in (home.parsed / FOLDER).rglob("*") if path.is_file()}
    for path in before:
        path.write_bytes(b"damaged")
    settle_all(home)
    assert {path: path.read_bytes() for path in before} == before


def test_the_coordinator_sees_with_whom_it_is_shared(home: Home) -> None:
    take(home, FIRST, ledger(range(100, 200)), day=1)
    take(home, SECOND, ledger(range(100, 200)), day=2)
    settle_all(home)
    (mine,), (theirs,) = read_receipts(home, SECOND), read_receipts(home, FIRST)
    (share,) = shares_of(home, SECOND, mine.delivery_id)
    assert (share.owner, share.delivery_id, share.fiscal_period, share.postings) == (
        FIRST,
        theirs.delivery_id,
        "2026-10",
        100,
    )


def test_what_was_held_stays_held_while_the_others_receipts_cannot_be_read(home: Home) -> None:
    from pipelines.parsing.shared_ledgers import remember_holds

    take(home, FIRST, ledger(range(100, 200)), day=1)
    take(home, SECOND, ledger(range(100, 200)), day=2)
    settle_all(home)
    remember_holds(home, find_shared(home))
    (receipt,) = read_receipts(home, FIRST)
    path = home.landing / FIRST / "ledger" / "receipts" / receipt.file_name
    path.write_text(json.dumps({"not": "a receipt"}))
    assert list(find_shared(home)) == [SECOND]
