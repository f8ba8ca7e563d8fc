"""A row for several municipalities is counted over all the rows it sums, and so is what it tells of the hidden ones."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.unit.gate.small_home import NEIGHBOUR, OWN, SHARE, SmallHome, purchase
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


def test_sums_that_cross_tell_more_together_than_each_alone(small: SmallHome) -> None:
    # Three of these give what the neighbour buys of both: nearly all from one supplier.
    one, few = "320000055", "320000063"
    others = {(OWN, "meeting_food"): Decimal(460), (NEIGHBOUR, "meeting_food"): Decimal(500)}
    bought = [
        *((OWN, "canteen", f"3300000{number}1", "200.00") for number in range(10, 14)),
        *(
            (NEIGHBOUR, category, *each)
            for category in ("meeting_food", "canteen")
            for each in ((one, "9000.00"), (few, "30.00"))
        ),
        *((OWN, "meeting_food", f"3400000{number}1", "2000.00") for number in range(10, 15)),
        *((OWN, "canteen", f"3500000{number}1", "2000.00") for number in range(10, 15)),
    ]
    for number, (municipality_no, category, org_no, amount) in enumerate(bought):
        where = {"municipality_no": municipality_no, "category_key": category}
        small.warehouse["fct_purchases"].append(purchase(f"c{number}", org_no, amount, **where))
        key = (municipality_no, category)
        others[key] = others.get(key, NO_AMOUNT) + Decimal(amount)
    row = small.tables[SHARE]["market_view"][0]
    own = {(OWN, "meeting_food"): Decimal(50)}

    def view(municipality_no: str, category: str, *parts: tuple[str, str]) -> dict[str, object]:
        net = sum((others[part] for part in parts), NO_AMOUNT)
        mine = sum((own.get(part, NO_AMOUNT) for part in parts or [(municipality_no, category)]), NO_AMOUNT)
        amounts = {"addressable_nok": net + mine, "other_nok_or_suppressed": net, "other_suppliers_band": "5-9"}
        place = {"municipality_no": municipality_no, "spend_category": category, "own_nok": mine}
        return row | place | ({**amounts, "law_entry_headroom_band": None} if parts else HIDDEN) | {"told_at": "region"}

    food, canteen = [(OWN, "meeting_food"), (NEIGHBOUR, "meeting_food")], [(OWN, "canteen"), (NEIGHBOUR, "canteen")]
    hidden = [view(*key) for key in (*food, *canteen)]
    nested = [view("all", "meeting_food", *food), view("all", "canteen", *canteen)]
    small.tables[SHARE]["market_view"] = [*hidden, *nested]
    small.write()
    assert "dominated" not in ask(small, "DC02", SHARE).reason
    small.tables[SHARE]["market_view"] = [*hidden, *nested, view(OWN, "food", food[0], canteen[0])]
    small.write()
    assert "dominated" in ask(small, "DC02", SHARE).reason
