"""A ledger that was saved anew counts once within a member: in two of its sources, or in two files of one drop."""

from __future__ import annotations

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
from pipelines.parsing.shared_ledgers import find_shared
from pipelines.settings import Clock
from tests.unit.dropped import CONSORTIUM_YAML, NEIGHBOUR, OWN, drop, make_home, rows_of, source_of

SETTINGS = CONSORTIUM_YAML.replace(
    '  "9902"', '      - {kind: ledger, name: agency, profile: semicolon, settle_seconds: 0}\n  "9902"', 1
)
HEADER = "Leverandørnr;Leverandørnavn;Bilagsnr;Bokføringsdato;Periode;Art;Ansvar;Beløp eks. mva"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home", SETTINGS)


def ledger(numbers: Iterable[int], period: str = "202610", *, unit: str = "1100") -> str:
    rows = [
        f"50001;Eksempel Mat AS;{number};{1 + number % 28:02d}.{period[4:]}.2026;{period};11150;{unit};{number},25"
        for number in numbers
    ]
    return "\n".join([HEADER, *rows]) + "\n"


def saved_anew(content: str) -> bytes:
    """Return the same ledger as a spreadsheet writes it: byte order mark, other line ends, another order."""
    header, *rows = content.splitlines()
    return "\r\n".join([header, *reversed(rows), ""]).encode("utf-8-sig")


def together(*contents: str) -> str:
    return "\n".join([HEADER, *(row for content in contents for row in content.splitlines()[1:])]) + "\n"


def take(home: Home, source: str, content: str | bytes, *, day: int, owner: str = OWN) -> None:
    """Receive a ledger on a day, and parse and settle it."""
    drop(home, "a.csv", content, source, owner)
    pull_source(home, source_of(home, source, owner), Clock.pinned(date(2026, 11, day)))
    run(home, owner)


def take_files(home: Home, files: dict[str, str | bytes]) -> None:
    """Receive files in one drop, and parse and settle them."""
    for name, content in files.items():
        drop(home, f"drop/{name}", content)
    pull_source(home, source_of(home, "ledger"), Clock.pinned(date(2026, 11, 1)))
    run(home, OWN)


def run(home: Home, owner: str = OWN) -> None:
    parse_owner(home, owner, home.read_registers())
    settle(home, owner)


def states(home: Home, owner: str = OWN) -> list[str]:
    """Return source, number, month and state of every period."""
    return [
        f"{row['source_name']} {row['sequence']} {row['fiscal_period'][5:]} {row['state']}"
        for row in rows_of(home, "delivery_periods", owner)
    ]


def decide(home: Home, source: str, action: str) -> None:
    receipt = read_receipts(home, OWN, source)[-1]
    write_decision(home, receipt, action, at=Clock.pinned(date(2026, 11, 20)).now, by="kari", reason="avklart")
    settle(home, OWN)


def refused(home: Home) -> dict[str, str]:
    return {row["file_name"]: row["message"] for row in rows_of(home, "rejects") if row["rule"] == "IN03"}


def counted(home: Home) -> list[str]:
    return sorted(row["voucher_no"] for row in rows_of(home, "ledger_postings"))


@pytest.mark.parametrize(("first", "second"), [("ledger", "agency"), ("agency", "ledger")])
def test_a_ledger_saved_anew_in_a_second_source_is_held(home: Home, first: str, second: str) -> None:
    take(home, first, ledger([1, 2]), day=1)
    take(home, second, saved_anew(ledger([1, 2])), day=2)
    assert sorted(states(home)) == sorted([f"{first} 1 10 accepted", f"{second} 1 10 held"])
    (outcome,) = [row for row in rows_of(home, "outcomes") if row["step"] == "settled"]
    assert (outcome["source_name"], outcome["outcome"], outcome["rule"]) == (second, "held", "IN03")
    assert (outcome["rows_in"], outcome["rows_out"], outcome["rejects"]) == (2, 0, 2)
    assert "2 of 2 postings (voucher, date and amount) count already in delivery" in outcome["message"]
    assert f"of the source '{first}'. Withdraw the one" in outcome["message"]
    assert "or accept this one" in outcome["message"]


def test_a_repeated_ledger_counts_when_it_is_accepted_or_the_other_withdrawn(home: Home) -> None:
    take(home, "ledger", ledger(range(10)), day=1)
    take(home, "agency", saved_anew(ledger(range(10))), day=2)
    decide(home, "agency", ACCEPT)
    assert states(home) == ["agency 1 10 accepted", "ledger 1 10 accepted"]
    decide(home, "agency", WITHDRAW)
    assert states(home) == ["agency 1 10 withdrawn", "ledger 1 10 accepted"]
    decide(home, "agency", ACCEPT)
    decide(home, "ledger", WITHDRAW)
    assert states(home) == ["agency 1 10 accepted", "ledger 1 10 withdrawn"]


def test_what_a_source_had_before_stands_while_its_repeated_ledger_is_held(home: Home) -> None:
    take(home, "agency", ledger(range(500, 510)), day=1)
    take(home, "ledger", ledger(range(10)), day=2)
    take(home, "agency", saved_anew(ledger(range(10))), day=3)
    assert states(home) == ["agency 1 10 accepted", "agency 2 10 held", "ledger 1 10 accepted"]
    take(home, "agency", ledger(range(500, 511)), day=4)
    assert states(home)[:3] == ["agency 1 10 superseded", "agency 2 10 superseded", "agency 3 10 accepted"]


def test_what_the_other_source_had_replaced_before_repeats_nothing(home: Home) -> None:
    take(home, "ledger", ledger(range(10)), day=1)
    take(home, "ledger", ledger(range(500, 510)), day=2)
    take(home, "agency", saved_anew(ledger(range(10))), day=3)
    assert "agency 1 10 accepted" in states(home)


def test_only_the_repeated_period_is_held(home: Home) -> None:
    take(home, "ledger", ledger(range(10)), day=1)
    take(home, "agency", together(ledger(range(10)), ledger(range(300, 310), "202609")), day=2)
    assert states(home) == ["agency 1 09 accepted", "agency 1 10 held", "ledger 1 10 accepted"]


def test_units_and_months_of_a_member_in_two_sources_count_both(home: Home) -> None:
    take(home, "ledger", together(ledger(range(10)), ledger(range(10), "202609")), day=1)
    take(home, "agency", together(ledger(range(100, 110)), ledger(range(10), "202608")), day=2)
    assert {state.split()[-1] for state in states(home)} == {"accepted"}


@pytest.mark.parametrize(
    ("shared", "own", "other", "held"),
    [
        (5, 19, 300, True),
        (5, 20, 300, False),
        (4, 4, 300, False),
        (1, 0, 300, True),
        (50, 300, 0, True),
        (5, 300, 19, True),
    ],
)
def test_a_fifth_of_the_smaller_ledger_and_five_postings_or_all_of_it_must_be_shared(
    home: Home, shared: int, own: int, other: int, held: bool
) -> None:
    take(home, "ledger", ledger(range(1000, 1000 + shared + other)), day=1)
    take(home, "agency", ledger([*range(1000, 1000 + shared), *range(5000, 5000 + own)]), day=2)
    assert states(home)[0] == f"agency 1 10 {'held' if held else 'accepted'}"


def test_the_limit_is_a_setting_and_what_counts_is_settled_anew_when_it_changes(home: Home) -> None:
    take(home, "ledger", ledger(range(100)), day=1)
    take(home, "agency", ledger(range(90, 150)), day=2)
    assert states(home)[0] == "agency 1 10 accepted"
    home.consortium_file.write_text(SETTINGS + "limits: {shared_ledger_percent: 10}\n", encoding="utf-8")
    run(Home(home.path))
    assert states(home)[0] == "agency 1 10 held"


def test_what_is_held_for_two_reasons_says_both(home: Home) -> None:
    take(home, "ledger", ledger(range(10)), day=1)
    take(home, "agency", ledger(range(300, 310), "202609"), day=2)
    take(home, "agency", together(ledger([700], "202609"), saved_anew(ledger(range(10))).decode("utf-8-sig")), day=3)
    (outcome,) = [row for row in rows_of(home, "outcomes") if row["step"] == "settled"]
    assert "Held for 2026-09: 1 rows would replace 10" in outcome["message"]
    assert "Held for 2026-10: 10 of 10 postings" in outcome["message"]


def test_a_repeated_ledger_that_is_held_holds_no_other_member(home: Home) -> None:
    take(home, "ledger", ledger(range(100)), day=1)
    take(home, "agency", ledger(range(40, 200)), day=2)
    assert states(home)[0] == "agency 1 10 held"
    take(home, "ledger", ledger(range(100, 200)), day=3, owner=NEIGHBOUR)
    assert find_shared(home) == {}
    assert states(home, NEIGHBOUR) == ["ledger 1 10 accepted"]


def test_a_copy_saved_anew_in_the_same_drop_is_refused_and_names_the_other(home: Home) -> None:
    take_files(home, {"2026-10.csv": ledger([1, 2]), "2026-10 kopi.csv": saved_anew(ledger([1, 2])), "x.csv": "x"})
    assert counted(home) == ["1", "2"]
    (message,) = refused(home).values()
    assert message.startswith("2 of the file's 2 postings")
    assert ("2026-10.csv" in message) != ("2026-10 kopi.csv" in message)
    (outcome,) = [row for row in rows_of(home, "outcomes") if row["step"] == "parsed"]
    assert (outcome["rows_in"], outcome["rows_out"], outcome["rejects"]) == (4, 2, 2)


def test_a_ledger_split_by_months_and_by_units_counts_whole(home: Home) -> None:
    # The same voucher is divided equally between two units.
    files = {
        "a.csv": ledger(range(10)),
        "b.csv": ledger(range(10), "202609"),
        "c.csv": ledger(range(10), unit="1200"),
        "d.csv": together(ledger(range(60, 77)), ledger([1, 2, 3, 4])),
    }
    take_files(home, files)
    assert len(counted(home)) == 51
    assert refused(home) == {}


@pytest.mark.parametrize(("shared", "own", "is_refused"), [(5, 20, False), (5, 19, True), (4, 4, False), (1, 0, True)])
def test_files_of_one_drop_may_share_as_much_as_two_sources_may(
    home: Home, shared: int, own: int, is_refused: bool
) -> None:
    take_files(home, {"a.csv": ledger(range(300)), "b.csv": ledger([*range(shared), *range(1000, 1000 + own)])})
    assert list(refused(home)) == (["b.csv"] if is_refused else [])


@pytest.mark.parametrize("names", list(permutations(["a.csv", "b.csv", "c.csv", "d.csv"], 4))[::5])
def test_of_months_and_their_whole_the_whole_is_kept_whatever_the_files_are_called(
    home: Home, names: tuple[str, ...]
) -> None:
    months = [ledger(range(number * 100, number * 100 + 10), f"20260{number}") for number in (1, 2)]
    extra = together(ledger(range(100, 104), "202601"), ledger(range(200, 204), "202602"))
    take_files(home, dict(zip(names, [*months, together(*months), extra], strict=True)))
    assert len(counted(home)) == 20
    assert sorted(refused(home)) == sorted({*names} - {names[2]})


def test_a_file_made_of_pieces_of_others_is_refused(home: Home) -> None:
    parts = {f"{number}.csv": ledger(range(number * 100, number * 100 + 50)) for number in range(1, 9)}
    pieces = ledger([number * 100 + row for number in range(1, 9) for row in range(4)])
    take_files(home, {**parts, "top.csv": pieces})
    assert list(refused(home)) == ["top.csv"]


def test_a_drop_of_several_files_is_read_again_when_the_limit_changes(home: Home) -> None:
    take_files(home, {"a.csv": ledger(range(100)), "b.csv": ledger(range(90, 150))})
    assert refused(home) == {}
    home.consortium_file.write_text(SETTINGS + "limits: {shared_ledger_percent: 10}\n", encoding="utf-8")
    run(Home(home.path))
    assert list(refused(home)) == ["b.csv"]
