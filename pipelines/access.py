"""How a source's server is reached and logged in to, as consortium.yaml says it.

Belongs here: which keys each transport takes, what must be given, that secrets are references. Not here: resolving a
reference (settings.py), talking to a server (landing/).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

Problem = Callable[[str, str], None]

TRANSPORTS = ("sftp", "s3", "https")
# By transport: its keys, whatever of them holds a secret.
_KEYS: dict[str, tuple[str, ...]] = {
    "sftp": ("username", "password", "private_key", "passphrase", "known_hosts", "host_key"),
    "s3": ("access_key", "secret_key", "endpoint", "region"),
    "https": ("token",),
}
_SECRETS = ("password", "private_key", "passphrase", "access_key", "secret_key", "token")
ACCESS_KEYS = frozenset(key for keys in _KEYS.values() for key in keys)


@dataclass(frozen=True)
class Access:
    """What is needed to log in; every secret is a reference (``env:NAME``, ``file:PATH``).

    Attributes:
        username: SFTP user.
        password: Reference to the SFTP password.
        private_key: Reference to the SFTP private key.
        passphrase: Reference to the private key's passphrase.
        known_hosts: File of known host keys, relative to the home.
        host_key: The server's public key, as a line of known_hosts has it after the name.
        access_key: Reference to the S3 access key.
        secret_key: Reference to the S3 secret key.
        endpoint: URL of an S3 server other than Amazon's.
        region: S3 region.
        token: Reference to the HTTPS token, sent as ``Authorization: Bearer``.
    """

    username: str | None = None
    password: str | None = None
    private_key: str | None = None
    passphrase: str | None = None
    known_hosts: str | None = None
    host_key: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    endpoint: str | None = None
    region: str | None = None
    token: str | None = None


def transport_of(url: str) -> str | None:
    """Return which transport a source's URL asks for; None for a folder."""
    scheme = url.partition("://")[0].lower() if "://" in url else None
    return "https" if scheme == "http" else scheme


def read_access(entry: Mapping[Any, Any], path: str, problem: Problem) -> Access:
    """Return how a source is logged in to; everything wrong with it is told to ``problem``, no value repeated."""
    url = str(entry.get("url") or "")
    if "://" in str(entry.get("folder")):
        problem(f"{path}.folder", "is a URL: write it as url.")
    transport = transport_of(url)
    given = {str(key): value for key, value in entry.items() if key in ACCESS_KEYS}
    if transport is not None and transport not in TRANSPORTS:
        problem(f"{path}.url", f"the transport {transport}:// is not known; known: {', '.join(TRANSPORTS)}.")
        return Access()
    for key in given:
        if key not in _KEYS.get(transport or "", ()):
            problem(f"{path}.{key}", f"does not belong to {f'{transport}://' if transport else 'a folder'}.")
    values = {key: text for key, value in given.items() if (text := _text(key, value, path, problem)) is not None}
    if transport is not None:
        _check_url(url, f"{path}.url", problem)
        _MUST_HAVE[transport](values, path, problem)
    return Access(**values)


def _text(key: str, value: Any, path: str, problem: Problem) -> str | None:
    """Return a value that can be used; the value itself is never repeated, for it may be the secret."""
    if key in _SECRETS:
        if isinstance(value, str) and re.fullmatch(r"(env|file):\S.*", value):
            return value
        problem(f"{path}.{key}", "a secret must be a reference: env:NAME or file:PATH.")
        return None
    if isinstance(value, str) and value.strip():
        return value.strip()
    problem(f"{path}.{key}", "must be text.")
    return None


def _check_url(url: str, path: str, problem: Problem) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        problem(path, "is no URL.")
        return
    if not host:
        problem(path, "names no server.")
    if parts.query or parts.fragment:
        problem(path, "must end with the path: what stands after ? or # may be a secret, and those are references.")
    if parts.scheme.lower() == "http" and not _is_this_machine(parts):
        problem(path, "must be https://: over http:// anybody on the way reads the token and the files.")


def _is_this_machine(parts: SplitResult) -> bool:
    try:
        return parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _sftp(values: Mapping[str, str], path: str, problem: Problem) -> None:
    if "username" not in values:
        problem(f"{path}.username", "is missing; sftp:// needs one.")
    if "password" not in values and "private_key" not in values:
        problem(path, "sftp:// needs a private_key or a password, as a reference.")
    if "passphrase" in values and "private_key" not in values:
        problem(f"{path}.passphrase", "belongs to a private_key, and there is none.")
    if ("known_hosts" in values) == ("host_key" in values):
        problem(path, "sftp:// needs either known_hosts or host_key: no server is trusted unseen.")


def _s3(values: Mapping[str, str], path: str, problem: Problem) -> None:
    for key in ("access_key", "secret_key"):
        if key not in values:
            problem(f"{path}.{key}", "is missing; s3:// needs it, as a reference.")
    if "endpoint" in values:
        if not re.match(r"https?://", values["endpoint"]) or re.search(r"//[^/]*@", values["endpoint"]):
            problem(f"{path}.endpoint", "must be an https:// URL without name or password.")
        else:
            _check_url(values["endpoint"], f"{path}.endpoint", problem)


def _https(values: Mapping[str, str], path: str, problem: Problem) -> None:
    """A token is not always needed: public registers are there for everybody."""


_MUST_HAVE: dict[str, Callable[[Mapping[str, str], str, Problem], None]] = {"sftp": _sftp, "s3": _s3, "https": _https}
