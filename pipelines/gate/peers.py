"""DC07: a figure about others says nothing of one of them.

Belongs here: places among peers, and anything else a candidate says of a group of municipalities. Not here: cells of
the market view (disclosure.py).

(1) A place among peers is a row of K23, or a row of a table that counts its ``peers``. (2) At least eight others stand
behind it. (3) It is rounded to half a percentage point, and what would give the exact figure, its numerator, is empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from pipelines.gate.case import Case, examples_of
from pipelines.gate.rules import Finding

_PLACES = "K23"
_PEERS = "peers"


def identifiable_peers(case: Case) -> Finding:
    """DC07: return the places among peers with too few others behind them, or told too exactly."""
    rule = case.rules["DC07"]
    fewest, step = rule.parameter("min_peers"), rule.parameter("rounding_points")
    counted, wrong = 0, []
    for where, peers, figures, is_exact in _places(case):
        counted += 1
        unrounded = any(figure is None or (figure * 100) % step for figure in figures)
        if peers is None or peers < fewest or unrounded or is_exact:
            wrong.append(where)
    if not counted:
        return Finding(0, reason="The candidate compares its recipient with no group of municipalities.")
    reason = f"{len(wrong)} places have fewer than {fewest} others behind them or are not rounded to {step} points."
    return Finding(counted, len(wrong), reason if wrong else "", examples_of(wrong), "kpi.value")


def _places(case: Case) -> Iterator[tuple[tuple[str, ...], Decimal | None, list[Decimal | None], bool]]:
    """Give for each place where it stands, how many others there are, its figures, whether it tells the exact one."""
    for table, rows in sorted(case.files.tables.items()):
        for number, row in enumerate(rows.to_pylist(), 1) if _is_about_peers(rows.column_names) else ():
            if row.get("kpi_key") == _PLACES:
                figures = [row["value"]] if row.get("value") is not None else []
                where = (table, str(row.get("measure")), str(row.get("period_end")))
                yield where, _number(row.get("denominator")), _numbers(figures), row.get("numerator") is not None
            elif _PEERS in row:
                ratios = [value for name, value in row.items() if name.startswith(("quartile", "median", "percentile"))]
                yield (table, _PEERS, str(number)), _number(row[_PEERS]), _numbers(ratios), False


def _is_about_peers(columns: list[str]) -> bool:
    return _PEERS in columns or "kpi_key" in columns


def _numbers(values: list[Any]) -> list[Decimal | None]:
    return [_number(value) for value in values if value is not None]


def _number(value: Any) -> Decimal | None:
    """Return a number, however its column is typed; None where it is none."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
