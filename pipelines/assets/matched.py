"""Dagster's face of matching: scores of what is new, between parsing and the warehouse.

Belongs here: assets of group ``matched``. Not here: scoring (matching/), deciding (dbt_project/).
"""

from collections.abc import Iterator

import dagster as dg

from pipelines.matching.match import match_home
from pipelines.matching.schema import SOURCES
from pipelines.session import Session

GROUP = "matched"
_UPSTREAM = {
    "supplier_names": ("ledger_postings", "ehf_invoices"),
    "supplier_candidates": ("ledger_postings", "ehf_invoices", "companies", "registers"),
    "item_texts": ("ledger_postings", "ehf_invoice_lines"),
}


@dg.multi_asset(
    name="matched_tables",
    specs=[
        dg.AssetSpec(
            table.name, deps=_UPSTREAM[table.name], group_name=GROUP, description=table.description, kinds={"parquet"}
        )
        for table in SOURCES
    ],
)
def matched_tables(session: dg.ResourceParam[Session]) -> Iterator[dg.MaterializeResult[None]]:
    """Score the names and texts that have not been scored before."""
    session.progress("match", 0, 1)
    with session.without_values("match"):
        matched = match_home(session.home)
    session.progress("match", 1, 1)
    yield from (dg.MaterializeResult(asset_key=table.name, metadata=matched.as_dict()) for table in SOURCES)
