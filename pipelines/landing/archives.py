"""Zip archives from strangers: what is in them, within limits; or why one is not unpacked.

Belongs here: telling an archive from a workbook, every rule that a member's name and bytes must keep, reading members
as streams. Not here: keeping them (store.py), which drop they came in (inbox.py), what they mean (parsing/).

An archive is unpacked whole or not at all. What its directory claims is used to refuse early and never believed: bytes
are counted as they come, and checksums are compared. The same bytes and limits always give the same answer, so that
parsing can say again why an archive that landed as one file was not unpacked.
"""

from __future__ import annotations

import contextlib
import re
import stat
import struct
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

from pipelines.landing.store import is_odd
from pipelines.limits import MIB, Limits

_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_HEAD = 64 * 2**10
# In the directory of a workbook or another office document, and in the first bytes of one that is cut short.
_OFFICE_MEMBERS = ("[Content_Types].xml", "xl/workbook.xml", "mimetype")
_CHUNK = 2**20
_SPOOLED = 8 * MIB
_DIRECTORY_ENTRY = 512  # bytes of the directory allowed for each member; honest names take far less
_LONGEST_NAME = 500
_DRIVE = re.compile(r"[A-Za-z]:")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_RATIO_COUNTS_FROM = MIB
_END, _END64 = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q")
_LOCATOR_SIZE, _LOCAL_HEADER = 20, struct.Struct("<4s22x2H")
_BROKEN = "it is damaged or cut short"
_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


class RefusedArchive(Exception):
    """The archive is not unpacked; the message says why, and holds nothing from it."""


class Archive:
    """An archive whose directory has passed.

    Attributes:
        members: The files in it that are unpacked, by name.
        every_member: Those and the hidden ones.
        left_out: How many hidden files there are.
    """

    def __init__(self, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], limits: Limits) -> None:
        self._archive = archive
        self._by_name = {member.filename: member for member in members}
        self._limits = limits
        self.every_member = tuple(sorted(self._by_name))
        self.members = tuple(name for name in self.every_member if not _is_hidden(name))
        self.left_out = len(self.every_member) - len(self.members)

    def examine(self) -> None:
        """Read every member to its end.

        Raises:
            RefusedArchive: One of them, or all together, break a limit; or the bytes are not what they should be.
        """
        room = self._limits.archive_unpacked_mib * MIB
        for name in self.members:
            with self.open(name) as stream:
                head = stream.read(_HEAD)
                size = len(head)
                nested = head.startswith(_MAGIC)
                with tempfile.SpooledTemporaryFile(max_size=_SPOOLED) as copy:
                    while head:
                        if nested:
                            copy.write(head)
                        _refuse(size > room, f"unpacked it is larger than {self._limits.archive_unpacked_mib} MiB")
                        head = stream.read(_CHUNK)
                        size += len(head)
                    _refuse(nested and is_archive(cast(BinaryIO, copy)), "an archive lies inside it")
            room -= size

    def open(self, name: str) -> BinaryIO:
        """Give a member's bytes as a stream, which raises RefusedArchive where they are not what they should be."""
        with _named():
            member = self._by_name[name]
            opened = _Counted(self._archive.open(member), member, self._limits)
        return cast(BinaryIO, opened)


class _Counted:
    """A member's bytes, counted."""

    def __init__(self, stream: object, member: zipfile.ZipInfo, limits: Limits) -> None:
        self._stream = cast(BinaryIO, stream)
        self._packed = member.compress_size
        self._ratio = limits.archive_ratio
        self._most = limits.archive_unpacked_mib * MIB
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        """Return at most so many bytes."""
        wanted = _CHUNK if size < 0 else min(size, _CHUNK)
        with _named():
            chunk = self._stream.read(wanted)
        self._read += len(chunk)
        _refuse(
            self._read > _RATIO_COUNTS_FROM and self._read > self._ratio * self._packed,
            f"a file in it is compressed to less than a {self._ratio}th",
        )
        _refuse(self._read > self._most, f"unpacked it is larger than {self._most // MIB} MiB")
        return chunk

    def __enter__(self) -> _Counted:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


def may_be_archive(name: str) -> bool:
    """Return whether a file of this name is looked into; an archive called .xml is a wrongly named document."""
    return not name.lower().endswith(".xml")


def is_archive(stream: BinaryIO) -> bool:
    """Return whether a file is a zip archive, and not a workbook or another office document in one."""
    stream.seek(0)
    head = stream.read(_HEAD)
    if not head.startswith(_MAGIC):
        return False
    try:
        size = _directory_size(stream)
        if size > _HEAD * 16:  # the directory of no workbook is that large
            return True
        with _named(), zipfile.ZipFile(stream) as archive:
            names = set(archive.namelist())
    except RefusedArchive:
        return not any(name.encode() in head for name in _OFFICE_MEMBERS)
    return names.isdisjoint(_OFFICE_MEMBERS)


@contextlib.contextmanager
def open_archive(stream: BinaryIO, limits: Limits) -> Iterator[Archive]:
    """Give an archive whose directory has passed; its members' bytes have not been looked at.

    Raises:
        RefusedArchive: The directory is broken, or a member breaks a rule or a limit.
    """
    most = limits.archive_members
    too_many = f"it holds more than {most} files"
    _refuse(_directory_size(stream) > most * _DIRECTORY_ENTRY + _HEAD, too_many)
    with contextlib.ExitStack() as stack:
        with _named():
            archive = stack.enter_context(zipfile.ZipFile(stream))
            entries = archive.infolist()
        _refuse(len(entries) > most, too_many)
        for entry in entries:
            _check_name(entry)
            _check_kind(entry)
        members = [entry for entry in entries if not entry.is_dir()]
        _check_together(members, limits)
        with _named():
            _check_places(stream, entries, archive.start_dir)
        opened = Archive(archive, members, limits)
        _refuse(not opened.members, "it holds no files")
        yield opened


def refusal(stream: BinaryIO, limits: Limits) -> str | None:
    """Return why an archive is not unpacked, or None where it can be; every byte of it is read."""
    try:
        with open_archive(stream, limits) as archive:
            archive.examine()
    except RefusedArchive as refused:
        return str(refused)
    return None


def refusal_message(reason: str | None) -> str:
    """Return what to tell the sender of an archive that landed as one file."""
    if reason is None:
        return "The archive was not unpacked when it came in, and now can be: drop it again."
    return f"The archive was not unpacked: {reason}. Deliver its files as they are, or in a plain zip."


def _refuse(is_wrong: bool, reason: str) -> None:
    if is_wrong:
        raise RefusedArchive(reason)


@contextlib.contextmanager
def _named() -> Iterator[None]:
    """Turn whatever a broken archive makes the library raise into a refusal."""
    try:
        yield
    except _FAULTS:
        raise RefusedArchive(_BROKEN) from None


def _directory_size(stream: BinaryIO) -> int:
    """Return how many bytes of directory the archive claims; it is read whole, so this bounds memory."""
    with _named():
        size = stream.seek(0, 2)
        stream.seek(max(0, size - _END.size - 2**16))
        tail = stream.read()
        at = len(tail) - _END.size
        if at < 0 or tail[at : at + 4] != b"PK\x05\x06" or tail[-2:] != b"\0\0":
            at = tail.rfind(b"PK\x05\x06")
        _refuse(at < 0 or len(tail) - at < _END.size, _BROKEN)
        claimed = int(_END.unpack_from(tail, at)[5])
        at64 = at - _LOCATOR_SIZE - _END64.size
        if at64 >= 0 and tail[at64 : at64 + 4] == b"PK\x06\x06":
            claimed = int(_END64.unpack_from(tail, at64)[8])
        _refuse(claimed > size, _BROKEN)
        return claimed


def _check_name(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename
    _refuse(len(name) > _LONGEST_NAME, "a file in it has a name of more than 500 characters")
    _refuse(any(map(is_odd, name)), "the name of a file in it holds control characters")
    parts = name.removesuffix("/").split("/")
    leads_out = "\\" in name or _DRIVE.match(name) or any(part in ("", ".", "..") for part in parts)
    _refuse(bool(leads_out), "the name of a file in it leads out of the archive")


def _check_kind(entry: zipfile.ZipInfo) -> None:
    _refuse(bool(entry.flag_bits & _ENCRYPTED), "it is protected by a password")
    _refuse(entry.compress_type not in _METHODS, "it is compressed in a way that is not read; use the usual one")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    _refuse(kind not in (0, stat.S_IFREG, stat.S_IFDIR), "a link or special file lies in it")


def _check_together(members: list[zipfile.ZipInfo], limits: Limits) -> None:
    names = {unicodedata.normalize("NFC", member.filename).casefold() for member in members}
    _refuse(len(names) < len(members), "two files in it have the same name")
    claimed = sum(member.file_size for member in members)
    _refuse(
        claimed > limits.archive_unpacked_mib * MIB, f"unpacked it is larger than {limits.archive_unpacked_mib} MiB"
    )


def _check_places(stream: BinaryIO, entries: list[zipfile.ZipInfo], end: int) -> None:
    """Refuse members that share bytes: a small archive would unpack to any size."""
    after = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        _refuse(entry.header_offset < after, "files in it overlap")
        stream.seek(entry.header_offset)
        magic, name, extra = _LOCAL_HEADER.unpack(stream.read(_LOCAL_HEADER.size))
        _refuse(magic != b"PK\x03\x04", _BROKEN)
        after = entry.header_offset + _LOCAL_HEADER.size + name + extra + entry.compress_size
    _refuse(after > end, "files in it overlap")


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))
