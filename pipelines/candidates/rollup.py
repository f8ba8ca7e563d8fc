"""Tell what must be hidden at a coarser level first: sums over a category's group, over all members, over both.

Belongs here: which sums of a market view are told. Not here: which cells are hidden (suppress.py), whether contributors
give somebody away (sensitivity.py), how far hidden cells can move (moves.py). No cell is hidden for a sum's sake: one
that would give a cell away is not told; nor is one over years (ARCHITECTURE.md, decision 19).

(1) A sum is of all rows below it. The finest that tells a hidden cell is looked at first: the group of its category in
    its municipality, its category over all members, the group over all members; then what a municipality buys
    altogether, and everything.
(2) A sum is told when those behind it give nobody away, nor those behind what is left of it when the reader takes away
    what is shown: the shown rows below it, and every smaller sum told before it.
(3) And when every hidden cell can still move as far as its protection with this sum standing beside those told before:
    a sum and the parts that undo it are never both told.
(4) An owner of the recipient knows what it bought itself: (2) and (3) hold for what is left when it takes that away.
(5) Of what an earlier release of the year showed of a cell the reader knows that it is no less now: a cell moves no
    further than that leaves it.
(6) The hidden rows of two sums lie within each other or have none in common: of sums that cross, several together tell
    what none of them does, and what would be refused as a sum of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pipelines.candidates.earlier import CellKey
from pipelines.candidates.moves import Cell, Relation
from pipelines.candidates.secondary import unsafe_cells
from pipelines.candidates.sensitivity import Attacker, Contributor, assess

ALL = "all"
CELL, GROUP, REGION, REGION_GROUP, MUNICIPALITY, TOTAL = (
    "cell",
    "category_group",
    "region",
    "region_group",
    "municipality",
    "total",
)
LEVELS = (CELL, GROUP, REGION, REGION_GROUP, MUNICIPALITY, TOTAL)


@dataclass(frozen=True)
class Leaf:
    """A row of one municipality and category, as it is decided.

    Attributes:
        group: The group of its category; empty where it is in none.
        contributors: Who stands behind it; None where that does not add up to it.
        protection: How far from its value it must stay possible when hidden, in øre.
        reach: How far it can move at most.
        is_hidden: It is hidden.
    """

    group: str
    contributors: tuple[Contributor, ...] | None
    protection: int
    reach: int
    is_hidden: bool


@dataclass(frozen=True)
class Sum:
    """A sum of rows.

    Attributes:
        key: Year, municipality, category; ``all`` or a group's code where it is over several.
        level: One of LEVELS.
        parts: The rows.
        hidden: Those of them that are hidden.
    """

    key: CellKey
    level: str
    parts: tuple[CellKey, ...]
    hidden: frozenset[CellKey]


def told_sums(
    leaves: Mapping[CellKey, Leaf],
    attacker: Callable[[int], Attacker],
    may_tell: Callable[[CellKey, tuple[Contributor, ...]], bool],
    was_told: Callable[[CellKey], bool],
) -> list[Sum]:
    """Return the sums that a release tells beside its rows, the finest first.

    Args:
        leaves: The rows.
        attacker: What the recipient knows of a year without any release.
        may_tell: Whether earlier releases allow a sum, with those behind it.
        was_told: Whether an earlier release told a sum of the same months: it stands beside those told now.
    """
    told: list[Sum] = []
    wanted = list(_sums(leaves))
    before = [one for one in wanted if was_told(one.key)]
    for one in wanted:
        behind = _behind(leaves, one.parts)
        reader = attacker(one.key[0])
        if (
            behind is not None
            and not assess(behind, reader).reason
            and may_tell(one.key, behind)
            and (not one.hidden or _is_safe(leaves, one, told, [each for each in before if each is not one], reader))
        ):
            told.append(one)
    return told


def merged(contributors: Iterable[Contributor]) -> tuple[Contributor, ...]:
    """Return contributors with one entry for each payee, sorted."""
    sums: dict[str, tuple[int, int]] = {}
    for one in contributors:
        net, magnitude = sums.get(one.payee, (0, 0))
        sums[one.payee] = (net + one.net, magnitude + one.magnitude)
    return tuple(Contributor(payee, *sums[payee]) for payee in sorted(sums))


def _sums(leaves: Mapping[CellKey, Leaf]) -> Iterator[Sum]:
    """Give the sums that could be told, in order (1); of groups those alone that tell something hidden."""
    wanted: dict[tuple[int, int, str, str], list[CellKey]] = {}
    for key in sorted(leaves):
        year, municipality, category = key
        group = leaves[key].group
        codes = [(REGION, ALL, category), (MUNICIPALITY, municipality, ALL), (TOTAL, ALL, ALL)]
        codes += [(GROUP, municipality, group), (REGION_GROUP, ALL, group)] if group else []
        for level, where, what in codes:
            wanted.setdefault((year, LEVELS.index(level), where, what), []).append(key)
    seen: set[tuple[CellKey, ...]] = set()
    for (year, rank, where, what), parts in sorted(wanted.items()):
        hidden = frozenset(key for key in parts if leaves[key].is_hidden)
        level = LEVELS[rank]
        if len(parts) > 1 and (hidden or level not in (GROUP, REGION_GROUP)) and tuple(parts) not in seen:
            seen.add(tuple(parts))  # the same rows are told once, at the finest level
            yield Sum((year, where, what), level, tuple(parts), hidden)


def _behind(leaves: Mapping[CellKey, Leaf], keys: Iterable[CellKey]) -> tuple[Contributor, ...] | None:
    """Return who stands behind rows together; None where that of one of them is not known."""
    listed = [leaves[key].contributors for key in keys]
    if None in listed:
        return None
    return merged(one for contributors in listed for one in contributors or ())


def _is_safe(leaves: Mapping[CellKey, Leaf], one: Sum, told: list[Sum], before: list[Sum], reader: Attacker) -> bool:
    """Return whether nothing hidden follows from a sum beside those told before, for the reader and its owners."""
    if not all(_is_nested(each, one) for each in told) or not all(
        _is_nested(each, one) or one.hidden < each.hidden for each in before
    ):
        return False  # (6)
    beside = _linked(one, [*told, *before])
    wider = [replace(each, hidden=each.hidden - one.hidden) for each in before if one.hidden < each.hidden]
    return all(
        all(_remainders_are_safe(leaves, each, [], reader, owner) for each in wider)
        and _remainders_are_safe(leaves, one, beside, reader, owner)
        and _can_move(leaves, [*beside, one], owner)
        for owner in ("", *sorted(reader.owners))
    )


def _is_nested(narrow: Sum, wide: Sum) -> bool:
    """Return whether the hidden rows of one sum all lie in another, or none of them."""
    return narrow.hidden <= wide.hidden or not narrow.hidden & wide.hidden


def _linked(one: Sum, told: Iterable[Sum]) -> list[Sum]:
    """Return the sums told that share hidden cells with one, or with each other down to it."""
    left, found, reached = [each for each in told if each.hidden], list[Sum](), set(one.hidden)
    while near := [each for each in left if each.hidden & reached]:
        found += near
        reached.update(*(each.hidden for each in near))
        left = [each for each in left if each not in near]
    return found


def _remainders_are_safe(
    leaves: Mapping[CellKey, Leaf], one: Sum, beside: Iterable[Sum], reader: Attacker, owner: str
) -> bool:  # (2)
    smaller = [each.hidden for each in beside if each.hidden < one.hidden]
    taken_away = [frozenset[CellKey](), *smaller, frozenset[CellKey]().union(*smaller)]
    for known in taken_away:
        rest = [key for key in one.hidden - known if key[1] != owner]
        behind = _behind(leaves, rest)
        if behind is None or assess(behind, reader).reason:
            return False
    return True


def _can_move(leaves: Mapping[CellKey, Leaf], sums: Collection[Sum], owner: str) -> bool:  # (3)
    relations, keys = [], set[CellKey]()
    for each in sums:
        unknown = sorted(key for key in each.hidden if key[1] != owner)
        if unknown:
            keys.update(unknown)
            relations.append(Relation({_name(key): 1 for key in unknown}))
    if any(leaves[key].reach < leaves[key].protection for key in keys):  # (5)
        return False
    if len(relations) == 1:  # each can move as far as the others together
        total = sum(leaves[key].reach for key in keys)
        return all(total - leaves[key].reach > leaves[key].protection for key in keys)
    cells = [Cell(_name(key), leaves[key].reach, 0, leaves[key].protection, is_hidden=True) for key in sorted(keys)]
    return not unsafe_cells(cells, relations)


def _name(key: CellKey) -> tuple[str, ...]:
    return tuple(str(part) for part in key)
