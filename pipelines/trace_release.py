"""Trace a figure of releases (K31, K32): its numbers, and where in the gate's records and the releases they stand.

Belongs here: finding the figures that are meant among the facts of the gate. Not here: what they are
(publishing/facts.py), figures of purchases and their lines (trace_figure.py), printing (cli/trace.py).
"""

from __future__ import annotations

from typing import Any

from pipelines.errors import ConfigurationError
from pipelines.home import Home
from pipelines.trace_figure import ALL, Wanted

Row = dict[str, Any]


def trace_releases(home: Home, wanted: Wanted) -> list[Row]:
    """Return the figures of a period, the latest unless one is named: one row a release, and those over all.

    ``comes_from`` says where each stands, or why there is none.

    Raises:
        ConfigurationError: Nothing has been judged yet, there is no such figure, or it is asked for by what releases
            are not kept by.
    """
    if not home.gate_facts_file.is_file():
        raise ConfigurationError(
            f"{wanted.kpi_key} is of releases, and the gate has judged nothing yet.",
            where=str(home.gate_facts_file),
            remedy="Run 'samandel run'.",
        )
    if (wanted.category_key, wanted.account_class) != (ALL, ALL):
        raise ConfigurationError(
            f"{wanted.kpi_key} is of whole releases.",
            where="--category, --account-class",
            remedy="Leave them out; --municipality or --workshop names a recipient.",
        )
    rows = [row for row in _read(home, wanted.kpi_key) if wanted.measure in (None, row["measure"])]
    recipients = {wanted.municipality_no, wanted.workshop_org_no} - {ALL}
    rows = [row for row in rows if not recipients or row["recipient"] in recipients]
    periods = sorted({row["period"] for row in rows} - {ALL})
    period = f"{wanted.period[1]:%Y-%m}" if wanted.period else next(reversed(periods), ALL)
    # What is of no period, a standing decision, is of each.
    found = [row for row in rows if row["period"] in (period, ALL)]
    if not found:
        raise ConfigurationError(
            f"There is no figure {wanted.kpi_key} of this measure, recipient and publication month.",
            where="fct_release_metrics",
            remedy=f"Publication months that have one: {', '.join(periods[-24:]) or 'none; leave an option out'}.",
        )
    return found


def _read(home: Home, kpi_key: str) -> list[Row]:
    import duckdb

    with duckdb.connect(str(home.gate_facts_file), read_only=True) as connection:
        cursor = connection.execute(
            "select * from fct_release_metrics where kpi_key = ?"
            " order by measure, product, period, recipient = 'all', recipient, release_id",
            [kpi_key],
        )
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
