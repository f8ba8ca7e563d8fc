"""Land the consortium's own settings: what a run was told is kept like what it was given.

Belongs here: which files of a home are settings. Not here: reading them (home.py), the registers' Parquet
(parsing/registers.py).
"""

from __future__ import annotations

from pathlib import Path

from pipelines.files import sha256_file
from pipelines.home import CONSORTIUM, Home
from pipelines.landing.store import (
    Receipt,
    delivery_id_of,
    known_sequences,
    land_delivery,
    read_receipts,
)
from pipelines.settings import Clock

SETTINGS_SOURCE = "registers"


def land_settings(home: Home, clock: Clock) -> Receipt | None:
    """Land registers, consortium.yaml, the home's own ledger profiles and its expectations as one delivery.

    Returns None where neither bytes nor names have changed since the last one. Going back to earlier settings is a
    change: the receipt then names the earlier delivery in ``duplicate_of``, and the settings count from its sequence.
    """
    files = _settings_files(home)
    digests = {name: sha256_file(path) for name, path in files}
    known = known_sequences(home, CONSORTIUM, SETTINGS_SOURCE)
    last = max(known, default=0)
    if last and known[last] == delivery_id_of(digests.values()):
        receipts = read_receipts(home, CONSORTIUM)
        newest = next(
            receipt for receipt in receipts if (receipt.source_name, receipt.sequence) == (SETTINGS_SOURCE, last)
        )
        if {file.name: file.sha256 for file in newest.files} == digests:
            return None
    return land_delivery(
        home,
        owner=CONSORTIUM,
        source=SETTINGS_SOURCE,
        source_name=SETTINGS_SOURCE,
        sequence=last + 1,
        drop="settings",
        files=files,
        clock=clock,
    )


def _settings_files(home: Home) -> list[tuple[str, Path]]:
    """Return name (relative to the home) and place of every settings file that exists."""
    paths = [home.consortium_file]
    paths += sorted(home.registers.glob("*.csv"))
    paths += [path for path in sorted((home.path / "expectations").rglob("*")) if path.is_file()]
    profiles = {source.profile for source in home.consortium.sources if source.profile}
    paths += [home.path / profile for profile in sorted(profiles) if (home.path / profile).is_file()]
    named = {_name_of(home, path): path.resolve() for path in paths if not path.name.startswith(".")}
    return sorted(named.items())


def _name_of(home: Home, path: Path) -> str:
    return path.relative_to(home.path).as_posix() if path.is_relative_to(home.path) else path.as_posix()
