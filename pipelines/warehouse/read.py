"""Open the warehouse for reading.

Belongs here: the one way in, and the gate's facts beside it for those who ask of both. Not here: what is asked of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import ConfigurationError
from pipelines.home import Home

if TYPE_CHECKING:
    import duckdb


def connect(home: Home, file: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Return a read-only connection to the last green warehouse, or to another file of one (a past state).

    Raises:
        ConfigurationError: Nothing has been built yet.
    """
    file = file or home.warehouse_file
    if not file.is_file():
        raise ConfigurationError(
            "There is no warehouse yet.",
            where=str(file),
            remedy="Build it with 'samandel run'.",
        )
    import duckdb

    return duckdb.connect(str(file), read_only=True)


def attach_gate_facts(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Let a connection to the warehouse read the facts of the gate and its releases too, where there are any.

    They are found by their own names and as ``gate.<name>``. Products are cut over connections without them.
    """
    if not home.gate_facts_file.is_file():
        return
    place = str(home.gate_facts_file).replace("'", "''")
    connection.execute(f"attach if not exists '{place}' as gate (read_only)")
    (name,) = connection.execute("select current_database()").fetchone() or ("",)
    connection.execute(f"set search_path = '{name}.main,gate.main'")
