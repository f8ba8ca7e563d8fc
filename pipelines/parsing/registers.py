"""Registers as parsed tables, for dbt: the rows of the settings delivery that is in force.

Belongs here: writing ``parsed/register_*``. Not here: what a register's columns are and checking them (registers.py at
the root).
"""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import ProblemsFound
from pipelines.home import CONSORTIUM, Home
from pipelines.landing.settings_delivery import is_settings
from pipelines.landing.store import Receipt, read_file, read_receipts
from pipelines.parsing import schema
from pipelines.parsing.store import PARSE_KEY
from pipelines.registers import REGISTERS, read_register
from pipelines.tables import Table, arrow_table, write_parquet

CURRENT = "current"
REGISTERS_VERSION = "1"


def as_parsed(table: Table) -> Table:
    """Return a register as it lies under ``parsed/``: its own columns plus lineage."""
    return Table(f"register_{table.name}", table.description, (*table.columns, *schema.LINEAGE), table.key)


def write_registers(home: Home, receipt: Receipt | None = None) -> None:
    """Write every register of a settings delivery (default: the latest) as Parquet; an absent register is empty.

    Raises:
        ProblemsFound: A register has problems; nothing is written.
    """
    receipt = receipt or _latest(home)
    if receipt is None:
        return
    key = f"{REGISTERS_VERSION} {receipt.sequence} {receipt.delivery_id}".encode()
    if _is_written(home, key):
        return
    files = {file.name: file for file in receipt.files}
    problems: list[str] = []
    contents = {}
    for name, table in REGISTERS.items():
        file = files.get(f"registers/{name}.csv")
        rows = []
        if file is not None:
            result = read_register(table, read_file(home, file), file=file.name)
            problems += result.problems
            rows = [row | {"_delivery_id": receipt.delivery_id, "_file_sha256": file.sha256} for row in result.rows]
        contents[name] = arrow_table(as_parsed(table), rows)
    if problems:
        raise ProblemsFound(problems, remedy="Mend the registers, then run again.")
    for name in REGISTERS:
        write_parquet(_path(home, name), contents[name].replace_schema_metadata({PARSE_KEY: key}))


def _path(home: Home, name: str) -> Path:
    return home.parsed / f"register_{name}" / f"municipality_no={CONSORTIUM}" / f"{CURRENT}.parquet"


def _is_written(home: Home, key: bytes) -> bool:
    import pyarrow.parquet as pq

    paths = [_path(home, name) for name in REGISTERS]
    return all(path.is_file() and (pq.read_metadata(path).metadata or {}).get(PARSE_KEY) == key for path in paths)


def _latest(home: Home) -> Receipt | None:
    receipts = [receipt for receipt in read_receipts(home, CONSORTIUM) if is_settings(receipt)]
    return max(receipts, key=lambda receipt: receipt.sequence, default=None)
