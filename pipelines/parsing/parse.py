"""Parse an owner's landed deliveries: typed rows, rejects and an outcome for each, whatever one of them holds.

Belongs here: which delivery must be parsed, and what is said of it in the end. Not here: how a kind is read (kinds.py
and the formats), keeping count and writing (sink.py), which of the parsed rows count in the end (settle.py).
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from pipelines.contract_profile import ContractProfile, load_contract_profile
from pipelines.errors import ConfigurationError, SamandelError, UnreadableDelivery
from pipelines.files import canonical_json, sha256_bytes
from pipelines.home import Home, Source
from pipelines.landing.archives import is_archive, may_be_archive, refusal, refusal_message
from pipelines.landing.packages import RULE as NOT_AS_AGREED
from pipelines.landing.settings_delivery import is_settings
from pipelines.landing.store import LandedFile, Receipt, read_all_receipts, read_receipts
from pipelines.mask import mask_file_name
from pipelines.parsing import ledger, schema
from pipelines.parsing.books import LEDGERS
from pipelines.parsing.kinds import KINDS, Delivered, Kind, Registers
from pipelines.parsing.ledger_profile import Profile
from pipelines.parsing.rejects import Reject
from pipelines.parsing.repeated_ledgers import repeated_files
from pipelines.parsing.sink import RefusedLate, Sink
from pipelines.parsing.store import (
    Placed,
    place_receipts,
    refused_name,
    remove_leftovers,
    stored_key,
    table_path,
    write_table,
)

ORCHESTRATION_VERSION = "1"


def parse_owner(home: Home, owner: str, registers: Registers) -> list[dict[str, Any]]:
    """Parse every delivery of an owner that is not parsed yet, or was under another profile, version or membership.

    Returns:
        The outcome rows of what was parsed now. A delivery that cannot be parsed at all gives an outcome ``failed``
        and stops none of the others.
    """
    remove_leftovers(home, owner)
    profiles = _Profiles(home, owner)
    outcomes: list[dict[str, Any]] = []
    receipts = [receipt for receipt in read_receipts(home, owner) if not is_settings(receipt)]
    for refused in read_all_receipts(home, owner):
        if refused.refused is not None:
            outcomes += _note_refused(home, refused)
    for placed in place_receipts(receipts):
        if placed.is_duplicate:
            outcomes += _note_duplicate(home, placed)
            continue
        try:
            outcomes += _parse_one(home, placed, profiles, registers)
        except Exception as error:  # noqa: BLE001  one delivery never stops the others; the outcome says what happened
            outcomes.append(_fail(home, placed, error))
    return outcomes


def _parse_one(home: Home, placed: Placed, profiles: _Profiles, registers: Registers) -> list[dict[str, Any]]:
    receipt = placed.receipt
    stored = stored_key(home, receipt.owner, placed.name)
    try:
        profile = profiles.of(receipt)
    except ConfigurationError:
        if stored is None:
            raise
        return []  # what was read while there was a profile stands
    key = _parse_key(home, receipt, profile, registers)
    if stored == key:
        return []
    sink = _read_delivery(Delivered(home, receipt, profile, registers), placed.name)
    outcome = _outcome(receipt, "ok") | {
        "rows_in": sink.rows_in,
        "rows_out": sink.rows_out,
        "rejects": sink.rejects,
        "issues": sink.issues,
        "covered_from": sink.covered_from,
        "covered_to": sink.covered_to,
    }
    outcome |= _verdict(sink)
    # Last: from now on the delivery is parsed.
    write_table(home, schema.OUTCOMES, receipt.owner, placed.name, [_landed(receipt), outcome], key=key)
    return [outcome]


def _read_delivery(delivered: Delivered, name: str) -> Sink:
    """Read all files of a delivery; one that turns out unreadable halfway is refused, and the others read again.

    So it is with a ledger's file that repeats others.
    """
    receipt = delivered.receipt
    kind = KINDS.get(receipt.source)
    if kind is None:
        raise UnreadableDelivery(
            f"Deliveries of kind {receipt.source} cannot be read yet.", remedy="Deliver a ledger or e-invoices."
        )
    refused: dict[str, Reject] = {}
    while True:
        sink = Sink(delivered.home, receipt, name, kind.tables)
        try:
            _read_files(delivered, kind, sink, refused)
            sink.finish()
        except RefusedLate as late:
            sink.discard()
            if late.file.sha256 in refused:
                raise AssertionError("a file that was refused is not read again") from late
            refused[late.file.sha256] = late.reject
        except BaseException:
            sink.discard()
            raise
        else:
            repeated = _repeated_files(delivered, name)
            if repeated.keys() <= refused.keys():
                return sink
            refused |= repeated


def _repeated_files(delivered: Delivered, name: str) -> dict[str, Reject]:
    receipt, limits = delivered.receipt, delivered.home.consortium.limits
    if receipt.source not in LEDGERS or len(receipt.files) < 2:
        return {}
    postings = table_path(delivered.home, schema.LEDGER_POSTINGS, receipt.owner, name)
    return repeated_files(postings, receipt.files, limits.shared_ledger_percent)


def _read_files(delivered: Delivered, kind: Kind, sink: Sink, refused: dict[str, Reject]) -> None:
    first: dict[str, LandedFile] = {}
    readable = []
    for file in delivered.receipt.files:
        reject = refused.get(file.sha256)
        if (same := first.setdefault(file.sha256, file)) is not file:
            # Two names, the same bytes: one of them counts.
            message = (
                f"The delivery holds the same bytes as {mask_file_name(same.name)} already. They are counted once."
            )
            reject = Reject("IN03", message)
        reject = reject or _refused_unread(delivered, file)
        if reject is None:
            readable.append(file)
        else:
            sink.rows_in += 1
            sink.reject(file, reject)
    for archive in delivered.receipt.archives:
        if archive.left_out:
            sink.remark(archive, Reject("IN01", f"{archive.left_out} hidden files in the archive were left out."))
    kind.read(delivered, readable, sink)


def _refused_unread(delivered: Delivered, file: LandedFile) -> Reject | None:
    """IN01: what is too large, or an archive that landing did not unpack, no parser is given."""
    limits = delivered.home.consortium.limits
    if not file.size:
        return Reject("IN01", "The file is empty. Look at the export, and deliver it again.")
    if problem := limits.too_large(delivered.receipt.source, file.size):
        return Reject("IN01", problem)
    if not may_be_archive(file.name):
        return None
    try:
        with delivered.path(file).open("rb") as stream:
            return Reject("IN01", refusal_message(refusal(stream, limits))) if is_archive(stream) else None
    except OSError:
        return None  # whoever reads it says so


def _verdict(sink: Sink) -> dict[str, Any]:
    """Return what is to be said of a delivery of which nothing went on: it failed, unless it had sum rows only."""
    if sink.rows_out:
        return {}
    if sink.first_refusal is None:
        return {"outcome": "empty"}
    return {"outcome": "failed", "rule": sink.first_refusal.rule, "message": sink.first_refusal.message}


class _Profiles:
    """The profiles of one owner's sources, each read once."""

    def __init__(self, home: Home, owner: str) -> None:
        self.home = home
        self.sources = {source.name: source for source in home.consortium.sources_of(owner)}
        self.loaded: dict[str, Profile | ContractProfile] = {}

    def of(self, receipt: Receipt) -> Profile | ContractProfile | None:
        """Return the profile by which a delivery is read, or None where it needs none.

        Raises:
            ConfigurationError: The source is gone, or its profile is gone or has problems.
        """
        source_name = receipt.source_name
        if receipt.source == "registers":
            source = self.sources.get(source_name)
            if source is None or source.profile is None:
                return None  # a form says itself how it is laid out
            if source_name not in self.loaded:
                self.loaded[source_name] = load_contract_profile(source.profile, self.home.path)
        elif receipt.source == "ledger":
            self._load_ledger_profile(source_name)
        return self.loaded.get(source_name)

    def _load_ledger_profile(self, source_name: str) -> None:
        if source_name not in self.loaded:
            source: Source | None = self.sources.get(source_name)
            if source is None or source.profile is None:
                raise ConfigurationError(
                    "The delivery's source is no longer in consortium.yaml, so its layout is unknown.",
                    where=source_name,
                    remedy="Name the source again, with its profile.",
                )
            self.loaded[source_name] = ledger.load_profile(source.profile, self.home.path)


def _parse_key(home: Home, receipt: Receipt, profile: Profile | ContractProfile | None, registers: Registers) -> str:
    kind = KINDS.get(receipt.source)
    # Only what decides: a new name or a row above must not have ten thousand documents read again.
    own_numbers = sorted(
        (row["org_no"], str(row["valid_from"]), str(row["valid_to"]))
        for row in registers["member_org_nos"]
        if receipt.source in ("ehf", "saft") and row["municipality_no"] == receipt.owner
    )
    facts: list[Any] = [
        receipt.source,
        kind.version if kind else None,
        ORCHESTRATION_VERSION,
        [(table.name, table.column_names) for table in (kind.tables if kind else ())],
        profile.digest if profile else None,
        own_numbers,
        home.consortium.limits.as_read(receipt.source),
    ]
    if receipt.source == "registers":
        facts += [_names(registers), receipt.owner]
    if receipt.source in LEDGERS and len(receipt.files) > 1:
        facts.append(home.consortium.limits.shared_ledger_percent)  # says which of its files repeat others
    return sha256_bytes(canonical_json(facts).encode())


def _names(registers: Registers) -> list[tuple[str, ...]]:
    """Return who is whom: a form that named somebody not yet in the registers is read again when they are."""
    parties = (("members", "municipality_no"), ("workshops", "org_no"))
    return sorted((row[key], row["name"]) for register, key in parties for row in registers[register])


def _outcome(receipt: Receipt, outcome: str, *, step: str = "parsed") -> dict[str, Any]:
    return {
        "municipality_no": receipt.owner,
        "source": receipt.source,
        "source_name": receipt.source_name,
        "_delivery_id": receipt.delivery_id,
        "sequence": receipt.sequence,
        "step": step,
        "outcome": outcome,
        "files": len(receipt.files),
        "message": "",
        "received_at": receipt.received_at,
    }


def _landed(receipt: Receipt) -> dict[str, Any]:
    return _outcome(receipt, "ok", step="landed")


def _note_duplicate(home: Home, placed: Placed) -> list[dict[str, Any]]:
    """IN03: the same files have been delivered before; nothing is parsed again."""
    receipt = placed.receipt
    if stored_key(home, receipt.owner, placed.name) == ORCHESTRATION_VERSION:
        return []
    drop = mask_file_name(receipt.drop)
    outcome = _outcome(receipt, "duplicate", step="landed") | {
        "rule": "IN03",
        "message": f"The same files were delivered before ({receipt.delivery_id}); '{drop}' is not read again.",
    }
    write_table(home, schema.OUTCOMES, receipt.owner, placed.name, [outcome], key=ORCHESTRATION_VERSION)
    return [outcome]


def _note_refused(home: Home, receipt: Receipt) -> list[dict[str, Any]]:
    """IN13: landing did not take the drop; each of its files is a reject, and none of its bytes is under landing/."""
    name = refused_name(receipt)
    if stored_key(home, receipt.owner, name) == ORCHESTRATION_VERSION:
        return []
    sink = Sink(home, receipt, name, ())
    sink.rows_in = len(receipt.files)
    for file in receipt.files:
        sink.reject(file, Reject(NOT_AS_AGREED, receipt.refused or ""))
    sink.finish()
    outcome = _outcome(receipt, "refused", step="landed") | {
        "rule": NOT_AS_AGREED,
        "message": receipt.refused,
        "rows_in": sink.rows_in,
        "rows_out": 0,
        "rejects": sink.rejects,
        "issues": 0,
    }
    write_table(home, schema.OUTCOMES, receipt.owner, name, [outcome], key=ORCHESTRATION_VERSION)
    return [outcome]


def _fail(home: Home, placed: Placed, error: Exception) -> dict[str, Any]:
    """Write an outcome ``failed`` without a parse key, so that the next run tries again."""
    receipt = placed.receipt
    # Only our own errors are sure to hold no data; of others the kind and the place in the code are enough.
    text = (
        str(error) if isinstance(error, SamandelError) else f"An unexpected {type(error).__name__} in {_place(error)}."
    )
    outcome = _outcome(receipt, "failed") | {"rule": "IN01", "message": text}
    kind = KINDS.get(receipt.source)
    for table in (*(kind.tables if kind else ()), schema.REJECTS):
        write_table(home, table, receipt.owner, placed.name, [])
    write_table(home, schema.OUTCOMES, receipt.owner, placed.name, [_landed(receipt), outcome])
    return outcome


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else "an unknown place"
