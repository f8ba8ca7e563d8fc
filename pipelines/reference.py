"""The reference lists that dbt seeds, where Python needs one before there is a warehouse.

Belongs here: reading a seed's own bytes. Not here: what the lists say (dbt_project/seeds/).
"""

from __future__ import annotations

import csv
import io

from pipelines.settings import DBT_PROJECT

_STRICT = "client_strict"


def strict_functions() -> frozenset[str]:
    """Return the KOSTRA functions whose payees are named nowhere, whatever year: a retired code stays as private."""
    raw = (DBT_PROJECT / "seeds" / "kostra_sensitive_functions.csv").read_text(encoding="utf-8")
    return frozenset(
        row["kostra_function"] for row in csv.DictReader(io.StringIO(raw)) if row["privacy_class"] == _STRICT
    )
