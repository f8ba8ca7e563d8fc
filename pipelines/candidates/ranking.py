"""Rank what cannot be shown: where a workshop would see little of its market, in which order of size its rows stand.

Belongs here: which rows are ranked. Not here: what is hidden (suppress.py) or told in sums (rollup.py).

(1) Rows are ranked where 70 % of the addressable value is told at no level. Largest first, within a year; no amount,
    band or count stands with a rank.
(2) An order bounds each of its members by those beside it. So only rows of which nothing else is told are ranked: none
    that is shown, none that a sum tells, none of a municipality that owns a part of the recipient (it knows its own),
    none that an earlier release of the year showed. All that is left to a reader is the order, and its own sales.
(3) A ranked row stays hidden in later months of its year (earlier.py), or what it then shows would bound the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from pipelines.candidates.earlier import CellKey
from pipelines.candidates.sensitivity import Attacker

LITTLE = Decimal("0.70")


@dataclass(frozen=True)
class Untold:
    """A hidden row that no sum tells.

    Attributes:
        key: Year, municipality, category.
        addressable_nok: Its size.
        was_shown: An earlier release showed it for some months of its year.
    """

    key: CellKey
    addressable_nok: Decimal
    was_shown: bool


def ranks(
    untold: Iterable[Untold], attacker: Callable[[int], Attacker], withheld_nok: Decimal, total_nok: Decimal
) -> dict[CellKey, int]:
    """Return the ranks of rows; none where enough is told without."""
    if not total_nok or withheld_nok < LITTLE * total_nok:
        return {}
    by_year: dict[int, list[Untold]] = {}
    for row in untold:
        if not row.was_shown and row.key[1] not in attacker(row.key[0]).owners:
            by_year.setdefault(row.key[0], []).append(row)
    return {
        row.key: rank
        for rows in by_year.values()
        if len(rows) > 1  # one alone has no order, and would stay hidden for it (3)
        for rank, row in enumerate(sorted(rows, key=lambda row: (-row.addressable_nok, row.key)), start=1)
    }
