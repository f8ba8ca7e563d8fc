"""What an accountant names on the command line: files, folders and zips, as one list of files.

Belongs here: finding them and telling ledgers from documents by their bytes. Not here: reading them.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipelines.errors import ConfigurationError
from pipelines.parsing.hardened_xml import sniff_root
from pipelines.prepared import CLAIM, LARGEST_MANIFEST, MANIFEST

LEDGER, EHF, UNKNOWN = "ledger", "ehf", "unknown"
_HEAD = 64 * 2**10
_LARGEST_FILE = 512 * 2**20
_LARGEST_ARCHIVE = 4 * 2**30
_MOST_MEMBERS = 100_000
_TABLES = {".csv", ".txt", ".tsv", ".xlsx", ".xlsm"}


@dataclass(frozen=True)
class InputFile:
    """One file to prepare.

    Attributes:
        name: Its name, below a folder or in a zip with its path.
        kind: LEDGER, EHF or UNKNOWN.
        read: Gives its bytes.
    """

    name: str
    kind: str
    read: Callable[[], bytes]


def find_inputs(paths: Iterable[Path], *, output: Path | None = None) -> list[InputFile]:
    """Return every file named, in a named folder or in a named zip, by kind and name; hidden ones are left out.

    Args:
        paths: What is named.
        output: Where the package will be written: a folder may still hold that of last time.

    Raises:
        ConfigurationError: A path does not exist, a file is too large or prepared already, or a zip cannot be unpacked.
    """
    found = [file for path in paths for file in _files_of(path, output.resolve() if output else None)]
    return sorted(found, key=lambda file: (file.kind, file.name))


def _files_of(path: Path, output: Path | None) -> Iterator[InputFile]:
    if path.is_dir():
        below = sorted(file for file in path.rglob("*") if file.is_file() and not file.is_symlink())
        for file in below:
            if file.resolve() != output and not any(part.startswith(".") for part in file.relative_to(path).parts):
                yield from _file(file, file.relative_to(path).as_posix())
    elif path.is_file():
        yield from _file(path, path.name)
    else:
        raise ConfigurationError("Filen eller mappen finnes ikke.", where=str(path), remedy="Se etter i stien.")


def _file(path: Path, name: str) -> Iterator[InputFile]:
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        raise ConfigurationError(
            "Filen kan ikke åpnes.", where=name, remedy="Se etter rettighetene til den, eller hent den på nytt."
        ) from None
    if head.startswith(b"PK") and not _is_workbook(path):
        yield from _members(path, name)
        return
    if path.name == MANIFEST and size <= LARGEST_MANIFEST:
        _refuse_prepared(path.read_bytes(), name)
    if size > _LARGEST_FILE:
        raise ConfigurationError(
            f"Filen er større enn {_LARGEST_FILE // 2**20} MiB.",
            where=name,
            remedy="Del den opp, for eksempel per måned.",
        )
    yield InputFile(name, _kind_of(head, name), path.read_bytes)


def _is_workbook(source: Path | io.BytesIO) -> bool:
    try:
        with zipfile.ZipFile(source) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def _kind_of(head: bytes, name: str) -> str:
    if head.startswith(b"PK"):
        return LEDGER
    if head.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n").startswith(b"<"):
        local = (sniff_root(head) or "").rpartition("}")[2]
        return EHF if local in ("Invoice", "CreditNote", "StandardBusinessDocument") else UNKNOWN
    return LEDGER if PurePosixPath(name).suffix.lower() in _TABLES else UNKNOWN


def _members(path: Path, name: str) -> Iterator[InputFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            _refuse_bombs(members, name)
            for member in sorted(members, key=lambda one: one.filename):
                label = "/".join(part for part in PurePosixPath(member.filename).parts if part not in ("/", ".", ".."))
                if label and not any(part.startswith((".", "__MACOSX")) for part in label.split("/")):
                    if PurePosixPath(label).name == MANIFEST and member.file_size <= LARGEST_MANIFEST:
                        _refuse_prepared(archive.read(member), name)
                    with archive.open(member) as stream:
                        head = stream.read(_HEAD)
                    kind = UNKNOWN if _is_nested(head, archive, member) else _kind_of(head, label)
                    yield InputFile(label, kind, _reader(path, member.filename))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error):
        raise ConfigurationError(
            "Zip-filen kan ikke pakkes ut.",
            where=name,
            remedy="Pakk den på nytt uten passord, eller oppgi filene selv.",
        ) from None


def _is_nested(head: bytes, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    return head.startswith(b"PK") and not _is_workbook(io.BytesIO(archive.read(member)))


def _reader(path: Path, member: str) -> Callable[[], bytes]:
    def read() -> bytes:
        with zipfile.ZipFile(path) as archive:
            return archive.read(member)

    return read


def _refuse_prepared(manifest: bytes, name: str) -> None:
    if CLAIM in manifest:
        raise ConfigurationError(
            "Dette er allerede en klargjort pakke.",
            where=name,
            remedy="Flytt den ut av mappen, eller oppgi bare filene slik de kom fra fagsystemet.",
        )


def _refuse_bombs(members: list[zipfile.ZipInfo], name: str) -> None:
    too_much = (
        len(members) > _MOST_MEMBERS
        or sum(member.file_size for member in members) > _LARGEST_ARCHIVE
        or any(member.file_size > _LARGEST_FILE for member in members)
    )
    if too_much:
        raise ConfigurationError(
            "Zip-filen er for stor utpakket.", where=name, remedy="Del den opp, for eksempel per måned."
        )
