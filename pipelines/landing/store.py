"""The write-once store: bytes by their SHA-256, and a receipt for every delivery.

Belongs here: where landed bytes and receipts lie, writing and reading them. Not here: which files make a delivery
(inbox.py), what is in them (parsing/).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from pipelines.errors import UnreadableDelivery
from pipelines.files import pretty_json, sha256_bytes, sha256_file, write_atomically
from pipelines.home import Home
from pipelines.landing.no_links import open_regular, private_folder

RECEIPTS = "receipts"
_EXTENSION = re.compile(r"\.[a-z0-9]{1,10}")
_FLUSHED_ONE_BY_ONE = 32
_CHUNK = 1 << 20
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class LandedFile:
    """One file of a delivery: its digest, its size in bytes, the name it came under, and where its bytes lie."""

    sha256: str
    size: int
    name: str
    path: str


@dataclass(frozen=True)
class LandedArchive(LandedFile):
    """An archive that was unpacked, and kept beside its members.

    Attributes:
        members: How many of its files were taken.
        left_out: How many hidden ones were not.
        prepared: It is a prepared package, held against its manifest.
    """

    members: int
    left_out: int
    prepared: bool = False


@dataclass(frozen=True)
class Receipt:
    """What was received from one source at one pull.

    Attributes:
        delivery_id: From the sorted digests of the files: the same files are the same delivery.
        owner: Municipality number, ``_workshop_<org_no>`` or ``_consortium``.
        source: Source kind.
        source_name: The source's name in consortium.yaml.
        sequence: Order of receipt, 1, 2, … per owner and source.
        received_at: The run's clock.
        drop: The name of what was dropped.
        duplicate_of: The delivery that brought the same files before, or None.
        files: By name; a member of an archive is named ``<archive>/<member>``.
        archives: The archives that these came out of.
        refused: Why nothing of it was taken, or None; then its files have digests and sizes, and no bytes lie anywhere.
    """

    delivery_id: str
    owner: str
    source: str
    source_name: str
    sequence: int
    received_at: datetime
    drop: str
    duplicate_of: str | None
    files: tuple[LandedFile, ...]
    archives: tuple[LandedArchive, ...] = ()
    refused: str | None = None

    @property
    def is_prepared(self) -> bool:
        """Return whether all of it came in prepared packages."""
        taken = sum(archive.members for archive in self.archives if archive.prepared)
        return bool(self.archives) and taken == len(self.files)

    @property
    def file_name(self) -> str:
        """Return the receipt's own file name."""
        return f"{self.sequence:06d}-{self.delivery_id}.json"


def delivery_id_of(digests: Iterable[str]) -> str:
    """Return the id of a delivery with these file digests."""
    return sha256_bytes("\n".join(sorted(set(digests))).encode())[:16]


def store_bytes(home: Home, owner: str, source_name: str, name: str, raw: bytes) -> LandedFile:
    """Keep bytes under their digest, unless they are kept already, and say where they lie."""
    return store_stream(home, owner, source_name, name, io.BytesIO(raw))


def store_file(home: Home, owner: str, source_name: str, name: str, path: Path) -> LandedFile:
    """Keep a file's bytes under their digest, whatever its size, and say where they lie."""
    with open_regular(path) as stream:
        return store_stream(home, owner, source_name, name, stream)


def store_stream(home: Home, owner: str, source_name: str, name: str, stream: BinaryIO) -> LandedFile:
    """Keep what a stream gives under its digest, unless it is kept already, and say where it lies.

    Memory is bounded: the digest is computed while the bytes are copied to a hidden file, which then gets its name.
    What the stream raises goes on to the caller, and nothing is kept then.
    """
    extension = Path(name).suffix.lower()
    extension = extension if _EXTENSION.fullmatch(extension) else ""
    folder = home.landing / owner / source_name
    private_folder(home.landing)
    folder.mkdir(parents=True, exist_ok=True)
    arriving = folder / f".arriving-{os.getpid()}.tmp"
    try:
        digest, size = _copy(stream, arriving)
        path = folder / digest[:2] / f"{digest}{extension}"
        if not path.exists() or path.stat().st_size != size:
            path.parent.mkdir(exist_ok=True)
            arriving.replace(path)
    finally:
        arriving.unlink(missing_ok=True)
    return LandedFile(digest, size, printable(name), path.relative_to(home.path).as_posix())


def _copy(stream: BinaryIO, target: Path) -> tuple[str, int]:
    """Copy in chunks; return the digest and the size."""
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as copy:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            copy.write(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def printable(name: str) -> str:
    """Return a file name as text that any file can hold and that looks like what it is.

    What is not UTF-8 in it becomes a replacement sign, and so does what would break a line or turn the rest around.
    """
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join("\ufffd" if is_odd(sign) else sign for sign in text)


def is_odd(sign: str) -> bool:
    """Return whether a character has no place in a name: it controls a terminal, a line or the direction of text."""
    return sign in _TURNING or unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp")


def flush_store(home: Home, files: Sequence[LandedFile]) -> None:
    """See a delivery's bytes onto the disk before its receipt is written.

    A kill loses nothing that was written. A power loss may lose what was renamed but not flushed, and would leave a
    receipt without its bytes. Few files are flushed one by one, many by one sync: ten thousand flushes take minutes.
    """
    flush_files([home.path / file.path for file in files])


def flush_files(paths: Sequence[Path]) -> None:
    """See some files' bytes onto the disk."""
    if len(paths) > _FLUSHED_ONE_BY_ONE:
        os.sync()
        return
    for path in paths:
        with path.open("rb") as stream:
            os.fsync(stream.fileno())


def remove_leftovers(home: Home, owner: str, source_name: str) -> None:
    """Remove what a killed run was writing: files that never got their names."""
    folder = home.landing / owner / source_name
    for path in (*folder.glob(".arriving-*.tmp"), *folder.glob("*/.*.tmp")):
        path.unlink(missing_ok=True)


def write_receipt(home: Home, receipt: Receipt) -> None:
    """Write a receipt: from then on the delivery is received."""
    document = asdict(receipt) | {"received_at": receipt.received_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    private_folder(home.landing)
    path = home.landing / receipt.owner / receipt.source_name / RECEIPTS / receipt.file_name
    write_atomically(path, pretty_json(document).encode())


def read_receipts(home: Home, owner: str | None = None, source_name: str | None = None) -> list[Receipt]:
    """Return all receipts of what was taken, or one owner's, or one source's, by owner, source and sequence."""
    return [receipt for receipt in read_all_receipts(home, owner, source_name) if receipt.refused is None]


def read_all_receipts(home: Home, owner: str | None = None, source_name: str | None = None) -> list[Receipt]:
    """Return all receipts, those of refused drops included, in the same order."""
    pattern = f"{owner or '*'}/{source_name or '*'}/{RECEIPTS}/*.json"
    receipts = [_read_receipt(path) for path in home.landing.glob(pattern) if not path.name.startswith(".")]
    return sorted(receipts, key=lambda receipt: (receipt.owner, receipt.source_name, receipt.sequence))


def _read_receipt(path: Path) -> Receipt:
    try:
        document = json.loads(path.read_bytes())
        files = tuple(LandedFile(**file) for file in document.pop("files"))
        archives = tuple(LandedArchive(**archive) for archive in document.pop("archives", ()))
        received_at = datetime.fromisoformat(document.pop("received_at"))
        return Receipt(**document, received_at=received_at, files=files, archives=archives)
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableDelivery(
            "A receipt cannot be read.", where=str(path), remedy="Restore it from a backup; receipts are never edited."
        ) from error


def read_file(home: Home, file: LandedFile) -> bytes:
    """Return a landed file's bytes.

    Raises:
        UnreadableDelivery: The bytes are gone, or are no longer those that were received.
    """
    try:
        # Unbuffered and without path objects: of ten thousand small files these are a tenth of the time.
        with open(f"{home.path}/{file.path}", "rb", buffering=0) as stream:  # noqa: PTH123
            raw = stream.read()
    except OSError as error:
        raise _gone(file) from error
    if sha256_bytes(raw) != file.sha256:
        raise _changed(file)
    return raw


def verified_path(home: Home, file: LandedFile) -> Path:
    """Return where a landed file lies, for those who read it in pieces; its digest was checked in bounded memory.

    Raises:
        UnreadableDelivery: The bytes are gone, or are no longer those that were received.
    """
    path = home.path / file.path
    try:
        digest = sha256_file(path)
    except OSError as error:
        raise _gone(file) from error
    if digest != file.sha256:
        raise _changed(file)
    return path


def _gone(file: LandedFile) -> UnreadableDelivery:
    return UnreadableDelivery("A landed file cannot be read.", where=file.path, remedy="Restore it from a backup.")


def _changed(file: LandedFile) -> UnreadableDelivery:
    return UnreadableDelivery(
        "A landed file has changed since it was received.", where=file.path, remedy="Restore it from a backup."
    )
