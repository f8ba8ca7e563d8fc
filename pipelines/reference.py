"""The reference lists that dbt seeds, where Python needs one before there is a warehouse.

Belongs here: reading a seed's own bytes. Not here: what the lists say (dbt_project/seeds/).
"""

from __future__ import annotations

import csv
import io

from pipelines.settings import DBT_PROJECT

_STRICT = "client_strict"


def seed_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a seed, in its order."""
    raw = (DBT_PROJECT / "seeds" / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(raw, newline="")))


def strict_functions() -> frozenset[str]:
    """Return the KOSTRA functions whose payees are named nowhere, whatever year: a retired code stays as private."""
    rows = seed_rows("kostra_sensitive_functions")
    return frozenset(row["kostra_function"] for row in rows if row["privacy_class"] == _STRICT)
