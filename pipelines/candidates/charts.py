"""What of a product's tables is drawn in its workbook.

Belongs here: which figures, in which order. Not here: drawing (workbook.py), words (workbook_nb.py). A chart holds what
stands in the product's tables and no more: expectations/<product>.yml says the same in SQL, and the gate asks it.

(1) Of the market only rows that are shown themselves are drawn, those of the last year, the largest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipelines.candidates import workbook_nb as nb
from pipelines.candidates.products import EVERYBODY, MUNICIPALITY_EXTRACT, WORKSHOP_RELEASE

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_BARS = 15
_SPEND, _AT_WORKSHOPS = ("K01", "procurement_spend"), ("K03", "workshop_product_spend")


@dataclass(frozen=True)
class Chart:
    """A chart and the figures that it draws.

    Attributes:
        title: Its name, which is its sheet's.
        text: What it shows, for those who do not see it.
        columns: The header of each column: what is drawn, then its amounts.
        rows: In order; amounts are Decimal or None.
        is_lying: It has lying bars, stacked; else standing columns.
    """

    title: str
    text: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    is_lying: bool = False


def charts_of(product: str, tables: Mapping[str, pa.Table]) -> list[Chart]:
    """Return the charts of a product's workbook, of its tables as they are published."""
    if product == MUNICIPALITY_EXTRACT:
        rows = _spend_by_month(tables["kpi"].to_pylist())
        return [Chart(nb.SPEND_CHART, nb.SPEND_TEXT, nb.SPEND_COLUMNS, tuple(rows))]
    if product == WORKSHOP_RELEASE:
        sales = _sales_by_month(tables["own_sales"].to_pylist())
        market = _largest_shown(tables["market_view"].to_pylist())
        return [
            Chart(nb.SALES_CHART, nb.SALES_TEXT, nb.SALES_COLUMNS, tuple(sales)),
            Chart(nb.MARKET_CHART, nb.MARKET_TEXT, nb.MARKET_COLUMNS, tuple(market), is_lying=True),
        ]
    return []


def _spend_by_month(figures: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    values: dict[tuple[str, tuple[str, str]], Decimal | None] = {}
    for row in figures:
        is_whole = all(row[name] == EVERYBODY for name in ("workshop_org_no", "category_key", "account_class"))
        start, end = row["period_start"], row["period_end"]
        if is_whole and (start.year, start.month) == (end.year, end.month):
            values[f"{start:%Y-%m}", (row["kpi_key"], row["measure"])] = row["value"]
    months = sorted({month for month, measure in values if measure == _SPEND})
    return [(month, values[month, _SPEND], values.get((month, _AT_WORKSHOPS))) for month in months]


def _sales_by_month(sales: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    sums: dict[str, Decimal] = {}
    for row in sales:
        sums[row["month"]] = sums.get(row["month"], Decimal(0)) + (row["net_amount_nok"] or Decimal(0))
    return sorted(sums.items())


def _largest_shown(cells: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    told = (row for row in cells if not row["suppression_code"] and row["told_at"] == "cell")
    shown = [row for row in told if row["addressable_nok"]]
    last = max((row["year"] for row in shown), default=None)
    ordered = sorted(
        (row for row in shown if row["year"] == last),  # (1)
        key=lambda row: (-row["addressable_nok"], row["municipality_no"], row["spend_category"]),
    )
    return [
        (f"{row['municipality_no']} {row['spend_category']}", row["own_nok"], row["other_nok_or_suppressed"])
        for row in ordered[:_MOST_BARS]
    ]
