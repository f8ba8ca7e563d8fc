"""Where little can be told, rows are ranked, and the order tells nobody's amount."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings

from pipelines.candidates import ranking, suppress
from pipelines.candidates.earlier import Earlier, Shown
from pipelines.candidates.suppress import Suppressed
from tests.unit.candidates.test_rollup import OWNER, cell, places, published, tables, told_cells

# Too few stand behind the two together for a sum.
ONE, TWO, MANY = {"a": 500}, {"a": 300, "c": 400}, {name: 20 for name in "defgh"}


def ranks(found: Suppressed) -> dict[str, int]:
    return {row["municipality_no"]: row["rank"] for row in found.rows if row["rank"] is not None}


def test_rows_of_which_nothing_is_told_are_ranked_by_what_could_be_delivered() -> None:
    cells = [cell("9902", "wood", ONE), cell("9903", "wood", TWO), cell("9904", "wood", MANY)]
    assert ranks(published(cells)) == {"9903": 1, "9902": 2}


def test_no_row_is_ranked_where_enough_is_told() -> None:
    cells = [cell("9902", "wood", ONE), cell("9903", "wood", {name: 900 for name in "defgh"})]
    assert ranks(published(cells)) == {}


def test_what_an_owner_bought_is_not_ranked_among_what_others_did() -> None:
    cells = [cell(OWNER, "wood", TWO), cell("9902", "wood", ONE), cell("9903", "wood", TWO)]
    assert ranks(published(cells)) == {"9903": 1, "9902": 2}
    assert ranks(published(cells[:2])) == {}


def test_what_an_earlier_release_showed_is_not_ranked() -> None:
    shown = Earlier("2026-10", frozenset(), {(2026, "9902", "wood"): (Shown("2026-09", Decimal(400), None),)})
    cells = [cell("9902", "wood", ONE), cell("9903", "wood", TWO), cell("9904", "wood", ONE)]
    assert ranks(published(cells, shown)) == {"9903": 1, "9904": 2}


@settings(max_examples=15, deadline=None)
@given(tables)
def test_no_order_tells_a_hidden_cell(listed: list[dict[str, int]]) -> None:
    cells = [cell(*place, others) for place, others in zip(places, listed, strict=True)]
    limit, ranking.LITTLE = ranking.LITTLE, Decimal(0)  # ranked however much is told
    try:
        found = published(cells)
    finally:
        ranking.LITTLE = limit
    for row in found.rows:
        assert row["rank"] is None or (row["suppression_code"] and not row["told_at"])
    assert told_cells(found, cells) == []
    assert told_cells(found, cells, OWNER) == []


def test_the_attacker_finds_what_an_order_among_shown_rows_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [cell("9902", "wood", {name: 101 for name in "defgh"}), cell("9903", "bread", {"a": 503})]
    cells.append(cell("9904", "cakes", {name: 100 for name in "defgh"}))
    assert told_cells(published(cells), cells) == []
    every = {(2026, one["municipality_no"], one["spend_category"]): at for at, one in enumerate(cells, start=1)}
    monkeypatch.setattr(suppress, "ranks", lambda *_: every)
    assert told_cells(published(cells), cells) == [("2026", "9903", "bread")]
