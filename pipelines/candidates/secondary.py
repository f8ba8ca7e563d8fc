"""Hide more cells, of as little value as possible, until no hidden cell can be narrowed down: secondary suppression.

Belongs here: which cells to hide beside those that must be. Not here: which cells must be hidden (sensitivity.py), how
far hidden cells can move (moves.py), which relations a release shows (suppress.py). Nothing is read, no clock, no
chance: the same cells and relations give the same answer.

(1) A hidden cell is safe when there is a move of hidden cells alone that keeps every relation and takes it as far as
    its protection; the move back is a move too, so that what is possible reaches that far on both sides.
(2) No cell moves further than its own size, for the recipient knows that an amount is not negative, and a negative
    one not positive.
(3) Every hidden cell is made safe, those that were hidden for others too: a reader cannot tell which is which.
(4) Least value: an integer program over cuts. A hidden cell that is not safe gives, by the dual of its linear program,
    an inequality that every safe pattern fulfils; they are added until all cells are safe, so the pattern is optimal.
    In tables too large for that each unsafe cell in turn takes its cheapest move; then all take it once more, among
    the cells found, and those that nobody needs are given back. That it is safe is proved all the same, cell by cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.candidates.moves import Cell, Key, Moves, Part, Relation, cheapest_move, cheapest_near, dominant

# Up to so many cells of one connected part of the table the optimum is sought; beyond it a good pattern.
EXACT_CELLS = 150
_EXACT_ROUNDS, _EXACT_NODES = 40, 2000
_ROOM = 1e-6


@dataclass(frozen=True)
class Pattern:
    """What is hidden.

    Attributes:
        secondary: Cells hidden for others' sake.
        exposed: Hidden cells that nothing can protect: what they could be exchanged with is known from elsewhere.
        is_optimal: No pattern hides less value.
    """

    secondary: frozenset[Key] = frozenset()
    exposed: frozenset[Key] = frozenset()
    is_optimal: bool = True


def hide_secondary(cells: Iterable[Cell], relations: Iterable[Relation]) -> Pattern:
    """Return which further cells to hide so that every hidden cell is safe, of least weight together."""
    secondary: set[Key] = set()
    exposed: set[Key] = set()
    is_optimal = True
    for part in _parts(list(cells), list(relations)):
        hidden, lost, is_best = _protect(part)
        secondary |= {part.cells[number].key for number in hidden if not part.cells[number].is_hidden}
        exposed |= {part.cells[number].key for number in lost}
        is_optimal &= is_best
    return Pattern(frozenset(secondary), frozenset(exposed), is_optimal)


def unsafe_cells(cells: Iterable[Cell], relations: Iterable[Relation]) -> frozenset[Key]:
    """Return the hidden cells that are not safe as the table stands."""
    found: set[Key] = set()
    for part in _parts(list(cells), list(relations)):
        hidden = {number for number, cell in enumerate(part.cells) if cell.is_hidden}
        found |= {part.cells[number].key for number in Moves(part, hidden).unsafe()}
    return frozenset(found)


def _parts(cells: list[Cell], relations: list[Relation]) -> list[Part]:
    """Return the connected parts that have a hidden cell, by their first key; a cell in no relation is always safe."""
    by_key = {cell.key: cell for cell in cells}
    parent = {key: key for key in by_key}

    def root(key: Key) -> Key:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for relation in relations:
        first, *others = sorted(relation.terms)
        for other in others:
            one, two = sorted((root(first), root(other)))
            parent[two] = one
    related: dict[Key, list[Relation]] = {}
    for relation in relations:
        related.setdefault(root(next(iter(relation.terms))), []).append(relation)
    members: dict[Key, list[Cell]] = {}
    for key in sorted(by_key):
        members.setdefault(root(key), []).append(by_key[key])
    return [
        Part(members[first], sorted(related[first], key=lambda one: sorted(one.terms.items())))
        for first in sorted(related)
        if any(cell.is_hidden for cell in members[first])
    ]


def _protect(part: Part) -> tuple[set[int], set[int], bool]:
    """Return the cells to hide, those that stay unsafe whatever is hidden, and whether the pattern is optimal."""
    primary = {number for number, cell in enumerate(part.cells) if cell.is_hidden}
    if len(part.cells) <= EXACT_CELLS:
        movable = _movable(part)
        lost = set(Moves(part, movable).unsafe(primary))
        best = _least_value(part, primary, lost)
        if best is not None:
            return best, lost, True
    return *_good_pattern(part, primary), False


def _movable(part: Part) -> set[int]:
    return {number for number, cell in enumerate(part.cells) if cell.may_hide or cell.is_hidden}


# --- the optimum ---------------------------------------------------------------------------------------------------


def _least_value(part: Part, primary: set[int], lost: set[int]) -> set[int] | None:
    """Return the pattern of least value by cuts; None where that takes too much work."""
    cuts: list[Any] = []
    hidden = set(primary)
    for _ in range(_EXACT_ROUNDS):
        moves = Moves(part, hidden)
        unsafe = [number for number in moves.unsafe() if number not in lost]
        if not unsafe:
            return hidden
        cuts += [_cut(part, moves, number) for number in unsafe]
        found = _solve(part, primary, cuts)
        if found is None or found == hidden:
            return None
        hidden = found
    return None


def _cut(part: Part, moves: Moves, target: int) -> Any:
    """Return an inequality, ``row @ x >= 0``, that a pattern in which the cell is safe fulfils and this one does not.

    Moved as far as its protection, a cell must be balanced by others, each at most by its reach times its factor in the
    dual's combination of the relations.
    """
    import numpy as np

    _, dual = moves.furthest(target)
    factor = part.matrix.T @ dual
    needed = part.needed[target]
    row = np.minimum(abs(factor / factor[target]) * part.reach, needed) / needed
    row[target] = -1.0
    row[abs(row) < _ROOM] = 0.0
    return row


def _solve(part: Part, primary: set[int], cuts: Sequence[Any]) -> set[int] | None:
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp

    lower, upper = np.zeros(len(part.cells)), np.zeros(len(part.cells))
    upper[sorted(_movable(part))] = 1.0
    lower[sorted(primary)] = 1.0
    found = milp(
        part.weights,
        integrality=np.ones(len(part.cells)),
        bounds=Bounds(lower, upper),
        constraints=LinearConstraint(np.array(cuts), lb=0.0),
        options={"mip_rel_gap": 0.0, "node_limit": _EXACT_NODES},
    )
    return None if found.status != 0 else {number for number, value in enumerate(found.x) if value > 0.5}


# --- a good pattern of a large table -----------------------------------------------------------------------------


def _good_pattern(part: Part, primary: set[int]) -> tuple[set[int], set[int]]:
    """Return a pattern in which every cell has its cheapest move, and the cells that have none."""
    dear = dominant(part, primary)
    first, lost = _take_moves(part, primary, _movable(part), dear)
    again, _ = _take_moves(part, primary, first, dear)
    return again, lost


def _take_moves(part: Part, primary: set[int], movable: set[int], dear: set[int]) -> tuple[set[int], set[int]]:
    """Return what was hidden or takes part in a move of an unsafe cell, and the cells that no move helps.

    The largest first: what is hidden for their sake helps the small ones.

    Args:
        part: The table.
        primary: What must be hidden.
        movable: What can be.
        dear: What is hidden only where nothing else helps, for it would itself be hard to protect; grows.
    """
    hidden, kept = set(primary), set(primary)
    lost: set[int] = set()
    while unsafe := [number for number in Moves(part, hidden).unsafe() if number not in lost]:
        safe: set[int] = set()
        for number in sorted(unsafe, key=lambda one: (-part.needed[one], one)):
            if number in safe:
                continue
            move = cheapest_near(part, hidden, movable - dear | kept, number)
            if move is None and number not in kept:
                dear.add(number)
                hidden.remove(number)
                continue
            if move is None:
                move = cheapest_move(part, hidden, movable, number) or {}
                kept |= move.keys()
                if not move:
                    lost.add(number)
            hidden |= move.keys()
            safe |= {one for one, moved in move.items() if part.is_enough(moved, one)}
    return hidden, lost
