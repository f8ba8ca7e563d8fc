"""No published market cell says too much about other suppliers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.candidates import suppress
from pipelines.candidates.sensitivity import Attacker
from pipelines.candidates.suppress import Suppressed, assess_cell, headroom_band
from tests.unit.candidates.small_home import market_row

RECIPIENT, SISTER = "310000001", "310000028"
READER = Attacker(RECIPIENT)
HIDDEN = ("addressable_nok", "other_nok_or_suppressed", "other_suppliers_band", "law_entry_headroom_band")
ZERO = Decimal("0.00")

amounts = st.decimals(-1_000_000, 1_000_000, places=2)
# Each other supplier's lines: purchases and credit notes.
suppliers = st.lists(st.lists(amounts, min_size=1, max_size=3), max_size=12)


def cell_of(others: list[list[Decimal]], own: Decimal = ZERO, **facts: Any) -> dict[str, Any]:
    """A cell as the warehouse sums it up from the others' lines."""
    lines_by_payee = {f"s{number:02d}": lines for number, lines in enumerate(others)} | {RECIPIENT: [own]}
    stated = [
        f"{payee}|{sum(lines, ZERO):.2f}|{sum((abs(line) for line in lines), ZERO):.2f}"
        for payee, lines in sorted(lines_by_payee.items())
    ]
    net = sum((line for lines in others for line in lines), ZERO)
    facts = {"own_nok": own, "other_nok": net, "addressable_nok": own + net, "contributions": ";".join(stated)} | facts
    return market_row(RECIPIENT, **facts)


def published_of(cells: list[dict[str, Any]], attacker: Attacker = READER) -> Suppressed:
    return suppress.suppress_market_view(cells, lambda year: attacker)


def must_hide(cell: dict[str, Any], attacker: Attacker = READER) -> bool:
    return bool(assess_cell(cell, attacker).reason)


@given(suppliers, amounts)
def test_a_cell_is_shown_only_where_enough_others_share_it(others: list[list[Decimal]], own: Decimal) -> None:
    (published,) = published_of([cell_of(others, own)]).rows
    sizes = sorted((sum(abs(line) for line in lines) for lines in others if any(lines)), reverse=True)
    total = sum(sizes)
    is_crowded = (
        sum(sum(lines) != 0 for lines in others) >= 3
        and sizes[0] * 5 <= total * 4
        and (sizes[0] + sizes[1]) * 20 <= total * 19
    )
    assert published["own_nok"] == own
    if not sizes or is_crowded:
        assert published["suppression_code"] == ""
        assert published["addressable_nok"] == own + published["other_nok_or_suppressed"]
    else:
        assert published["suppression_code"] == "p"
        assert [published[name] for name in HIDDEN] == [None] * 4


@given(st.lists(suppliers, max_size=5))
def test_cells_are_judged_each_for_itself_and_keep_their_order(listed: list[list[list[Decimal]]]) -> None:
    cells = [cell_of(others, year=2020 + number) for number, others in enumerate(listed)]
    published = published_of(cells).rows
    assert [cell["year"] for cell in published] == [cell["year"] for cell in cells]
    alone = [published_of([cell]).rows[0] for cell in cells]
    assert [{**row, "rank": None} for row in published] == [{**row, "rank": None} for row in alone]


@pytest.mark.parametrize(
    ("others", "is_hidden"),
    [
        ([], False),
        (["100"], True),
        (["100", "100"], True),
        (["100", "100", "100"], False),
        (["0", "100", "100"], True),
        (["80", "10", "10"], False),
        (["80.01", "10", "9.99"], True),
        (["50", "45", "5"], False),
        (["50", "45.01", "4.99"], True),
        (["-800", "100", "50", "50"], False),
        (["-801", "100", "50", "49"], True),
    ],
    ids=[
        "nobody else",
        "one other",
        "two others",
        "three equal others",
        "the third bought for nothing",
        "largest at 80 %",
        "largest over 80 %",
        "two at 95 %",
        "two over 95 %",
        "a credit note at 80 % of absolute values",
        "a credit note over 80 %",
    ],
)
def test_the_limits_are_three_others_and_80_and_95_percent(others: list[str], is_hidden: bool) -> None:
    cell = cell_of([[Decimal(amount)] for amount in others])
    assert must_hide(cell) is is_hidden


def test_two_others_that_cancel_out_are_still_two_others() -> None:
    assert must_hide(cell_of([[Decimal(100)], [Decimal(-100)]]))


@pytest.mark.parametrize(
    "facts",
    [
        {"contributions": None},
        {"contributions": ""},
        {"contributions": "1|100.00|100.00;2|400"},
        {"contributions": "1|100|100"},
        {"contributions": "1|100.00|x"},
        {"contributions": "1|100.00|99.00;2|200.00|200.00;3|200.00|200.00;310000001|100.00|100.00"},
        {"other_nok": Decimal("500.01")},
        {"own_nok": Decimal(99)},
        {"addressable_nok": None},
    ],
    ids=[
        "not stated",
        "nobody, yet spend",
        "half a payee",
        "no øre",
        "no amount",
        "net over absolute",
        "other",
        "own",
        "total",
    ],
)
def test_a_cell_whose_contributors_do_not_add_up_to_it_is_hidden(facts: dict[str, Any]) -> None:
    cell = market_row(RECIPIENT, **facts)
    assert assess_cell(cell, READER).reason == "uncounted"
    (logged,) = published_of([cell]).log
    assert (logged["code"], logged["reason"]) == ("p", "uncounted")


FOUR = cell_of([[Decimal(100)]] * 3 + [[Decimal(120)]])
WITH_SISTER = {**FOUR, "contributions": str(FOUR["contributions"]).replace("s03", SISTER)}


@pytest.mark.parametrize(
    ("attacker", "reason"),
    [
        (Attacker(RECIPIENT), ""),
        (Attacker(RECIPIENT, {"s00": "g", "s01": "g"}), ""),
        (Attacker(RECIPIENT, {"s00": "g", "s01": "g", "s02": "g"}), "few"),
        (Attacker(RECIPIENT, {RECIPIENT: "g", "s00": "g"}), ""),
        (Attacker(RECIPIENT, {RECIPIENT: "g", "s00": "g", "s01": "g"}), "few"),
        (Attacker(RECIPIENT, public=frozenset({"s00"})), ""),
        (Attacker(RECIPIENT, public=frozenset({"s00", "s01"})), "few"),
        (Attacker(RECIPIENT, public=frozenset({"s00", "s01", "s02", SISTER})), ""),
    ],
    ids=[
        "four",
        "two of one owner are one",
        "three of one owner are one",
        "one of the recipient's group is known to it",
        "two of it",
        "who publishes its sales hides nobody",
        "two such",
        "all such: nobody is left to protect",
    ],
)
def test_contributors_are_those_whom_the_recipient_does_not_know(attacker: Attacker, reason: str) -> None:
    assert assess_cell(WITH_SISTER, attacker).reason == reason


def test_the_log_says_which_cells_are_hidden_and_why_and_no_amount() -> None:
    shown, hidden = cell_of([[Decimal(100)]] * 4), cell_of([[Decimal(4711)], [Decimal(815)]], year=2025)
    found = published_of([shown, hidden])
    assert suppress.log_bytes(found).decode() == (
        "year,municipality_no,spend_category,code,reason,reason_text\n"
        "2025,9901,meeting_food,p,few,fewer than three other contributors\n"
    )
    assert (found.visible_nok, found.total_nok) == (400, 5926)
    assert found.withheld == {
        "cells": 2,
        "suppressed": 1,
        "hidden_nok": "5526.00",
        "rolled_up_nok": "0",
        "total_nok": "5926.00",
    }


@pytest.mark.parametrize(
    ("number", "band"), [(0, "0"), (3, "3-4"), (4, "3-4"), (5, "5-9"), (9, "5-9"), (10, "10+"), (400, "10+")]
)
def test_suppliers_are_counted_in_bands(number: int, band: str) -> None:
    (published,) = published_of([cell_of([[Decimal(10)]] * number)]).rows
    assert published["other_suppliers_band"] == band


@pytest.mark.parametrize(
    ("addressable", "limit", "band"),
    [
        ("-5", "100", "<0.6"),
        ("59.99", "100", "<0.6"),
        ("60", "100", "0.6-0.8"),
        ("80", "100", "0.8-1.0"),
        ("100", "100", ">=1.0"),
        ("100", None, None),
    ],
)
def test_headroom_is_a_band_of_the_limit(addressable: str, limit: str | None, band: str | None) -> None:
    assert headroom_band(Decimal(addressable), None if limit is None else Decimal(limit)) == band


def with_totals(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cells and, as a release might show them, their sums over municipalities for each category."""
    totals = []
    for category in sorted({cell["spend_category"] for cell in cells}):
        listed = [cell for cell in cells if cell["spend_category"] == category]
        others = [[one] for cell in listed for one in cell["others"]]
        totals.append(cell_of(others, municipality_no="all", spend_category=category))
    return [*({name: value for name, value in cell.items() if name != "others"} for cell in cells), *totals]


@given(st.lists(st.lists(st.integers(1, 900), min_size=1, max_size=6), min_size=2, max_size=6))
@settings(max_examples=30, deadline=None)
def test_no_hidden_cell_follows_from_a_total_that_is_shown(listed: list[list[int]]) -> None:
    cells = [
        cell_of([[Decimal(one)] for one in others], municipality_no=f"99{number:02d}")
        | {"others": [Decimal(one) for one in others]}
        for number, others in enumerate(listed)
    ]
    rows = published_of(with_totals(cells)).rows
    hidden = [row["municipality_no"] for row in rows if row["suppression_code"]]
    if any(row["municipality_no"] == "all" and not row["suppression_code"] for row in rows):
        sizes = {f"99{number:02d}": sum(others) for number, others in enumerate(listed)}
        # Each may be 15 % more, and 15 % less, than it is: the other hidden ones can take that up.
        for number in hidden:
            assert sum(sizes[other] for other in hidden if other != number) * 100 >= 15 * sizes[number]
