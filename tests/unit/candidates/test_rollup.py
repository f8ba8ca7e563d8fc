"""What is hidden is told in sums, and no sum, nor all of them together, tells what is hidden."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.candidates import rollup
from pipelines.candidates.earlier import Earlier, Shown
from pipelines.candidates.make import visible_of
from pipelines.candidates.sensitivity import Attacker
from pipelines.candidates.suppress import Suppressed, suppress_market_view
from pipelines.gate.attack.findings import worked_out
from pipelines.gate.attack.market_view import OTHER, Public, View, learn_view
from pipelines.gate.attack.system import System
from tests.unit.candidates.small_home import contributions, market_row

ME, OWNER = "310000001", "9901"
LIMITS = {"2026": [Decimal(500000)]}
PUBLIC = Public({"bread": "food", "cakes": "food"}, frozenset({"bread", "cakes", "wood"}), LIMITS)
READER = Attacker(ME, owners=frozenset({OWNER}))


def cell(municipality_no: str, category: str, others: dict[str, int], **facts: Any) -> dict[str, Any]:
    """A cell with what each other supplier sold."""
    amounts = {payee: Decimal(net) for payee, net in others.items()}
    net = sum(amounts.values(), Decimal(0))
    return market_row(
        ME,
        **{
            "municipality_no": municipality_no,
            "spend_category": category,
            "category_group": PUBLIC.parents.get(category, ""),
            "own_nok": Decimal(10),
            "other_nok": net,
            "addressable_nok": net + 10,
            "contributions": contributions(amounts | {ME: Decimal(10)}),
            **facts,
        },
    )


def published(cells: list[dict[str, Any]], earlier: Earlier | None = None, reader: Attacker = READER) -> Suppressed:
    return suppress_market_view(cells, lambda year: reader, earlier or Earlier("2026-10"))


def levels(found: Suppressed) -> dict[tuple[str, str], tuple[str, str]]:
    """Code and level by municipality and category."""
    return {
        (row["municipality_no"], row["spend_category"]): (row["suppression_code"], row["told_at"]) for row in found.rows
    }


ONE, TWO, MANY = {"a": 500}, {"b": 300, "c": 400}, {name: 200 for name in "defgh"}
PAIRS = [{f"{name}{no}": 300 + no for no in (1, 2)} for name in "pqrs"]


def test_hidden_cells_are_told_over_all_members_where_enough_stand_behind_them_together() -> None:
    found = published([cell(f"990{no + 2}", "wood", each) for no, each in enumerate(PAIRS)])
    assert levels(found) == {
        **{(f"990{no + 2}", "wood"): ("p", "region") for no in range(4)},
        ("all", "wood"): ("", "region"),
    }
    value = sum(sum(each.values()) + 10 for each in PAIRS)
    assert [Decimal(found.withheld[name]) for name in ("hidden_nok", "rolled_up_nok", "total_nok")] == [value] * 3
    assert visible_of(found.withheld) == 1


def test_the_group_of_the_category_is_tried_first() -> None:
    found = published([cell("9902", "bread", PAIRS[0]), cell("9902", "cakes", PAIRS[1]), cell("9903", "bread", MANY)])
    told = levels(found)
    assert told["9902", "food"] == ("", "category_group")
    assert told["9902", "bread"] == told["9902", "cakes"] == ("p", "category_group")
    assert ("9903", "food") not in told


def test_a_sum_that_leaves_one_hidden_cell_is_not_told() -> None:
    told = levels(published([cell("9902", "wood", PAIRS[0]), cell("9903", "wood", MANY)]))
    assert told == {("9902", "wood"): ("p", ""), ("9903", "wood"): ("", "cell")}


def test_of_two_sums_that_undo_each_other_one_is_told() -> None:
    cells = [
        *(cell("9902", category, pair) for category, pair in zip(("bread", "cakes"), PAIRS, strict=False)),
        cell("9902", "wood", ONE),
    ]
    told = levels(published(cells))
    assert told["9902", "food"] == ("", "category_group")
    assert ("9902", "all") not in told  # less the group it is the one hidden cell left


def test_what_an_owner_knows_of_itself_undoes_no_sum() -> None:
    cells = [cell(OWNER, "wood", PAIRS[0]), cell("9902", "wood", PAIRS[1])]
    assert ("all", "wood") not in levels(published(cells))
    assert ("all", "wood") in levels(published(cells, reader=Attacker(ME)))


def test_two_hidden_cells_of_the_same_suppliers_are_not_told_together() -> None:
    assert ("all", "wood") not in levels(published([cell("9902", "wood", TWO), cell("9903", "wood", TWO)]))


def test_a_cell_whose_contributors_do_not_add_up_is_in_no_sum() -> None:
    cells = [cell(f"990{no + 2}", "wood", each) for no, each in enumerate(PAIRS)]
    cells[0]["contributions"] = None
    assert not [key for key in levels(published(cells)) if "all" in key]


def test_sums_of_shown_cells_are_told_over_all_members() -> None:
    told = levels(published([cell("9902", "wood", MANY), cell("9903", "wood", MANY)]))
    assert told["all", "wood"] == ("", "region")


def test_a_cell_that_was_told_in_a_sum_stays_hidden_in_later_months_of_its_year() -> None:
    key = (2026, "9902", "wood")
    held = Earlier("2026-11", frozenset({(key, "2026-10")}), {}, frozenset({key}))
    found = published([cell("9902", "wood", MANY)], held)
    assert [(row["code"], row["reason"]) for row in found.log] == [("k", "told_of_before")]
    assert levels(published([cell("9902", "wood", MANY)], Earlier("2026-11", held.hidden)))["9902", "wood"][0] == ""


def test_a_cell_of_which_nearly_all_was_shown_before_lets_no_sum_be_told() -> None:
    cells = [cell(f"990{no + 2}", "wood", each) for no, each in enumerate(PAIRS)]
    before = Shown("2026-09", cells[0]["other_nok"] - 1, None)
    held = Earlier("2026-10", frozenset(), {(2026, "9902", "wood"): (before,)})
    assert ("all", "wood") not in levels(published(cells, held))


suppliers = st.dictionaries(st.sampled_from("abcdefghij"), st.integers(1, 900), max_size=6)
places = [(no, category) for no in (OWNER, "9902", "9903", "9904") for category in ("bread", "cakes", "wood")]
tables = st.lists(suppliers, min_size=len(places), max_size=len(places))


def told_cells(found: Suppressed, cells: list[dict[str, Any]], owner: str = "") -> list[tuple[str, ...]]:
    """The hidden cells of others that a reader, or with it an owner that knows its own, works out."""
    system = System()
    view: View = learn_view(system, found.rows, "r", PUBLIC)
    assert view.problems == []
    truths = {("2026", one["municipality_no"], one["spend_category"]): one["other_nok"] for one in cells}
    for key in view.hidden:
        if key[1] == owner:
            system.know(view.name(OTHER, key), truths[key], "its own books")
    asked = [key for key in view.hidden if key[1] != owner]
    limits = {view.name(OTHER, key): (truths[key], abs(truths[key])) for key in asked}
    return sorted(name[2:] for name in worked_out(system, limits, Decimal("0.15")))


@settings(max_examples=25, deadline=None)
@given(tables)
def test_no_sum_tells_a_hidden_cell_to_the_reader_or_an_owner(listed: list[dict[str, int]]) -> None:
    cells = [cell(*place, others) for place, others in zip(places, listed, strict=True)]
    found = published(cells)
    assert told_cells(found, cells) == []
    assert told_cells(found, cells, OWNER) == []
    hidden = {row["told_at"] for row in found.rows if row["suppression_code"]}
    assert hidden <= {"", *(one["level"] for one in found.sums)}


@pytest.mark.parametrize("level", ["category_group", "region", "region_group", "municipality", "total"])
def test_the_attacker_finds_what_each_level_tells_when_nothing_holds_it_back(
    level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [cell(*place, MANY) for place in places if place[0] != OWNER]
    cells[0] = cell("9902", "bread", TWO)
    assert not told_cells(published(cells), cells)
    monkeypatch.setattr(rollup, "_is_safe", lambda leaves, one, *_: one.level == level)
    assert told_cells(published(cells), cells) == [("2026", "9902", "bread")]


def test_sums_that_cross_are_not_told_together() -> None:
    # Of two categories, of two municipalities: three of the sums give the fourth, in which one sells nearly all.
    big = {"s": 9000, "t": 300}
    cells = [
        cell("9902", "bread", {"a": 10000, "b": 9000}),
        cell("9902", "cakes", {"c": 9500, "d": 9000}),
        cell("9903", "bread", big),
        cell("9903", "cakes", big),
    ]
    told = [row for row in published(cells).rows if not row["suppression_code"] and row["told_at"] != "cell"]
    below = (
        [{key for key in ("9902", "9903") if row["municipality_no"] in (key, "all")} for row in told],
        [{key for key in ("bread", "cakes") if row["spend_category"] in (key, "food", "all")} for row in told],
    )
    sets = [{(place, what) for place in places for what in whats} for places, whats in zip(*below, strict=True)]
    assert all(one <= other or other <= one or not one & other for one in sets for other in sets)
    assert told
