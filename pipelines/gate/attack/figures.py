"""What a published figure says about the amounts behind it, as linear facts.

Belongs here: one function per kind of figure: amounts, ratios and percentages, bands, counts, limits used (headroom),
concentration, percentiles, ranks. Not here: which column holds which kind (market_view.py).

A figure that is rounded says that the exact one lies within half a unit of its last decimal. What a figure says that no
weighted sum can hold (a sum of squares, which member of a group stands at a percentile) is put as the sums that follow
from it: what is computed is never narrower than what the recipient could know, and may be wider there only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from pipelines.gate.attack.system import Name, System

_HALF = Decimal("0.5")


def rounded(value: Decimal) -> tuple[Decimal, Decimal]:
    """Return the least and greatest value that rounds to a published one."""
    exponent = value.as_tuple().exponent
    half = _HALF.scaleb(int(exponent))
    return value - half, value + half


def amount(system: System, name: Name, value: Decimal, says: str) -> None:
    """An amount to the øre: the only value."""
    system.know(name, value, says)


def rounded_amount(system: System, name: Name, value: Decimal, unit: Decimal, says: str) -> None:
    """An amount rounded to a unit, such as whole thousands."""
    system.learn({name: 1}, value - unit * _HALF, value + unit * _HALF, says)


def ratio(system: System, part: Name, whole: Name, value: Decimal, says: str) -> None:
    """A rounded ratio of two amounts whose whole is not negative: ``own / ratio`` gives the whole, within rounding."""
    least, greatest = rounded(value)
    system.learn({part: 1, whole: -least}, 0, None, says)
    system.learn({part: 1, whole: -greatest}, None, 0, says)


def band(system: System, name: Name, least: Decimal | None, below: Decimal | None, says: str) -> None:
    """An amount from one limit on and below another."""
    system.learn({name: 1}, least, below, says)


def headroom(system: System, name: Name, label: str, limits: Sequence[Decimal], says: str) -> None:
    """How much of a limit an amount uses, as ``<0.6``, ``0.6-0.8`` or ``>=1.0``; any of several limits may be meant.

    Raises:
        ValueError: The label is no such band.
    """
    first, dash, last = label.partition("-")
    if label.startswith("<"):
        band(system, name, None, Decimal(label[1:]) * max(limits), says)
    elif label.startswith(">="):
        band(system, name, Decimal(label[2:]) * min(limits), None, says)
    elif dash:
        band(system, name, Decimal(first) * min(limits), Decimal(last) * max(limits), says)
    else:
        raise ValueError(f"{label} is no band of a limit")


def count(system: System, name: Name, number: int, says: str, *, least_each: Decimal | None = None) -> None:
    """A number of payees: none means no amount; each has at least an amount where one is published as a floor."""
    if number == 0:
        system.know(name, 0, says)
    elif least_each is not None:
        system.learn({name: 1}, least_each * number, None, says)


def concentration(system: System, largest: Name, whole: Name, hhi: Decimal, says: str) -> None:
    """A sum of squared shares: the largest share is at least that sum, and at most its root."""
    least, greatest = rounded(hhi)
    root = max(greatest, Decimal(0)).sqrt().quantize(Decimal("0.000001"), ROUND_CEILING)
    system.learn({largest: 1, whole: -max(least, Decimal(0))}, 0, None, says)
    system.learn({largest: 1, whole: -root}, None, 0, says)


def percentile(system: System, names: Sequence[Name], share: Decimal, value: Decimal, says: str) -> None:
    """A percentile of amounts that are not negative: those above it sum to at least their number times it.

    The least is below everyone, the greatest above.
    """
    least, greatest = rounded(value)
    above = int((len(names) * (1 - share)).to_integral_value(ROUND_FLOOR))
    if share == 1:
        for name in names:
            system.learn({name: 1}, None, greatest, says)
        above = 1
    if share == 0:
        for name in names:
            system.learn({name: 1}, least, None, says)
        return
    system.learn(dict.fromkeys(names, 1), least * above, None, says)


def ranked(system: System, names: Sequence[Name], says: str) -> None:
    """A list in falling order without amounts."""
    for before, after in zip(names, names[1:], strict=False):
        system.learn({before: 1, after: -1}, 0, None, says)


def weighted_mean(system: System, weights: Mapping[Name, Decimal], value: Decimal, says: str) -> None:
    """A rounded mean."""
    least, greatest = rounded(value)
    number = sum(weights.values(), Decimal(0))
    system.learn(weights, least * number, greatest * number, says)
