"""What each green build said, and what it was made from.

Belongs here: ``history/fct_kpis/<build_id>.parquet`` and ``<build_id>.inputs.json`` beside it. Not here: building
(build.py), holding two of them against each other (release_diff.py at the root).

A build's id is the beginning of the digest of its inputs: a record that is not that build's does not give its id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.errors import ReleaseDamaged
from pipelines.files import pretty_json, sha256_bytes, write_atomically
from pipelines.home import Home

Row = dict[str, Any]


def figures_file(home: Home, build_id: str) -> Path:
    """Return where the figures of a build lie."""
    return home.history / "fct_kpis" / f"{build_id}.parquet"


def inputs_file(home: Home, build_id: str) -> Path:
    """Return where it stands what a build was made from."""
    return home.history / "fct_kpis" / f"{build_id}.inputs.json"


def digest_of_inputs(inputs: Mapping[str, str]) -> str:
    """Return the digest that names a build."""
    return sha256_bytes("".join(f"{digest} {name}\n" for name, digest in sorted(inputs.items())).encode())


def keep_history(home: Home, file: Path, made: Row) -> None:
    """Keep what a finished build says; the same build gives the same bytes.

    The figures are written last: where they lie, their inputs are known.

    Args:
        home: The home.
        file: The build's DuckDB file.
        made: Its ``build_id``, ``input_digest``, ``as_of_sequence``, ``inputs`` and ``registers_delivery_id``.
    """
    import duckdb

    from pipelines.tables import write_parquet

    with duckdb.connect(str(file), read_only=True) as connection:
        tables = {name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}
        if not {"fct_kpis", "fct_delivery_periods"} <= tables:
            return  # a project that makes no figures has no history of them
        deliveries = _deliveries(connection.execute(_PERIODS).fetchall())
        figures = connection.execute("select * from fct_kpis order by all").to_arrow_table()
    write_atomically(inputs_file(home, made["build_id"]), pretty_json({**made, "deliveries": deliveries}).encode())
    write_parquet(figures_file(home, made["build_id"]), figures)


_PERIODS = """
    select municipality_no, source_name, _delivery_id, state, fiscal_period
    from fct_delivery_periods
    order by municipality_no, source_name, sequence, _delivery_id, state, fiscal_period
"""


def _deliveries(rows: list[tuple[str, ...]]) -> list[Row]:
    """Return one entry per delivery: its periods by state."""
    found: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for owner, source, delivery_id, state, period in rows:
        found.setdefault((owner, source, delivery_id), {}).setdefault(state, []).append(period)
    return [
        {"municipality_no": owner, "source": source, "delivery_id": delivery_id, "periods": periods}
        for (owner, source, delivery_id), periods in found.items()
    ]


def read_inputs(home: Home, build_id: str) -> Row | None:
    """Return the record of a build's inputs, or None where none was kept.

    Raises:
        ReleaseDamaged: The record is not that build's.
    """
    path = inputs_file(home, build_id)
    if not path.is_file():
        return None
    try:
        record: Row = json.loads(path.read_text(encoding="utf-8"))
        is_its_own = digest_of_inputs(record["inputs"])[: len(build_id)] == build_id
    except (ValueError, KeyError, TypeError, AttributeError):
        is_its_own = False
    if not is_its_own:
        raise ReleaseDamaged(
            "The record of a build's inputs is not what was written.",
            where=str(path),
            remedy="Restore it from a backup.",
        )
    return record


def list_builds(home: Home) -> list[Row]:
    """Return every build that was green and kept, by the number of what had been received.

    Returns:
        ``as_of_sequence``; ``build_id``; ``last_received``, relative to ``landing/``; how many ``deliveries`` and
        ``figures``; ``is_current``.
    """
    import pyarrow.parquet as pq

    from pipelines.landing.journal import read_journal

    journal = read_journal(home)
    current = home.warehouse / "current.json"
    standing = json.loads(current.read_text(encoding="utf-8"))["build_id"] if current.is_file() else None
    rows = []
    for path in sorted(figures_file(home, "x").parent.glob("*.parquet")):
        record = read_inputs(home, path.stem)
        if record is None:
            continue
        number = record["as_of_sequence"]
        rows.append(
            {
                "as_of_sequence": number,
                "build_id": path.stem,
                "last_received": journal[number - 1].file if 0 < number <= len(journal) else "",
                "deliveries": len(record["deliveries"]),
                "figures": pq.read_metadata(path).num_rows,
                "is_current": path.stem == standing,
            }
        )
    return sorted(rows, key=lambda row: (row["as_of_sequence"], row["build_id"]))
