"""From all that was read to procurement spend (K01): the steps of one municipality, or of all, over some months.

Belongs here: reading the steps from the warehouse and summing their months. Not here: what the steps are
(dbt_project/seeds/waterfall_steps.csv, fct_spend_waterfall), drawing them (waterfall_chart.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipelines.errors import ConfigurationError

if TYPE_CHECKING:
    import duckdb

ALL = "all"
TOTAL = "total"


@dataclass(frozen=True)
class Step:
    """One step; what those of every other kind than ``total`` add up to is the total.

    Attributes:
        key: Its key.
        kind: read, not_accepted, not_spend, moved, not_procurement or total.
        label_en: Its name.
        label_no: Its name in bokmål.
        rows: Rows, documents or lines behind it.
        amount: NOK without VAT; negative where it takes away.
    """

    key: str
    kind: str
    label_en: str
    label_no: str
    rows: int
    amount: Decimal


@dataclass(frozen=True)
class Waterfall:
    """The steps of one municipality over some months.

    Attributes:
        municipality_no: Whose, or ``all``.
        name: The municipality's name; empty for all.
        first_month: First month, or None where nothing limits it.
        last_month: Last month, likewise.
        steps: In order; those that hold nothing are left out.
    """

    municipality_no: str
    name: str
    first_month: str | None
    last_month: str | None
    steps: tuple[Step, ...]

    @property
    def total(self) -> Decimal:
        """Return procurement spend."""
        return sum((step.amount for step in self.steps if step.kind == TOTAL), Decimal("0.00"))

    def as_json(self) -> dict[str, Any]:
        """Return the waterfall for programs."""
        return {
            "municipality_no": self.municipality_no,
            "first_month": self.first_month,
            "last_month": self.last_month,
            "procurement_spend_nok": self.total,
            "steps": [
                {
                    "step_key": step.key,
                    "step_kind": step.kind,
                    "label_en": step.label_en,
                    "label_no": step.label_no,
                    "row_count": step.rows,
                    "amount_nok": step.amount,
                }
                for step in self.steps
            ],
        }


def read_waterfall(
    connection: duckdb.DuckDBPyConnection, municipality_no: str, first_month: str | None, last_month: str | None
) -> Waterfall:
    """Return a municipality's steps, or those of all together.

    Without months, what states no month is in it too.

    Raises:
        ConfigurationError: There is no such municipality, or nothing of these months: never a zero.
    """
    named = connection.execute(
        "select municipality_no, max(municipality_name) from dim_municipalities group by municipality_no"
    )
    names = dict(named.fetchall())
    if municipality_no != ALL and municipality_no not in names:
        raise ConfigurationError(
            f"The warehouse holds no municipality {municipality_no}.",
            where="MUNICIPALITY",
            remedy=f"Name one of {', '.join(sorted(names))}, or all.",
        )
    rows = connection.execute(
        """
        select step_key, step_kind, label_en, label_no, sum(row_count)::bigint, sum(amount_nok)::decimal(18, 2)
        from fct_spend_waterfall
        where $1 in ('all', municipality_no)
            and period_month >= coalesce($2, period_month) and period_month <= coalesce($3, period_month)
            -- Sorted as a text, 'none' comes after every month.
            and (period_month != 'none' or ($2 is null and $3 is null))
        group by step_order, step_key, step_kind, label_en, label_no
        order by step_order
        """,
        [municipality_no, first_month, last_month],
    ).fetchall()
    if not rows:
        raise _no_month(connection, municipality_no)
    steps = tuple(Step(*row) for row in rows)
    return Waterfall(municipality_no, names.get(municipality_no, ""), first_month, last_month, steps)


def _no_month(connection: duckdb.DuckDBPyConnection, municipality_no: str) -> ConfigurationError:
    """Say which months there is something of."""
    known = connection.execute(
        "select distinct period_month from fct_spend_waterfall where ? in ('all', municipality_no) order by 1",
        [municipality_no],
    ).fetchall()
    months = [month for (month,) in known if month != "none"]
    return ConfigurationError(
        f"The warehouse holds nothing of {municipality_no} in these months.",
        where="--month, --from, --to" if known else "MUNICIPALITY",
        remedy=f"There are: {', '.join(months[-24:])}." if months else "Take in what it has delivered: 'samandel run'.",
    )
