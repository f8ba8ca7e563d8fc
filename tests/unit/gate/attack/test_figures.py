"""Each kind of figure says what a reader can take from it: what must be found is found, within rounding."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal

import pytest

from pipelines.gate.attack import figures
from pipelines.gate.attack.intervals import intervals
from pipelines.gate.attack.market_view import (
    ADDRESSABLE,
    OTHER,
    Public,
    learn_view,
    unread_columns,
)
from pipelines.gate.attack.system import System

D = Decimal
X, Y, Z, W = ("x",), ("y",), ("z",), ("w",)
PUBLIC = Public(categories=frozenset({"bread", "wood"}), limits={"2026": [D(100000), D(500000)]})


def _row(**values: object) -> dict[str, object]:
    return {
        "year": 2026,
        "municipality_no": "9901",
        "spend_category": "bread",
        "addressable_nok": None,
        "own_nok": D("50000.00"),
        "other_nok_or_suppressed": None,
        "other_suppliers_band": None,
        "law_entry_headroom_band": None,
        "suppression_code": "p",
        **values,
    }


def _interval(*rows: dict[str, object], measure: str = OTHER) -> tuple[float, float]:
    system = System()
    view = learn_view(system, rows, "r", PUBLIC)
    assert view.problems == []
    name = view.name(measure, view.hidden[0])
    found = intervals(system, [name])[name]
    return found.lower, found.upper


def test_addressable_less_own_must_be_found() -> None:
    assert _interval(_row(addressable_nok=D("62000.00"))) == (12000, 12000)


def test_own_over_ratio_must_be_found() -> None:
    least, greatest = _interval(_row(own_ratio=D("0.08")))
    assert (round(least + 50000), round(greatest + 50000)) == (588235, 666667)
    least, greatest = _interval(_row(own_ratio=D("0.080000")))
    assert greatest - least == pytest.approx(7.8125)
    assert least < 575000 < greatest
    assert _interval(_row(own_ratio=D("0.080")), measure=ADDRESSABLE) == pytest.approx((621118.01, 628930.82), abs=0.01)


def test_others_over_the_whole_must_be_found() -> None:
    least, greatest = _interval(_row(other_ratio=D("0.75")))
    assert least < 150000 < greatest
    assert greatest - least < 5000 * 2


def test_a_band_of_headroom_bounds_the_total() -> None:
    assert _interval(_row(law_entry_headroom_band="<0.6")) == (0, 250000)
    assert _interval(_row(law_entry_headroom_band="0.8-1.0")) == (30000, 450000)
    assert _interval(_row(law_entry_headroom_band=">=1.0")) == (50000, math.inf)


def test_no_other_supplier_means_no_amount() -> None:
    assert _interval(_row(other_suppliers_band="0")) == (0, 0)
    assert _interval(_row(other_suppliers_band="3-4")) == (0, math.inf)


def test_a_total_less_its_other_rows_must_be_found() -> None:
    shown = _row(municipality_no="9902", other_nok_or_suppressed=D(400), own_nok=D(0))
    total = _row(municipality_no="all", other_nok_or_suppressed=D(1000))
    assert _interval(_row(), shown, total) == (600, 600)
    assert _interval(_row(), {**shown, "other_nok_or_suppressed": None}, total) == (0, 1000)


def test_a_ranked_list_without_amounts_bounds_its_members() -> None:
    first = _row(municipality_no="9902", addressable_nok=D(70000), own_nok=D(0), other_nok_or_suppressed=D(70000))
    assert _interval(_row(rank=2), {**first, "rank": 1}) == (0, 20000)


def test_columns_and_codes_that_nobody_can_place_are_told() -> None:
    view = learn_view(System(), [_row(), _row(municipality_no="region_x", surprise=1)], "r", PUBLIC)
    assert view.problems == ["code region_x", "column surprise", "nothing is below 2026/region_x/bread"]
    unknown_limit = [_row(law_entry_headroom_band="<0.6", spend_category="wood")]
    assert learn_view(System(), unknown_limit, "r", Public(categories=frozenset({"wood"}))).problems


def test_every_column_of_the_release_has_been_read_for_what_it_gives_away() -> None:
    from pipelines.candidates.products import PRODUCTS

    columns = {table.name: table.field_names for table in PRODUCTS["workshop_release"].tables}
    assert unread_columns(columns) == []
    assert unread_columns({"own_sales": ["month", "buyers_total"], "new": ["a"]}) == ["new.a", "own_sales.buyers_total"]


def _known(**amounts: int) -> System:
    system = System(assumed_positive={X, Y, Z, W})
    for name, value in amounts.items():
        system.know((name,), value, name)
    return system


# What is known, the figure, and the interval of x that follows.
FIGURES: list[tuple[str, dict[str, int], Callable[[System], None], tuple[float, float]]] = [
    ("rounded to thousands", {}, lambda s: figures.rounded_amount(s, X, D(7000), D(1000), ""), (6500, 7500)),
    ("largest share", {"y": 1000}, lambda s: figures.ratio(s, X, Y, D("0.70"), ""), (695, 705)),
    ("sum of squares", {"y": 1000}, lambda s: figures.concentration(s, X, Y, D("0.49"), ""), (485, 703.563)),
    ("three above a floor", {}, lambda s: figures.count(s, X, 3, "", least_each=D(10000)), (30000, math.inf)),
    ("greatest of four", {}, lambda s: figures.percentile(s, [X, Y, Z, W], D(1), D("90.0"), ""), (0, 90.05)),
    ("least of four", {}, lambda s: figures.percentile(s, [X, Y, Z, W], D(0), D("30.0"), ""), (29.95, math.inf)),
    (
        "median of two known and one not",
        {"y": 10, "z": 20, "w": 0},
        lambda s: figures.percentile(s, [X, Y, Z, W], D("0.5"), D(40), ""),
        (49, math.inf),
    ),
    (
        "mean",
        {"y": 100, "z": 200},
        lambda s: figures.weighted_mean(s, {X: D(1), Y: D(1), Z: D(1)}, D("250.0"), ""),
        (449.85, 450.15),
    ),
]


@pytest.mark.parametrize(("known", "figure", "expected"), [f[1:] for f in FIGURES], ids=[f[0] for f in FIGURES])
def test_a_figure_bounds_what_stands_behind_it(
    known: dict[str, int], figure: Callable[[System], None], expected: tuple[float, float]
) -> None:
    system = _known(**known)
    figure(system)
    found = intervals(system, [X])[X]
    assert (found.lower, found.upper) == pytest.approx(expected, abs=0.001)
