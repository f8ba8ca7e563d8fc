"""Open the warehouse for reading.

Belongs here: the one way in. Not here: what is asked of it.
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
