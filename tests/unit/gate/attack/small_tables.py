"""Market views small enough to try every amount that a hidden cell could hold.

The enumeration knows nothing of linear programming: it tries whole kroner in every hidden leaf and keeps those tables
that give every shown figure. Sums over two trees have whole-numbered extremes, so both must give the same intervals.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from pipelines.gate.attack.market_view import OTHER, Public, learn_view
from pipelines.gate.attack.system import System

MUNICIPALITIES = {"9901": ["9901"], "9902": ["9902"], "all": ["9901", "9902"]}
CATEGORIES = {"bread": ["bread"], "cakes": ["cakes"], "wood": ["wood"]}
CATEGORIES |= {"food": ["bread", "cakes"], "all": ["bread", "cakes", "wood"]}
PUBLIC = Public(parents={"bread": "food", "cakes": "food"}, categories=frozenset({"bread", "cakes", "wood", "food"}))
Key = tuple[str, str]


@dataclass(frozen=True)
class SmallTable:
    """Others' amounts by municipality and category, and which cells are hidden."""

    amounts: dict[Key, int]
    own: dict[Key, int]
    hidden: frozenset[Key]

    def amount(self, key: Key) -> int:
        """Others' amount of any cell, totals included."""
        return sum(self.amounts[leaf] for leaf in leaves_of(key))

    def rows(self) -> list[dict[str, Any]]:
        """The market view."""
        return [self._row(key) for key in itertools.product(MUNICIPALITIES, CATEGORIES)]

    def _row(self, key: Key) -> dict[str, Any]:
        own = sum(self.own[leaf] for leaf in leaves_of(key))
        shown = None if key in self.hidden else self.amount(key)
        return {
            "year": 2026,
            "municipality_no": key[0],
            "spend_category": key[1],
            "addressable_nok": None if shown is None else Decimal(shown + own),
            "own_nok": Decimal(own),
            # Where the total is shown, others' amount need not be: addressable - own gives it.
            "other_nok_or_suppressed": None if shown is None else Decimal(shown),
        }


def leaves_of(key: Key) -> list[Key]:
    """The leaves that a cell sums."""
    return list(itertools.product(MUNICIPALITIES[key[0]], CATEGORIES[key[1]]))


LEAVES = leaves_of(("all", "all"))
TOTALS = [key for key in itertools.product(MUNICIPALITIES, CATEGORIES) if key not in LEAVES]


def random_table(seed: int) -> SmallTable:
    """A table with at most four hidden leaves and some hidden totals; the grand total is always shown."""
    chance = random.Random(seed)
    amounts = {leaf: chance.choice((0, 0, 1, 2, 3)) for leaf in LEAVES}
    hidden = chance.sample(LEAVES, chance.randint(1, 4))
    hidden += [key for key in TOTALS if key != ("all", "all") and chance.random() < 0.4]
    return SmallTable(amounts, {leaf: chance.randint(0, 3) for leaf in LEAVES}, frozenset(hidden))


def enumerated(table: SmallTable) -> dict[Key, tuple[int, int]]:
    """The least and greatest whole amount of each hidden cell, by trying all."""
    unknown = [leaf for leaf in LEAVES if leaf in table.hidden]
    highest = table.amount(("all", "all"))
    tried = np.indices((highest + 1,) * len(unknown)).reshape(len(unknown), -1)
    column = {leaf: tried[at] for at, leaf in enumerate(unknown)}

    def of(key: Key) -> Any:
        return sum(column.get(leaf, table.amounts[leaf]) + np.zeros(tried.shape[1], int) for leaf in leaves_of(key))

    fits = np.ones(tried.shape[1], bool)
    for key in TOTALS:
        if key not in table.hidden:
            fits &= of(key) == table.amount(key)
    return {key: (int(of(key)[fits].min()), int(of(key)[fits].max())) for key in table.hidden}


def attacked(table: SmallTable) -> tuple[System, dict[Key, tuple[str, ...]]]:
    """What a recipient of the table knows, and the unknown of each hidden cell."""
    system = System()
    view = learn_view(system, table.rows(), "r", PUBLIC)
    assert view.problems == []
    return system, {(cell[1], cell[2]): view.name(OTHER, cell) for cell in view.hidden}
