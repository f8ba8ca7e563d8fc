"""Hide the market cells that would let a workshop read a competitor, and note why.

Belongs here: what of a cell is published, and the log of what is not. Not here: whether a cell's contributors give
somebody away (sensitivity.py), who the contributors are (dbt_project/models/products), proving that nothing leaks
(gate/).

(1) A cell whose contributors give somebody away is hidden (code p).
(2) A cell that an earlier release of the same months hid stays hidden, and one whose change since an earlier release
    gives somebody away is hidden (code k). What a release of the same months showed is left out instead.
(3) Totals that the release shows are equations: further cells are hidden, so that no hidden one can be narrowed down by
    them (code k).
(4) A cell whose contributors do not add up to it is hidden: what cannot be counted cannot be cleared.
(5) Where others are hidden, so is what they could be computed from: the total, the bands. The recipient's own stays.
(6) What is hidden is told in sums where that gives nobody away (rollup.py). Each row says at which level its figures
    are told: a sum its own; a hidden row that of the finest sum with it, or none.
(7) Where little is told, rows of which nothing is are ranked (ranking.py).
(8) The log names cells, codes and reasons, never an amount. It stays in the house: a reason says how many stand behind
    a cell.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipelines.candidates.earlier import NOTHING, CellKey, Earlier, Shown, changed_contributors, key_of
from pipelines.candidates.moves import Cell as SecondaryCell
from pipelines.candidates.moves import Relation
from pipelines.candidates.ranking import Untold, ranks
from pipelines.candidates.rollup import ALL, CELL, Leaf, Sum, merged, told_sums
from pipelines.candidates.secondary import hide_secondary
from pipelines.candidates.sensitivity import (
    BEFORE,
    CHANGED,
    REASONS,
    SECONDARY,
    TOLD_OF,
    UNCOUNTED,
    Assessment,
    Attacker,
    Contributor,
    assess,
    protection,
)

SHOWN, PRIMARY, COMPLEMENTARY = "", "p", "k"
LEFT_OUT = "left out"  # in the log only: there is no row
# What the decision needs to know about a cell beside what is published of it.
CONTRIBUTOR_COLUMNS = {
    "other_nok": "money",
    "contributions": "text",
    "law_entry_nok": "money",
    "category_group": "text",
}
LOG_COLUMNS = ("year", "municipality_no", "spend_category", "code", "reason", "reason_text")
_KEY = ("year", "municipality_no", "spend_category")
_HIDDEN = ("addressable_nok", "other_nok_or_suppressed", "other_suppliers_band", "law_entry_headroom_band")
_BANDS = ((10, "10+"), (5, "5-9"), (3, "3-4"))
_HEADROOM = ((Decimal("1.0"), ">=1.0"), (Decimal("0.8"), "0.8-1.0"), (Decimal("0.6"), "0.6-0.8"))

Row = dict[str, Any]


@dataclass(frozen=True)
class Suppressed:
    """A market view as it may be published, and what was withheld.

    Attributes:
        rows: The published rows, in the order of the cells.
        log: One row per cell that is hidden or left out, sorted: LOG_COLUMNS.
        sums: The sums that are told, with those behind them as the warehouse states it for cells.
        visible_nok: Absolute addressable value of the cells that are shown.
        rolled_up_nok: The same of those that are told in sums alone.
        total_nok: The same of all cells.
    """

    rows: list[Row]
    log: list[Row]
    sums: list[Row]
    visible_nok: Decimal
    rolled_up_nok: Decimal
    total_nok: Decimal

    @property
    def withheld(self) -> dict[str, Any]:
        """Return how many cells are hidden or left out, their value, and how much of it is told in sums."""
        shown = sum(row["suppression_code"] == SHOWN for row in self.rows) - len(self.sums)
        return {
            "cells": shown + len(self.log),
            "suppressed": len(self.log),
            "hidden_nok": str(self.total_nok - self.visible_nok),
            "rolled_up_nok": str(self.rolled_up_nok),
            "total_nok": str(self.total_nok),
        }


def suppress_market_view(
    cells: Iterable[Mapping[str, Any]], attacker: Callable[[int], Attacker], earlier: Earlier = NOTHING
) -> Suppressed:
    """Return the published form of market cells.

    Args:
        cells: Rows of ``product_workshop_market_view`` of one recipient.
        attacker: What the recipient knows of a calendar year without any release.
        earlier: The releases that it holds.
    """
    listed = list(cells)
    judged = [_judge(cell, attacker(cell["year"]), earlier) for cell in listed]
    further = _further(listed, judged, earlier)
    judged = [
        _Judged(one.assessed, COMPLEMENTARY, SECONDARY) if key_of(cell) in further else one
        for cell, one in zip(listed, judged, strict=True)
    ]
    sums = _sums(listed, judged, attacker, earlier)
    level_of: dict[CellKey, str] = {}
    for told in sums:
        for key in told.hidden:
            level_of.setdefault(key, told.level)
    log, untold = [], []
    visible = rolled_up = total = Decimal(0)
    for cell, one in zip(listed, judged, strict=True):
        key = key_of(cell)
        size = Decimal(0) if ALL in key else abs(cell["addressable_nok"] or Decimal(0))
        total += size
        if one.code:
            log.append(_logged(cell, one))
            rolled_up += size if key in level_of else Decimal(0)
        else:
            visible += size
        if one.code in (PRIMARY, COMPLEMENTARY) and key not in level_of and ALL not in key:
            untold.append(Untold(key, cell["addressable_nok"] or Decimal(0), key in earlier.shown))
    rank_of = ranks(untold, attacker, total - visible - rolled_up, total)
    rows = [
        {**_publish(cell, one, level_of.get(key_of(cell), "")), "rank": rank_of.get(key_of(cell))}
        for cell, one in zip(listed, judged, strict=True)
        if one.code != LEFT_OUT
    ]
    stated = [_summed(one, [cell for cell in listed if key_of(cell) in one.parts]) for one in sums]
    rows += [
        {**_publish(cell, _Judged(assess_cell(cell, attacker(cell["year"]))), cell["level"]), "rank": None}
        for cell in stated
    ]
    log.sort(key=lambda row: tuple(row[name] for name in _KEY))
    return Suppressed(rows, log, stated, visible, rolled_up, total)


@dataclass(frozen=True)
class _Judged:
    """What is decided of a cell: by its contributors, and in the end."""

    assessed: Assessment
    code: str = SHOWN
    reason: str = ""


def _judge(cell: Mapping[str, Any], attacker: Attacker, earlier: Earlier) -> _Judged:
    key, assessed = key_of(cell), assess_cell(cell, attacker)
    if assessed.reason:
        judged = _Judged(assessed, PRIMARY, assessed.reason)
    elif earlier.was_hidden(key):
        judged = _Judged(assessed, COMPLEMENTARY, BEFORE)
    elif key in earlier.told_of:
        judged = _Judged(assessed, COMPLEMENTARY, TOLD_OF)
    elif any(
        shown.other_nok != cell["other_nok"] and _gives_away(read_contributions(cell["contributions"]), shown, attacker)
        for shown in earlier.shown.get(key, ())
    ):
        judged = _Judged(assessed, COMPLEMENTARY, CHANGED)
    else:
        return _Judged(assessed)
    return _Judged(assessed, LEFT_OUT, judged.reason) if earlier.was_shown(key) else judged


def _gives_away(behind: Iterable[Contributor], shown: Shown, attacker: Attacker) -> bool:
    """Return whether the difference to what an earlier release showed says too much about who changed."""
    try:
        then = read_contributions(shown.contributions)
    except ValueError:
        return True
    return bool(assess(changed_contributors(behind, then), attacker).reason)


def _further(listed: list[Mapping[str, Any]], judged: list[_Judged], earlier: Earlier) -> set[CellKey]:
    """Return the cells to hide so that no hidden one can be computed from the totals that the release shows."""
    table = {
        key_of(cell): SecondaryCell(
            key=tuple(str(part) for part in key_of(cell)),
            value=_ore(cell["other_nok"]) or 0,
            weight=abs(_ore(cell["addressable_nok"]) or 0),
            protection=protection(max(one.assessed.magnitude, abs(_ore(cell["other_nok"]) or 0))),
            is_hidden=bool(one.code),
            may_hide=not earlier.is_known(key_of(cell), cell["other_nok"]),
        )
        for cell, one in zip(listed, judged, strict=True)
    }
    relations = [Relation({table[key].key: sign for key, sign in terms.items()}) for terms in _totals(table)]
    secondary = hide_secondary(table.values(), relations).secondary
    return {key for key, one in table.items() if one.key in secondary}


def _sums(
    listed: list[Mapping[str, Any]], judged: list[_Judged], attacker: Callable[[int], Attacker], earlier: Earlier
) -> list[Sum]:
    """Return the sums to tell (6): of rows that stand in the release."""
    leaves = {}
    for cell, one in zip(listed, judged, strict=True):
        key = key_of(cell)
        if ALL in key or one.code == LEFT_OUT:
            continue
        other = _ore(cell["other_nok"]) or 0
        needed = protection(max(one.assessed.magnitude, abs(other))) + 1  # one that ends just there is too close
        grown = [abs(other - (_ore(shown.other_nok) or 0)) for shown in earlier.shown.get(key, ())]
        leaves[key] = Leaf(
            group=cell["category_group"] or "",
            contributors=None if one.assessed.reason == UNCOUNTED else tuple(read_contributions(cell["contributions"])),
            protection=needed,
            reach=min([max(abs(other), needed), *grown]),
            is_hidden=bool(one.code),
        )

    def may_tell(key: CellKey, behind: tuple[Contributor, ...]) -> bool:
        reader = attacker(key[0])
        other = sum(one.net for one in behind if one.payee != reader.recipient)
        return not any(
            _ore(shown.other_nok) != other and _gives_away(behind, shown, reader)
            for shown in earlier.shown.get(key, ())
        )

    return told_sums(leaves, attacker, may_tell, earlier.was_shown)


def _summed(one: Sum, cells: list[Mapping[str, Any]]) -> Row:
    """Return a sum as the warehouse states a cell; a limit holds for no sum."""
    amounts = ("addressable_nok", "own_nok", "other_nok")
    behind = merged(each for cell in cells for each in read_contributions(cell["contributions"]))
    return {
        **dict(zip(_KEY, one.key, strict=True)),
        **{name: sum((cell[name] for cell in cells), Decimal(0)) for name in amounts},
        "contributions": ";".join(f"{each.payee}|{_kroner(each.net)}|{_kroner(each.magnitude)}" for each in behind),
        "law_entry_nok": None,
        "level": one.level,
    }


def _kroner(ore: int) -> Decimal:
    return Decimal(ore).scaleb(-2)


def _totals(table: Mapping[CellKey, SecondaryCell]) -> list[dict[CellKey, int]]:
    """Return the cells that sum up others, over municipalities or categories, as minus the total plus its parts.

    A total is a row of ``all``; one that has more in it than the rows beside it says nothing exact and is left out.
    """
    found = []
    for key in sorted(table):
        for place in (1, 2):
            if key[place] != ALL:
                continue
            rest = key[:place] + key[place + 1 :]
            parts = [one for one in table if one[place] != ALL and one[:place] + one[place + 1 :] == rest]
            if parts and sum(table[one].value for one in parts) == table[key].value:
                found.append({key: -1, **dict.fromkeys(parts, 1)})
    return found


def log_bytes(suppressed: Suppressed) -> bytes:
    """Return the suppression log as CSV."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, LOG_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(suppressed.log)
    return buffer.getvalue().encode()


def assess_cell(cell: Mapping[str, Any], attacker: Attacker) -> Assessment:
    """Return what a cell's contributors say; where they do not add up to the cell, that it must be hidden."""
    try:
        contributors = read_contributions(cell["contributions"])
    except ValueError:
        return Assessment(UNCOUNTED, 0, 0)
    own = sum(one.net for one in contributors if one.payee == attacker.recipient)
    other = sum(one.net for one in contributors if one.payee != attacker.recipient)
    if [own, other, own + other] != [_ore(cell[name]) for name in ("own_nok", "other_nok", "addressable_nok")]:
        return Assessment(UNCOUNTED, 0, 0)
    return assess(contributors, attacker)


def read_contributions(text: str | None) -> list[Contributor]:
    """Return the contributors that a cell states as ``payee|net|magnitude``, separated by ``;``.

    Raises:
        ValueError: They are not stated, or not like this.
    """
    if text is None:
        raise ValueError("no contributors are stated")
    contributors = []
    for stated in text.split(";") if text else ():
        payee, net, magnitude = stated.split("|")
        one = Contributor(payee, *(int(amount.replace(".", "")) for amount in (net, magnitude)))
        if not all(amount[-3:-2] == "." for amount in (net, magnitude)) or abs(one.net) > one.magnitude:
            raise ValueError("a contributor's sums contradict each other")
        contributors.append(one)
    return contributors


def _ore(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount * 100)


def _logged(cell: Mapping[str, Any], one: _Judged) -> Row:
    return {
        **{name: cell[name] for name in _KEY},
        "code": one.code,
        "reason": one.reason,
        "reason_text": REASONS[one.reason],
    }


def _publish(cell: Mapping[str, Any], one: _Judged, level: str) -> Row:
    published: Row = {name: cell[name] for name in (*_KEY, "own_nok")}
    published["told_at"] = level if one.code else level or CELL
    if one.code:
        return {**published, **dict.fromkeys(_HIDDEN), "suppression_code": one.code}
    return {
        **published,
        "addressable_nok": cell["addressable_nok"],
        "other_nok_or_suppressed": cell["other_nok"],
        "other_suppliers_band": suppliers_band(one.assessed.others),
        "law_entry_headroom_band": headroom_band(cell["addressable_nok"], cell["law_entry_nok"]),
        "suppression_code": SHOWN,
    }


def suppliers_band(others: int) -> str:
    """Return the band in which a number of other suppliers is published.

    Raises:
        ValueError: The number has no band: such a cell is hidden.
    """
    if others == 0:
        return "0"
    for least, label in _BANDS:
        if others >= least:
            return label
    raise ValueError(f"{others} other suppliers are too few for a band")


def headroom_band(addressable: Decimal | None, limit: Decimal | None) -> str | None:
    """Return how much of the limit at which the procurement act begins is used, as a band; None without a limit."""
    if addressable is None or limit is None or limit <= 0:
        return None
    for least, label in _HEADROOM:
        if addressable >= least * limit:
            return label
    return "<0.6"
