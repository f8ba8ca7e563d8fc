"""Build a past state again: the warehouse as it was after the first so many receipts and decisions.

Belongs here: a home of its own that holds only what had been received, read and settled anew by the code of today, and
its warehouse. Not here: the order of receipts (landing/journal.py), the steps themselves.

(1) Landed bytes are read where they lie; only receipts, decisions and settings are those of then.
(2) What was parsed under the same key since is not parsed again.
(3) The warehouse that stands is never touched: the past one gets a folder of its own.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.due import owner_keys
from pipelines.errors import ConfigurationError
from pipelines.files import canonical_json, exclusive_lock, folder_in_place, pretty_json, write_atomically
from pipelines.home import CONSORTIUM, Home
from pipelines.landing.decisions import DECISIONS
from pipelines.landing.journal import JOURNAL, Received, extend_journal
from pipelines.landing.settings_delivery import is_settings
from pipelines.landing.store import RECEIPTS, read_file, read_receipts
from pipelines.parsing.host_documents import counted_elsewhere, settling_order
from pipelines.parsing.parse import parse_owner
from pipelines.parsing.registers import write_registers
from pipelines.parsing.settle import settle
from pipelines.parsing.shared_ledgers import find_shared
from pipelines.parsing.store import place_receipts
from pipelines.warehouse.build import build_warehouse, current_build_id

AS_OF = "as_of"


@dataclass(frozen=True)
class PastBuild:
    """A past state that was built again.

    Attributes:
        as_of_sequence: The number of the last receipt or decision in it.
        build_id: Its id; a build of then has the same one where code and libraries are those of then.
        file: The DuckDB file.
        last_received: Where the last receipt or decision lies, relative to ``landing/``.
    """

    as_of_sequence: int
    build_id: str
    file: Path
    last_received: str


def past_file(home: Home, sequence: int) -> Path:
    """Return where the warehouse of a past state lies once it is built; its name is that of every warehouse."""
    return home.warehouse / AS_OF / str(sequence) / home.warehouse_file.name


def build_past(home: Home, sequence: int) -> PastBuild:
    """Build the state after the first ``sequence`` receipts and decisions into a folder of its own.

    Raises:
        ConfigurationError: There are not so many, or no settings were among them.
        BuildFailed: dbt failed.
        WarehouseBusy: Another run is at work in this home.
    """
    with exclusive_lock(home.run_lock, doing="running the pipeline"):
        journal = extend_journal(home)
        if not 1 <= sequence <= len(journal):
            raise ConfigurationError(
                f"There is no receipt or decision number {sequence}.",
                where="--as-of-sequence",
                remedy=f"There are 1 to {len(journal)}; 'samandel build --list' says which builds stood on which.",
            )
        folder = home.warehouse / AS_OF / f".{sequence}.making"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            past = _past_home(home, folder, journal[:sequence])
            read_again(past)
            build_warehouse(past)
            build_id = current_build_id(past) or ""
            built = PastBuild(sequence, build_id, past_file(home, sequence), journal[sequence - 1].file)
            with folder_in_place(built.file.parent) as target:
                past.warehouse_file.replace(target / home.warehouse_file.name)
                facts = asdict(built) | {"file": built.file.name}
                write_atomically(target / "build.json", pretty_json(facts).encode())
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return built


def _past_home(home: Home, folder: Path, journal: list[Received]) -> Home:
    """(1) Return a home that holds what had been received, and nothing else."""
    past = Home(folder)
    received = {entry.file for entry in journal}
    for source in sorted(path for path in home.landing.glob("*/*") if path.is_dir()):
        target = past.landing / source.relative_to(home.landing)
        for part in sorted(source.iterdir()):
            if part.name in (RECEIPTS, DECISIONS):
                _copy_received(home, past, part, received)
            elif part.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                (target / part.name).symlink_to(part.resolve(), target_is_directory=True)
    lines = "".join(f"{canonical_json(asdict(entry))}\n" for entry in journal)
    write_atomically(past.landing / JOURNAL, lines.encode())
    _write_settings(past)
    _link_parsed(home, past)
    return past


def _copy_received(home: Home, past: Home, folder: Path, received: set[str]) -> None:
    for path in sorted(folder.glob("*.json")):
        place = path.relative_to(home.landing)
        if place.as_posix() in received:
            (past.landing / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, past.landing / place)


def _write_settings(past: Home) -> None:
    settings = [one for one in read_receipts(past, CONSORTIUM) if is_settings(one)]
    if not settings:
        raise ConfigurationError(
            "No settings had been received by then.",
            where="--as-of-sequence",
            remedy="Take a later number: the first run lands the settings.",
        )
    for file in settings[-1].files:
        write_atomically(past.path / file.name, read_file(past, file))


def _link_parsed(home: Home, past: Home) -> None:
    """(2) Give the past home the parsed files of its deliveries; one under another parse key is parsed anew.

    A parsed file is only ever replaced, never written into: the link cannot change what stands in the home.
    """
    receipts = [one for one in read_receipts(past) if not is_settings(one)]
    known = {
        (owner, placed.name)
        for owner in {one.owner for one in receipts}
        for placed in place_receipts([one for one in receipts if one.owner == owner])
        if not placed.is_duplicate
    }
    for path in sorted(home.parsed.glob("*/municipality_no=*/*.parquet")):
        owner, name = path.parent.name.removeprefix("municipality_no="), path.stem
        if (owner, name) not in known:
            continue
        target = past.parsed / path.relative_to(home.parsed)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, target)
        except OSError:  # a file system without links
            shutil.copyfile(path, target)
    for path in home.matched.glob("*.parquet"):
        past.matched.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):  # scores are made again where they cannot be linked
            os.link(path, past.matched / path.name)


def read_again(past: Home) -> None:
    """Parse and settle as a run does, for everybody who was there."""
    registers = past.read_registers()
    write_registers(past)
    owners = sorted({*owner_keys(past, registers), *(receipt.owner for receipt in read_receipts(past))})
    for owner in owners:
        parse_owner(past, owner, registers)
    numbers = registers["member_org_nos"]
    shared = find_shared(past)
    for owner in settling_order(owners, numbers):
        settle(past, owner, shared.get(owner, {}), counted_elsewhere(past, owner, numbers))
