"""What a release covers: by municipality the months with purchases, and those that its sources have not delivered.

Belongs here: holding a window's months against the agreed sources and what came in. Not here: what a missing month does
to a product (the policy in its suite, expectations/; rule IN02).

(1) A ledger decides where one is agreed, else the e-invoices. A month is delivered when an accepted delivery has it:
what was refused, is held or was withdrawn has not come. (2) Nothing is put in the place of a month that has not come:
the municipality stays with what it delivered before, and with e-invoices that came for the month.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pipelines.candidates.products import Window, window_ending_in
from pipelines.home import Home
from pipelines.municipalities import holds_on

if TYPE_CHECKING:
    import duckdb

LEDGERS = ("ledger", "saft")
Registers = Mapping[str, list[dict[str, Any]]]


def coverage(
    warehouse: duckdb.DuckDBPyConnection,
    home: Home,
    registers: Registers,
    window: Window,
    bought: Mapping[str, list[str]],
    owners: Iterable[str],
) -> list[dict[str, Any]]:
    """Return what a release covers of some municipalities; one that was to deliver nothing, and did not, is left out.

    Args:
        warehouse: The last green build.
        home: The home.
        registers: Its registers.
        window: The months that the content covers.
        bought: The months of the window that have purchases, by municipality.
        owners: The municipalities.

    Returns:
        Sorted by ``municipality_no``, each with ``months`` that have purchases, ``not_delivered``: those in which some
        source of it is missing, and ``delivered_to``: the last one that all its sources have delivered, or None.
    """
    covered = []
    for owner in sorted(owners):
        lacking = {month for _, _, month in months_missing(warehouse, home, registers, owner, window.months)[1]}
        whole = [month for month in window.months if month not in lacking and is_member(registers, owner, month)]
        if owner in bought or lacking:
            covered.append(
                {
                    "municipality_no": owner,
                    "months": bought.get(owner, []),
                    "not_delivered": sorted(lacking),
                    "delivered_to": whole[-1] if whole else None,
                }
            )
    return covered


def months_with_purchases(warehouse: duckdb.DuckDBPyConnection, window: Window) -> dict[str, list[str]]:
    """Return the months of a window that have purchases, by municipality."""
    rows = warehouse.execute(
        "select recipient_municipality_no, period_month from products.product_municipality_extract"
        " where period_month in (select unnest($months)) group by all order by all",
        {"months": list(window.months)},
    ).fetchall()
    months: dict[str, list[str]] = {}
    for owner, month in rows:
        months.setdefault(owner, []).append(month)
    return months


def months_missing(
    warehouse: duckdb.DuckDBPyConnection, home: Home, registers: Registers, owner: str, months: Iterable[str]
) -> tuple[int, list[tuple[str, str, str]]]:
    """Return how many months a member's sources were to deliver, and each that did not come: owner, source, month."""
    expected = [month for month in months if is_member(registers, owner, month)]
    delivered = months_delivered(warehouse, home, owner)
    missing = [
        (owner, name, month) for name, came_in in delivered.items() for month in expected if month not in came_in
    ]
    return len(expected) * len(delivered), missing


def months_delivered(warehouse: duckdb.DuckDBPyConnection, home: Home, owner: str) -> dict[str, set[str]]:
    """(1) Return the months that each source of a member has delivered.

    Where no source is agreed at all nothing can have come, and every month is missing.
    """
    ledgers = [source.name for source in home.consortium.sources_of(owner) if source.kind in LEDGERS]
    if ledgers:
        delivered: dict[str, set[str]] = {name: set() for name in ledgers}
        periods = warehouse.execute(
            """
            select source_name, fiscal_period
            from main.fct_delivery_periods
            where municipality_no = $owner and state = 'accepted' and source in ('ledger', 'saft')
            """,
            {"owner": owner},
        ).fetchall()
        for name, period in periods:
            delivered.setdefault(name, set()).add(period)
        return delivered
    months = warehouse.execute(
        """
        select period_month
        from main.fct_reconciliation
        where municipality_no = $owner and measure = 'ehf_documents' and row_count > 0
        """,
        {"owner": owner},
    ).fetchall()
    return {"ehf": {str(row[0]) for row in months}}


def is_member(registers: Registers, owner: str, month: str) -> bool:
    """Return whether a municipality is a member on the last day of a month."""
    day = window_ending_in(month, 1).last_day
    return any(row["municipality_no"] == owner and holds_on(row, day) for row in registers["members"])
