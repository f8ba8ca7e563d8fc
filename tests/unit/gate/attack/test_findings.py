"""DC04: a release that gives a hidden cell away is blocked; one that does not is not."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipelines.gate.attack.findings import is_narrow, limit_of
from pipelines.gate.attack.intervals import Interval
from pipelines.gate.judge import judge
from tests.unit.gate.small_home import CLOCK, NEIGHBOUR, OWN, SHARE, SmallHome, purchase
from tests.unit.gate.test_checks import HIDDEN, ask

P = Decimal("0.15")
FOOD = "meeting_food"


def hide(small: SmallHome, **shown: object) -> None:
    """Hide the view's cell, all but what is said to be shown."""
    small.tables[SHARE]["market_view"][0].update({**HIDDEN, **shown})


def neighbour_and_total(small: SmallHome, total: str) -> None:
    """A second row, shown, and a row for all."""
    row = small.tables[SHARE]["market_view"][0]
    common = {"own_nok": Decimal("0.00"), "suppression_code": ""}
    neighbour = {"municipality_no": NEIGHBOUR, "other_nok_or_suppressed": Decimal("900.00")}
    whole = {"municipality_no": "all", "own_nok": Decimal("50.00"), "other_nok_or_suppressed": Decimal(total)}
    small.tables[SHARE]["market_view"] += [
        {**row, **HIDDEN, **common, **neighbour},
        {**row, **HIDDEN, **common, **whole},
    ]


def test_a_hidden_cell_of_which_nothing_is_said_stays_hidden(small: SmallHome) -> None:
    hide(small)
    small.write()
    found = ask(small, "DC04", SHARE)
    assert (found.status, found.applied) == ("passed", 1)


def test_a_cell_whose_total_is_left_is_blocked(small: SmallHome) -> None:
    hide(small, addressable_nok=Decimal("510.00"))  # and 50 of its own
    small.write()
    found = ask(small, "DC04", SHARE)
    assert (found.status, found.applied, found.passed) == ("failed", 1, 0)
    assert "worked out" in found.reason


def test_a_cell_that_a_total_gives_away_is_blocked(small: SmallHome) -> None:
    hide(small)
    neighbour_and_total(small, "1360.00")  # 900 and the hidden 460
    small.write()
    found = ask(small, "DC04", SHARE)
    assert (found.status, found.severity, found.examples) == ("failed", "block", (f"2026/{OWN}/{FOOD}",))
    assert judge(small.home, SHARE, CLOCK).state == "blocked"


def test_the_limit_is_held_against_the_absolute_amounts_behind_a_cell(small: SmallHome) -> None:
    hide(small)
    neighbour_and_total(small, "1310.00")  # 410 instead of 460: within 15 %
    small.write()
    assert ask(small, "DC04", SHARE).status == "failed"
    small.tables[SHARE]["market_view"][-1]["other_nok_or_suppressed"] = Decimal("1250.00")  # 350
    small.write()
    assert ask(small, "DC04", SHARE).status == "passed"
    small.warehouse["fct_purchases"] += [
        purchase("c1", "320000048", "2000.00"),
        purchase("c2", "320000048", "-2000.00"),  # 460 as before, but of 4 460 in absolute amounts
    ]
    small.write()
    assert ask(small, "DC04", SHARE).status == "failed"


def test_figures_that_contradict_each_other_are_blocked(small: SmallHome) -> None:
    hide(small, addressable_nok=Decimal("40.00"), other_suppliers_band="0")
    small.write()
    found = ask(small, "DC04", SHARE)
    assert (found.status, found.applied) == ("failed", 1)
    assert "No amounts fit" in found.reason


def test_a_negative_hidden_amount_is_found_although_readers_expect_none(small: SmallHome) -> None:
    for row in small.warehouse["fct_purchases"]:
        if row["purchase_line_id"] == "a4":
            row["net_amount_nok"] = Decimal("-900.00")
    hide(small, addressable_nok=Decimal("-520.00"))
    small.write()
    assert ask(small, "DC04", SHARE).status == "failed"


def test_a_hidden_cell_that_nobody_stands_behind_gives_nobody_away(small: SmallHome) -> None:
    small.warehouse["fct_purchases"] = [row for row in small.warehouse["fct_purchases"] if row["org_no"] is None]
    hide(small, addressable_nok=Decimal("50.00"))
    small.write()
    assert ask(small, "DC04", SHARE).status == "passed"


def test_a_hidden_total_is_worked_out_from_its_parts(small: SmallHome) -> None:
    neighbour_and_total(small, "0.00")
    small.tables[SHARE]["market_view"][-1]["other_nok_or_suppressed"] = None
    small.write()
    found = ask(small, "DC04", SHARE)
    assert (found.status, found.examples) == ("failed", (f"2026/all/{FOOD}",))


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ((100, 100), True),
        ((90, 110), True),  # of 100
        ((85, 115), True),
        ((80, 116), False),
        ((0, 1), False),
        ((-5, 5), False),
        ((-110, -90), True),
        ((0, 0), False),
        ((100, float("inf")), False),
    ],
    ids=str,
)
def test_an_interval_alone_is_narrow_when_one_of_its_values_has_it_within_p(
    ends: tuple[float, float], expected: bool
) -> None:
    assert is_narrow(Interval(*map(float, ends)), P) is expected


def test_a_limit_reaches_p_of_the_larger_of_value_and_absolute_amounts() -> None:
    assert limit_of(P, Decimal(-100), Decimal(100)) == Interval(-115, -85)
    assert limit_of(P, Decimal(100), Decimal(200)) == Interval(70, 130)
