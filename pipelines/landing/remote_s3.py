"""S3: a bucket, or a part of one, at Amazon or at any server that speaks the same.

Belongs here: connecting through fsspec's s3fs, listing, reading. Not here: what is taken and kept (transports.py).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

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

_LISTING_SECONDS = 10 * ANSWER_SECONDS


class S3Remote:
    """What lies in a bucket below a prefix."""

    def __init__(self, home: Home, source: Source) -> None:
        from s3fs import S3FileSystem

        parts = urlsplit(source.url)
        self._root = f"{parts.netloc}{unquote(parts.path)}".rstrip("/")
        access = source.access
        key = resolve_secret(str(access.access_key), home=home.path)
        secret = resolve_secret(str(access.secret_key), home=home.path)
        with in_our_words(_trouble):
            self._files: Any = S3FileSystem(
                key=key,
                secret=secret,
                endpoint_url=access.endpoint,
                client_kwargs={"region_name": access.region} if access.region else {},
                # The transports try again themselves.
                config_kwargs={
                    "connect_timeout": CONNECT_SECONDS,
                    "read_timeout": ANSWER_SECONDS,
                    "retries": {"max_attempts": 0},
                },
                default_cache_type="none",
                use_listings_cache=False,
                # The connection holds secrets: it must not outlive the pull in the library's own cache.
                skip_instance_cache=True,
            )
            self._files.retries = 1

    def look(self) -> list[RemoteFile]:
        """Return every object below the prefix; a prefix with nothing below it is an empty folder."""
        with in_our_words(_trouble):
            found = self._files.find(self._root, detail=True, timeout=_LISTING_SECONDS)
            if len(found) > MOST_FILES:
                raise Trouble("Too many objects lie in the bucket", "Let old ones be moved away.")
            # A folder's own mark is an object whose key ends with a slash.
            objects = [entry for entry in found.values() if entry["type"] == "file" and not entry["name"].endswith("/")]
            return [_remote_file(entry, self._name(entry["name"])) for entry in objects]

    def _name(self, key: str) -> str:
        return key.rpartition("/")[2] if key == self._root else key[len(self._root) + 1 :]

    def read(self, file: RemoteFile, offset: int) -> Iterator[tuple[int, bytes]]:
        """Yield the bytes of an object from ``offset`` on, piece by piece."""
        size = file.size or 0
        with in_our_words(_trouble_with_object):
            while offset < size:
                end = min(offset + CHUNK, size)
                chunk = self._files.cat_file(file.place, start=offset, end=end, timeout=2 * ANSWER_SECONDS)
                if not chunk:
                    return
                yield offset, chunk
                offset += len(chunk)

    def close(self) -> None:
        """End the connection."""
        with contextlib.suppress(Exception):
            self._files.close_session(self._files.loop, self._files._s3creator)


def _remote_file(entry: dict[str, Any], name: str) -> RemoteFile:
    modified = entry.get("LastModified")
    etag = entry.get("ETag")
    return RemoteFile(name, entry["name"], entry["size"], modified.isoformat() if modified else None, etag)


def _trouble_with_object(error: Exception) -> Trouble:
    if isinstance(error, FileNotFoundError):
        return Trouble("The object is not there any more", WHAT_NOW, is_about_one_file=True)
    if isinstance(error, PermissionError):
        return Trouble("The server does not let us read this", "Let the keys read it.", is_about_one_file=True)
    return _trouble(error)


def _trouble(error: Exception) -> Trouble:
    from aiohttp import ClientError
    from botocore.exceptions import BotoCoreError, ConnectionError, HTTPClientError

    if isinstance(error, PermissionError):
        return Trouble(
            "The server refuses access_key and secret_key, or does not let them list and read this bucket",
            "Check what access_key and secret_key refer to, and that they may list the bucket and read its objects.",
        )
    if isinstance(error, FileNotFoundError):
        return Trouble("The bucket does not exist", "Mend the bucket's name in url, or endpoint.")
    if isinstance(
        error, ConnectionError | HTTPClientError | ClientError
    ):  # no connection, no answer in time, cut in the middle
        return Trouble("The server cannot be reached, or the line broke", WHAT_NOW, may_pass=True)
    if isinstance(error, BotoCoreError):
        return Trouble("The server cannot be asked", "Check url, endpoint and region.")
    return passing_trouble(error)
