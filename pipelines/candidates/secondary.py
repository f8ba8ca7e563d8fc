"""Hide more cells, of as little value as possible, until no hidden cell can be narrowed down: secondary suppression.

Belongs here: linear relations between cells, how far hidden cells can move under them, which cells to hide beside those
that must be. Not here: which cells must be hidden (sensitivity.py), which relations a release shows (suppress.py).
Nothing is read, no clock, no chance: the same cells and relations give the same answer.

(1) A hidden cell is safe when there is a move of hidden cells alone that keeps every relation and takes it as far as
    its protection; the move back is a move too, so that what is possible reaches that far on both sides.
(2) No cell moves further than its own size, for the recipient knows that an amount is not negative, and a negative
    one not positive.
(3) Every hidden cell is made safe, those that were hidden for others too: a reader cannot tell which is which.
(4) Least value: an integer program over cuts. A hidden cell that is not safe gives, by the dual of its linear program,
    an inequality that every safe pattern fulfils; they are added until all cells are safe, so the pattern is optimal.
    Tables too large for that take for each unsafe cell the cheapest move, and give back what turns out not to be
    needed. Amounts are øre; programs run on scaled floats, and what they say is held against whole numbers with room.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, ...]

# Up to so many cells of one connected part of the table the optimum is sought; beyond it a good pattern.
EXACT_CELLS = 150
# Up to so many a good pattern is looked through for cells that are not needed.
GIVE_BACK_CELLS = 600
_EXACT_ROUNDS, _EXACT_NODES = 40, 2000
_ROOM = 1e-6
_REWEIGHTED = 3
_ALIKE = 4.0


@dataclass(frozen=True)
class Cell:
    """An amount that a release may show.

    Attributes:
        key: What it is of.
        value: The amount in øre.
        weight: What is lost by hiding it.
        protection: How far from its value it must stay possible when hidden.
        is_hidden: It must be hidden.
        may_hide: It can be hidden: nobody knows it from elsewhere.
    """

    key: Key
    value: int
    weight: int
    protection: int
    is_hidden: bool = False
    may_hide: bool = True

    @property
    def reach(self) -> int:
        """Return how far it may move."""
        return max(abs(self.value), self.protection)


@dataclass(frozen=True)
class Relation:
    """Cells of which a reader knows that their sum, with these signs, is nothing.

    Attributes:
        terms: Factor by cell: a total has -1, its parts 1.
    """

    terms: Mapping[Key, int]


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


@dataclass
class _Part:
    """Cells that relations connect, as matrices; the order of cells is that of their keys."""

    cells: list[Cell]
    relations: list[Relation]
    scale: float = field(init=False)
    reach: Any = field(init=False)
    needed: Any = field(init=False)
    matrix: Any = field(init=False)

    def __post_init__(self) -> None:
        import numpy as np
        from scipy.sparse import csr_array

        self.scale = float(max((cell.reach for cell in self.cells), default=1) or 1)
        self.reach = np.array([cell.reach for cell in self.cells], dtype=float) / self.scale
        self.needed = np.array([cell.protection for cell in self.cells], dtype=float) / self.scale
        place = {cell.key: number for number, cell in enumerate(self.cells)}
        entries = [
            (row, place[key], float(factor))
            for row, relation in enumerate(self.relations)
            for key, factor in sorted(relation.terms.items())
        ]
        rows, columns, factors = zip(*entries, strict=True)
        self.matrix = csr_array((factors, (rows, columns)), shape=(len(self.relations), len(self.cells)))


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
        found |= {part.cells[number].key for number in _unsafe(part, hidden)}
    return frozenset(found)


def _parts(cells: list[Cell], relations: list[Relation]) -> list[_Part]:
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
        _Part(members[first], sorted(related[first], key=lambda one: sorted(one.terms.items())))
        for first in sorted(related)
        if any(cell.is_hidden for cell in members[first])
    ]


def _protect(part: _Part) -> tuple[set[int], set[int], bool]:
    """Return the cells to hide, those that stay unsafe whatever is hidden, and whether the pattern is optimal."""
    primary = {number for number, cell in enumerate(part.cells) if cell.is_hidden}
    everything = primary | {number for number, cell in enumerate(part.cells) if cell.may_hide}
    lost = set(_unsafe(part, everything, only=primary))
    if len(part.cells) <= EXACT_CELLS:
        best = _least_value(part, primary, lost)
        if best is not None:
            return best, lost, True
    return _give_back(part, _cheapest_moves(part, primary, lost), primary, lost), lost, False


# --- how far hidden cells can move -------------------------------------------------------------------------------


def _furthest(part: _Part, hidden: set[int], target: int) -> tuple[Any, Any]:
    """Return the move of hidden cells that takes one of them furthest, and the dual of each relation."""
    import numpy as np
    from scipy.optimize import linprog

    objective = np.zeros(len(part.cells))
    objective[target] = -1.0
    reach = _reach_of(part, hidden)
    found = linprog(
        objective,
        A_eq=part.matrix,
        b_eq=np.zeros(part.matrix.shape[0]),
        bounds=np.column_stack((-reach, reach)),
        method="highs",
    )
    return found.x, found.eqlin.marginals


def _reach_of(part: _Part, hidden: set[int]) -> Any:
    import numpy as np

    reach = np.zeros(len(part.cells))
    listed = sorted(hidden)
    reach[listed] = part.reach[listed]
    return reach


def _safe_in(part: _Part, move: Any) -> Any:
    """Return which cells a move takes as far as their protection."""
    return abs(move) >= part.needed - _ROOM * (part.needed + _ROOM)


def _unsafe(part: _Part, hidden: set[int], only: set[int] | None = None) -> list[int]:
    """Return the hidden cells that cannot move as far as their protection, in order.

    Moves that take many cells far at once clear most; what they leave is asked for one by one.
    """
    import numpy as np
    from scipy.optimize import linprog

    open_cells = {number for number in (only if only is not None else hidden) if part.needed[number] > 0}
    reach = _reach_of(part, hidden)
    chance = np.random.default_rng(0)  # a fixed sequence: it says where to look first, never what is found
    equal = np.zeros(part.matrix.shape[0])
    while len(open_cells) > 8:
        listed = np.array(sorted(open_cells))
        objective = np.zeros(len(part.cells))
        objective[listed] = chance.choice((-1.0, 1.0), len(listed)) / part.needed[listed]
        bounds = np.column_stack((-reach, reach))
        move = linprog(objective, A_eq=part.matrix, b_eq=equal, bounds=bounds, method="highs").x
        cleared = {int(number) for number in listed[_safe_in(part, move)[listed]]}
        open_cells -= cleared
        if len(cleared) * 10 < len(listed):
            break
    unsafe = []
    for number in sorted(open_cells):
        if number not in open_cells:
            continue
        move, _ = _furthest(part, hidden, number)
        safe = _safe_in(part, move)
        if not safe[number]:
            unsafe.append(number)
        open_cells -= {other for other in open_cells if safe[other]} - {number}
    return unsafe


# --- the optimum ---------------------------------------------------------------------------------------------------


def _least_value(part: _Part, primary: set[int], lost: set[int]) -> set[int] | None:
    """Return the pattern of least value by cuts; None where that takes too much work."""
    cuts: list[Any] = []
    hidden = set(primary)
    for _ in range(_EXACT_ROUNDS):
        unsafe = [number for number in _unsafe(part, hidden) if number not in lost]
        if not unsafe:
            return hidden
        cuts += [_cut(part, hidden, number) for number in unsafe]
        found = _solve(part, primary, lost, cuts)
        if found is None or found == hidden:
            return None
        hidden = found
    return None


def _cut(part: _Part, hidden: set[int], target: int) -> Any:
    """Return an inequality, ``row @ x >= 0``, that a pattern in which the cell is safe fulfils and this one does not.

    Moved as far as its protection, a cell must be balanced by others, each at most by its reach times its factor in the
    dual's combination of the relations.
    """
    import numpy as np

    _, dual = _furthest(part, hidden, target)
    factor = part.matrix.T @ dual
    needed = part.needed[target]
    row = np.minimum(abs(factor / factor[target]) * part.reach, needed) / needed
    row[target] = -1.0
    row[abs(row) < _ROOM] = 0.0
    return row


def _solve(part: _Part, primary: set[int], lost: set[int], cuts: Sequence[Any]) -> set[int] | None:
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp

    weights = np.array([cell.weight for cell in part.cells], dtype=float)
    # The smaller key is taken where weights are equal.
    weights = weights / (weights.max() or 1.0) + 1e-6 * (1 + np.arange(len(weights))) / len(weights)
    lower, upper = np.zeros(len(weights)), np.array([float(cell.may_hide or cell.is_hidden) for cell in part.cells])
    lower[sorted(primary)] = 1.0
    found = milp(
        weights,
        integrality=np.ones(len(weights)),
        bounds=Bounds(lower, upper),
        constraints=LinearConstraint(np.array(cuts), lb=0.0),
        options={"mip_rel_gap": 0.0, "node_limit": _EXACT_NODES},
    )
    return None if found.status != 0 else {number for number, value in enumerate(found.x) if value > 0.5}


# --- a good pattern of a large table -----------------------------------------------------------------------------


def _cheapest_moves(part: _Part, primary: set[int], lost: set[int]) -> set[int]:
    """Return the cells that were hidden or take part in the cheapest moves of the unsafe ones."""
    hidden = set(primary)
    while unsafe := [number for number in _unsafe(part, hidden) if number not in lost]:
        before = len(hidden)
        for batch in _apart(part, unsafe):
            hidden |= _move_all(part, hidden, batch)
        if len(hidden) == before:
            # What is left cannot move together: one by one.
            for number in unsafe:
                hidden |= _move_all(part, hidden, [number])
        if len(hidden) == before:
            lost.update(unsafe)
    return hidden


def _apart(part: _Part, numbers: list[int]) -> list[list[int]]:
    """Return cells in groups of which no two are in one relation and all need about the same."""
    relations_of = part.matrix.tocsc()
    batches: list[tuple[list[int], set[int]]] = []
    for number in sorted(numbers, key=lambda one: (-part.needed[one], one)):
        own = set(relations_of.indices[relations_of.indptr[number] : relations_of.indptr[number + 1]].tolist())
        for batch, taken in batches:
            if not taken & own and part.needed[batch[0]] <= _ALIKE * part.needed[number]:
                batch.append(number)
                taken.update(own)
                break
        else:
            batches.append(([number], own))
    return [batch for batch, _ in batches]


def _move_all(part: _Part, hidden: set[int], targets: list[int]) -> set[int]:
    """Return the cells that move when targets are taken as far as their protection, at the least price of visible ones.

    A target that cannot be taken there together with the others is left for another round.
    """
    import numpy as np
    from scipy.optimize import linprog
    from scipy.sparse import block_array, csr_array, eye_array

    count, wanted = len(part.cells), np.array(targets)
    movable = hidden | {number for number, cell in enumerate(part.cells) if cell.may_hide}
    reach, needed = _reach_of(part, movable), part.needed[wanted]
    weights = np.array([float(cell.weight) for cell in part.cells])
    weights = weights / (weights.max() or 1.0) + 1e-6 * (1 + np.arange(count)) / count
    order = np.arange(len(wanted))
    picked = csr_array((np.ones(len(wanted)), (order, wanted)), shape=(len(wanted), count))
    share = csr_array((-needed, (order, order)), shape=(len(wanted), len(wanted)))
    # Variables: moves up, moves down, how far each target is taken (0 to 1).
    equal = block_array([[part.matrix, -part.matrix, None], [picked, -picked, share]], format="csr")
    limit = block_array([[eye_array(count), eye_array(count), csr_array((count, len(wanted)))]], format="csr")
    upper = np.concatenate((reach, reach, np.ones(len(wanted))))
    spread = np.maximum(np.minimum(reach, needed.max()), _ROOM)
    move = spread
    for _ in range(_REWEIGHTED):
        # Hiding costs the same however far a cell moves: what moved little last time is dear, what moved far is cheap.
        price = weights / (move + 0.01 * spread)
        price[sorted(hidden)] = 0.0
        reward = 10.0 * (price @ reach + 1.0)
        found = linprog(
            np.concatenate((price, price, np.full(len(wanted), -reward))) / reward,
            A_eq=equal,
            b_eq=np.zeros(equal.shape[0]),
            A_ub=limit,
            b_ub=reach,
            bounds=np.column_stack((np.zeros(len(upper)), upper)),
            method="highs",
        )
        move = abs(found.x[:count] - found.x[count : 2 * count])
    return {int(number) for number in np.flatnonzero(move > 1e-7)}


def _give_back(part: _Part, hidden: set[int], primary: set[int], lost: set[int]) -> set[int]:
    """Return the pattern without those further cells that prove not to be needed, the most valuable asked first."""
    if len(part.cells) > GIVE_BACK_CELLS:
        return hidden
    for number in sorted(hidden - primary, key=lambda one: (-part.cells[one].weight, part.cells[one].key)):
        fewer = hidden - {number}
        if not set(_unsafe(part, fewer)) - lost:
            hidden = fewer
    return hidden
