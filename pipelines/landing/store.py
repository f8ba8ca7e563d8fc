"""The write-once store of delivered bytes, and the receipts that say what came when.

Belongs here: putting files under their SHA-256, writing and reading receipts, reading landed bytes back. Not here:
where drops come from (inbox.py, settings_delivery.py), what the bytes say (parsing/).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.errors import UnreadableDelivery
from pipelines.files import pretty_json, sha256_bytes, write_atomically
from pipelines.home import Home
from pipelines.settings import Clock

RECEIPTS = "receipts"
_CHUNK = 1 << 20
_INCOMING = ".incoming-"
_FLUSHED_ONE_BY_ONE = 32
_RECEIPT_NAME = re.compile(r"(?P<sequence>[0-9]{6,})-(?P<delivery_id>[0-9a-f]{16})\.json")
_EXTENSION = re.compile(r"\.[a-z0-9]{1,10}")


@dataclass(frozen=True)
class LandedFile:
    """One file of a delivery.

    Attributes:
        sha256: Digest of its bytes.
        size: Bytes.
        name: Name under which it was handed in; below a dropped folder the path in it.
        path: Where its bytes lie, relative to the home.
    """

    sha256: str
    size: int
    name: str
    path: str


@dataclass(frozen=True)
class Receipt:
    """What one source handed in at one pull.

    Attributes:
        delivery_id: Of the distinct digests of the files: the same bytes are the same delivery.
        owner: Municipality number, ``_workshop_<org_no>`` or ``_consortium``.
        source: The source's kind.
        source_name: The source's name.
        sequence: Order of receipt within the owner and source, from 1.
        received_at: When it was received, ISO 8601 with Z.
        drop: Name of what was dropped.
        duplicate_of: The delivery that had brought the same bytes from this source before, or None.
        files: The files, sorted by name.
    """

    delivery_id: str
    owner: str
    source: str
    source_name: str
    sequence: int
    received_at: str
    drop: str
    duplicate_of: str | None
    files: tuple[LandedFile, ...]


def read_receipts(home: Home, owner: str | None = None) -> list[Receipt]:
    """Return the receipts of one owner, or of all, sorted by owner, source name and sequence.

    Raises:
        UnreadableDelivery: A receipt is not what landing writes; the message names the file.
    """
    pattern = f"{owner or '*'}/*/{RECEIPTS}/*.json"
    paths = [path for path in home.landing.glob(pattern) if _RECEIPT_NAME.fullmatch(path.name)]
    receipts = [_read_receipt(path) for path in paths]
    return sorted(receipts, key=lambda receipt: (receipt.owner, receipt.source_name, receipt.sequence))


def _read_receipt(path: Path) -> Receipt:
    try:
        facts = json.loads(path.read_bytes())
        files = tuple(LandedFile(**entry) for entry in facts.pop("files"))
        return Receipt(**facts, files=files)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableDelivery(
            "A receipt cannot be read.",
            where=str(path),
            remedy="Restore it from the backup; the store must not be edited.",
        ) from error


def read_file(home: Home, receipt: Receipt, file: LandedFile) -> bytes:
    """Return the bytes of a landed file, exactly as they were delivered.

    Raises:
        UnreadableDelivery: They are gone, or are not those that were received.
    """
    where = f"{receipt.owner}, delivery {receipt.delivery_id}, {file.path}"
    try:
        raw = (home.path / file.path).read_bytes()
    except OSError as error:
        raise UnreadableDelivery(
            f"A landed file cannot be read: {error.strerror}.",
            where=where,
            remedy="Restore it from the backup, or drop the delivery again: the same bytes mend the store.",
        ) from error
    if sha256_bytes(raw) != file.sha256:
        raise UnreadableDelivery(
            "A landed file is not what was received.",
            where=where,
            remedy="Restore it from the backup, or drop the delivery again: the same bytes mend the store.",
        )
    return raw


def source_folder(home: Home, owner: str, source_name: str) -> Path:
    """Return where a source's bytes and receipts lie."""
    return home.landing / owner / source_name


def known_sequences(home: Home, owner: str, source_name: str) -> dict[int, str]:
    """Return delivery_id by sequence of what a source has handed in, from the receipts' names alone."""
    folder = source_folder(home, owner, source_name) / RECEIPTS
    if not folder.is_dir():
        return {}
    found = (_RECEIPT_NAME.fullmatch(name) for name in os.listdir(folder))  # noqa: PTH208  thousands of names, no stat
    return {int(match["sequence"]): match["delivery_id"] for match in found if match}


def delivery_id_of(digests: Iterable[str]) -> str:
    """Return the identity of a delivery: of its distinct bytes, whatever they were called and however often."""
    return sha256_bytes("\n".join(sorted(set(digests))).encode())[:16]


def land_delivery(
    home: Home,
    *,
    owner: str,
    source: str,
    source_name: str,
    sequence: int,
    drop: str,
    files: Sequence[tuple[str, Path]],
    clock: Clock,
) -> Receipt:
    """Put the bytes of a delivery's files into the store, then write its receipt.

    The receipt is the commit point. A kill before it leaves bytes that nothing refers to; landing the drop again
    writes the same ones. Bytes are flushed to disk before the receipt is written (each file by itself, or, where there
    are many, all by one sync), so a receipt that survives a power loss has its bytes; the renames are in the
    directory's journal before those of the receipt and of the drop.

    Args:
        home: The home.
        owner: Whose delivery.
        source: The source's kind.
        source_name: The source's name.
        sequence: Order of receipt; must be free.
        drop: Name of what was dropped.
        files: Name and place of each file.
        clock: Gives received_at.

    Raises:
        OSError: A file cannot be read or the store not be written.
    """
    folder = source_folder(home, owner, source_name)
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    few = len(files) <= _FLUSHED_ONE_BY_ONE
    landed = [_land_file(home, folder, printable(name), path, flush=few) for name, path in files]
    if not few:
        os.sync()
    delivery_id = delivery_id_of(file.sha256 for file in landed)
    earlier = known_sequences(home, owner, source_name)
    receipt = Receipt(
        delivery_id=delivery_id,
        owner=owner,
        source=source,
        source_name=source_name,
        sequence=sequence,
        received_at=clock.now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        drop=printable(drop),
        duplicate_of=delivery_id if delivery_id in earlier.values() else None,
        files=tuple(sorted(landed, key=lambda file: (file.name, file.sha256))),
    )
    path = folder / RECEIPTS / f"{sequence:06d}-{delivery_id}.json"
    write_atomically(path, pretty_json(_as_document(receipt)).encode())
    return receipt


def _as_document(receipt: Receipt) -> dict[str, Any]:
    return asdict(receipt)


def printable(name: str) -> str:
    """Return a file name as text that any file can hold: bytes that are not UTF-8 become a replacement sign."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed run was writing: incoming files that never got their name."""
    for path in folder.glob(f"{_INCOMING}*"):
        path.unlink(missing_ok=True)


def _land_file(home: Home, folder: Path, name: str, source: Path, *, flush: bool) -> LandedFile:
    """Copy one file into the store while it is digested; the copy gets its name when it is whole.

    Bytes that are there already are replaced by the same ones: that mends what a power loss may have damaged.
    """
    incoming = folder / f"{_INCOMING}{os.getpid()}"
    digest, size = hashlib.sha256(), 0
    handle = os.open(incoming, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o444)
    # O_NOFOLLOW: a link in an inbox could name anybody's file.
    with os.fdopen(handle, "wb") as target, os.fdopen(os.open(source, os.O_RDONLY | os.O_NOFOLLOW), "rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            target.write(chunk)
            size += len(chunk)
        if flush:
            target.flush()
            os.fsync(target.fileno())
    sha256 = digest.hexdigest()
    extension = PurePosixPath(name).suffix.lower()
    place = folder / sha256[:2] / f"{sha256}{extension if _EXTENSION.fullmatch(extension) else ''}"
    try:
        incoming.replace(place)
    except FileNotFoundError:
        place.parent.mkdir(exist_ok=True)
        incoming.replace(place)
    return LandedFile(sha256=sha256, size=size, name=name, path=place.relative_to(home.path).as_posix())
