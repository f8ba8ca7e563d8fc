"""What a workshop learns of others from its share: the log that goes into the annex of a later tender.

Belongs here: one row per fact of a share that is not the workshop's own. Not here: what is shown of the market
(suppress.py), whether anything may be told that others cannot see (gate/).

(1) A visible cell of the market view tells of others, a zero too; a hidden one tells nothing unless it is ranked.
(2) A contract of the calendar that was announced is open to any supplier: the notice says where. (3) Own sales, what
owners paid it and its own dependency are the workshop's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pipelines.candidates.products import ProductTable

if TYPE_CHECKING:
    import pyarrow as pa

INFORMATION_LOG = "information_log"


def information_log(table: ProductTable, cut: Mapping[str, pa.Table]) -> pa.Table:
    """Return the log of a share's other tables."""
    import pyarrow as pa

    facts = [*_market(cut["market_view"].to_pylist()), *_contracts(cut["contract_calendar"].to_pylist())]
    return pa.Table.from_pylist(
        [{name: fact.get(name) for name in table.field_names} for fact in facts], table.arrow_schema
    )


def _market(rows: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    for row in rows:
        if not row["suppression_code"] or row["rank"] is not None:  # (1)
            cell = {name: row[name] for name in ("year", "municipality_no", "spend_category")}
            yield {"source_table": "market_view", **cell, "is_open": False}


def _contracts(rows: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    for row in rows:
        notice = (row["notice_id"] or "").strip()  # (2)
        named = {"contract_id": row["contract_id"], "spend_category": row["spend_category"]}
        yield {
            "source_table": "contract_calendar",
            **named,
            "is_open": bool(notice),
            "open_where": f"Doffin {notice}" if notice else None,
        }
