"""Moving a part of a need to a workshop: what changes, what stays, what is not known."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from pipelines.cli.whatif import _percent
from pipelines.errors import ConfigurationError
from pipelines.whatif import Standing, move

NOW = Standing(
    category_nok=Decimal("200000.00"),
    own_nok=Decimal("20000.00"),
    unserved_nok=Decimal("150000.00"),
    bought_nok=Decimal("210000.00"),
    limit_nok=Decimal("500000.00"),
    headroom_nok=Decimal("150000.00"),
    free_capacity_nok=Decimal("60000.00"),
    places_per_million_nok=Decimal(5),
    workshops_nok=Decimal("100000.00"),
    addressable_nok=Decimal("400000.00"),
    procurement_nok=Decimal("10000000.00"),
)


def test_a_quarter_of_the_need_moves_and_both_ratios_rise() -> None:
    moved = move(NOW, Decimal(25))
    assert moved["moved_nok"] == Decimal("50000.00")
    assert (moved["workshop_before_nok"], moved["workshop_after_nok"]) == (Decimal("20000.00"), Decimal("70000.00"))
    assert moved["workshop_spend_ratio_before"] == Decimal("0.010000")
    assert moved["workshop_spend_ratio_after"] == Decimal("0.015000")
    assert moved["workshop_addressable_ratio_before"] == Decimal("0.250000")
    assert moved["workshop_addressable_ratio_after"] == Decimal("0.375000")
    assert moved["headroom_used_nok"] == Decimal("50000.00")
    assert (moved["beyond_headroom_nok"], moved["beyond_capacity_nok"]) == (0, 0)
    assert moved["places"] == Decimal("0.25")


def test_no_more_moves_than_what_no_workshop_is_paid_for() -> None:
    moved = move(NOW, Decimal(100))
    assert (moved["wished_nok"], moved["moved_nok"]) == (Decimal("200000.00"), Decimal("150000.00"))
    assert moved["is_limited_to_unserved"]
    assert moved["beyond_capacity_nok"] == Decimal("90000.00")


def test_beyond_the_room_under_the_limit_is_said() -> None:
    moved = move(replace(NOW, headroom_nok=Decimal("10000.00")), Decimal(25))
    assert moved["headroom_used_nok"] == Decimal("10000.00")
    assert moved["beyond_headroom_nok"] == Decimal("40000.00")


def test_what_is_not_known_stays_unknown() -> None:
    moved = move(
        replace(NOW, headroom_nok=None, limit_nok=None, free_capacity_nok=None, places_per_million_nok=None),
        Decimal(25),
    )
    names = ("headroom_used_nok", "beyond_headroom_nok", "beyond_capacity_nok", "places", "entry_limit_nok")
    assert [moved[name] for name in names] == [None] * len(names)


def test_over_nothing_there_is_no_ratio() -> None:
    moved = move(replace(NOW, addressable_nok=Decimal(0), procurement_nok=Decimal(0)), Decimal(25))
    assert moved["workshop_spend_ratio_after"] is None
    assert moved["workshop_addressable_ratio_before"] is None


def test_kroner_are_whole_ore() -> None:
    assert move(replace(NOW, category_nok=Decimal("100.01")), Decimal("12.5"))["moved_nok"] == Decimal("12.50")


@pytest.mark.parametrize("text", ["0", "-1", "100.1", "half", "", "NaN", "Infinity"])
def test_a_part_is_above_nothing_and_at_most_all(text: str) -> None:
    with pytest.raises(ConfigurationError):
        _percent(text)


@pytest.mark.parametrize(("text", "value"), [("12,5", "12.5"), ("20 %", "20"), ("100", "100")])
def test_a_part_is_read_as_people_write_it(text: str, value: str) -> None:
    assert _percent(text) == Decimal(value)
