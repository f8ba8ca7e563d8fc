"""Decide from those who stand behind a cell whether it would say too much about one of them: primary suppression.

Belongs here: contributors, who knows what of them, the limits, the decision and its reason. Not here: what else must be
hidden so that a hidden cell stays hidden (secondary.py), what is published of a cell (suppress.py). Nothing is read.

Amounts are whole øre. Over those others whose sums the recipient does not know anyway:

(1) Contributors are owner groups; the recipient's own group is none, and one that was credited in full is none.
(2) Fewer than three, counted with and without those that publish their own sales: hidden. Nobody at all is a plain
    zero and gives nobody away.
(3) The largest over 80 %, or the two largest over 95 %, of the absolute amounts: hidden. Absolute, so that a credit
    note does not make a supplier small.
(4) What is left when the recipient takes away what it knows and the largest other, under 15 % of that largest: hidden,
    for the recipient could then estimate it that closely (p % with the recipient as attacker).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

FEW, ONE_LARGE, TWO_LARGE, CLOSE, UNCOUNTED = "few", "one_large", "two_large", "p_percent", "uncounted"
BEFORE, TOLD_OF, CHANGED, SECONDARY = "hidden_before", "told_of_before", "changed", "secondary"
REASONS = {
    FEW: "fewer than three other contributors",
    ONE_LARGE: "one other contributor holds nearly everything",
    TWO_LARGE: "two other contributors hold nearly everything",
    CLOSE: "the recipient could estimate the largest other contributor",
    UNCOUNTED: "the contributors do not add up to the cell",
    BEFORE: "hidden in an earlier release of the same months",
    TOLD_OF: "hidden, but told in a sum or ranked in an earlier release of the year",
    CHANGED: "what changed since an earlier release would give a contributor away",
    SECONDARY: "hidden so that another cell cannot be computed",
}


@dataclass(frozen=True)
class Limits:
    """What a cell is held against, in per cent.

    Attributes:
        fewest: Fewest contributors other than the recipient and its group.
        one_large: Largest part of the largest contributor.
        two_large: Largest part of the two largest together.
        p: How closely a contributor may not be estimated.
    """

    fewest: int = 3
    one_large: int = 80
    two_large: int = 95
    p: int = 15


DEFAULT = Limits()


@dataclass(frozen=True)
class Contributor:
    """What one payee has of a cell.

    Attributes:
        payee: Organisation number, or the key of a payee without one.
        net: Sum in øre; credit notes count against it.
        magnitude: Sum of absolute amounts in øre.
    """

    payee: str
    net: int
    magnitude: int


@dataclass(frozen=True)
class Attacker:
    """Who reads the cells, and what it knows without them.

    Attributes:
        recipient: Who gets the release.
        group_of: The owner group of a payee; a payee that is not named is its own.
        public: Payees that publish their own sales: everybody can take them away.
        owners: Municipalities that own a part of the recipient: each knows what it bought itself.
    """

    recipient: str
    group_of: Mapping[str, str] = field(default_factory=dict)
    public: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()

    def group(self, payee: str) -> str:
        """Return the owner group of a payee."""
        return self.group_of.get(payee, payee)


@dataclass(frozen=True)
class Assessment:
    """What the contributors of a cell say.

    Attributes:
        reason: Why the cell must be hidden; empty where it may be shown.
        others: Contributors other than the recipient's group: what the published band counts.
        magnitude: Absolute amounts, in øre, of those others that the recipient does not know.
    """

    reason: str
    others: int
    magnitude: int


def assess(contributors: Iterable[Contributor], attacker: Attacker, limits: Limits = DEFAULT) -> Assessment:
    """Return whether a cell must be hidden from an attacker, and why."""
    others: dict[str, list[int]] = {}
    unknown: dict[str, list[int]] = {}
    own_group = attacker.group(attacker.recipient)
    for one in contributors:
        group = attacker.group(one.payee)
        if group == own_group:
            continue
        for sums in (others,) if one.payee in attacker.public else (others, unknown):
            net, magnitude = sums.get(group, (0, 0))
            sums[group] = [net + one.net, magnitude + one.magnitude]
    counted = _count(others)
    sizes = sorted((magnitude for _, magnitude in unknown.values()), reverse=True)
    reason = _reason(sizes, counted, _count(unknown), limits)
    return Assessment(reason, counted, sum(sizes))


def _count(groups: Mapping[str, list[int]]) -> int:
    """Return how many groups have any amount; who was credited in full hides nobody."""
    return sum(net != 0 for net, _ in groups.values())


def _reason(sizes: list[int], counted: int, unknown: int, limits: Limits) -> str:
    total, largest, two_largest = sum(sizes), sum(sizes[:1]), sum(sizes[:2])
    if 0 < counted < limits.fewest or (total > 0 and unknown < limits.fewest):
        return FEW
    if 100 * largest > limits.one_large * total:
        return ONE_LARGE
    if 100 * two_largest > limits.two_large * total:
        return TWO_LARGE
    if 100 * (total - largest) < limits.p * largest:
        return CLOSE
    return ""


def protection(magnitude: int, limits: Limits = DEFAULT) -> int:
    """Return how far from its value, in øre, a hidden cell must stay possible: p per cent of its absolute amounts."""
    return -(-magnitude * limits.p // 100)


def owner_groups(owners: Iterable[Mapping[str, Any]], year: int) -> dict[str, str]:
    """Return the owner group of each workshop: workshops of which one member holds more than half count as one.

    Args:
        owners: Rows of the register workshop_owners.
        year: The calendar year; whoever held more than half on any day of it, the latest of them.
    """
    first, last = date(year, 1, 1), date(year, 12, 31)
    holding = [
        row
        for row in owners
        if row["ownership_fraction"] * 2 > 1
        and row["valid_from"] <= last
        and (row["valid_to"] is None or row["valid_to"] >= first)
    ]
    holding.sort(key=lambda row: (row["valid_from"], row["owner_municipality_no"]))
    return {row["workshop_org_no"]: f"owner {row['owner_municipality_no']}" for row in holding}


def owning_municipalities(owners: Iterable[Mapping[str, Any]], recipient: str, day: date) -> frozenset[str]:
    """Return the members that own a part of a workshop on a day."""
    return frozenset(
        row["owner_municipality_no"]
        for row in owners
        if row["workshop_org_no"] == recipient
        and row["valid_from"] <= day
        and (row["valid_to"] is None or row["valid_to"] >= day)
    )


def publishing_their_sales(consents: Iterable[Mapping[str, Any]], by: date) -> frozenset[str]:
    """Return the workshops that have consented to publish their own sales by a day.

    What was once public is known for good: a consent that has ended since still counts.

    Args:
        consents: Rows of the register consents.
        by: The last day that the release covers.
    """
    return frozenset(row["subject"] for row in consents if row["product"] == SALES_CONSENT and row["valid_from"] <= by)


SALES_CONSENT = "workshop_sales"
