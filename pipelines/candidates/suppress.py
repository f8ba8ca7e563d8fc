"""Hide the market cells that would let a workshop read a competitor.

Belongs here: deciding, from a cell's contributors alone, what of it is published. Not here: counting contributors
(dbt_project/models/products), proving that nothing leaks (gate/).

(1) Fewer than three contributors other than the recipient: hidden. None at all is a plain zero and gives nobody away.
(2) The largest other over 80 %, or the two largest over 95 %, of the others' absolute values: hidden. Absolute, so that
    a credit note does not make a supplier small.
(3) A cell whose counts contradict each other, or are absent, is hidden: what cannot be counted cannot be cleared.
(4) Where others are hidden, so is what they could be computed from: the total, the bands. The recipient's own stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

FEWEST_OTHERS = 3
LARGEST_SHARE = Decimal("0.80")
TWO_LARGEST_SHARE = Decimal("0.95")

SHOWN, PRIMARY, COMPLEMENTARY = "", "p", "k"
# What the decision needs to know about a cell beside what is published of it.
CONTRIBUTOR_COLUMNS = {
    "other_nok": "money",
    "other_suppliers": "integer",
    "largest_other_abs_nok": "money",
    "two_largest_other_abs_nok": "money",
    "total_other_abs_nok": "money",
    "law_entry_nok": "money",
}
_BANDS = ((10, "10+"), (5, "5-9"), (3, "3-4"))
_HEADROOM = ((Decimal("1.0"), ">=1.0"), (Decimal("0.8"), "0.8-1.0"), (Decimal("0.6"), "0.6-0.8"))


def suppress_market_view(cells: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the published form of market cells, in their order.

    Args:
        cells: Rows of ``product_workshop_market_view`` of one recipient.
    """
    return [_publish(cell) for cell in cells]


def _publish(cell: Mapping[str, Any]) -> dict[str, Any]:
    published: dict[str, Any] = {name: cell[name] for name in ("year", "municipality_no", "spend_category", "own_nok")}
    if must_hide(cell):
        hidden = ("addressable_nok", "other_nok_or_suppressed", "other_suppliers_band", "law_entry_headroom_band")
        return {**published, **dict.fromkeys(hidden), "suppression_code": PRIMARY}
    return {
        **published,
        "addressable_nok": cell["addressable_nok"],
        "other_nok_or_suppressed": cell["other_nok"],
        "other_suppliers_band": suppliers_band(cell["other_suppliers"]),
        "law_entry_headroom_band": headroom_band(cell["addressable_nok"], cell["law_entry_nok"]),
        "suppression_code": SHOWN,
    }


def must_hide(cell: Mapping[str, Any]) -> bool:
    """Return whether a cell would say too much about other suppliers."""
    counted = [cell[name] for name in CONTRIBUTOR_COLUMNS if name != "law_entry_nok"]
    if any(value is None for value in counted):  # (3)
        return True
    net, others, largest, two_largest, total = counted
    if others == 0:
        return any(value != 0 for value in (net, largest, two_largest, total))  # (3)
    if others < FEWEST_OTHERS or total <= 0:  # (1), (3)
        return True
    if not largest <= two_largest <= total or abs(net) > total:  # (3)
        return True
    return bool(largest > LARGEST_SHARE * total or two_largest > TWO_LARGEST_SHARE * total)  # (2)


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
