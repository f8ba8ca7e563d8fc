"""What every step said about every delivery, and who has been failing since when.

Belongs here: reading the outcomes that steps wrote, and the status of each source. Not here: writing them (each step
writes its own).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.home import Home

Row = dict[str, Any]
_FAILING = ("failed", "held")


def read_outcomes(home: Home) -> list[Row]:
    """Return the outcome rows of all deliveries and steps, by owner, source, sequence and step."""
    import pyarrow.parquet as pq

    rows: list[Row] = []
    for path in sorted((home.parsed / "outcomes").glob("municipality_no=*/*.parquet")):
        rows += pq.ParquetFile(path).read().to_pylist()
    order = ("landed", "parsed", "settled")
    return sorted(
        rows,
        key=lambda row: (
            row["municipality_no"],
            row["source_name"],
            row["sequence"],
            row["_delivery_id"],
            order.index(row["step"]),
        ),
    )


def status_rows(home: Home) -> list[Row]:
    """Return one row for every source in consortium.yaml, with or without deliveries (DESIGN: ``status --json``).

    ``outcome`` is that of the latest delivery's last step, ``none`` before the first; ``failing_since`` is when the
    first of the latest unbroken run of failed or held deliveries was received.
    """
    by_source: dict[tuple[str, str], list[Row]] = {}
    for row in read_outcomes(home):
        by_source.setdefault((row["municipality_no"], row["source_name"]), []).append(row)
    return [
        _status(source.owner, source.name, by_source.get((source.owner, source.name), []))
        for source in home.consortium.sources
    ]


def _status(municipality_no: str, source: str, rows: Sequence[Row]) -> Row:
    delivered = [row for row in rows if row["step"] in ("parsed", "settled")]
    by_sequence: dict[int, Row] = {}
    for row in delivered:
        # A later step overrides an earlier one only with bad news: settling writes no row when all is well.
        if row["sequence"] not in by_sequence or row["outcome"] in _FAILING:
            by_sequence[row["sequence"]] = row
    latest = by_sequence[max(by_sequence)] if by_sequence else None
    months = [row[name] for row in delivered for name in ("covered_from", "covered_to") if row.get(name)]
    return {
        "municipality_no": municipality_no,
        "source": source,
        "last_delivery_id": latest["_delivery_id"] if latest else None,
        "received_at": latest["received_at"] if latest else None,
        "covered_from": min(months, default=None),
        "covered_to": max(months, default=None),
        "outcome": latest["outcome"] if latest else "none",
        "failing_since": _failing_since(by_sequence),
    }


def _failing_since(by_sequence: dict[int, Row]) -> Any:
    since = None
    for sequence in sorted(by_sequence, reverse=True):
        if by_sequence[sequence]["outcome"] not in _FAILING:
            break
        since = by_sequence[sequence]["received_at"]
    return since
