"""A server's folder as the transports see it: what lies there, its bytes from any place on, and trouble in our words.

Belongs here: what every kind of server must be able to do, how long to wait. Not here: how each kind does it
(remote_sftp.py, remote_s3.py, remote_https.py), opening the right one (remote_open.py), what is taken and kept
(transports.py).

What a library says of its trouble is never passed on: it may hold a password, a signed URL or a name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

CONNECT_SECONDS = 10
ANSWER_SECONDS = 60
CHUNK = 4 << 20
MOST_FILES = 200_000
WHAT_NOW = "Try again later; if it stays so, ask those who run the server."


class Trouble(Exception):
    """What a server would not do.

    Attributes:
        reason: What happened, without anything that a library or the server said.
        remedy: What to do.
        may_pass: Whether trying again soon may help.
        is_about_one_file: Whether the others on the same server may still be had.
    """

    def __init__(self, reason: str, remedy: str, *, may_pass: bool = False, is_about_one_file: bool = False) -> None:
        self.reason, self.remedy = reason, remedy
        self.may_pass, self.is_about_one_file = may_pass, is_about_one_file
        super().__init__(reason)


@dataclass(frozen=True)
class RemoteFile:
    """A file on a server.

    Attributes:
        name: Its name below the source's URL.
        place: What the server knows it by.
        size: In bytes, where the server says.
        modified: When it was last changed, as the server says it.
        etag: The server's own mark of the bytes.
        problem: Why the server would not tell about it; of a folder's name, why it would not list it.
    """

    name: str
    place: str
    size: int | None = None
    modified: str | None = None
    etag: str | None = None
    problem: str | None = None

    @property
    def version(self) -> str:
        """Return what must stay the same for the bytes to be the same."""
        return json.dumps([self.size, self.modified, self.etag])

    @property
    def is_vague(self) -> bool:
        """Return whether other bytes of the same size would look the same."""
        return self.modified is None and self.etag is None


class Remote(Protocol):
    """An open connection; every method raises Trouble and nothing else."""

    def look(self) -> list[RemoteFile]:
        """Return every file below the source's URL."""

    def read(self, file: RemoteFile, offset: int) -> Iterator[tuple[int, bytes]]:
        """Yield (position, bytes) of a file from ``offset`` on, or from 0 where the server cannot do that."""

    def close(self) -> None:
        """Let the connection go."""


@contextmanager
def in_our_words(translate: Callable[[Exception], Trouble]) -> Iterator[None]:
    """Turn whatever a library raises into Trouble; only its kind is looked at, never passed on."""
    try:
        yield
    except Trouble:
        raise
    except Exception as error:  # noqa: BLE001  libraries raise what they like, and their text may hold a secret
        raise translate(error) from None


def passing_trouble(error: Exception) -> Trouble:
    """Return the trouble of a line that broke or a server that does not answer, and of what nobody foresaw."""
    if isinstance(error, TimeoutError):  # fsspec's own is one, too
        return Trouble("The server does not answer in time", WHAT_NOW, may_pass=True)
    if isinstance(error, OSError):
        return Trouble("The server cannot be reached, or the line broke", WHAT_NOW, may_pass=True)
    return Trouble(f"The server answers in a way that is not understood ({type(error).__name__})", WHAT_NOW)
