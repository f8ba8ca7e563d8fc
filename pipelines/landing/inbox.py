"""Take what members dropped: each drop becomes a delivery, once, whatever is killed when.

Belongs here: which files in an inbox make one delivery, waiting for files that still grow, moving taken drops away.
Not here: bringing files from servers (transports.py), the store itself (store.py), what the files mean (parsing/).

A drop is a sub-folder of the source's folder, with all files in it; a loose file is a drop of its own, except that
loose e-invoices are one drop together. An archive stands for the files in it (archives.py). Hidden files and
``*.part``, ``*.tmp`` are not looked at. A folder with a link or special file in it is not taken, for part of a drop is
no delivery; loose ones, and folders without files, stay where they lie, and are told of (``left_lying``).

The order makes it safe to be killed anywhere: loose e-invoices are gathered in ``inbox/.claimed``, bytes are stored,
the receipt is written, the drop is moved to ``inbox/.taken``. A drop that lies in the inbox although its receipt is
there and it was never moved is only moved. A drop that may not be taken (packages.py) leaves a receipt without bytes
and is moved to ``inbox/.refused``, in the same order.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.errors import SamandelError, UnreadableDelivery
from pipelines.files import sha256_bytes
from pipelines.home import Home, Source
from pipelines.landing import transports
from pipelines.landing.archives import RefusedArchive, is_archive, may_be_archive, open_archive
from pipelines.landing.drop_names import is_unfinished
from pipelines.landing.no_links import move, open_regular, real_folder, remove, remove_moved, source_folder
from pipelines.landing.packages import digest_of, verified_manifest, why_refused
from pipelines.landing.store import (
    LandedArchive,
    LandedFile,
    Receipt,
    delivery_id_of,
    flush_store,
    printable,
    read_all_receipts,
    remove_leftovers,
    store_file,
    store_stream,
    write_receipt,
)
from pipelines.mask import mask_file_name
from pipelines.prepared import NotPrepared
from pipelines.settings import Clock

TAKEN, REFUSED, CLAIMED = ".taken", ".refused", ".claimed"
_CLAIMED_NAME = "loose-files"
_FORMER_CLAIM = ".claimed-loose-files"  # in the source's own folder; what a killed run left there is still taken
_LONGEST_NAME = 200  # bytes, of the 255 that file systems allow
_DEEPEST_FOLDER = 100


@dataclass(frozen=True)
class Drop:
    """Something dropped.

    Attributes:
        name: Its name for people.
        path: Where it lies.
        files: The files in it by relative name.
        problem: Why it cannot be looked through; then it is not taken at all, for part of a drop is no delivery.
        is_unfinished: A file in it is still being written under a passing name (``*.part``, ``*.tmp``): it waits.
    """

    name: str
    path: Path
    files: tuple[tuple[str, Path], ...] = ()
    problem: OSError | None = None
    is_unfinished: bool = False


def pull_source(home: Home, source: Source, clock: Clock) -> list[Receipt]:
    """Take everything that has stopped growing at a source; return the new receipts, duplicates included.

    What lies on a server is brought into a folder of the home first, and taken from there like what was dropped.

    Raises:
        SourceUnreachable: The server could not be asked. What had been brought before was taken.
        UnreadableDelivery: Some drops could not be taken (rights, disk, names); all others were, and these are tried
            again at the next pull.
    """
    remove_leftovers(home, source.owner, source.name)
    if source.transport is None:
        return _take_folder(home, source, clock, source_folder(home, source), [])
    # What was brought has stopped growing on its server, and grows no more.
    brought, folder = (
        replace(source, settle_seconds=0),
        real_folder(home, source, transports.ready_folder(home, source)),
    )
    try:
        failed = transports.bring(home, source)
    except SamandelError:
        _take_folder(home, brought, clock, folder, [])
        raise
    return _take_folder(home, brought, clock, folder, failed)


def _take_folder(home: Home, source: Source, clock: Clock, folder: Path, failed: list[str]) -> list[Receipt]:
    remove_moved(folder)
    taken = _take_settled(home, source, clock, folder, failed)
    if failed:
        raise UnreadableDelivery(
            f"Could not be taken: {'; '.join(failed)}.",
            where=f"{source.owner}, source {source.name}: {source.url}",
            remedy="Mend what the reason says (rights, names, room on the disk); the next run tries again.",
        )
    return taken


def waiting_drops(home: Home, source: Source) -> list[str]:
    """Return the names of what lies at a source and would be taken by a pull; nothing is taken."""
    try:
        claim = _claim_folder(home, source)
        if source.transport is not None:
            return [_CLAIMED_NAME] * claim.is_dir() + transports.waiting(home, source)
        folder = source_folder(home, source)
        drops = [drop for drop in _drops(folder, claim, loose_files=True) if not drop.is_unfinished]
    except (OSError, UnreadableDelivery):
        return [source.name]  # it cannot be looked at: the pull says why
    return [mask_file_name(printable(drop.name)) for drop in drops if drop.files or drop.problem]


def left_lying(home: Home, source: Source) -> list[str]:
    """Return what lies in a source's folder and is never taken, though no fault either: loose links, empty folders."""
    if source.transport is not None:
        return []
    try:
        folder = source_folder(home, source)
        entries = sorted(folder.iterdir()) if folder.is_dir() else []
        left = [(path.name, _why_left(path)) for path in entries if not path.name.startswith(".")]
    except (OSError, UnreadableDelivery):
        return []  # the pull says why
    return [f"{mask_file_name(printable(name))} ({why})" for name, why in left if why]


def _why_left(path: Path) -> str | None:
    if path.is_symlink():
        return "a link"
    if path.is_dir():
        drop = _folder_drop(path)
        return None if drop.files or drop.problem else "no files in it"
    return None if path.is_file() else "a special file"


def _take_settled(home: Home, source: Source, clock: Clock, folder: Path, failed: list[str]) -> list[Receipt]:
    claim = _claim_folder(home, source)
    if source.kind == "ehf":
        _claim_loose_files(folder, claim, source.settle_seconds, failed)
    taken: list[Receipt] = []
    known: list[Receipt] | None = None
    for drop in _drops(folder, claim, loose_files=source.kind != "ehf"):
        if drop.problem is not None:
            failed.append(_failure(drop.name, drop.problem))
            continue
        try:
            if (
                drop.is_unfinished
                or not drop.files
                or not _has_settled([path for _, path in drop.files], source.settle_seconds)
            ):
                continue
            if known is None:
                known = [entry for entry in read_all_receipts(home, source.owner) if entry.source_name == source.name]
            receipt = _take(home, source, clock, drop, known)
        except OSError as error:
            failed.append(_failure(drop.name, error))
            continue
        if receipt is not None:
            taken.append(receipt)
    return taken


def _failure(name: str, error: OSError) -> str:
    return f"{mask_file_name(printable(name))} ({error.strerror or type(error).__name__})"


def _take(home: Home, source: Source, clock: Clock, drop: Drop, known: list[Receipt]) -> Receipt | None:
    """Land one drop; None where its receipt was already written and only the move was missing.

    A new receipt joins ``known`` as soon as it is written: its number is taken even if the move fails.
    """
    if reason := why_refused(home, source, drop.files, clock.as_of):
        _refuse(home, source, clock, drop, known, reason)
        return None
    files, archives = _store(home, source, drop)
    delivery_id = delivery_id_of(file.sha256 for file in files)
    same = [receipt for receipt in known if receipt.delivery_id == delivery_id and receipt.refused is None]
    unmoved = [
        receipt
        for receipt in same
        if receipt.drop == printable(drop.name)
        and not _moved_path(home, TAKEN, source, receipt.sequence, drop.name).exists()
    ]
    if unmoved:
        move(drop.path, _moved_path(home, TAKEN, source, unmoved[-1].sequence, drop.name))
        return None
    receipt = Receipt(
        delivery_id=delivery_id,
        owner=source.owner,
        source=source.kind,
        source_name=source.name,
        sequence=max((receipt.sequence for receipt in known), default=0) + 1,
        received_at=clock.now,
        drop=printable(drop.name),
        duplicate_of=delivery_id if same else None,
        files=files,
        archives=archives,
    )
    write_receipt(home, receipt)
    known.append(receipt)
    move(drop.path, _moved_path(home, TAKEN, source, receipt.sequence, drop.name))
    return receipt


def _refuse(home: Home, source: Source, clock: Clock, drop: Drop, known: list[Receipt], reason: str) -> None:
    """Note that a drop is not taken, and move it aside; killed in between, it is only moved at the next pull."""
    files = tuple(sorted((_unlanded(name, path) for name, path in drop.files), key=_by_name))
    delivery_id = delivery_id_of(file.sha256 for file in files)
    noted = [
        receipt
        for receipt in known
        if receipt.delivery_id == delivery_id
        and receipt.refused == reason
        and receipt.drop == printable(drop.name)
        and not _moved_path(home, REFUSED, source, receipt.sequence, drop.name).exists()
    ]
    if noted:
        move(drop.path, _moved_path(home, REFUSED, source, noted[-1].sequence, drop.name))
        return
    receipt = Receipt(
        delivery_id=delivery_id,
        owner=source.owner,
        source=source.kind,
        source_name=source.name,
        sequence=max((receipt.sequence for receipt in known), default=0) + 1,
        received_at=clock.now,
        drop=printable(drop.name),
        duplicate_of=None,
        files=files,
        refused=reason,
    )
    write_receipt(home, receipt)
    known.append(receipt)
    move(drop.path, _moved_path(home, REFUSED, source, receipt.sequence, drop.name))


def _unlanded(name: str, path: Path) -> LandedFile:
    with open_regular(path) as stream:
        digest = digest_of(stream)
        return LandedFile(digest, stream.tell(), printable(name), "")


def _store(home: Home, source: Source, drop: Drop) -> tuple[tuple[LandedFile, ...], tuple[LandedArchive, ...]]:
    """Keep a drop's files, and of an archive its members too: what counts are the files that end up in it."""
    files: list[LandedFile] = []
    archives: list[LandedArchive] = []
    for name, path in drop.files:
        landed = store_file(home, source.owner, source.name, name, path)
        unpacked = _unpack(home, source, landed) if may_be_archive(name) else None
        if unpacked is None:
            files.append(landed)
        else:
            archives.append(unpacked[0])
            files += unpacked[1]
    flush_store(home, [*files, *archives])
    return tuple(sorted(files, key=_by_name)), tuple(sorted(archives, key=_by_name))


def _by_name(file: LandedFile) -> tuple[str, str]:
    return file.name, file.sha256


def _unpack(home: Home, source: Source, landed: LandedFile) -> tuple[LandedArchive, list[LandedFile]] | None:
    """Keep an archive's members; None where it is none, or is refused and stays the one file that it is.

    Of a prepared package those of the source's kind count; the manifest says that there are such.

    What is unpacked is the landed copy: nobody changes that one between looking and reading.
    """
    with (home.path / landed.path).open("rb") as stream:
        if not is_archive(stream):
            return None
        members: list[LandedFile] = []
        try:
            with open_archive(stream, home.consortium.limits) as archive:
                archive.examine()
                manifest = verified_manifest(archive)
                for name in archive.members if manifest is None else manifest.names_of(source.kind):
                    with archive.open(name) as member:
                        members.append(store_stream(home, source.owner, source.name, f"{landed.name}/{name}", member))
                unpacked = LandedArchive(
                    **vars(landed), members=len(members), left_out=archive.left_out, prepared=manifest is not None
                )
                return unpacked, members
        except RefusedArchive:
            return None  # parsing says why
        except NotPrepared:
            raise OSError(errno.EAGAIN, "It changed while it was taken") from None


def _moved_path(home: Home, folder: str, source: Source, sequence: int, name: str) -> Path:
    raw = os.fsencode(name)
    if len(raw) > _LONGEST_NAME:
        # With the number before it the name would be too long for a file system.
        name = f"{os.fsdecode(raw[:_LONGEST_NAME])}-{sha256_bytes(raw)[:12]}"
    return home.inbox / folder / source.owner / source.name / f"{sequence:06d}-{name}"


def _claim_folder(home: Home, source: Source) -> Path:
    """Return where a source's loose e-invoices are gathered: where no member can lay anything in the way."""
    return real_folder(home, source, home.inbox / CLAIMED / source.owner / source.name)


def _drops(folder: Path, claim: Path, *, loose_files: bool) -> Iterator[Drop]:
    if claim.is_dir():
        yield replace(_folder_drop(claim, is_claim=True), name=_CLAIMED_NAME)
    for path in sorted(folder.iterdir(), key=lambda entry: entry.name) if folder.is_dir() else ():
        if path.is_symlink():
            continue  # a link may lead anywhere: only what was really dropped is taken
        if path.is_dir() and (not path.name.startswith(".") or path.name == _FORMER_CLAIM):
            yield _folder_drop(path, is_claim=path.name == _FORMER_CLAIM)
        elif loose_files and path.is_file() and _is_finished(path):
            yield Drop(path.name, path, ((path.name, path),))


def _folder_drop(folder: Path, *, is_claim: bool = False) -> Drop:
    """Look through a folder. What is no file in a claim is left out: who dropped it could no longer take it away."""
    name = _CLAIMED_NAME if is_claim else folder.name
    try:
        paths = sorted(_files_below(folder, with_links=is_claim))
    except OSError as error:
        return Drop(name, folder, problem=error)
    unfinished = any(is_unfinished(path.name) for path in paths)
    return Drop(name, folder, tuple((path.relative_to(folder).as_posix(), path) for path in paths), None, unfinished)


def _files_below(folder: Path, *, with_links: bool) -> Iterator[Path]:
    """Yield the regular files below a folder, hidden ones left out; what is no file is an error, not a gap."""

    def stop(error: OSError) -> None:
        raise error

    for place, folders, names in os.walk(folder, onerror=stop):
        if len(Path(place).relative_to(folder).parts) > _DEEPEST_FOLDER:
            raise OSError(errno.ELOOP, f"Folders lie more than {_DEEPEST_FOLDER} deep in it")
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(place) / name for name in (*folders, *names) if not name.startswith(".")):
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode):
                yield path
            elif not stat.S_ISDIR(mode) and not with_links:
                raise OSError(errno.ELOOP, "A link or special file lies in it")


def _is_finished(path: Path) -> bool:
    return not path.name.startswith(".") and not is_unfinished(path.name)


def _claim_loose_files(folder: Path, claim: Path, settle_seconds: int, failed: list[str]) -> None:
    """Gather loose e-invoices in one folder, so that they land as one delivery even if the move is cut short."""
    try:
        loose = [
            path
            for path in (sorted(folder.iterdir()) if folder.is_dir() else ())
            if path.is_file() and not path.is_symlink() and _is_finished(path)
        ]
        if not loose or not _has_settled(loose, settle_seconds):
            return
        for path in loose:
            if not (claim / path.name).exists():
                move(path, claim / path.name)
            elif _digest(path) == _digest(claim / path.name):
                remove(path)  # a move to another file system was killed in between
            # Else it was dropped again since: it stays, and is gathered at the next pull.
    except OSError as error:
        failed.append(_failure("loose files", error))


def _digest(path: Path) -> str:
    with open_regular(path) as stream:
        return digest_of(stream)


def _has_settled(paths: list[Path], settle_seconds: int) -> bool:
    """Return whether no file has grown for the given time, waiting for it once; growing files come at the next pull."""
    if settle_seconds <= 0:
        return True
    before = _facts(paths)
    # A file's age goes by the machine's own clock, whatever day the run is pinned to.
    rest = max(mtime for _, mtime in before) + settle_seconds - time.time()
    if rest <= 0:
        return True
    time.sleep(min(rest, settle_seconds))
    return _facts(paths) == before


def _facts(paths: list[Path]) -> list[tuple[int, float]]:
    return [(facts.st_size, facts.st_mtime) for facts in (path.stat() for path in paths)]
