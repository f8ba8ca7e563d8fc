"""PV09, PV10: for what, on which ground and for how long a recipient gets a product.

Belongs here: the record of a release's purpose, and its age limit. Not here: what personal data it holds (privacy.py).

(1) What is recorded stands in the register ``recipients``, by product and recipient; a row for the recipient ``*``
    holds for whoever has none of its own. (2) Where the register says nothing of a product, what the consortium has
    signed of it in its suite (``record``) holds for the recipients that the product is made for. (3) A row that has
    ended is a record that was taken back: nothing takes its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from pipelines.gate.case import Case, examples_of
from pipelines.gate.rules import Finding
from pipelines.municipalities import holds_on

_STATED = ("purpose", "legal_basis", "retention_months")
_EVERYBODY = "*"
_WHERE = "registers/recipients.csv"


def _record(case: Case) -> Mapping[str, Any] | None:
    """Return what is recorded of the product and recipient today; None where nothing is."""
    product = [row for row in case.registers["recipients"] if row["product"] == case.key.product]
    if not product:  # (2)
        return case.suite.record or None
    for recipient in (case.recipient, _EVERYBODY):  # (1)
        rows = [row for row in product if row["recipient"] == recipient]
        if rows:
            return next((row for row in rows if holds_on(row, case.today)), None)  # (3)
    return None


def recorded_purpose(case: Case) -> Finding:
    """PV09: return what is not recorded of the release: its recipient, purpose, legal basis or retention."""
    record = _record(case)
    if record is None:
        reason = f"No row of today records why {case.recipient} gets {case.key.product}."
        return Finding(len(_STATED) + 1, len(_STATED) + 1, reason, (case.recipient,), _WHERE)
    missing = [name for name in _STATED if not str(record.get(name) or "").strip()]
    if not missing and int(record["retention_months"]) < 1:
        missing = ["retention_months"]
    reason = f"Not recorded: {', '.join(missing)}." if missing else ""
    return Finding(len(_STATED) + 1, len(missing), reason, tuple(missing), _WHERE)


def within_retention(case: Case) -> Finding:
    """PV10: return the rows that are older than the product may be kept, counted back from its period."""
    record = _record(case)
    months = int(record["retention_months"] or 0) if record else 0
    if months < 1:
        return Finding(1, 1, "No retention is recorded: nothing may be kept.", (case.recipient,), _WHERE)
    year, month = (int(part) for part in case.key.period.split("-"))
    number = year * 12 + month - months
    oldest = date(number // 12, number % 12 + 1, 1)
    dated = list(_dated(case))
    if not dated:
        return Finding(0, reason="No row of the candidate is dated.")
    old = sorted({(where, str(day)) for where, day in dated if day < oldest})
    failed = sum(day < oldest for _, day in dated)
    reason = f"{failed} rows are from before {oldest}, {months} months back." if old else ""
    return Finding(len(dated), failed, reason, examples_of(old), ", ".join(sorted({where for where, _ in old})))


def _dated(case: Case) -> Iterator[tuple[str, date]]:
    """Give table and first possible day of every row that says when it is of.

    A year or a figure's period may begin before anything was bought: nothing in it is older than the first purchase.
    """
    (first,) = case.ask_one("select min(period_month) from fct_purchases")
    earliest = _day(first) or date.min
    for table, rows in sorted(case.files.tables.items()):
        name = next(
            (name for name in ("period_month", "month", "period_start", "year") if name in rows.column_names), ""
        )
        for value in rows[name].to_pylist() if name else []:
            day = _day(value)
            if day is not None:
                yield f"{table}.{name}", max(day, earliest)


def _day(value: Any) -> date | None:
    """Return the first day of a day, a month ``YYYY-MM`` or a year; None where it is none of them."""
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(f"{value}-01" if "-" in str(value) else f"{value}-01-01")
    except ValueError:
        return None
