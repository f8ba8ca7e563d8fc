"""What ledgers are compared by: a hash of each distinct (voucher, date, amount), kept by delivery.

Belongs here: which postings identify something, hashing them, where the hashes lie. Not here: comparing with other
members' ledgers (shared_ledgers.py) or with the member's own (repeated_ledgers.py).

Amounts of zero and postings without voucher or date identify nothing and are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.home import Home
from pipelines.landing.store import Receipt
from pipelines.parsing import schema
from pipelines.parsing.books import in_order
from pipelines.parsing.store import PARSE_KEY, stored_key, table_path
from pipelines.tables import write_parquet

if TYPE_CHECKING:
    import duckdb

FOLDER = ".shared_ledgers"
_VERSION = "1"
# A posting that can be told from others, and by what.
IDENTIFIED = "trim(voucher_no) <> '' and coalesce(posting_date, invoice_date) is not null and amount <> 0"
IDENTITY = "trim(voucher_no), coalesce(posting_date, invoice_date), amount"


@dataclass(frozen=True)
class Ledger:
    """A parsed ledger delivery.

    Attributes:
        receipt: Its first receipt.
        name: What its parsed files are called.
        key: What its hashes depend on.
        file: Where they lie.
        postings: How many there are, counted once.
    """

    receipt: Receipt
    name: str
    key: str
    file: Path
    postings: int

    @property
    def place(self) -> tuple[str, str]:
        """Return owner and name, which identify it."""
        return self.receipt.owner, self.name


def hashed_ledgers(home: Home, receipts: Iterable[Receipt]) -> tuple[dict[tuple[str, str, str], Ledger], set[str]]:
    """Return parsed ledger deliveries by owner, source name and delivery id, and the owners of any that is damaged."""
    import duckdb
    import pyarrow as pa

    ledgers: dict[tuple[str, str, str], Ledger] = {}
    by_place: dict[tuple[str, str], Ledger | None] = {}
    damaged: set[str] = set()
    hashing = duckdb.connect()  # one for all: to open one takes longer than to hash a ledger
    for receipt in in_order(receipts):
        # As placed by store.place_receipts: under a name of its own where another source brought the bytes first.
        own_name = f"{receipt.delivery_id}.{receipt.source_name}"
        is_elsewhere = table_path(home, schema.OUTCOMES, receipt.owner, own_name).is_file()
        name = own_name if is_elsewhere else receipt.delivery_id
        try:
            if (receipt.owner, name) not in by_place:
                by_place[receipt.owner, name] = _ledger(home, receipt, name, hashing)
        except (duckdb.Error, pa.ArrowException, OSError):
            damaged.add(receipt.owner)
            continue
        ledger = by_place[receipt.owner, name]
        if ledger is not None:
            ledgers.setdefault((receipt.owner, receipt.source_name, receipt.delivery_id), ledger)
    hashing.close()
    return {key: ledger for key, ledger in ledgers.items() if key[0] not in damaged}, damaged


def _ledger(home: Home, receipt: Receipt, name: str, hashing: duckdb.DuckDBPyConnection) -> Ledger | None:
    """Return a delivery if it is parsed; its hashes are written where they are new."""
    import duckdb

    parsed = stored_key(home, receipt.owner, name)
    postings = table_path(home, schema.LEDGER_POSTINGS, receipt.owner, name)
    if parsed is None or not postings.is_file():
        return None
    key = f"{_VERSION} {duckdb.__version__} {parsed}"
    file = home.parsed / FOLDER / receipt.owner / f"{name}.parquet"
    known = _metadata(file)
    if known.get(PARSE_KEY) != key.encode():
        _write_hashes(hashing, postings, file, key)
        known = _metadata(file)
    return Ledger(receipt, name, key, file, int(known[b"postings"]))


def _metadata(file: Path) -> dict[bytes, bytes]:
    """Return what is noted in a file of hashes; nothing where it is absent or damaged: then it is written again."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return dict(pq.read_metadata(file).metadata or {})
    except (pa.ArrowException, OSError):
        return {}


def _write_hashes(connection: duckdb.DuckDBPyConnection, postings: Path, file: Path, key: str) -> None:
    import pyarrow.compute as pc

    rows = connection.execute(
        f"""select distinct
            coalesce(fiscal_period, '') as fiscal_period,
            hash({IDENTITY}) as posting
        from read_parquet({quoted([postings])}, hive_partitioning = false)
        where {IDENTIFIED}
        order by all"""  # noqa: S608  our own file
    ).to_arrow_table()
    count = pc.count_distinct(rows.column("posting")).as_py()
    write_parquet(file, rows.replace_schema_metadata({PARSE_KEY: key.encode(), b"postings": str(count).encode()}))


def quoted(paths: Iterable[Path]) -> str:
    """Return paths as a list in SQL."""
    return "[" + ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths) + "]"
