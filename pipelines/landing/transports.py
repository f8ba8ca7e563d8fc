"""Bring what lies on a server into a folder of the home, from which it is taken like anything that was dropped there.

Belongs here: which remote files are new, waiting for those that still grow, copying them so that a cut costs nothing,
remembering what was brought. Not here: talking to a server (remotes.py and beside it), making deliveries (inbox.py).

Everything lies in ``inbox/.remote/<owner>/<source>/``: ``parts/`` (being copied), ``arriving/`` (being put together),
``ready/`` (whole drops), ``memory.json`` (what was brought), ``looks.json`` (what was seen, since when). The server is
only read.

The order makes it safe to be killed anywhere. (1) A file is copied to a part that is named for its name and version:
one that was cut is continued, if the server can and has the same version still. (2) When all that can be had is there,
memory is written in one stroke: from now on these versions are ours, and these parts are to become drops. (3) Parts are
put together, (4) whole drops are renamed into ``ready/``, (5) memory forgets what was to be done. A pull begins with
(3): what a kill left is done first.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from pipelines.errors import ConfigurationError, SamandelError, SourceUnreachable
from pipelines.files import sha256_bytes, sha256_file, write_atomically
from pipelines.home import Home, Source
from pipelines.landing.drop_names import is_hidden, is_unfinished, name_problem
from pipelines.landing.no_links import private_folder
from pipelines.landing.remote_open import open_remote
from pipelines.landing.remotes import Remote, RemoteFile, Trouble
from pipelines.landing.store import flush_files, printable, read_all_receipts
from pipelines.limits import MIB
from pipelines.mask import mask_file_name

REMOTE = ".remote"
RETRY_AFTER_SECONDS = (1, 4)
_SMALL = 1 << 20
_SIDE_BY_SIDE = 8
_COPIES = 2  # of a file are on the disk for a while: the one that was brought and the one that landed
_LOOSE = "loose files"
_T = TypeVar("_T")


@dataclass
class _Memory:
    """What was brought from a source.

    Attributes:
        url: From where; what another server calls by the same name is not the same.
        taken: By name, the version and the digest that were last brought.
        pending: By name, the part that is to become a drop.
        refused: By name, the version that was refused, and reported.
    """

    url: str
    taken: dict[str, dict[str, str | None]] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def is_new(self, file: RemoteFile) -> bool:
        return file.is_vague or self.taken.get(file.name, {}).get("version") != file.version


@dataclass(frozen=True)
class _Place:
    """A source's folder for what is brought."""

    home: Home
    source: Source

    @property
    def folder(self) -> Path:
        return self.home.inbox / REMOTE / self.source.owner / self.source.name

    @property
    def parts(self) -> Path:
        return self.folder / "parts"

    @property
    def arriving(self) -> Path:
        return self.folder / "arriving"

    @property
    def ready(self) -> Path:
        return self.folder / "ready"

    def read_memory(self) -> _Memory:
        """Return what was brought; without memory, what the receipts tell of it."""
        path = self.folder / "memory.json"
        if not path.is_file():
            return _Memory(self.source.url, taken=self._from_receipts())
        try:
            memory = _Memory(**json.loads(path.read_bytes()))
        except (ValueError, TypeError):
            raise ConfigurationError(
                "What is remembered of a source cannot be read.",
                where=str(path),
                remedy="Restore it from a backup, or remove it: all is copied again then, and nothing lands twice.",
            ) from None
        if memory.url != self.source.url:
            memory.url = self.source.url
            memory.taken = {name: {**entry, "version": None} for name, entry in memory.taken.items()}
        return memory

    def _from_receipts(self) -> dict[str, dict[str, str | None]]:
        taken: dict[str, dict[str, str | None]] = {}
        for receipt in read_all_receipts(self.home, self.source.owner):
            # What was refused has no bytes here: without memory it comes again.
            if receipt.source_name == self.source.name and receipt.refused is None:
                for file in (*receipt.files, *receipt.archives):
                    entry: dict[str, str | None] = {"version": None, "sha256": file.sha256}
                    taken |= {file.name: entry, f"{receipt.drop}/{file.name}": entry}
        return taken

    def write_memory(self, memory: _Memory) -> None:
        _write_json(self.folder / "memory.json", vars(memory))

    def read_looks(self) -> dict[str, tuple[str, float]]:
        path = self.folder / "looks.json"
        try:
            return {name: (version, since) for name, (version, since) in json.loads(path.read_bytes()).items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}  # it only saves waiting

    def write_looks(self, looks: Mapping[str, tuple[str, float]]) -> None:
        _write_json(self.folder / "looks.json", looks)


def _write_json(path: Path, value: Any) -> None:
    # Escaped: a name on a server need not be text.
    write_atomically(path, f"{json.dumps(value, sort_keys=True, indent=1)}\n".encode())


@dataclass(frozen=True)
class _Look:
    """What a server has that is new: by drop, its files; and by name, why others are refused."""

    drops: dict[str, list[RemoteFile]]
    refused: dict[str, str]
    versions: dict[str, str]

    @property
    def files(self) -> list[RemoteFile]:
        return [file for files in self.drops.values() for file in files]

    @property
    def refusals(self) -> list[str]:
        """Return name and reason of each refused file, the names as they may be shown."""
        return [f"{mask_file_name(printable(name))} ({reason})" for name, reason in sorted(self.refused.items())]


def ready_folder(home: Home, source: Source) -> Path:
    """Return the folder in which whole drops lie that were brought from a source's server."""
    return _Place(home, source).ready


def bring(home: Home, source: Source) -> list[str]:
    """Copy what is new on a source's server and has stopped growing into ``ready_folder``; return what was refused.

    Raises:
        SourceUnreachable: The server cannot be reached, or the line broke and did not come back. What was copied stays.
        ConfigurationError: A secret cannot be resolved, or a file named in the settings cannot be used.
    """
    place = _Place(home, source)
    memory = place.read_memory()
    _put_together(place, memory)
    with _Line(home, source) as line:
        look = line.attempt(lambda remote: _look(remote, place, memory))
        failures = look.refusals
        drops = _settled(line, place, memory, look)
        whole = _copy(line, place, drops, failures)
        if whole:
            # What was changed while it was copied is not what was seen: it waits for the next pull.
            after = line.attempt(lambda remote: _look(remote, place, memory))
            whole = {
                name: files
                for name, files in whole.items()
                if all(after.versions.get(file.name) == file.version for file in files)
            }
    refused = {name: look.versions[name] for name in look.refused}
    if whole or refused != memory.refused:
        memory.refused = refused
        _remember(place, memory, whole)
    _put_together(place, memory)
    still_new = [file for file in (*look.files, *chain(*drops.values())) if not file.is_vague and memory.is_new(file)]
    _remove_parts(place, keep=(part for file in still_new for part in _part_names(file)))
    if line.trouble:
        raise _unreachable(source, line.trouble)
    return failures


def waiting(home: Home, source: Source) -> list[str]:
    """Return the names of what a pull would take, after one look at the server; nothing is copied.

    What could not be looked at waits, too: the pull says why.
    """
    place = _Place(home, source)
    brought = {path.name for folder in (place.arriving, place.ready) if folder.is_dir() for path in folder.iterdir()}
    try:
        memory = place.read_memory()
        look = look_once(home, source)
    except SamandelError:
        return ["(cannot be looked at)"]
    brought |= {name.partition("/")[0] for name in memory.pending}
    reported = memory.refused.items() >= {name: look.versions[name] for name in look.refused}.items()
    return sorted(
        mask_file_name(printable(name)) for name in {*brought, *look.drops, *(() if reported else look.refused)}
    )


def look_once(home: Home, source: Source) -> _Look:
    """Look at a source's server once, without trying again.

    Raises:
        SourceUnreachable: The server cannot be reached, is not the one it should be, or does not let us in.
        ConfigurationError: A secret cannot be resolved, or a file named in the settings cannot be used.
    """
    place = _Place(home, source)
    try:
        remote = open_remote(home, source)
        try:
            return _look(remote, place, place.read_memory())
        finally:
            remote.close()
    except Trouble as trouble:
        raise _unreachable(source, trouble) from None


def _unreachable(source: Source, trouble: Trouble) -> SourceUnreachable:
    return SourceUnreachable(
        f"{trouble.reason}.", where=f"{source.owner}, source {source.name}: {source.url}", remedy=trouble.remedy
    )


class _Line:
    """A connection that is made when it is needed, and again after trouble that may pass; several may use it at once.

    Attributes:
        trouble: What ended it for good; nothing is attempted then.
    """

    def __init__(self, home: Home, source: Source) -> None:
        self._home, self._source = home, source
        self._opened: list[Remote] = []
        self._remote: Remote | None = None
        self._opening = threading.Lock()
        self.trouble: Trouble | None = None

    def __enter__(self) -> _Line:
        return self

    def __exit__(self, *_: object) -> None:
        for remote in self._opened:
            remote.close()

    def _open(self) -> Remote:
        with self._opening:
            if self._remote is None:
                self._remote = open_remote(self._home, self._source)
                self._opened.append(self._remote)
            return self._remote

    def _leave(self, remote: Remote) -> None:
        """Have the next attempt open another connection; whoever is at work on this one is not disturbed."""
        with self._opening:
            if self._remote is remote:
                self._remote = None

    def attempt(self, task: Callable[[Remote], _T]) -> _T:
        """Return what a task comes to.

        Raises:
            SourceUnreachable: It could not be done, however often it was tried.
        """
        try:
            return self.try_again(task)
        except Trouble as trouble:
            raise _unreachable(self._source, trouble) from None

    def try_again(self, task: Callable[[Remote], _T]) -> _T:
        """Return what a task comes to; trouble that may pass is waited out a few times."""
        for seconds in (*RETRY_AFTER_SECONDS, None):
            remote: Remote | None = None
            try:
                remote = self._open()
                return task(remote)
            except Trouble as trouble:
                if remote is not None and not trouble.is_about_one_file:
                    self._leave(remote)
                if seconds is None or not trouble.may_pass:
                    raise
                time.sleep(seconds)
        raise AssertionError("the last try returns or raises")


def _look(remote: Remote, place: _Place, memory: _Memory) -> _Look:
    """Look at a server, and note since when each new file has been as it is."""
    now = time.time()
    seen = place.read_looks()
    drops: dict[str, list[RemoteFile]] = {}
    refused: dict[str, str] = {}
    versions: dict[str, str] = {}
    unfinished: set[str] = set()
    listed = [file for file in remote.look() if not is_hidden(file.name)]
    folders = {parent for file in listed for parent in _parents(file.name)}
    for file in listed:
        reason = file.problem or name_problem(file.name) or _too_large(place, file.size or 0)
        if file.name in versions or file.name in folders:
            reason = "another file has its name, or lies below it"
        versions[file.name] = file.version
        if reason:
            refused[file.name] = reason
        if file.problem or is_unfinished(file.name):
            unfinished.add(_drop_of(file, place.source))
        elif not reason and memory.is_new(file):
            drops.setdefault(_drop_of(file, place.source), []).append(file)
    # In a folder what is unfinished holds up the others; beside loose files it is only left out.
    waiting_folders = {name for name in unfinished if name.endswith("/")}
    drops = {
        name: sorted(files, key=lambda file: file.name)
        for name, files in sorted(drops.items())
        if name not in waiting_folders
    }
    look = _Look(drops, refused, versions)
    looks = {file.name: (file.version, _since(seen.get(file.name), file.version, now)) for file in look.files}
    if looks != seen:
        place.write_looks(looks)
    return look


def _too_large(place: _Place, size: int) -> str | None:
    """Return why a file is not even copied: neither as it is nor as an archive would it be read."""
    limits = place.home.consortium.limits
    largest = max(limits.file_bytes(place.source.kind), limits.archive_unpacked_mib * MIB)
    return f"it is larger than {largest // MIB} MiB, the most that limits allow" if size > largest else None


def _parents(name: str) -> Iterable[str]:
    parts = name.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts)))


def _since(seen: tuple[str, float] | None, version: str, now: float) -> float:
    return min(seen[1], now) if seen and seen[0] == version else now


def _drop_of(file: RemoteFile, source: Source) -> str:
    """Return the drop that a file belongs to: its sub-folder, itself, or all loose e-invoices together."""
    folder, slash, _ = file.name.partition("/")
    if slash:
        return f"{folder}/"
    return _LOOSE if source.kind == "ehf" else file.name


def _settled(line: _Line, place: _Place, memory: _Memory, look: _Look) -> dict[str, list[RemoteFile]]:
    """Return the drops of which no file has grown for the given time, waiting for it once."""
    settle = place.source.settle_seconds
    if settle <= 0 or not look.drops:
        return look.drops
    rest = max(since for _, since in place.read_looks().values()) + settle - time.time()
    if rest > 0:
        time.sleep(min(rest, settle))
        look = line.attempt(lambda remote: _look(remote, place, memory))
    now, looks = time.time(), place.read_looks()
    return {
        name: files
        for name, files in look.drops.items()
        if all(file.name in looks and looks[file.name][1] + settle <= now for file in files)
    }


def _part_names(file: RemoteFile) -> tuple[str, str]:
    """Return what a file's part is called while it grows, and when it is whole."""
    name = sha256_bytes(json.dumps([file.name, file.version]).encode())[:40]
    return f"{name}.part", name


def _copy(
    line: _Line, place: _Place, drops: Mapping[str, list[RemoteFile]], failures: list[str]
) -> dict[str, list[RemoteFile]]:
    """Copy drops, and return those that are there whole; one that cannot be had stops no other.

    Many small files wait for the line, not for its width: they are copied side by side, large ones one by one.
    """
    private_folder(place.parts)
    files = list(chain(*drops.values()))
    small = [file for file in files if file.size is not None and file.size < _SMALL]
    large = [file for file in files if file not in set(small)]
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as workers:
        answers = dict(zip(small, workers.map(lambda file: _copy_file(line, place, file), small), strict=True))
    answers |= {file: _copy_file(line, place, file) for file in large}
    failures += [f"{mask_file_name(printable(file.name))} ({answers[file]})" for file in files if answers[file]]
    return {name: files for name, files in drops.items() if all(answers[file] == "" for file in files)}


def _copy_file(line: _Line, place: _Place, file: RemoteFile) -> str | None:
    """Return nothing (``""``) if a file was copied, why not, or None where the line is at fault."""
    if line.trouble is not None:
        return None
    try:
        line.try_again(lambda remote: _continue(remote, place, file))
    except Trouble as trouble:
        if trouble.is_about_one_file:
            return trouble.reason
        line.trouble = trouble
        return None
    except OSError as error:  # of our own disk
        return error.strerror or type(error).__name__
    return ""


def _continue(remote: Remote, place: _Place, file: RemoteFile) -> None:
    """Copy a file from where its part ends."""
    growing, whole = (place.parts / name for name in _part_names(file))
    if whole.exists() and not file.is_vague:
        return
    offset = growing.stat().st_size if growing.exists() and not file.is_vague else 0
    if file.size is not None and shutil.disk_usage(place.parts).free < _COPIES * (file.size - offset):
        raise Trouble("There is no room for it on the disk", "Free some space.", is_about_one_file=True)
    with growing.open("r+b" if offset else "wb") as part:
        end = part.seek(offset)
        for position, chunk in remote.read(file, offset) if offset != file.size else ():
            if position != part.tell():
                part.seek(position)
                part.truncate()  # it comes from the start again
            part.write(chunk)
            end = position + len(chunk)
            if file.size is not None and end > file.size:
                break  # it has grown: no more of it is needed to know that
            if reason := _too_large(place, end):
                raise Trouble(reason, "", is_about_one_file=True)
        part.truncate(end)
    if file.size is not None and end != file.size:
        growing.unlink()
        raise Trouble("it has another size than the server says; it waits", "", is_about_one_file=True)
    growing.replace(whole)


def _remember(place: _Place, memory: _Memory, whole: Mapping[str, list[RemoteFile]]) -> None:
    """Note in one stroke which versions are ours now, and which parts are to become drops.

    A file whose bytes are those that were last brought under its name was only touched: it is no new drop.
    """
    parts = {file: place.parts / _part_names(file)[1] for files in whole.values() for file in files}
    flush_files(list(parts.values()))
    for file, part in parts.items():
        if (place.ready / file.name.partition("/")[0]).exists():
            continue  # its forerunner could not be taken yet: one at a time
        digest = sha256_file(part)
        if memory.taken.get(file.name, {}).get("sha256") != digest:
            memory.pending[file.name] = part.name
        memory.taken[file.name] = {"version": file.version, "sha256": digest}
    place.write_memory(memory)


def _put_together(place: _Place, memory: _Memory) -> None:
    """Make drops of the parts that are pending; what a kill left half done is done to the end."""
    if not memory.pending:
        return
    for name, part in memory.pending.items():
        source, target = place.parts / part, place.arriving / name
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
    place.ready.mkdir(parents=True, exist_ok=True)
    for path in sorted(place.arriving.iterdir()) if place.arriving.is_dir() else ():
        path.rename(place.ready / path.name)
    memory.pending = {}
    place.write_memory(memory)


def _remove_parts(place: _Place, keep: Iterable[str]) -> None:
    kept = set(keep)
    for path in place.parts.iterdir() if place.parts.is_dir() else ():
        if path.name not in kept:
            path.unlink()
