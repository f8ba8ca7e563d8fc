"""Hide the market cells that would let a workshop read a competitor, and note why.

Belongs here: what of a cell is published, and the log of what is not. Not here: whether a cell's contributors give
somebody away (sensitivity.py), who the contributors are (dbt_project/models/products), proving that nothing leaks
(gate/).

(1) A cell whose contributors give somebody away is hidden (code p).
(2) A cell whose contributors do not add up to it is hidden: what cannot be counted cannot be cleared.
(3) Where others are hidden, so is what they could be computed from: the total, the bands. The recipient's own stays.
(4) The log names cells, codes and reasons, never an amount. It stays in the house: a reason says how many stand behind
    a cell.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipelines.candidates.sensitivity import REASONS, UNCOUNTED, Assessment, Attacker, Contributor, assess

SHOWN, PRIMARY, COMPLEMENTARY = "", "p", "k"
# What the decision needs to know about a cell beside what is published of it.
CONTRIBUTOR_COLUMNS = {"other_nok": "money", "contributions": "text", "law_entry_nok": "money"}
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
        log: One row per hidden cell, sorted: LOG_COLUMNS.
        visible_nok: Absolute addressable value of the cells that are shown.
        total_nok: The same of all cells.
    """

    rows: list[Row]
    log: list[Row]
    visible_nok: Decimal
    total_nok: Decimal

    @property
    def visible_part(self) -> Decimal | None:
        """Return the visible part of addressable value to four decimals; None where there is no value."""
        return round(self.visible_nok / self.total_nok, 4) if self.total_nok else None


def suppress_market_view(cells: Iterable[Mapping[str, Any]], attacker: Callable[[int], Attacker]) -> Suppressed:
    """Return the published form of market cells.

    Args:
        cells: Rows of ``product_workshop_market_view`` of one recipient.
        attacker: What the recipient knows of a calendar year without the release.
    """
    rows, log = [], []
    visible = total = Decimal(0)
    for cell in cells:
        assessed = assess_cell(cell, attacker(cell["year"]))
        rows.append(_publish(cell, assessed))
        size = abs(cell["addressable_nok"] or Decimal(0))
        total += size
        if assessed.reason:
            log.append(_logged(cell, PRIMARY, assessed.reason))
        else:
            visible += size
    log.sort(key=lambda row: tuple(row[name] for name in _KEY))
    return Suppressed(rows, log, visible, total)


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


def _logged(cell: Mapping[str, Any], code: str, reason: str) -> Row:
    return {**{name: cell[name] for name in _KEY}, "code": code, "reason": reason, "reason_text": REASONS[reason]}


def _publish(cell: Mapping[str, Any], assessed: Assessment) -> Row:
    published: Row = {name: cell[name] for name in (*_KEY, "own_nok")}
    if assessed.reason:
        return {**published, **dict.fromkeys(_HIDDEN), "suppression_code": PRIMARY}
    return {
        **published,
        "addressable_nok": cell["addressable_nok"],
        "other_nok_or_suppressed": cell["other_nok"],
        "other_suppliers_band": suppliers_band(assessed.others),
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
