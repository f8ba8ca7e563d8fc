"""Take what members dropped into a folder: what is one delivery, whether it is whole, and taking it exactly once.

Belongs here: the folder transport. Not here: the store and its receipts (store.py), what the files say (parsing/).

A drop passes three renames, each of them atomic, so that a kill anywhere leaves a state that the next pull continues:

    <folder>/<drop>  ▶  <folder>/.claimed-<sequence>-<drop>  ▶  (landed; receipt <sequence>)  ▶  inbox/.taken/…

A claim fixes the drop's sequence. A claim without a receipt of its sequence is landed; one with it only has to be moved
away. What is dropped again later gets a new sequence, and then is a duplicate.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import ConfigurationError, UnreadableDelivery
from pipelines.home import Home, Source
from pipelines.landing.store import (
    Receipt,
    known_sequences,
    land_delivery,
    printable,
    remove_leftovers,
    source_folder,
)
from pipelines.settings import Clock

_LOG = logging.getLogger(__name__)
_CLAIM = re.compile(r"\.claimed-(?P<sequence>[0-9]{6,})-(?P<drop>.+)", re.DOTALL)
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
_UNFINISHED = (".part", ".tmp")
_LOOSE = "loose"
_POLL_SECONDS = 0.2
# Kinds of which all loose files of a pull are one delivery; of others each file is one.
_GATHERED = frozenset({"ehf"})

# Path → size and time of last change, of every file below a drop.
_Snapshot = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class _Claim:
    sequence: int
    drop: str
    path: Path


def pull_source(home: Home, source: Source, clock: Clock) -> list[Receipt]:
    """Take every drop that has stopped growing; return the receipts that are new.

    Waits at most ``settle_seconds``; what still grows then is left for the next pull. Hidden files, ``*.part``,
    ``*.tmp``, links and devices are never taken.

    Raises:
        ConfigurationError: The source is no folder but a URL, whose transport is not supported; or registers are to
            be handed in, which is not supported either.
        UnreadableDelivery: Some drops could not be taken; the others were. They are tried again at the next pull.
    """
    folder = _folder_of(home, source)
    if not folder.is_dir():
        return []
    return _Pull(home, source, clock, folder).run()


def _folder_of(home: Home, source: Source) -> Path:
    if source.kind == "registers":
        raise ConfigurationError(
            "Registers cannot be handed in through an inbox yet.",
            where=f"consortium.yaml, source {source.name} of {source.owner}",
            remedy="Take the source out, and edit registers/*.csv in the home.",
        )
    if found := _SCHEME.match(source.url):
        raise ConfigurationError(
            f"The transport {found[0]} is not supported yet; only folders are.",
            where=f"consortium.yaml, source {source.name} of {source.owner}",
            remedy="Name a folder instead, and have the files put there.",
        )
    return home.path / source.url


class _Pull:
    """One pull of one source."""

    def __init__(self, home: Home, source: Source, clock: Clock, folder: Path) -> None:
        self.home, self.source, self.clock, self.folder = home, source, clock, folder
        self.taken = home.inbox / ".taken" / source.owner / source.name
        self.receipts: list[Receipt] = []
        self.failed: list[str] = []

    def run(self) -> list[Receipt]:
        remove_leftovers(source_folder(self.home, self.source.owner, self.source.name))
        for claim in self.continued_claims():
            self.take(claim)
        for claim in self.new_claims():
            self.take(claim)
        if self.failed:
            raise UnreadableDelivery(
                f"{len(self.failed)} drops could not be taken: {'; '.join(self.failed)}.",
                where=str(self.folder),
                remedy="Give the service account the right to read and move them; the next run tries again.",
            )
        return self.receipts

    def claims(self) -> list[_Claim]:
        found = ((entry, _CLAIM.fullmatch(entry.name)) for entry in os.scandir(self.folder))
        claims = [_Claim(int(match["sequence"]), match["drop"], Path(entry.path)) for entry, match in found if match]
        return sorted(claims, key=lambda claim: (claim.sequence, claim.drop))

    def next_sequence(self) -> int:
        known = known_sequences(self.home, self.source.owner, self.source.name)
        return max([0, *known, *(claim.sequence for claim in self.claims())]) + 1

    def continued_claims(self) -> list[_Claim]:
        """Return what an earlier pull has claimed; a gathering that was cut short is completed first."""
        claims = self.claims()
        known = known_sequences(self.home, self.source.owner, self.source.name)
        for claim in claims:
            if self.source.kind in _GATHERED and claim.drop == _LOOSE and claim.sequence not in known:
                _, loose = self.settled_drops()
                self.gather(loose, claim.path)
        return claims

    def new_claims(self) -> Iterator[_Claim]:
        """Claim settled drops one by one, in name order; loose files that are one delivery come last."""
        drops, loose = self.settled_drops()
        sequence = self.next_sequence() if drops or loose else 0
        for drop in drops:
            claim = _Claim(sequence, drop.name, self.folder / f".claimed-{sequence:06d}-{drop.name}")
            try:
                drop.rename(claim.path)
            except OSError as error:
                self.fail(drop.name, error)
                continue
            sequence += 1
            yield claim
        if loose:
            claim = _Claim(sequence, _LOOSE, self.folder / f".claimed-{sequence:06d}-{_LOOSE}")
            claim.path.mkdir(exist_ok=True)
            self.gather(loose, claim.path)
            yield claim

    def gather(self, files: list[Path], claim: Path) -> None:
        for file in files:
            target = claim / file.name
            # Dropped anew since the kill: a delivery of its own, at the next pull.
            if target.exists():
                continue
            try:
                file.rename(target)
            except OSError as error:
                self.fail(file.name, error)

    def settled_drops(self) -> tuple[list[Path], list[Path]]:
        """Return the settled drops, and the settled loose files that together are one."""
        entries = sorted(
            (Path(entry.path) for entry in os.scandir(self.folder) if _is_candidate(entry)),
            key=lambda path: path.name,
        )
        settled = _wait_until_settled(entries, self.source.settle_seconds)
        for path in entries:
            if path not in settled:
                _LOG.warning("%s is still growing or empty; it is left for the next pull", path)
        if self.source.kind not in _GATHERED:
            return settled, []
        return [path for path in settled if path.is_dir()], [path for path in settled if not path.is_dir()]

    def take(self, claim: _Claim) -> None:
        """Land a claim unless that was done, and move it away."""
        try:
            known = known_sequences(self.home, self.source.owner, self.source.name)
            if claim.sequence not in known:
                files = _files_of(claim)
                if not files:
                    with contextlib.suppress(OSError):  # hidden files in it are not ours to remove
                        claim.path.rmdir()
                    return
                self.receipts.append(self.land(claim, files))
            self.move_away(claim)
        except OSError as error:
            self.fail(claim.drop, error)

    def land(self, claim: _Claim, files: list[tuple[str, Path]]) -> Receipt:
        return land_delivery(
            self.home,
            owner=self.source.owner,
            source=self.source.kind,
            source_name=self.source.name,
            sequence=claim.sequence,
            drop=claim.drop,
            files=files,
            clock=self.clock,
        )

    def move_away(self, claim: _Claim) -> None:
        target = self.taken / f"{claim.sequence:06d}-{claim.drop}"
        self.taken.mkdir(parents=True, exist_ok=True)
        if os.stat(self.folder).st_dev == os.stat(self.taken).st_dev:  # noqa: PTH116
            claim.path.rename(target)
            return
        # Another file system: a whole copy first, then the original goes; a kill in between repeats the last step.
        if not target.exists():
            arriving = self.taken / f".arriving-{claim.sequence:06d}"
            _remove(arriving)
            shutil.copytree(claim.path, arriving) if claim.path.is_dir() else shutil.copy2(claim.path, arriving)
            arriving.rename(target)
        _remove(claim.path)

    def fail(self, drop: str, error: OSError) -> None:
        self.failed.append(f"{printable(drop)} ({error.strerror or type(error).__name__})")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _is_candidate(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or entry.is_symlink():
        return False
    return entry.is_dir() or (entry.is_file() and not entry.name.lower().endswith(_UNFINISHED))


def _files_of(claim: _Claim) -> list[tuple[str, Path]]:
    """Return name and place of a claim's files: itself, or all below it that may be taken."""
    if not claim.path.is_dir():
        return [(claim.drop, claim.path)]
    return [
        (path.relative_to(claim.path).as_posix(), path)
        for path in _walk(claim.path)
        if not path.name.lower().endswith(_UNFINISHED)
    ]


def _walk(folder: Path) -> Iterator[Path]:
    """Give every ordinary, visible file below a folder, sorted."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        elif entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


def _snapshot(drop: Path) -> _Snapshot:
    """Return size and time of change of all files of a drop, unfinished ones included: while one grows, so does it."""
    files = _walk(drop) if drop.is_dir() else iter([drop])
    snapshot: _Snapshot = {}
    for path in files:
        facts = path.stat(follow_symlinks=False)
        snapshot[str(path)] = (facts.st_size, facts.st_mtime_ns)
    return snapshot


def _is_old(snapshot: _Snapshot, settle_seconds: int) -> bool:
    # A file's age is measured by the machine's own clock, whatever day the run is pinned to.
    limit = time.time_ns() - settle_seconds * 1_000_000_000
    return all(changed <= limit for _, changed in snapshot.values())


def _wait_until_settled(drops: list[Path], settle_seconds: int) -> list[Path]:
    """Return the drops that hold something and have stopped growing; waits at most ``settle_seconds``.

    A file is settled when it was last changed that long ago, or (where its time of change lies ahead, as copied files'
    may) when nothing about it changed while waiting.
    """
    first = {drop: _snapshot_or_nothing(drop) for drop in drops}
    if settle_seconds == 0:
        return [drop for drop in drops if _has_files(first[drop])]
    latest = dict(first)
    waiting = [drop for drop in drops if not _is_old(first[drop], settle_seconds)]
    deadline = time.monotonic() + settle_seconds
    while waiting and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        latest |= {drop: _snapshot_or_nothing(drop) for drop in waiting}
        waiting = [drop for drop in waiting if not _is_old(latest[drop], settle_seconds)]
    growing = {drop for drop in waiting if latest[drop] != first[drop]}
    return [drop for drop in drops if drop not in growing and _has_files(latest[drop])]


def _snapshot_or_nothing(drop: Path) -> _Snapshot:
    try:
        return _snapshot(drop)
    except OSError:
        return {}  # it vanished, or may not be read: not ours to take now


def _has_files(snapshot: _Snapshot) -> bool:
    return any(not name.lower().endswith(_UNFINISHED) for name in snapshot)
