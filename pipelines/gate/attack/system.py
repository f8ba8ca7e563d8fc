"""What a recipient knows, as linear facts about unknown amounts; exact decimals, no solving.

Belongs here: unknowns, facts, and what follows from them exactly, without a solver. Not here: what a figure says
(figures.py), intervals (intervals.py).

(1) A fact is what a figure says. It cannot be dropped: facts that contradict each other are an error of the release.
(2) An assumption is what a clever reader takes for granted: that net purchases are not negative, that a figure of a
    closed period stands unchanged in the next release. Where facts contradict one, it is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

Name = tuple[str, ...]
ZERO = Decimal(0)
# Amounts are exact to the øre; what is nearer to each other than this is equal.
NEARLY = Decimal("0.0001")


class Contradiction(Exception):
    """No amounts fit all that is said.

    Attributes:
        says: Which figures do not fit each other.
    """

    def __init__(self, says: Iterable[str]) -> None:
        self.says = tuple(sorted(set(says)))
        super().__init__(f"Nothing fits all of: {'; '.join(self.says)}")


@dataclass(frozen=True)
class Bound:
    """A least and a greatest value; None where there is none."""

    lower: Decimal | None = None
    upper: Decimal | None = None

    @property
    def fixed(self) -> Decimal | None:
        """Return the only value; None where there are several."""
        is_one = self.lower is not None and self.upper is not None and self.upper - self.lower <= NEARLY
        return self.lower if is_one else None

    def within(self, other: Bound) -> Bound:
        """Return what is within both."""
        lowers = [value for value in (self.lower, other.lower) if value is not None]
        uppers = [value for value in (self.upper, other.upper) if value is not None]
        return Bound(max(lowers, default=None), min(uppers, default=None))

    @property
    def is_empty(self) -> bool:
        """Return whether no value is within."""
        return self.lower is not None and self.upper is not None and self.lower - self.upper > NEARLY


@dataclass(frozen=True)
class Fact:
    """A weighted sum of unknowns that lies within a bound.

    Attributes:
        terms: Weight by unknown; no weight is zero.
        bound: Where the sum lies.
        says: Which figure says so.
        is_assumed: See (2).
    """

    terms: Mapping[Name, Decimal]
    bound: Bound
    says: str
    is_assumed: bool = False


@dataclass
class System:
    """Everything that is known.

    Attributes:
        facts: In the order in which they were learnt.
        assumed_positive: Unknowns that a reader takes to be zero or more.
    """

    facts: list[Fact] = field(default_factory=list)
    assumed_positive: set[Name] = field(default_factory=set)

    def learn(
        self,
        terms: Mapping[Name, Decimal | int],
        lower: Decimal | int | None,
        upper: Decimal | int | None,
        says: str,
        *,
        is_assumed: bool = False,
    ) -> None:
        """Add that a weighted sum lies between two values."""
        weights = {name: Decimal(weight) for name, weight in terms.items() if weight}
        bound = Bound(None if lower is None else Decimal(lower), None if upper is None else Decimal(upper))
        self.facts.append(Fact(weights, bound, says, is_assumed))

    def know(self, name: Name, value: Decimal | int, says: str, *, is_assumed: bool = False) -> None:
        """Add that an unknown has a value."""
        self.learn({name: 1}, value, value, says, is_assumed=is_assumed)

    def same(self, left: Name, right: Name, says: str, *, is_assumed: bool = False) -> None:
        """Add that two unknowns are equal."""
        self.learn({left: 1, right: -1}, 0, 0, says, is_assumed=is_assumed)

    def total(self, whole: Name, parts: Iterable[Name], says: str) -> None:
        """Add that an unknown is the sum of others."""
        self.learn({whole: 1, **dict.fromkeys(parts, -1)}, 0, 0, says)

    @property
    def names(self) -> list[Name]:
        """Return every unknown that a fact is about, sorted."""
        return sorted({name for fact in self.facts for name in fact.terms} | self.assumed_positive)


@dataclass
class Reduced:
    """A system after everything that follows without a solver.

    Attributes:
        bounds: What single facts say about each unknown; those with one value are in no remaining fact.
        facts: The facts about two or more unknowns, known values put in; and the assumptions.
    """

    bounds: dict[Name, Bound]
    facts: list[Fact]


def reduce_exactly(system: System) -> Reduced:
    """Return a system with all known values put in, in exact arithmetic, until nothing more follows.

    Assumptions narrow nothing here: whether they hold beside the facts takes a solver.

    Raises:
        Contradiction: Facts exclude each other.
    """
    bounds = dict.fromkeys(system.names, Bound())
    said: dict[Name, list[str]] = {}
    open_facts = [fact for fact in system.facts if not fact.is_assumed]
    while True:
        remaining: list[Fact] = []
        for fact in open_facts:
            left = _put_in(fact, bounds)
            if len(left.terms) > 1:
                remaining.append(left)
            elif left.terms:
                _narrow(bounds, left, said)
            elif _excludes_zero(left.bound):
                raise Contradiction([left.says, *(says for name in fact.terms for says in said.get(name, ()))])
        if len(remaining) == len(open_facts):
            break
        open_facts = remaining
    assumed = [_put_in(fact, bounds) for fact in system.facts if fact.is_assumed]
    return Reduced(bounds, [*remaining, *(fact for fact in assumed if fact.terms)])


def _put_in(fact: Fact, bounds: Mapping[Name, Bound]) -> Fact:
    """Return a fact with the unknowns that have one value moved to its bound."""
    known = {name: value for name in fact.terms if (value := bounds[name].fixed) is not None}
    if not known:
        return fact
    moved = sum((fact.terms[name] * value for name, value in known.items()), ZERO)
    bound = Bound(
        None if fact.bound.lower is None else fact.bound.lower - moved,
        None if fact.bound.upper is None else fact.bound.upper - moved,
    )
    left = {name: weight for name, weight in fact.terms.items() if name not in known}
    return Fact(left, bound, fact.says, fact.is_assumed)


def _narrow(bounds: dict[Name, Bound], fact: Fact, said: dict[Name, list[str]]) -> None:
    """Narrow the only unknown of a fact."""
    ((name, weight),) = fact.terms.items()
    ends = [None if end is None else end / weight for end in (fact.bound.lower, fact.bound.upper)]
    lower, upper = ends if weight > 0 else reversed(ends)
    narrowed = bounds[name].within(Bound(lower, upper))
    if narrowed.is_empty:
        raise Contradiction([fact.says, *said.get(name, ())])
    bounds[name] = narrowed
    said.setdefault(name, []).append(fact.says)


def _excludes_zero(bound: Bound) -> bool:
    return (bound.lower is not None and bound.lower > NEARLY) or (bound.upper is not None and bound.upper < -NEARLY)
