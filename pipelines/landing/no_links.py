"""Reach what members dropped without following a link: they can lay one, and swap one in at any moment.

Belongs here: a source's real folder, opening and moving what lies in it, folders that are the service account's alone.
Not here: what a drop is (inbox.py), which places settings may name (the root's home.py).

A folder is looked at once, so that people are told what is wrong. What counts is that every part of a path is opened
without following links whenever something is read, moved or removed: then it does not matter what is swapped when.

A hard link is taken like the file that it is: its bytes are copied, and moving it away takes away a name.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pipelines.errors import UnreadableDelivery
from pipelines.home import Home, Source

_MOVED = ".moved-"
# Enough to go through a folder that one may not list, where the system has it.
_THROUGH = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def source_folder(home: Home, source: Source) -> Path:
    """Return the folder that a source's files are dropped in.

    Raises:
        UnreadableDelivery: A part of it is a link, or it is no place for what members drop.
    """
    if problem := home.folder_problem(source):
        raise UnreadableDelivery(
            f"The folder cannot be used: {problem}",
            where=f"{source.owner}, source {source.name}: {source.url}",
            remedy="Name another in consortium.yaml.",
        )
    return real_folder(home, source, home.place(source.url))


def real_folder(home: Home, source: Source, path: Path) -> Path:
    """Return where a folder of a source lies, or will lie, in truth.

    Links above the home, and inbox/ itself as one, are the administrator's and are followed; else there may be none.

    Raises:
        UnreadableDelivery: A part of it is a link.
    """
    path, tops = home.place(path), (home.inbox.resolve(), home.path.resolve())
    place = next((top for top in tops if path.is_relative_to(top)), Path(path.anchor))
    for part in path.relative_to(place).parts:
        place /= part
        if place.is_symlink():
            raise UnreadableDelivery(
                "A folder is a link: it may lead to what is somebody else's, and nothing is taken through it.",
                where=f"{source.owner}, source {source.name}: {place}",
                remedy="Find out who laid it, and remove it. For a folder elsewhere write its real path in "
                "consortium.yaml.",
            )
    return place


def private_folder(path: Path) -> None:
    """Make a folder that is the service account's alone, and such that are missing above it."""
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """Give a handle on a folder, no part of whose path is a link at this moment."""
    first, *parts = folder.parts if folder.is_absolute() else (".", *folder.parts)
    handle = os.open(first, _THROUGH)
    try:
        for part in parts:
            below = os.open(part, _THROUGH, dir_fd=handle)
            os.close(handle)
            handle = below
        yield handle
    finally:
        os.close(handle)


def open_regular(path: Path) -> BinaryIO:
    """Open a file of somebody else's for reading: never through a link, and never what keeps us waiting (a pipe).

    Raises:
        OSError: It cannot be opened, is no regular file, or a part of its path is a link.
    """
    with _opened(path.parent) as folder:
        handle = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    stream = os.fdopen(handle, "rb")
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        stream.close()
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    return stream


def move(path: Path, target: Path) -> None:
    """Move what was dropped to a folder of the service account's.

    Raises:
        OSError: It cannot be moved, or a part of the path to it is a link.
    """
    private_folder(target.parent)
    with _opened(path.parent) as folder:
        try:
            os.rename(path.name, target, src_dir_fd=folder)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy_away(path, target, folder)


def _copy_away(path: Path, target: Path, folder: int) -> None:
    """Move to another file system: a whole copy first; then the original is put aside by rename and removed.

    What is half removed is hidden, so that a kill cannot make it look like another drop.
    """
    arriving = target.with_name(f".{target.name}.tmp")
    remove(arriving.parent.resolve() / arriving.name)
    if stat.S_ISDIR(os.stat(path.name, dir_fd=folder, follow_symlinks=False).st_mode):
        shutil.copytree(path, arriving, symlinks=True)  # nobody reads what was taken
    else:
        with open_regular(path) as stream, arriving.open("wb") as copy:
            shutil.copyfileobj(stream, copy)
    arriving.rename(target)
    aside = f"{_MOVED}{path.name}"
    os.rename(path.name, aside, src_dir_fd=folder, dst_dir_fd=folder)
    _remove(aside, folder)


def remove(path: Path) -> None:
    """Remove what was dropped, whatever it is."""
    with _opened(path.parent) as folder:
        _remove(path.name, folder)


def remove_moved(folder: Path) -> None:
    """Remove what a killed move to another file system had put aside."""
    for path in folder.glob(f"{_MOVED}*"):
        remove(path)


def _remove(name: str, folder: int) -> None:
    try:
        is_folder = stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return
    if is_folder:
        shutil.rmtree(name, dir_fd=folder)
    else:
        os.unlink(name, dir_fd=folder)
