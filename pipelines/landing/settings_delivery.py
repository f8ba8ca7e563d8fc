"""Land the settings: consortium.yaml, the registers and the home's own ledger profiles are inputs like any other.

Belongs here: which files of a home are settings. Not here: reading them (home.py, registers.py).
"""

from __future__ import annotations

from pipelines.home import CONSORTIUM, Home
from pipelines.landing.store import Receipt, delivery_id_of, read_receipts, store_bytes, write_receipt
from pipelines.settings import Clock

SOURCE = "registers"


def is_settings(receipt: Receipt) -> bool:
    """Return whether a delivery is the settings themselves, and not a form or an export that proposes rows."""
    return receipt.owner == CONSORTIUM and receipt.source_name == SOURCE


def land_settings(home: Home, clock: Clock) -> Receipt | None:
    """Land the settings if they differ from the last that landed; return the receipt, or None where nothing changed."""
    own_profiles = {source.profile for source in home.consortium.sources if source.profile}
    paths = [home.consortium_file, *sorted(home.registers.glob("*.csv"))]
    paths += sorted(home.path / name for name in own_profiles if (home.path / name).is_file())
    files = tuple(
        store_bytes(home, CONSORTIUM, SOURCE, path.relative_to(home.path).as_posix(), path.read_bytes())
        for path in paths
    )
    known = [receipt for receipt in read_receipts(home, CONSORTIUM) if receipt.source_name == SOURCE]
    # The names count as well: the same bytes under another register's name are other settings.
    latest = {(file.name, file.sha256) for file in known[-1].files} if known else None
    if latest == {(file.name, file.sha256) for file in files}:
        return None
    receipt = Receipt(
        delivery_id=delivery_id_of(f"{file.sha256} {file.name}" for file in files),
        owner=CONSORTIUM,
        source=SOURCE,
        source_name=SOURCE,
        sequence=len(known) + 1,
        received_at=clock.now,
        drop="settings",
        duplicate_of=None,
        files=files,
    )
    write_receipt(home, receipt)
    return receipt
