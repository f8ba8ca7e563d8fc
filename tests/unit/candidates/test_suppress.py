"""No published market cell says too much about other suppliers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.candidates.suppress import headroom_band, must_hide, suppress_market_view
from tests.unit.candidates.small_home import market_row

HIDDEN = ("addressable_nok", "other_nok_or_suppressed", "other_suppliers_band", "law_entry_headroom_band")
ZERO = Decimal("0.00")

amounts = st.decimals(-1_000_000, 1_000_000, places=2)
# Each other supplier's lines: purchases and credit notes.
suppliers = st.lists(st.lists(amounts, min_size=1, max_size=3), max_size=12)


def cell_of(others: list[list[Decimal]], own: Decimal = ZERO, **facts: Any) -> dict[str, Any]:
    """A cell as the warehouse counts it from the others' lines."""
    magnitudes = sorted((sum((abs(line) for line in lines), ZERO) for lines in others), reverse=True)
    net = sum((line for lines in others for line in lines), ZERO)
    return market_row(
        "310000001",
        **{
            "own_nok": own,
            "other_nok": net,
            "addressable_nok": own + net,
            "other_suppliers": sum(magnitude > 0 for magnitude in magnitudes),
            "largest_other_abs_nok": sum(magnitudes[:1], ZERO),
            "two_largest_other_abs_nok": sum(magnitudes[:2], ZERO),
            "total_other_abs_nok": sum(magnitudes, ZERO),
            **facts,
        },
    )


@given(suppliers, amounts)
def test_a_cell_is_shown_only_where_enough_others_share_it(others: list[list[Decimal]], own: Decimal) -> None:
    (published,) = suppress_market_view([cell_of(others, own)])
    sizes = sorted((sum(abs(line) for line in lines) for lines in others if any(lines)), reverse=True)
    total = sum(sizes)
    is_crowded = len(sizes) >= 3 and sizes[0] * 5 <= total * 4 and (sizes[0] + sizes[1]) * 20 <= total * 19
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
    published = suppress_market_view(cells)
    assert [cell["year"] for cell in published] == [cell["year"] for cell in cells]
    assert published == [suppress_market_view([cell])[0] for cell in cells]


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
        {"other_suppliers": 0},
        {"total_other_abs_nok": None},
        {"other_suppliers": None},
        {"total_other_abs_nok": ZERO},
        {"largest_other_abs_nok": Decimal(300), "two_largest_other_abs_nok": Decimal(200)},
        {"other_nok": Decimal(501)},
    ],
    ids=["nobody, yet spend", "no total", "not counted", "total of nothing", "one over two", "net over total"],
)
def test_a_cell_whose_counts_contradict_each_other_is_hidden(facts: dict[str, Any]) -> None:
    assert must_hide(market_row("310000001", **facts))


@pytest.mark.parametrize(
    ("number", "band"), [(0, "0"), (3, "3-4"), (4, "3-4"), (5, "5-9"), (9, "5-9"), (10, "10+"), (400, "10+")]
)
def test_suppliers_are_counted_in_bands(number: int, band: str) -> None:
    (published,) = suppress_market_view([cell_of([[Decimal(10)]] * number)])
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
