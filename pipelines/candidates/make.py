"""Make candidates: one folder of files per product and recipient, replaced whole, never made twice from the same.

Belongs here: which candidates are due, what they are made from, the folder. Not here: what goes into a file (cut.py,
render.py, datapackage.py), whether it may leave (gate/).
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.candidates.consent import consenting
from pipelines.candidates.coverage import coverage, months_with_purchases
from pipelines.candidates.cut import Cut, cut_table
from pipelines.candidates.datapackage import FILE_NAME, package_bytes
from pipelines.candidates.earlier import CellKey, earlier_digests, key_of, read_earlier, remember
from pipelines.candidates.information import INFORMATION_LOG, information_log
from pipelines.candidates.mart import cut_mart, described
from pipelines.candidates.products import (
    CONSORTIUM_MART,
    PRODUCTS,
    CandidateKey,
    Product,
    Window,
    window_ending_in,
)
from pipelines.candidates.render import EXCEL_CSV, csv_bytes, excel_csv_bytes, in_order, parquet_bytes
from pipelines.candidates.sensitivity import (
    Attacker,
    owner_groups,
    owning_municipalities,
    publishing_their_sales,
)
from pipelines.candidates.suppress import log_bytes
from pipelines.candidates.workbook import Book, workbook_bytes
from pipelines.errors import ConfigurationError, WarehouseBusy
from pipelines.files import (
    canonical_json,
    folder_digest,
    folder_in_place,
    pretty_json,
    sha256_bytes,
    sha256_file,
    write_atomically,
)
from pipelines.home import Home
from pipelines.municipalities import holds_on
from pipelines.settings import Clock
from pipelines.warehouse.read import connect

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

Registers = Mapping[str, list[dict[str, Any]]]
_RENDERED = {"csv": csv_bytes, EXCEL_CSV: excel_csv_bytes, "parquet": parquet_bytes}


@dataclass(frozen=True)
class Candidate:
    """What lies ready to be judged.

    Attributes:
        key: Product, recipient, period.
        folder: Where its files lie.
        digest: SHA-256 of the folder.
        is_new: It was rendered now; False where nothing that it is made from had changed.
    """

    key: CandidateKey
    folder: Path
    digest: str
    is_new: bool


def candidate_folder(home: Home, key: CandidateKey) -> Path:
    """Return where a candidate's files lie."""
    return home.candidates / key.product / key.recipient


def inputs_file(home: Home, key: CandidateKey) -> Path:
    """Return where it is noted what a candidate was made from; beside the folder, no part of its digest."""
    return home.candidates / key.product / f"{key.recipient}.inputs.json"


def suppression_log_file(home: Home, key: CandidateKey) -> Path:
    """Return where it is noted which cells are hidden, and why; beside the folder, for it never leaves the house."""
    return home.candidates / key.product / f"{key.recipient}.suppression_log.csv"


def visible_part(home: Home, key: CandidateKey) -> Decimal | None:
    """Return the visible part of a share's addressable value, as it was noted; None where there is no value."""
    return visible_of(withheld(home, key))


def visible_of(stated: Mapping[str, Any] | None) -> Decimal | None:
    """Return the part of the addressable value that is told at some level; None where there is no value.

    Args:
        stated: What a candidate withholds; one of an earlier version tells no sums.
    """
    hidden, told, total = (
        Decimal((stated or {}).get(name, 0)) for name in ("hidden_nok", "rolled_up_nok", "total_nok")
    )
    return round((total - hidden + told) / total, 4) if total else None


def withheld(home: Home, key: CandidateKey) -> dict[str, Any] | None:
    """Return what a candidate withholds, as it was noted when it was made; None where it has no cells to hide.

    Returns:
        ``cells``, how many of them are ``suppressed``, their absolute addressable value ``hidden_nok``, how much of it
        is told in sums (``rolled_up_nok``), and that of all cells, ``total_nok``. Of one hidden cell that is its
        amount: this stays in the house.
    """
    stated = _noted(home, key).get("withheld")
    return None if stated is None else dict(stated)


def window_of(home: Home, key: CandidateKey) -> Window:
    """Return the months that a candidate covers."""
    return window_ending_in(key.period, home.consortium.window_months)


def due_keys(home: Home, period: str, as_of: date) -> list[CandidateKey]:
    """Return what is due for a month: each product for everybody who is its recipient on a day, sorted."""
    registers = home.read_registers()
    return sorted(
        {
            CandidateKey(product.id, row[product.recipient_key], period)
            for product in PRODUCTS.values()
            for row in _recipients(registers, product)
            if holds_on(row, as_of)
        }
    )


def inputs_digest(home: Home, key: CandidateKey) -> str:
    """Return the digest of all that a candidate would be made from now.

    Raises:
        ConfigurationError: There is no warehouse.
    """
    return _inputs_digest(home, key, current_build_id(home), str(_noted(home, key).get("candidate_sha256")))


def _inputs_digest(home: Home, key: CandidateKey, build_id: str, candidate_sha256: str) -> str:
    """Return the digest of all that a candidate is made from; what it is published as itself is none of it."""
    facts = {
        "product": key.product,
        "recipient": key.recipient,
        "period": key.period,
        "window": list(window_of(home, key).months),
        "build_id": build_id,
        "code": _code_digest(),
        # The recipient's name stands in the data package; owners and consents say what it knows of others.
        "registers": {
            name: _file_digest(home.registers / f"{name}.csv")
            for name in sorted({_product(key).recipients, "members", "workshop_owners", "consents"})
        },
        # What was to come says what is missing.
        "sources": [[source.owner, source.name, source.kind] for source in home.consortium.sources],
        "earlier": earlier_digests(home, key, candidate_sha256),
    }
    return sha256_bytes(canonical_json(facts).encode())


def is_current(home: Home, key: CandidateKey) -> bool:
    """Return whether a candidate's folder holds what would be made now: same inputs, and bytes as they were made."""
    return _current_digest(home, key, inputs_digest(home, key)) is not None


def make_candidate(home: Home, key: CandidateKey, clock: Clock) -> Candidate:
    """Return a candidate, rendered unless it is current. For many, ``open_maker`` saves opening the warehouse anew.

    Raises:
        ConfigurationError: The product is not known, the recipient is none of its recipients on the clock's day, or
            there is no warehouse.
        BuildFailed: The warehouse's product tables are not as agreed.
    """
    with open_maker(home) as maker:
        return maker.make(key, clock)


@contextlib.contextmanager
def open_maker(home: Home) -> Iterator[Maker]:
    """Give a maker for many candidates of one home: registers are read once, the warehouse is opened at first need."""
    maker = Maker(home)
    try:
        yield maker
    finally:
        maker.close()


class Maker:
    """Makes candidates over one connection to one build of the warehouse."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._registers: Registers | None = None
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._build_id = ""
        self._bought: dict[Window, dict[str, list[str]]] = {}

    def close(self) -> None:
        """Close the warehouse, if it was opened."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def make(self, key: CandidateKey, clock: Clock) -> Candidate:
        """Return a candidate, rendered unless it is current; raises as ``make_candidate`` does."""
        home = self._home
        product = _product(key)
        if self._registers is None:
            self._registers = home.read_registers()
        name = _recipient_name(self._registers, product, key, clock.as_of)
        folder = candidate_folder(home, key)
        _remove_remnants(folder)
        members = _members(self._registers, product, clock.as_of)
        standing = _current_digest(home, key, inputs_digest(home, key))
        # A consent can end by its date alone.
        if standing is not None and _noted(home, key).get("members") == _listed(members):
            return Candidate(key, folder, standing, is_new=False)
        files, market = self._files(product, key, name, members)
        with folder_in_place(folder) as temporary:
            for file_name, raw in files.items():
                (temporary / file_name).write_bytes(raw)
            digest = folder_digest(temporary)
        suppressed = market.suppressed if market else None
        if market is not None and suppressed is not None:
            write_atomically(suppression_log_file(home, key), log_bytes(suppressed))
            remember(home, key, digest, market.cells)
        noted = {
            "period": key.period,
            "build_id": self._build_id,
            "inputs_digest": _inputs_digest(home, key, self._build_id, digest),
            "candidate_sha256": digest,
            **({"members": _listed(members)} if members is not None else {}),
            **({"withheld": suppressed.withheld} if suppressed else {}),
        }
        write_atomically(inputs_file(home, key), pretty_json(noted).encode())
        return Candidate(key, folder, digest, is_new=True)

    def _files(
        self, product: Product, key: CandidateKey, recipient_name: str, members: frozenset[str] | None
    ) -> tuple[dict[str, bytes], Cut | None]:
        warehouse = self._warehouse()
        window = window_of(self._home, key)
        without = _without(self._registers or {}, members, window)
        files: dict[str, bytes] = {}
        market: Cut | None = None
        if product.id == CONSORTIUM_MART:
            product = described(product, warehouse)
            shown = cut_mart(warehouse, product, key, window, members or frozenset(), without or [])
        else:
            shown, market = self._cut(product, key, window, members)
        ordered = {table.name: in_order(table, shown[table.name]) for table in product.tables}
        for name, rows in ordered.items():
            files |= {f"{name}.{ending}": _RENDERED[ending](rows) for ending in product.formats}
        covered = self._covered(window, frozenset({key.recipient}) if members is None else members)
        if product.has_workbook:
            book = Book(product, key, recipient_name, window, covered, without)
            files[product.workbook] = workbook_bytes(book, ordered)
        files[FILE_NAME] = package_bytes(
            product,
            key,
            recipient_name=recipient_name,
            window=window,
            coverage=covered,
            without_consent=without,
            files=files,
        )
        return files, market

    def _cut(
        self, product: Product, key: CandidateKey, window: Window, members: frozenset[str] | None
    ) -> tuple[dict[str, pa.Table], Cut | None]:
        """Return the rows of each table, and the cut of the one that hides cells."""
        attacker = _attacker(self._registers or {}, key, window)
        earlier = read_earlier(self._home, key)
        market: Cut | None = None
        shown: dict[str, pa.Table] = {}
        for table in product.tables:
            if table.name == INFORMATION_LOG:
                cut = Cut(information_log(table, shown))
            else:
                cut = cut_table(self._warehouse(), table, key, window, attacker, earlier, members)
            market = cut if cut.suppressed else market
            shown[table.name] = cut.rows
        return shown, market

    def _covered(self, window: Window, owners: frozenset[str]) -> list[dict[str, Any]]:
        warehouse = self._warehouse()
        if window not in self._bought:
            self._bought[window] = months_with_purchases(warehouse, window)
        return coverage(warehouse, self._home, self._registers or {}, window, self._bought[window], owners)

    def _warehouse(self) -> duckdb.DuckDBPyConnection:
        build_id = current_build_id(self._home)
        if self._connection is None:
            self._connection = connect(self._home)
            self._build_id = current_build_id(self._home)
        if build_id != self._build_id:
            raise WarehouseBusy(
                "The warehouse was built again while candidates were made.",
                where=str(self._home.warehouse),
                remedy="Run again: 'samandel run'.",
            )
        return self._connection


def market_pattern(
    home: Home, key: CandidateKey, warehouse: duckdb.DuckDBPyConnection, registers: Registers, today: date
) -> dict[CellKey, str]:
    """Return the suppression code of every market cell of a share, as it comes out when it is made on a day."""
    window = window_of(home, key)
    table = _product(key).table("market_view")
    members = _members(registers, _product(key), today)
    cut = cut_table(warehouse, table, key, window, _attacker(registers, key, window), read_earlier(home, key), members)
    return {key_of(row): row["suppression_code"] for row in cut.rows.to_pylist()}


def _members(registers: Registers, product: Product, today: date) -> frozenset[str] | None:
    """Return whose rows a joint product may hold; None where it is of one owner."""
    return consenting(registers.get("consents", []), product, today) if product.is_joint else None


def _listed(members: frozenset[str] | None) -> list[str] | None:
    return None if members is None else sorted(members)


def _without(registers: Registers, members: frozenset[str] | None, window: Window) -> list[str] | None:
    """Return the members of the window's last day that a joint product leaves out."""
    if members is None:
        return None
    rows = [row for row in registers["members"] if holds_on(row, window.last_day)]
    return sorted({str(row["municipality_no"]) for row in rows} - members)


def _attacker(registers: Registers, key: CandidateKey, window: Window) -> Callable[[int], Attacker]:
    """Return what a recipient knows of a year without any release."""
    owners, consents = registers.get("workshop_owners", []), registers.get("consents", [])
    public = publishing_their_sales(consents, window.last_day)
    owning = owning_municipalities(owners, key.recipient, window_ending_in(key.period, 1).last_day)
    return lambda year: Attacker(key.recipient, owner_groups(owners, year), public, owning)


def current_build_id(home: Home) -> str:
    """Return the id of the last green build.

    Raises:
        ConfigurationError: Nothing has been built yet.
    """
    path = home.warehouse / "current.json"
    if not path.is_file():
        raise ConfigurationError("There is no warehouse yet.", where=str(path), remedy="Build it with 'samandel run'.")
    return str(json.loads(path.read_text(encoding="utf-8"))["build_id"])


def _product(key: CandidateKey) -> Product:
    if key.product not in PRODUCTS:
        raise ConfigurationError(
            f"'{key.product}' is not a product.", where="product", remedy=f"Known: {', '.join(PRODUCTS)}."
        )
    return PRODUCTS[key.product]


def _recipients(registers: Registers, product: Product) -> list[dict[str, Any]]:
    """Return the rows of those whom a product is made for; of the register of all recipients, its own."""
    rows = registers[product.recipients]
    return [row for row in rows if row["product"] == product.id] if product.recipients == "recipients" else rows


def _recipient_name(registers: Registers, product: Product, key: CandidateKey, as_of: date) -> str:
    """Return the recipient's name; whoever is no recipient on the day gets nothing."""
    rows = [row for row in _recipients(registers, product) if row[product.recipient_key] == key.recipient]
    if not any(holds_on(row, as_of) for row in rows):
        raise ConfigurationError(
            f"{key.recipient} receives no {product.id} on {as_of}.",
            where=f"registers/{product.recipients}.csv",
            remedy=f"Add the recipient with its dates, or leave {key.recipient} out.",
        )
    # The name at the end of the window, so that making it later gives the same bytes; else the first one.
    last_day = window_ending_in(key.period, 1).last_day
    rows.sort(key=lambda row: (not holds_on(row, last_day), row["valid_from"]))
    return str(rows[0]["name"])


def _current_digest(home: Home, key: CandidateKey, inputs: str) -> str | None:
    folder, stated = candidate_folder(home, key), _noted(home, key)
    if not folder.is_dir():
        return None
    if stated.get("inputs_digest") != inputs or stated.get("period") != key.period:
        return None
    digest = folder_digest(folder)
    return digest if digest == stated.get("candidate_sha256") else None


def _noted(home: Home, key: CandidateKey) -> dict[str, Any]:
    """Return what is noted of the candidate that lies there; nothing where the note cannot be read."""
    try:
        return dict(json.loads(inputs_file(home, key).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return {}


def _remove_remnants(folder: Path) -> None:
    """Remove what a killed earlier try left beside a folder."""
    for remnant in sorted(folder.parent.glob(f".{folder.name}.*")):
        if remnant.is_dir():
            shutil.rmtree(remnant)
        else:
            remnant.unlink()


def _file_digest(path: Path) -> str:
    return sha256_file(path) if path.is_file() else "absent"


@functools.cache
def _code_digest() -> str:
    """Return the digest of all that turns rows into bytes: this package, and the libraries that write files."""
    here = Path(__file__).resolve().parent
    files = [*sorted(here.glob("*.py")), here.parent / "tables.py"]
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("duckdb", "pyarrow", "scipy", "xlsxwriter")]
    return sha256_bytes("\n".join([*(f"{sha256_file(path)}  {path.name}" for path in files), *versions]).encode())
