"""What is let out cannot be narrowed: held against plain enumeration and plain linear programs, sharing no code."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from pipelines.candidates.secondary import Cell, Key, Pattern, Relation, hide_secondary, unsafe_cells

Table = tuple[list[Cell], list[Relation]]


def possible(table: Table, hidden: Iterable[Key], target: Key) -> tuple[float, float]:
    """What a reader of the other cells, who knows that no amount is negative, can say of one: plain bounds."""
    cells, relations = table
    listed = sorted(hidden)
    value = {cell.key: cell.value for cell in cells}
    equal = [[float(relation.terms.get(key, 0)) for key in listed] for relation in relations]
    right = [-float(sum(f * value[k] for k, f in relation.terms.items() if k not in listed)) for relation in relations]
    ends = []
    for sign in (1.0, -1.0):
        objective = [sign if key == target else 0.0 for key in listed]
        found = linprog(objective, A_eq=equal, b_eq=right, bounds=[(0, None)] * len(listed), method="highs")
        ends.append(np.inf if found.status == 3 else sign * found.fun)
    return ends[0], ends[1]


def is_open(table: Table, hidden: Iterable[Key]) -> bool:
    """Every hidden cell may be as far from its value as its protection, on both sides."""
    listed = list(hidden)
    for cell in table[0]:
        if cell.key in listed:
            low, high = possible(table, listed, cell.key)
            room = cell.protection * (1 - 1e-5) - 1e-3
            if low > cell.value - room or high < cell.value + room:
                return False
    return True


def grid(values: list[list[int]], hidden: set[tuple[int, int]], known: frozenset[Key] = frozenset()) -> Table:
    """A table of rows and columns with totals of both, and one of everything."""
    amounts = {(f"r{r}", f"c{c}"): value for r, line in enumerate(values) for c, value in enumerate(line)}
    rows, columns = sorted({r for r, _ in amounts}), sorted({c for _, c in amounts})
    relations = []
    for r in rows:
        amounts[r, "all"] = sum(amounts[r, c] for c in columns)
        relations.append(Relation({(r, "all"): -1} | {(r, c): 1 for c in columns}))
    for c in [*columns, "all"]:
        amounts["all", c] = sum(amounts[r, c] for r in rows)
        relations.append(Relation({("all", c): -1} | {(r, c): 1 for r in rows}))
    named = {(f"r{r}", f"c{c}") for r, c in hidden}
    cells = [
        Cell(key, value, value, -(-value * 15 // 100), key in named, key not in known) for key, value in amounts.items()
    ]
    return cells, relations


def hidden_by(table: Table, pattern: Pattern) -> set[Key]:
    return {cell.key for cell in table[0] if cell.is_hidden} | pattern.secondary


@st.composite
def grids(draw: st.DrawFn, most: int = 4) -> Table:
    height, width = draw(st.integers(2, most)), draw(st.integers(2, most))
    values = [[draw(st.integers(0, 500)) * 100 for _ in range(width)] for _ in range(height)]
    places = st.tuples(st.integers(0, height - 1), st.integers(0, width - 1))
    return grid(values, draw(st.sets(places, min_size=1, max_size=5)))


@given(grids())
@settings(max_examples=20, deadline=None)
def test_no_hidden_cell_can_be_narrowed(table: Table) -> None:
    pattern = hide_secondary(*table)
    assert pattern.is_optimal
    assert pattern.exposed == frozenset()
    assert is_open(table, hidden_by(table, pattern))


@given(grids(most=2))
@settings(max_examples=6, deadline=None)
def test_no_pattern_hides_less_value(table: Table) -> None:
    cells, relations = table
    pattern = hide_secondary(cells, relations)
    weight = {cell.key: cell.weight for cell in cells}
    primary = {cell.key for cell in cells if cell.is_hidden}
    free = sorted(weight.keys() - primary)
    least = sum(weight[key] for key in pattern.secondary)
    for more in itertools.chain.from_iterable(itertools.combinations(free, n) for n in range(len(free) + 1)):
        if sum(weight[key] for key in more) < least:
            named = primary | set(more)
            tried = [Cell(c.key, c.value, c.weight, c.protection, c.key in named) for c in cells]
            assert unsafe_cells(tried, relations), more


@given(grids(), st.randoms(use_true_random=False))
@settings(max_examples=5, deadline=None)
def test_the_pattern_does_not_depend_on_the_order_of_cells(table: Table, chance: random.Random) -> None:
    cells, relations = list(table[0]), list(table[1])
    first = hide_secondary(cells, relations)
    chance.shuffle(cells)
    chance.shuffle(relations)
    assert hide_secondary(cells, relations) == first


def large(seed: int, height: int, width: int, depth: int) -> Table:
    """Rows by columns by layers with the totals over each of the three."""
    chance = random.Random(seed)
    amounts: dict[Key, int] = {}
    hidden = set()
    for key in itertools.product(*([f"{n:02d}" for n in range(size)] for size in (height, width, depth))):
        amounts[key] = int(chance.lognormvariate(10, 1.5)) * 100
        if chance.random() < 0.3:
            hidden.add(key)
    relations = []
    for axis in range(3):
        sums: dict[Key, list[Key]] = {}
        for key in sorted(amounts):
            sums.setdefault((*key[:axis], "all", *key[axis + 1 :]), []).append(key)
        for total, parts in sums.items():
            amounts[total] = sum(amounts[part] for part in parts)
            relations.append(Relation({total: -1} | dict.fromkeys(parts, 1)))
    return [Cell(k, v, v, -(-v * 15 // 100), k in hidden) for k, v in sorted(amounts.items())], relations


@pytest.mark.parametrize("seed", [1])
def test_a_larger_table_is_safe_too_and_nearly_as_cheap(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.candidates import secondary

    table = large(seed, 4, 3, 3)
    best = hide_secondary(*table)
    monkeypatch.setattr(secondary, "EXACT_CELLS", 10)
    good = hide_secondary(*table)
    assert (best.is_optimal, good.is_optimal) == (True, False)
    assert is_open(table, hidden_by(table, good))
    weight = {cell.key: cell.weight for cell in table[0]}
    assert sum(weight[key] for key in good.secondary) <= 2 * sum(weight[key] for key in best.secondary)


def test_a_single_hidden_cell_of_a_row_takes_three_more_with_it() -> None:
    table = grid([[1000, 900, 5000], [800, 700, 9000], [4000, 6000, 7000]], {(0, 0)})
    assert hide_secondary(*table).secondary == {("r0", "c1"), ("r1", "c0"), ("r1", "c1")}


def test_what_everybody_knows_cannot_hide_another() -> None:
    values = [[1000, 900, 5000], [800, 700, 9000], [4000, 6000, 7000]]
    known = frozenset({("r0", "c1"), ("r1", "c1")})
    table = grid(values, {(0, 0)}, known)
    pattern = hide_secondary(*table)
    assert not pattern.secondary & known
    assert is_open(table, hidden_by(table, pattern))


def test_a_cell_that_nothing_can_protect_is_named() -> None:
    cells = [Cell(("all",), 500, 500, 75, may_hide=False), Cell(("a",), 300, 300, 45, is_hidden=True)]
    cells.append(Cell(("b",), 200, 200, 30, may_hide=False))
    assert hide_secondary(cells, [Relation({("all",): -1, ("a",): 1, ("b",): 1})]).exposed == {("a",)}


def test_a_cell_in_no_relation_needs_no_help() -> None:
    assert hide_secondary([Cell(("a",), 300, 300, 45, is_hidden=True)], []) == Pattern()
