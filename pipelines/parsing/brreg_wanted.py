"""Which units of the company register a home has met, which of them it knows, and which it should ask for.

Belongs here: reading organisation numbers out of parsed tables and registers. Not here: asking for them
(landing/brreg_fetch.py).

A unit is wanted that was met and is (1) not in any delivery of the register, or (2) was delivered or asked for longer
ago than the source's ``refresh_days`` and was not deleted then, or (3) is among those that the register says have
changed. A number that the register never had is asked for again only after ``refresh_days``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pipelines.home import Home
from pipelines.landing.brreg_fetch import Memory
from pipelines.landing.store import read_receipts
from pipelines.parsing import schema
from pipelines.parsing.org_numbers import passes_mod11
from pipelines.parsing.store import SETTLED

# Where organisation numbers of others stand, by parsed table and by register.
_PARSED: dict[str, tuple[str, ...]] = {
    "ehf_invoices": ("seller_org_no", "payee_org_no"),
    "ledger_postings": ("supplier_org_no",),
    "saft_suppliers": ("supplier_org_no", "org_no"),
    "notice_buyers": ("org_no",),
}
_REGISTERS = ("org_no", "workshop_org_no", "supplier_org_no", "owner_org_no")


@dataclass(frozen=True)
class Known:
    """What a home knows of a unit: when it last heard of it, whether it was deleted then, and what it belongs to."""

    heard: date
    is_deleted: bool
    parent_org_no: str | None = None


def met_org_nos(home: Home, registers: Mapping[str, list[dict[str, Any]]]) -> set[str]:
    """Return every possible Norwegian number in accepted or refused rows alike, and in the registers.

    Numbers without the right check digit are left out: the register cannot have them.
    """
    met = {
        value
        for rows in registers.values()
        for row in rows
        for column in _REGISTERS
        if isinstance(value := row.get(column), str)
    }
    for table, columns in _PARSED.items():
        met |= _distinct(home, table, columns)
    return {org_no for org_no in met if passes_mod11(org_no)}


def _distinct(home: Home, table: str, columns: tuple[str, ...]) -> set[str]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    found: set[str] = set()
    for path in sorted((home.parsed / table).glob("*/*.parquet")):
        file = pq.ParquetFile(path)
        wanted = [name for name in columns if name in file.schema_arrow.names]
        for batch in file.iter_batches(columns=wanted) if wanted else ():
            for column in batch.columns:
                found |= {value for value in pc.unique(column).to_pylist() if value}
    return found


def known_units(home: Home, org_nos: Collection[str]) -> dict[str, Known]:
    """Return what landed deliveries of the register say of these numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    received: dict[str, date] = {}
    for receipt in read_receipts(home):
        day = receipt.received_at.date()
        received[receipt.delivery_id] = max(day, received.get(receipt.delivery_id, day))
    wanted = pa.array(sorted(org_nos), pa.string())
    known: dict[str, Known] = {}
    for path in sorted((home.parsed / schema.COMPANIES.name).glob("*/*.parquet")):
        heard = received.get(path.stem.partition(".")[0])
        if path.stem == SETTLED or heard is None:
            continue
        for batch in pq.ParquetFile(path).iter_batches(columns=["org_no", "deleted_on", "parent_org_no"]):
            rows = batch.filter(pc.is_in(batch.column("org_no"), value_set=wanted)).to_pylist()
            for row in rows:
                earlier = known.get(row["org_no"])
                if earlier is None or earlier.heard <= heard:
                    known[row["org_no"]] = Known(heard, row["deleted_on"] is not None, row["parent_org_no"])
    return known


def wanted_units(
    met: Iterable[str],
    known: Mapping[str, Known],
    memory: Memory,
    changed: Collection[str],
    as_of: date,
    refresh_days: int,
) -> list[str]:
    """Return the numbers to ask for, sorted; see the rules above. With ``refresh_days`` 0 all are wanted."""
    before = as_of - timedelta(days=refresh_days)

    def is_wanted(org_no: str) -> bool:
        unit, asked = known.get(org_no), memory.asked.get(org_no)
        heard = max((day for day in (unit.heard if unit else None, asked) if day is not None), default=date.min)
        is_deleted = unit is not None and unit.is_deleted
        return org_no in changed or refresh_days == 0 or (heard <= before and not is_deleted)

    return sorted(org_no for org_no in set(met) if is_wanted(org_no))
