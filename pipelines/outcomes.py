"""What every step said about every delivery, and who has been failing since when.

Belongs here: reading the outcomes that steps wrote, and the status of each source. Not here: writing them (each step
writes its own).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pipelines.home import Home
from pipelines.parsing.schema import OUTCOMES

Row = dict[str, Any]
_FAILING = ("failed", "held", "refused")
# What settling says over what parsing said.
_OVERRIDING = (*_FAILING, "withdrawn")


_ALL_COLUMNS = tuple(OUTCOMES.column_names)
_STATUS_COLUMNS = (
    *("municipality_no", "source_name", "_delivery_id", "sequence", "step", "outcome"),
    *("covered_from", "covered_to", "received_at"),
)


def read_outcomes(home: Home, columns: Sequence[str] = _ALL_COLUMNS) -> list[Row]:
    """Return the outcome rows of all deliveries and steps, by owner, source, sequence and step.

    Args:
        home: The home.
        columns: What is wanted of each row; those of the order and received_at among it.
    """
    import duckdb

    folder = home.parsed / "outcomes"
    if not any(folder.glob("municipality_no=*/*.parquet")):
        return []
    # One scan of hundreds of small files, in a library that starts fast; no bound parameter, which would load pandas.
    pattern = str(folder / "municipality_no=*" / "*.parquet").replace("'", "''")
    wanted = ", ".join(name for name in columns if name != "received_at")
    with duckdb.connect() as connection:
        found = connection.execute(
            f"""select {wanted}, epoch_us(received_at) as received_us
            from read_parquet('{pattern}', hive_partitioning = false)"""  # noqa: S608  our own columns and folder
        )
        names = [column[0] for column in found.description or []]
        rows = [dict(zip(names, values, strict=True)) for values in found.fetchall()]
    for row in rows:
        # DuckDB hands out moments through a library that is not needed for anything else.
        row["received_at"] = datetime.fromtimestamp(row.pop("received_us") / 1_000_000, UTC)
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
    """Return one row for every source in consortium.yaml, with or without deliveries (what ``status --json`` prints).

    ``outcome`` is that of the latest delivery's last step, ``none`` before the first; ``failing_since`` is when the
    first of the latest unbroken run of failed, held or refused deliveries was received.
    """
    by_source: dict[tuple[str, str], list[Row]] = {}
    for row in read_outcomes(home, _STATUS_COLUMNS):
        by_source.setdefault((row["municipality_no"], row["source_name"]), []).append(row)
    return [
        _status(source.owner, source.name, by_source.get((source.owner, source.name), []))
        for source in home.consortium.sources
    ]


def _status(municipality_no: str, source: str, rows: Sequence[Row]) -> Row:
    delivered = [row for row in rows if row["step"] in ("parsed", "settled") or row["outcome"] == "refused"]
    by_sequence: dict[int, Row] = {}
    for row in delivered:
        # A later step overrides an earlier one only with news of its own: settling writes no row when all is well.
        if row["sequence"] not in by_sequence or row["outcome"] in _OVERRIDING:
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
