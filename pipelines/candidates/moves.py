"""How far hidden cells can move while every total stands: cells and relations as linear programs.

Belongs here: relations as matrices, the furthest and the cheapest move of a cell, which hidden cells cannot move far
enough. Not here: which cells to hide (secondary.py), what a release shows (suppress.py). No clock, no chance: the same
cells and relations give the same answer.

(1) A move takes hidden cells alone, keeps every relation, and takes no cell further than its reach. Where it is
    possible, so is its reverse.
(2) One program for all hidden cells, solved again from where it stood: only the objective changes (HiGHS). Every
    solution bears witness for all cells that it takes far enough.
(3) Before any program: a cell moves no further than the others of one of its relations together. Where that is too
    little, it is not safe.
(4) The cheapest move of a cell is looked for around it first: among the parts of totals within some steps of it.

Amounts are øre; programs run on scaled floats, and what they say is held against whole numbers with room.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Key = tuple[str, ...]

_ROOM = 1e-6
# How far apart in size cells of one program stand: the largest reach is this.
_LARGEST = 1e6
_ENCLOSINGS = 20
_DIRECTIONS = 60
_REWEIGHTED = 3
_NEAR, _FURTHER = 3, 5


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


class Part:
    """Cells that relations connect, as matrices; the order of cells is that of their keys."""

    def __init__(self, cells: list[Cell], relations: list[Relation]) -> None:
        import numpy as np
        from scipy.sparse import csr_array

        self.cells = cells
        scale = max((cell.reach for cell in cells), default=1) / _LARGEST or 1.0
        self.reach = np.array([cell.reach for cell in cells], dtype=float) / scale
        self.needed = np.array([cell.protection for cell in cells], dtype=float) / scale
        place = {cell.key: number for number, cell in enumerate(cells)}
        self.terms = [[(place[key], factor) for key, factor in sorted(each.terms.items())] for each in relations]
        entries = [(row, number, float(factor)) for row, terms in enumerate(self.terms) for number, factor in terms]
        rows, columns, factors = zip(*entries, strict=True)
        self.matrix = csr_array((factors, (rows, columns)), shape=(len(relations), len(cells)))
        self.relations_of: list[list[int]] = [[] for _ in cells]
        for row, number, _ in entries:
            self.relations_of[number].append(row)
        weights = np.array([float(cell.weight) for cell in cells])
        # The smaller key is taken where weights are equal.
        self.weights = weights / (weights.max() or 1.0) + 1e-6 * (1 + np.arange(len(cells))) / len(cells)

    def is_enough(self, moved: Any, numbers: Any) -> Any:
        """Return for each cell whether it was moved as far as its protection."""
        needed = self.needed[numbers]
        return abs(moved) >= needed - _ROOM * (needed + _ROOM)

    def around(self, target: int, steps: int, movable: set[int], hidden: set[int]) -> list[int]:
        """Return the movable cells that are parts of the same totals within some steps of one (4).

        A total itself is among them where it is hidden already, or is the one that is asked about.
        """
        found, edge = {target}, [target]
        for _ in range(steps):
            rows = sorted({row for number in edge for row in self.relations_of[number]})
            near = {n for row in rows for n, factor in self.terms[row] if factor > 0 or n in hidden}
            edge = sorted((near & movable) - found)
            found.update(edge)
        return sorted(found)


class Moves:
    """The moves of a part's hidden cells: one program, asked again and again."""

    def __init__(self, part: Part, hidden: Iterable[int]) -> None:
        import numpy as np

        self._part = part
        self.hidden = np.array(sorted(hidden), dtype=np.int64)
        self._column = {int(number): column for column, number in enumerate(self.hidden)}
        columns = part.matrix[:, self.hidden].tocsr()
        self._rows = np.flatnonzero(np.diff(columns.indptr))
        self._matrix = columns[self._rows]
        self._model: Any = None

    def unsafe(self, only: Iterable[int] | None = None) -> list[int]:
        """Return the hidden cells that cannot move as far as their protection, in order.

        Args:
            only: Of these alone; of all where None.
        """
        import numpy as np

        asked = [self._column[number] for number in (only if only is not None else self._column)]
        is_open = np.zeros(len(self.hidden), dtype=bool)
        is_open[asked] = True
        is_open &= self._part.needed[self.hidden] > 0
        most = _enclose(self._matrix, self._part.reach[self.hidden])
        unsafe = set(np.flatnonzero(is_open & ~self._part.is_enough(most, self.hidden)).tolist())  # (3)
        is_open[sorted(unsafe)] = False
        self._clear_at_once(is_open)
        for column in np.flatnonzero(is_open).tolist():
            if is_open[column]:
                move = self._solve({column: 1.0})
                is_open &= ~self._part.is_enough(move, self.hidden)
                if is_open[column]:
                    unsafe.add(column)
                    is_open[column] = False
        return [int(number) for number in self.hidden[sorted(unsafe)]]

    def furthest(self, target: int) -> tuple[float, Any]:
        """Return how far a hidden cell can move, and the dual of each relation of the part."""
        import numpy as np

        column = self._column[target]
        move = self._solve({column: 1.0})
        dual = np.zeros(self._part.matrix.shape[0])
        dual[self._rows] = np.array(self._model.getSolution().row_dual)
        return float(move[column]), dual

    def _clear_at_once(self, is_open: Any) -> None:
        """Close the cells that moves clear which take many cells far at once (2).

        Directions are a fixed sequence: it says where to look first, never what is found.
        """
        import numpy as np

        chance = np.random.default_rng(0)
        for _ in range(_DIRECTIONS):
            listed = np.flatnonzero(is_open)
            if len(listed) <= 8:
                return
            signs = chance.choice((-1.0, 1.0), len(listed)) / self._part.needed[self.hidden[listed]]
            move = self._solve(dict(zip(listed.tolist(), (signs / abs(signs).max()).tolist(), strict=True)))
            is_open &= ~self._part.is_enough(move, self.hidden)
            if np.count_nonzero(is_open) * 10 > len(listed) * 9:
                return

    def _solve(self, objective: Mapping[int, float]) -> Any:
        """Return the move that takes cells furthest in a direction."""
        import highspy
        import numpy as np

        if self._model is None:
            reach = self._part.reach[self.hidden]
            self._model = _model(self._matrix.tocsc(), -reach, reach)
            self._model.changeObjectiveSense(highspy.ObjSense.kMaximize)
        columns = np.array(sorted(objective), dtype=np.int32)
        self._model.changeColsCost(len(columns), columns, np.array([objective[one] for one in columns.tolist()]))
        _run(self._model)
        self._model.changeColsCost(len(columns), columns, np.zeros(len(columns)))
        return np.array(self._model.getSolution().col_value)


def cheapest_near(part: Part, hidden: set[int], movable: set[int], target: int) -> dict[int, float] | None:
    """Return the cheapest move among the cells around a target (4); None where they do not take it far enough."""
    for steps in (_NEAR, _FURTHER):
        found = cheapest_move(part, hidden, part.around(target, steps, movable, hidden), target)
        if found is not None:
            return found
    return None


def cheapest_move(part: Part, hidden: set[int], movable: Iterable[int], target: int) -> dict[int, float] | None:
    """Return by cell how far it moves when a target is taken as far as its protection, at the least price.

    Only cells that are visible until now have one. None where no move of movable cells takes the target there.
    """
    import highspy
    import numpy as np
    from scipy.sparse import hstack

    numbers = [number for number in sorted(movable) if part.reach[number] > 0]
    order, count = np.array(numbers), len(numbers)
    own, needed = numbers.index(target), part.needed[target]
    columns = part.matrix[:, order].tocsr()
    columns = columns[np.flatnonzero(np.diff(columns.indptr))]
    # Variables: moves up, moves down.
    upper = np.concatenate((part.reach[order], part.reach[order]))
    lower = np.zeros(2 * count)
    lower[own] = upper[own] = needed
    upper[count + own] = 0.0
    model = _model(hstack((columns, -columns)).tocsc(), lower, upper)
    model.setOptionValue("simplex_strategy", 1)  # dual: at first prices alone are in order
    every = np.arange(2 * count, dtype=np.int32)
    spread = np.clip(part.reach[order], 0.001 * needed, needed)
    is_free = np.array([number in hidden for number in numbers])
    move = spread
    for _ in range(_REWEIGHTED):
        # Hiding costs the same however far a cell moves: what moved little last time is dear, what moved far is cheap.
        price = part.weights[order] / (move + 0.01 * spread)
        price[is_free] = 0.0
        price = price / (price.max() or 1.0)
        model.changeColsCost(2 * count, every, np.concatenate((price, price)))
        model.run()
        if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        values = np.array(model.getSolution().col_value)
        move = abs(values[:count] - values[count:])
        model.setOptionValue("simplex_strategy", 4)  # primal: the last move stays possible
    return {int(order[at]): float(move[at]) for at in np.flatnonzero(move > _ROOM * needed)}


def dominant(part: Part, hidden: set[int]) -> set[int]:
    """Return the visible cells that parts of totals alone could not protect if they were hidden: too large for them."""
    import numpy as np

    totals = {number for terms in part.terms for number, factor in terms if factor < 0}
    parts = np.array(sorted(set(range(len(part.cells))) - totals | hidden))
    columns = part.matrix[:, parts].tocsr()
    most = _enclose(columns[np.flatnonzero(np.diff(columns.indptr))], part.reach[parts])
    return set(parts[~part.is_enough(most, parts)].tolist()) - hidden


def _enclose(matrix: Any, reach: Any) -> Any:
    """Return how far each cell can move at most, as single relations say it (3)."""
    import numpy as np

    entries = matrix.tocoo()
    rows, columns, sizes = entries.coords[0], entries.coords[1], abs(entries.data)
    bound = reach.copy()
    for _ in range(_ENCLOSINGS):
        parts = sizes * bound[columns]
        others = (np.bincount(rows, parts, matrix.shape[0])[rows] - parts) / sizes
        # A sum of floats less one of them is nearly what the others are: never less than that.
        narrower = bound.copy()
        np.minimum.at(narrower, columns, np.maximum(others, 0.0) * (1 + 1e-12) + 1e-12 * _LARGEST)
        if np.array_equal(narrower, bound) or not (narrower < bound * (1 - 1e-9)).any():
            break
        bound = narrower
    return bound


def _model(columns: Any, lower: Any, upper: Any) -> Any:
    """Return a program without prices: columns of relations that must come to nothing, within bounds."""
    import highspy
    import numpy as np

    model: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    for option, value in (("output_flag", False), ("presolve", "off"), ("solver", "simplex"), ("threads", 1)):
        model.setOptionValue(option, value)
    model.setOptionValue("simplex_strategy", 4)  # primal: what was possible stays possible when prices change
    program = highspy.HighsLp()
    rows, count = columns.shape
    program.num_col_, program.num_row_ = count, rows
    program.col_cost_ = np.zeros(count)
    program.col_lower_, program.col_upper_ = lower, upper
    program.row_lower_ = program.row_upper_ = np.zeros(rows)
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.num_col_, program.a_matrix_.num_row_ = count, rows
    program.a_matrix_.start_ = columns.indptr.astype(np.int32)
    program.a_matrix_.index_ = columns.indices.astype(np.int32)
    program.a_matrix_.value_ = columns.data
    model.passModel(program)
    return model


def _run(model: Any) -> None:
    """Solve; from the beginning where going on from the last solution fails.

    Raises:
        RuntimeError: The solver finds no end.
    """
    import highspy

    model.run()
    if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        model.clearSolver()
        model.run()
    if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise RuntimeError(f"the solver ended with {model.modelStatusToString(model.getModelStatus())}")
