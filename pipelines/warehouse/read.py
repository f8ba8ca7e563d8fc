"""Open the warehouse for reading.

Belongs here: the one way in. Not here: what is asked of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.errors import ConfigurationError
from pipelines.home import Home

if TYPE_CHECKING:
    import duckdb


def connect(home: Home) -> duckdb.DuckDBPyConnection:
    """Return a read-only connection to the last green warehouse.

    Raises:
        ConfigurationError: Nothing has been built yet.
    """
    if not home.warehouse_file.is_file():
        raise ConfigurationError(
            "There is no warehouse yet.",
            where=str(home.warehouse_file),
            remedy="Build it with 'samandel run'.",
        )
    import duckdb

    return duckdb.connect(str(home.warehouse_file), read_only=True)
