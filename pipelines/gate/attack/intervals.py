"""Intervals of unknowns by linear programming: the least and the greatest value that fit all that is known.

Belongs here: cutting a system into parts that have nothing to do with each other, one model for each, solved again and
again from where the last solve ended (HiGHS, primal simplex: only the objective changes). Not here: what is known
(system.py), how wide an interval must be (findings.py).

(1) Where facts contradict assumptions, the fewest kroner of them are given up: assumptions that still hold stay.
(2) Every solve gives amounts that fit all that is known; they bear witness for every unknown at once, so that most
    unknowns whose interval is wide are never solved for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.gate.attack.system import ZERO, Bound, Contradiction, Fact, Name, Reduced, System, reduce_exactly

# The solver's own tolerance is 1e-7; an øre is 1e-2.
TOLERANCE = 0.001
_GIVEN_UP = 0.001


@dataclass(frozen=True)
class Interval:
    """The values that an unknown can have; an end may be infinite."""

    lower: float
    upper: float

    def is_inside(self, other: Interval) -> bool:
        """Return whether every value is one of another interval's, give or take the solver's tolerance."""
        return self.lower >= other.lower - TOLERANCE and self.upper <= other.upper + TOLERANCE


EVERYTHING = Interval(-math.inf, math.inf)


def intervals(system: System, wanted: Iterable[Name]) -> dict[Name, Interval]:
    """Return the exact interval of each wanted unknown.

    Raises:
        Contradiction: No amounts fit all facts.
    """
    return _solve(system, wanted, lambda part, name: part.interval(name))


def narrow(system: System, limits: Mapping[Name, Interval]) -> dict[Name, Interval]:
    """Return the unknowns whose interval is inside the limit given for each, with their exact intervals.

    Raises:
        Contradiction: No amounts fit all facts.
    """
    found = _solve(system, limits, lambda part, name: part.interval(name, limits[name]))
    return {name: interval for name, interval in found.items() if interval.is_inside(limits[name])}


def _solve(
    system: System, wanted: Iterable[Name], ask: Callable[[_Part, Name], Interval | None]
) -> dict[Name, Interval]:
    reduced = reduce_exactly(system)
    parts = list(_parts(system, reduced))
    part_of = {name: part for part in parts for name in part.columns}
    found: dict[Name, Interval] = {}
    for name in sorted(wanted):
        if name in part_of:
            interval = ask(part_of[name], name)
            if interval is not None:
                found[name] = interval
        else:
            bound = reduced.bounds.get(name, Bound())
            if bound.fixed is None:
                bound = _assume(bound, name, system)
            found[name] = _as_interval(bound)
    return found


def _assume(bound: Bound, name: Name, system: System) -> Bound:
    """Return a bound with the assumption that its unknown is not negative, where that fits."""
    if name not in system.assumed_positive:
        return bound
    positive = bound.within(Bound(lower=ZERO))
    return bound if positive.is_empty else positive


def _as_interval(bound: Bound) -> Interval:
    lower = -math.inf if bound.lower is None else float(bound.lower)
    return Interval(lower, math.inf if bound.upper is None else float(bound.upper))


def _parts(system: System, reduced: Reduced) -> Iterator[_Part]:
    """Give the parts of a system that share no unknown, each checked to have a solution."""
    leader: dict[Name, Name] = {}

    def find(name: Name) -> Name:
        while leader.setdefault(name, name) != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for fact in reduced.facts:
        first, *others = fact.terms
        for other in others:
            leader[find(other)] = find(first)
        find(first)
    facts: dict[Name, list[Fact]] = {}
    for fact in reduced.facts:
        facts.setdefault(find(next(iter(fact.terms))), []).append(fact)
    for listed in facts.values():
        yield _Part(listed, reduced.bounds, system.assumed_positive)


class _Part:
    """One model of unknowns that hang together."""

    def __init__(self, facts: list[Fact], bounds: Mapping[Name, Bound], assumed_positive: set[Name]) -> None:
        names = sorted({name for fact in facts for name in fact.terms})
        self.columns = {name: column for column, name in enumerate(names)}
        self._bounds = {name: _as_interval(bounds[name]) for name in names}
        self._facts = facts
        self._positive = {name for name in names if name in assumed_positive and self._bounds[name].lower < 0}
        self._model = self._build()
        if not self._has_solution():
            self._give_up_assumptions()
            self._model = self._build()
            if not self._has_solution():
                raise Contradiction(fact.says for fact in facts)
        self._least = self._greatest = self._values()

    def interval(self, name: Name, limit: Interval | None = None) -> Interval | None:
        """Return an unknown's interval; None as soon as it is known to reach beyond a limit."""
        column = self.columns[name]
        if limit is not None and self._reaches_beyond(column, limit):
            return None
        upper = self._extreme(column, is_greatest=True)
        if limit is not None and (upper > limit.upper + TOLERANCE or self._reaches_beyond(column, limit)):
            return None
        return Interval(self._extreme(column, is_greatest=False), upper)

    def _reaches_beyond(self, column: int, limit: Interval) -> bool:  # (2)
        return bool(self._greatest[column] > limit.upper + TOLERANCE or self._least[column] < limit.lower - TOLERANCE)

    def _extreme(self, column: int, *, is_greatest: bool) -> float:
        import highspy
        import numpy as np

        sense = highspy.ObjSense.kMaximize if is_greatest else highspy.ObjSense.kMinimize
        self._model.changeObjectiveSense(sense)
        self._model.changeColCost(column, 1.0)
        self._model.run()
        status = self._model.getModelStatus()
        if status not in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kUnbounded):
            self._model.clearSolver()  # From the beginning, without the last basis.
            self._model.run()
            status = self._model.getModelStatus()
        self._model.changeColCost(column, 0.0)
        if status == highspy.HighsModelStatus.kOptimal:
            values = self._values()
            self._least, self._greatest = np.minimum(self._least, values), np.maximum(self._greatest, values)
            return float(values[column])
        if status == highspy.HighsModelStatus.kUnbounded:
            return math.inf if is_greatest else -math.inf
        raise RuntimeError(f"the solver ended with {self._model.modelStatusToString(status)}")

    def _values(self) -> Any:
        import numpy as np

        return np.array(self._model.getSolution().col_value)[: len(self.columns)]

    def _has_solution(self) -> bool:
        import highspy

        self._model.run()
        return bool(self._model.getModelStatus() == highspy.HighsModelStatus.kOptimal)

    def _build(self) -> Any:
        lower = [0.0 if name in self._positive else self._bounds[name].lower for name in self.columns]
        rows = [(dict(fact.terms), fact.bound) for fact in self._facts]
        terms = [{self.columns[name]: float(weight) for name, weight in weights.items()} for weights, _ in rows]
        return _model(lower, [bound.upper for bound in self._bounds.values()], terms, [bound for _, bound in rows])

    def _give_up_assumptions(self) -> None:
        """Drop the assumptions that do not hold beside the facts: the fewest kroner of them (1).

        Raises:
            Contradiction: The facts alone have no solution.
        """
        positive = sorted(self._positive)
        assumed = [row for row, fact in enumerate(self._facts) if fact.is_assumed]
        lower, upper = [bound.lower for bound in self._bounds.values()], [b.upper for b in self._bounds.values()]
        terms = [{self.columns[name]: float(w) for name, w in fact.terms.items()} for fact in self._facts]
        bounds = [fact.bound for fact in self._facts]
        slack = len(lower)
        for name in positive:
            terms.append({self.columns[name]: 1.0, len(lower): 1.0})
            bounds.append(Bound(lower=ZERO))
            lower.append(0.0)
            upper.append(math.inf)
        for row in assumed:
            terms[row] |= {len(lower): 1.0, len(lower) + 1: -1.0}
            lower += [0.0, 0.0]
            upper += [math.inf, math.inf]
        self._model = _model(lower, upper, terms, bounds)
        for column in range(slack, len(lower)):
            self._model.changeColCost(column, 1.0)
        if not self._has_solution():
            raise Contradiction(fact.says for fact in self._facts)
        given = list(self._model.getSolution().col_value)[slack:]
        self._positive -= {name for name, up in zip(positive, given, strict=False) if up > _GIVEN_UP}
        pairs = given[len(positive) :]
        dropped = {row for at, row in enumerate(assumed) if max(pairs[2 * at], pairs[2 * at + 1]) > _GIVEN_UP}
        self._facts = [fact for row, fact in enumerate(self._facts) if row not in dropped]


def _model(lower: list[float], upper: list[float], terms: list[dict[int, float]], bounds: list[Bound]) -> Any:
    """Return a model without an objective; rows are weighted sums of columns within bounds."""
    import highspy
    import numpy as np

    model: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    for option, value in (("output_flag", False), ("presolve", "off"), ("solver", "simplex"), ("threads", 1)):
        model.setOptionValue(option, value)
    model.setOptionValue("simplex_strategy", 4)  # primal: the last solve's vertex stays feasible
    starts = np.cumsum([0, *(len(row) for row in terms)])
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = len(lower), len(terms)
    program.col_cost_ = np.zeros(len(lower))
    program.col_lower_, program.col_upper_ = np.array(lower), np.array(upper)
    ends = [_as_interval(bound) for bound in bounds]
    program.row_lower_ = np.array([end.lower for end in ends])
    program.row_upper_ = np.array([end.upper for end in ends])
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.num_col_, program.a_matrix_.num_row_ = len(lower), len(terms)
    program.a_matrix_.start_ = starts.astype(np.int32)
    program.a_matrix_.index_ = np.array([column for row in terms for column in row], dtype=np.int32)
    program.a_matrix_.value_ = np.array([weight for row in terms for weight in row.values()], dtype=float)
    model.passModel(program)
    return model
