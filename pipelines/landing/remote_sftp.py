"""SFTP: a server whose host key is known, entered with a key or a password.

Belongs here: connecting through asyncssh (by fsspec's sshfs), listing, reading. Not here: what is taken and kept
(transports.py).

Nothing of the service account's own SSH set-up is used: no agent, no ~/.ssh. Links are not followed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pipelines.errors import ConfigurationError
from pipelines.home import Home, Source
from pipelines.landing.remotes import (
    ANSWER_SECONDS,
    CHUNK,
    CONNECT_SECONDS,
    MOST_FILES,
    WHAT_NOW,
    RemoteFile,
    Trouble,
    in_our_words,
    passing_trouble,
)
from pipelines.settings import resolve_secret

if TYPE_CHECKING:
    import asyncssh

_PORT = 22
_KEEPALIVE_SECONDS = 15
_DEEPEST = 20


class SftpRemote:
    """A folder, or a file, on an SFTP server."""

    def __init__(self, home: Home, source: Source) -> None:
        from sshfs import SSHFileSystem

        parts = urlsplit(source.url)
        path = unquote(parts.path)
        # As elsewhere, /~/ is where the login leads.
        self._root = path[3:] or "." if path.startswith("/~/") else path or "/"
        self._seen = 0
        options = _login(home, source)
        with in_our_words(_trouble):
            self._files: Any = SSHFileSystem(parts.hostname, port=parts.port or _PORT, **options)

    def look(self) -> list[RemoteFile]:
        """Return every file below the source's path; links are left out."""
        self._seen = 0
        with in_our_words(_trouble):
            found = self._files.info(self._root, timeout=ANSWER_SECONDS)
            if found["type"] == "file":
                return [_remote_file(found, self._root.rpartition("/")[2])]
            return list(self._below(self._root.rstrip("/") or "/", "", _DEEPEST))

    def _below(self, folder: str, prefix: str, depth: int) -> Iterator[RemoteFile]:
        if depth == 0:
            raise Trouble("The folders lie too deep", "Let the files be put less deep.", is_about_one_file=True)
        for entry in self._files.ls(folder, detail=True, timeout=ANSWER_SECONDS):
            self._seen += 1
            if self._seen > MOST_FILES:
                raise Trouble("Too many files lie on the server", "Let old files be moved away.")
            name = prefix + entry["name"].removeprefix("/" if folder == "/" else f"{folder}/")
            if entry["type"] == "file":
                yield _remote_file(entry, name)
            elif entry["type"] == "directory":
                yield from self._subfolder(entry["name"], f"{name}/", depth)

    def _subfolder(self, folder: str, prefix: str, depth: int) -> list[RemoteFile]:
        try:
            with in_our_words(_trouble):
                return list(self._below(folder, prefix, depth - 1))
        except Trouble as trouble:
            if not trouble.is_about_one_file:
                raise
            return [RemoteFile(prefix, folder, problem=trouble.reason)]

    def read(self, file: RemoteFile, offset: int) -> Iterator[tuple[int, bytes]]:
        """Yield the bytes of a file from ``offset`` on, up to the size that was seen."""
        size = file.size or 0
        with in_our_words(_trouble):
            if size <= CHUNK:
                yield offset, self._ask(self._read_whole, file.place, offset, size - offset)
                return
            stream = self._files.open(file.place, "rb")
            stream.seek(offset)
            try:
                while chunk := stream.read(min(CHUNK, size - offset), timeout=ANSWER_SECONDS):
                    yield offset, chunk
                    offset += len(chunk)
            finally:
                with contextlib.suppress(Exception):
                    stream.close()

    async def _read_whole(self, place: str, offset: int, size: int) -> bytes:
        """Return a small file in one go: handing each step of it to the other thread takes longer than the line."""
        async with self._files._pool.get() as channel, channel.open(place, "rb") as stream:
            raw: bytes = await stream.read(size, offset)
            return raw

    def _ask(self, question: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any) -> Any:
        from fsspec.asyn import sync

        return sync(self._files.loop, question, *arguments, timeout=ANSWER_SECONDS)

    def close(self) -> None:
        """End the connection."""
        with contextlib.suppress(Exception):
            self._ask(self._hang_up)

    async def _hang_up(self) -> None:
        self._files.client.close()
        await self._files.client.wait_closed()


def _remote_file(entry: dict[str, Any], name: str) -> RemoteFile:
    modified = entry["mtime"]
    return RemoteFile(name, entry["name"], entry["size"], modified.isoformat() if modified else None)


def _login(home: Home, source: Source) -> dict[str, Any]:
    access = source.access
    return {
        "username": access.username,
        "password": resolve_secret(access.password, home=home.path) if access.password else None,
        "client_keys": [_private_key(home, source)] if access.private_key else None,
        "known_hosts": _host_keys(home, source),
        "config": None,
        "agent_path": None,
        "gss_host": None,
        "connect_timeout": CONNECT_SECONDS,
        "timeout": 3 * CONNECT_SECONDS,
        "login_timeout": 2 * CONNECT_SECONDS,
        "keepalive_interval": _KEEPALIVE_SECONDS,
        # A name that is not UTF-8 is a name all the same.
        "sftp_client_kwargs": {"path_errors": "surrogateescape"},
        # The connection holds secrets: it must not outlive the pull in the library's own cache.
        "skip_instance_cache": True,
    }


def _where(source: Source, key: str) -> str:
    return f"consortium.yaml, source {source.name} of {source.owner}, {key}"


def _private_key(home: Home, source: Source) -> asyncssh.SSHKey:
    import asyncssh

    access = source.access
    text = resolve_secret(str(access.private_key), home=home.path)
    passphrase = resolve_secret(access.passphrase, home=home.path) if access.passphrase else None
    try:
        return asyncssh.import_private_key(f"{text}\n", passphrase)
    except (ValueError, asyncssh.Error):
        raise ConfigurationError(
            "A private key cannot be used: it is no key, or its passphrase is another.",
            where=_where(source, "private_key"),
            remedy="Name the file of an OpenSSH private key, and its passphrase if it has one.",
        ) from None


def _host_keys(home: Home, source: Source) -> Any:
    """Return which host keys are trusted, in the form that asyncssh takes."""
    import asyncssh

    access = source.access
    if access.host_key:
        try:
            return [asyncssh.import_public_key(access.host_key)], [], []
        except (ValueError, asyncssh.Error):
            raise ConfigurationError(
                "The host key is no public key.",
                where=_where(source, "host_key"),
                remedy="Write it as known_hosts has it after the name: ssh-ed25519 AAAA…",
            ) from None
    path = (home.path / Path(str(access.known_hosts)).expanduser()).resolve()
    try:
        return asyncssh.read_known_hosts(str(path))
    except (OSError, ValueError):
        raise ConfigurationError(
            "The file of known host keys cannot be read.",
            where=f"{_where(source, 'known_hosts')}: {path}",
            remedy="Make it with 'ssh-keyscan -p PORT HOST' and hold its fingerprint against what the owner says.",
        ) from None


def _trouble(error: Exception) -> Trouble:
    for kinds, trouble in _troubles():
        if isinstance(error, kinds):
            return trouble
    return passing_trouble(error)


def _troubles() -> list[tuple[tuple[type[Exception], ...], Trouble]]:
    """Return what each kind of error means; the first that fits counts."""
    import asyncssh as ssh

    return [
        (
            (ssh.HostKeyNotVerifiable,),
            Trouble(
                "The server shows a host key that is not the one in the settings; nothing was sent to it",
                "Ask the server's owner whether its key was changed. If it was, take the new one into known_hosts or "
                "host_key; if not, somebody stands between.",
            ),
        ),
        (
            (ssh.SFTPPermissionDenied,),
            Trouble("The server does not let us read this", "Let the login read it.", is_about_one_file=True),
        ),
        (
            (ssh.PermissionDenied, PermissionError),
            Trouble(
                "The server refuses the login",
                "Check username, private_key and password; what they refer to must be what the server knows.",
            ),
        ),
        (
            (ssh.SFTPNoSuchFile, ssh.SFTPNoSuchPath, FileNotFoundError),
            Trouble("The path does not exist on the server", "Mend the path in url.", is_about_one_file=True),
        ),
        (
            (ssh.KeyExchangeFailed, ssh.ProtocolNotSupported),
            Trouble("The server speaks no kind of SSH that is still safe", "Let it be brought up to date."),
        ),
        (
            (ssh.DisconnectError, ssh.SFTPConnectionLost, ssh.SFTPNoConnection),
            Trouble("The line to the server broke", WHAT_NOW, may_pass=True),
        ),
        ((ssh.SFTPError,), Trouble("The server cannot do this", WHAT_NOW, is_about_one_file=True)),
    ]
