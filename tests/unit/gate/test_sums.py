"""A row for several municipalities is counted over all the rows it sums, and so is what it tells of the hidden ones."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.unit.gate.small_home import NEIGHBOUR, SHARE, SmallHome, purchase
from tests.unit.gate.test_checks import HIDDEN, ask

NO_AMOUNT = Decimal("0.00")


def share_with_sum(small: SmallHome, neighbours: dict[str, str], *, is_own_hidden: bool, **facts: object) -> None:
    """The own municipality's row, a neighbour's that is hidden, and the sum of both."""
    for line, (org_no, amount) in enumerate(neighbours.items()):
        small.warehouse["fct_purchases"].append(purchase(f"b{line}", org_no, amount, municipality_no=NEIGHBOUR))
    row = small.tables[SHARE]["market_view"][0]
    others = Decimal("460.00") + Decimal("500.00") + sum(map(Decimal, neighbours.values()))  # n1 is the neighbour's
    small.tables[SHARE]["market_view"] += [
        {**row, **HIDDEN, "municipality_no": NEIGHBOUR, "own_nok": NO_AMOUNT, "told_at": "region"},
        {
            **row,
            "municipality_no": "all",
            "addressable_nok": others + 50,
            "other_nok_or_suppressed": others,
            "other_suppliers_band": "5-9",
            "law_entry_headroom_band": None,
            "told_at": "region",
            **facts,
        },
    ]
    if is_own_hidden:
        row.update({**HIDDEN, "told_at": "region"})
    small.write()


SEVERAL = {"320000055": "400.00", "320000063": "100.00"}


@pytest.mark.parametrize("rule", ["DC01", "DC02", "DC03", "DC04", "DC08"])
def test_a_sum_of_enough_others_may_be_told(small: SmallHome, rule: str) -> None:
    share_with_sum(small, SEVERAL, is_own_hidden=True)
    found = ask(small, rule, SHARE)
    assert (found.status, found.reason if found.status == "failed" else "") == ("passed", "")


@pytest.mark.parametrize(
    ("rule", "neighbours", "reason"),
    [
        ("DC01", {"320000055": "400.00"}, "fewer than 3 others"),
        ("DC02", {"320000055": "20.00", "320000063": "30.00"}, "dominated"),
        ("DC04", SEVERAL, "worked out"),
    ],
    ids=["two others left", "one of the others left is nearly all", "the only hidden row"],
)
def test_what_a_sum_leaves_of_hidden_rows_is_a_cell_too(
    small: SmallHome, rule: str, neighbours: dict[str, str], reason: str
) -> None:
    share_with_sum(small, neighbours, is_own_hidden=False)
    found = ask(small, rule, SHARE)
    assert found.status == "failed"
    assert reason in found.reason


def test_a_sum_must_be_that_of_its_rows(small: SmallHome) -> None:
    share_with_sum(small, SEVERAL, is_own_hidden=True, other_nok_or_suppressed=Decimal("1459.99"))
    assert "not what the warehouse holds" in ask(small, "DC01", SHARE).reason


def test_what_a_sum_tells_is_not_withheld(small: SmallHome) -> None:
    share_with_sum(small, SEVERAL, is_own_hidden=True)
    assert ask(small, "DC09", SHARE).reason.startswith("0.0% ")
    small.tables[SHARE]["market_view"].pop()
    small.write()
    assert ask(small, "DC09", SHARE).status == "failed"
