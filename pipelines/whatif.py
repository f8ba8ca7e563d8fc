"""What if a part of a need moved to a workshop: ratios, room under the limit, capacity and places.

Belongs here: reading one opportunity and the arithmetic on it. Not here: what an opportunity is (fct_opportunities in
dbt_project/), printing (cli/whatif.py).

A plan, not a forecast: prices stay what they are, and so does everything else that is bought.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from pipelines.errors import ConfigurationError

if TYPE_CHECKING:
    import duckdb

_ORE = Decimal("0.01")
_SIX = Decimal("0.000001")
_ROUTE = (
    *("route_key", "label_no", "state", "reason_no", "rule", "rule_source", "limit_source", "limit_nok"),
    *("is_limit_to_confirm", "available_from", "check_no"),
)


@dataclass(frozen=True)
class Standing:
    """How things stand: one opportunity, and the member's sums of the same twelve months.

    Attributes:
        category_nok: What the member bought of the need that the workshop could deliver.
        own_nok: Of that, what the workshop was paid.
        unserved_nok: Of that, what no workshop was paid.
        bought_nok: What was bought of the need, whoever was paid.
        limit_nok: The limit for direct purchase on the last day, or None where it is not known.
        headroom_nok: What of the room under it the workshop could use; None where it is not known.
        free_capacity_nok: What the workshop has free for twelve months, or None where it reports no capacity.
        places_per_million_nok: Adapted work places that a million kroner carries, or None where not reported.
        workshops_nok: What the member paid workshops for products (K03).
        addressable_nok: What workshops could deliver of its purchases (K02).
        procurement_nok: Its purchases (K01).
    """

    category_nok: Decimal
    own_nok: Decimal
    unserved_nok: Decimal
    bought_nok: Decimal
    limit_nok: Decimal | None
    headroom_nok: Decimal | None
    free_capacity_nok: Decimal | None
    places_per_million_nok: Decimal | None
    workshops_nok: Decimal
    addressable_nok: Decimal
    procurement_nok: Decimal


def move(now: Standing, percent: Decimal) -> dict[str, Any]:
    """Return what is so before and after ``percent`` of the need's spend has moved to the workshop.

    No more moves than what no workshop is paid for today; beyond the room under the limit or the free capacity it is
    said how much is. What is not known stays None.
    """
    wished = _kroner(now.category_nok * percent / 100)
    moved = max(min(wished, now.unserved_nok), Decimal(0))
    after = now.workshops_nok + moved
    return {
        "percent": percent,
        "category_spend_nok": now.category_nok,
        "wished_nok": wished,
        "moved_nok": moved,
        "is_limited_to_unserved": moved < wished,
        "workshop_before_nok": now.own_nok,
        "workshop_after_nok": now.own_nok + moved,
        "workshop_spend_ratio_before": _ratio(now.workshops_nok, now.procurement_nok),
        "workshop_spend_ratio_after": _ratio(after, now.procurement_nok),
        "workshop_addressable_ratio_before": _ratio(now.workshops_nok, now.addressable_nok),
        "workshop_addressable_ratio_after": _ratio(after, now.addressable_nok),
        "need_bought_nok": now.bought_nok,
        "entry_limit_nok": now.limit_nok,
        "headroom_to_workshop_nok": now.headroom_nok,
        "headroom_used_nok": None if now.headroom_nok is None else min(moved, now.headroom_nok),
        "beyond_headroom_nok": _beyond(moved, now.headroom_nok),
        "free_capacity_nok": now.free_capacity_nok,
        "beyond_capacity_nok": _beyond(moved, now.free_capacity_nok),
        "places": (
            None
            if now.places_per_million_nok is None
            else (moved * now.places_per_million_nok / 1_000_000).quantize(_ORE, ROUND_HALF_UP)
        ),
    }


def _kroner(amount: Decimal) -> Decimal:
    return amount.quantize(_ORE, ROUND_HALF_UP)


def _ratio(part: Decimal, whole: Decimal) -> Decimal | None:
    """Return part over whole to six decimals; over nothing there is none."""
    return (part / whole).quantize(_SIX, ROUND_HALF_UP) if whole > 0 else None


def _beyond(amount: Decimal, room: Decimal | None) -> Decimal | None:
    return None if room is None else max(amount - room, Decimal(0))


@dataclass(frozen=True)
class Opportunity:
    """One opportunity as it stands, and the ways to buy that it has."""

    standing: Standing
    period: tuple[date, date]
    feasibility_reason: str
    feasibility: Decimal | None
    months_with_data: int
    routes: list[dict[str, Any]]


def find_opportunity(
    connection: duckdb.DuckDBPyConnection, municipality_no: str, category_key: str, workshop_org_no: str
) -> Opportunity:
    """Return the opportunity of a workshop with a member's need.

    Raises:
        ConfigurationError: The workshop does not deliver that there.
    """
    key = [workshop_org_no, municipality_no, category_key]
    where = "where workshop_org_no = ? and municipality_no = ? and category_key = ?"
    found = _rows(connection, f"select * from fct_opportunities {where}", key)  # noqa: S608  ours
    if not found:
        raise _no_opportunity(connection, municipality_no, category_key)
    (row,) = found
    period = (row["period_start"], row["period_end"])
    (sums,) = _rows(
        connection,
        "select coalesce(sum(net_amount_nok) filter (where in_workshop_product), 0) as workshops_nok,"
        " coalesce(sum(net_amount_nok) filter (where in_addressable), 0) as addressable_nok,"
        " coalesce(sum(net_amount_nok) filter (where in_procurement), 0) as procurement_nok"
        " from fct_kpi_lines where municipality_no = ? and spend_date between ? and ?",
        [municipality_no, *period],
    )
    standing = Standing(
        category_nok=row["addressable_nok"],
        own_nok=row["own_nok"],
        unserved_nok=row["unserved_nok"],
        bought_nok=row["bought_nok"],
        limit_nok=row["entry_limit_nok"],
        headroom_nok=row["headroom_to_workshop_nok"],
        free_capacity_nok=row["free_capacity_nok"],
        places_per_million_nok=row["places_per_million_nok"],
        **sums,
    )
    routes = _rows(
        connection,
        f"select {', '.join(_ROUTE)} from fct_opportunity_routes {where} order by position",  # noqa: S608  ours
        key,
    )
    return Opportunity(standing, period, row["feasibility_reason"], row["feasibility"], row["months_with_data"], routes)


def _no_opportunity(
    connection: duckdb.DuckDBPyConnection, municipality_no: str, category_key: str
) -> ConfigurationError:
    """Say who delivers what to the member instead."""
    known = connection.execute(
        "select category_key || ' ' || workshop_org_no from fct_opportunities where municipality_no = ?"
        " order by category_key != ?, 1",
        [municipality_no, category_key],
    ).fetchall()
    return ConfigurationError(
        f"That workshop does not deliver {category_key} to {municipality_no}, as the registers say.",
        where="workshop_capabilities.csv",
        remedy=(
            f"There are: {', '.join(text for (text,) in known[:12])}{', …' if len(known) > 12 else ''}."  # noqa: PLR2004
            if known
            else "No workshop delivers anything to that municipality; give its number as four digits."
        ),
    )


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, values: list[Any]) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, values)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
