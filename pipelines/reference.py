"""The reference lists that dbt seeds, where Python needs one before there is a warehouse.

Belongs here: reading a seed's own bytes. Not here: what the lists say (dbt_project/seeds/).
"""

from __future__ import annotations

import csv
import io
import re

from pipelines.settings import DBT_PROJECT

# Figures of releases, which publishing reckons: no table of the warehouse holds them, and nobody has a target for them.
OF_RELEASES = ("K31", "K32")
_STRICT = "client_strict"
_FUNCTION_DIGITS = 3


def seed_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a seed, in its order."""
    raw = (DBT_PROJECT / "seeds" / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(raw, newline="")))


def strict_functions() -> frozenset[str]:
    """Return the KOSTRA functions whose payees are named nowhere, whatever year: a retired code stays as private."""
    rows = seed_rows("kostra_sensitive_functions")
    return frozenset(row["kostra_function"] for row in rows if row["privacy_class"] == _STRICT)


def function_of(code: str | None) -> str:
    """Return the KOSTRA function of a ledger's code: its first three digits, for members add digits of their own.

    No function begins with 0: one in front is padding (0244).
    """
    return re.sub(r"\D", "", code or "").lstrip("0")[:_FUNCTION_DIGITS]
