"""HTTPS: one file, or a folder that the server lists.

Belongs here: asking through fsspec's HTTP session, what counts as a listing, where the token goes. Not here: what is
taken and kept (transports.py).

A URL that ends with ``/``, or that the server leads to one, is a folder: the server answers with a JSON list of objects
``{"name", "size", "modified", "etag"}`` (all but the name may be left out) or with a page of links, one page for each
sub-folder. A URL that ends with ``/index.json`` is such a list. Any other URL is one file.

The token goes to the server in the settings and to nobody else: (1) redirects are followed by us, the token only to the
same scheme, name and port; (2) never from https to http; (3) files are only asked for below the URL.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from pipelines.home import Home, Source
from pipelines.landing.drop_names import name_problem
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
    from aiohttp import ClientResponse

_MOST_REDIRECTS = 5
_MOST_BYTES_OF_A_LISTING = 64 << 20
_DEEPEST = 16
_MOST_FOLDERS = 2_000
_AT_ONCE = 8
_INDEX = "/index.json"
_REDIRECTS = (301, 302, 303, 307, 308)
_WITHOUT_HEAD = (405, 501)
_PASSING = (408, 425, 429, 500, 502, 503, 504)


class HttpsRemote:
    """A folder, or a file, on a web server."""

    def __init__(self, home: Home, source: Source) -> None:
        from aiohttp import ClientTimeout
        from fsspec.implementations.http import HTTPFileSystem

        self._url = source.url
        self._token = resolve_secret(source.access.token, home=home.path) if source.access.token else None
        self._folders = 0
        timeout = ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=ANSWER_SECONDS)
        with in_our_words(_trouble):
            self._files: Any = HTTPFileSystem(
                client_kwargs={"timeout": timeout, "auto_decompress": False}, skip_instance_cache=True
            )
            self._session: Any = self._run(self._files.set_session)

    def _run(self, question: Any, *arguments: Any) -> Any:
        from fsspec.asyn import sync

        return sync(self._files.loop, question, *arguments)

    def look(self) -> list[RemoteFile]:
        """Return the files that the server lists, or the one that the URL names."""
        with in_our_words(_trouble):
            return list(self._run(self._look))

    async def _look(self) -> list[RemoteFile]:
        self._folders = 0
        if self._url.endswith(("/", _INDEX)):
            return await self._folder(self._url, "", _DEEPEST)
        response = await self._head(self._url)
        if str(response.url).endswith("/"):
            return await self._folder(str(response.url), "", _DEEPEST)
        return [_from_headers(response, unquote(urlsplit(self._url).path.rpartition("/")[2]), self._url)]

    async def _folder(self, url: str, prefix: str, depth: int) -> list[RemoteFile]:
        self._folders += 1
        if self._folders > _MOST_FOLDERS:
            raise Trouble("Too many folders lie on the server", "Let old files be moved away.")
        if depth == 0:
            raise Trouble("The folders lie too deep", "Let the files be put less deep.", is_about_one_file=True)
        async with await self._ask("GET", url, {"Accept": "application/json, text/html"}) as response:
            raw = await _short(response)
            kind = response.content_type
        if kind == "application/json" or url.endswith(_INDEX):
            files = _from_index(raw, url)
        elif kind == "text/html":
            files = [RemoteFile(name, place) for name, place in _links(raw, url)]
        else:
            raise Trouble("The server's answer is no listing", _LISTING_REMEDY)
        return await self._known_in_full([_below(file, prefix) for file in files], depth)

    async def _known_in_full(self, files: list[RemoteFile], depth: int) -> list[RemoteFile]:
        """Ask the server for what a listing does not tell of a file, and for the listings of sub-folders."""
        import asyncio

        at_once = asyncio.Semaphore(_AT_ONCE)

        async def one(file: RemoteFile) -> list[RemoteFile]:
            if name_problem(file.name.removesuffix("/")) or (file.size is not None and not file.is_vague):
                return [file]  # one that nobody may follow is refused by its name
            try:
                if file.name.endswith("/"):
                    return await self._folder(file.place, file.name, depth - 1)
                async with at_once:
                    told = _from_headers(await self._head(file.place), file.name, file.place)
            except Trouble as trouble:
                if not trouble.is_about_one_file:
                    raise
                return [RemoteFile(file.name, file.place, problem=trouble.reason)]
            size = told.size if file.size is None else file.size
            return [RemoteFile(file.name, file.place, size, file.modified or told.modified, file.etag or told.etag)]

        found: list[RemoteFile] = []
        folders = [file for file in files if file.name.endswith("/")]
        for listed in await asyncio.gather(*(one(file) for file in files if not file.name.endswith("/"))):
            found += listed
        for folder in folders:
            found += await one(folder)
            if len(found) > MOST_FILES:
                raise Trouble("Too many files lie on the server", "Let old files be moved away.")
        return found

    async def _head(self, url: str) -> ClientResponse:
        """Return a response of which only the head was read."""
        response = await self._ask("HEAD", url, {})
        if response.status in _WITHOUT_HEAD:
            response = await self._ask("GET", url, {})
        response.close()
        if response.status in _WITHOUT_HEAD:
            raise _refusal(response.status)
        return response

    async def _ask(self, method: str, url: str, headers: dict[str, str]) -> ClientResponse:
        """Return the response after all redirects; anything but a good one is Trouble (see the rules above)."""
        home = urlsplit(self._url)
        for _ in range(_MOST_REDIRECTS):
            there = urlsplit(url)
            sent = {"Accept-Encoding": "identity", **headers}
            if self._token and (there.scheme, there.netloc) == (home.scheme, home.netloc):  # (1)
                sent["Authorization"] = f"Bearer {self._token}"
            response: ClientResponse = await self._session.request(
                method, self._files.encode_url(url), headers=sent, allow_redirects=False
            )
            if response.status not in _REDIRECTS:
                return _good(response, method)
            response.close()
            url = urljoin(url, response.headers.get("Location", ""))
            if urlsplit(url).scheme != "https" and home.scheme == "https":  # (2)
                raise Trouble("The server leads to a place without https", "Name the place in url that it should be.")
        raise Trouble("The server leads from place to place without end", WHAT_NOW)

    def read(self, file: RemoteFile, offset: int) -> Iterator[tuple[int, bytes]]:
        """Yield the bytes of a file from ``offset`` on; from 0 where the server knows no ranges or has other bytes."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        mark = next((mark for mark in (file.etag, file.modified) if mark and _is_exact(mark)), None)
        if offset and mark:
            headers["If-Range"] = mark  # other bytes under the same name come whole
        with in_our_words(_trouble):
            response = self._run(self._ask, "GET", file.place, headers)
            try:
                position = offset if response.status == 206 and _starts_at(response, offset) else 0
                if response.status == 206 and position == 0 and offset:
                    raise Trouble("The server sends another part than was asked for", WHAT_NOW)
                if response.headers.get("Content-Encoding", "identity") != "identity":
                    raise Trouble("The server compresses although it was asked not to", WHAT_NOW)
                while chunk := self._run(response.content.read, CHUNK):
                    yield position, chunk
                    position += len(chunk)
            finally:
                self._files.loop.call_soon_threadsafe(response.close)

    def close(self) -> None:
        """End the connection."""
        with contextlib.suppress(Exception):
            self._run(self._session.close)


_LISTING_REMEDY = "Let the URL answer with a JSON list (docs/sources.md) or a page of links, or name one file."


async def _short(response: ClientResponse) -> bytes:
    raw = bytearray()
    while chunk := await response.content.read(CHUNK):
        raw += chunk
        if len(raw) > _MOST_BYTES_OF_A_LISTING:
            raise Trouble("The server's listing is too long", "Let old files be moved away.")
    return bytes(raw)


def _good(response: ClientResponse, method: str) -> ClientResponse:
    if response.status < 300 or (method == "HEAD" and response.status in _WITHOUT_HEAD):
        return response
    response.close()
    raise _refusal(response.status)


def _refusal(status: int) -> Trouble:
    if status in (401, 403):
        return Trouble(f"The server refuses the token ({status})", "Check what token refers to, and what it may read.")
    if status in (404, 410):
        return Trouble(
            f"The server has nothing under this URL ({status})", "Mend the path in url.", is_about_one_file=True
        )
    if status in _PASSING:
        return Trouble(f"The server cannot answer now ({status})", WHAT_NOW, may_pass=True)
    return Trouble(f"The server does not answer as it should ({status})", WHAT_NOW, is_about_one_file=True)


def _is_exact(mark: str) -> bool:
    """Return whether a server may be asked for the rest of what it calls by this mark; a list may use its own words."""
    return re.fullmatch(r'"[^"]*"|[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} [\d:]{8} GMT', mark) is not None


def _starts_at(response: ClientResponse, offset: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {offset}-")


def _from_headers(response: ClientResponse, name: str, place: str) -> RemoteFile:
    size = response.headers.get("Content-Length", "")
    return RemoteFile(
        name,
        place,
        int(size) if size.isdecimal() else None,
        response.headers.get("Last-Modified"),
        response.headers.get("ETag"),
    )


def _below(file: RemoteFile, prefix: str) -> RemoteFile:
    return RemoteFile(f"{prefix}{file.name}", file.place, file.size, file.modified, file.etag)


def _from_index(raw: bytes, url: str) -> list[RemoteFile]:
    try:
        entries = json.loads(raw)
        return [_from_entry(entry, url) for entry in entries]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Trouble("The server's listing is no JSON list of files", _LISTING_REMEDY) from None


def _from_entry(entry: dict[str, Any], url: str) -> RemoteFile:
    name, size = entry["name"], entry.get("size")
    if not isinstance(name, str) or not name or not (size is None or type(size) is int):
        raise ValueError("a name is text, a size a whole number")
    modified, etag = (None if entry.get(key) is None else str(entry[key]) for key in ("modified", "etag"))
    return RemoteFile(name, urljoin(url, quote(name, errors="surrogateescape")), size, modified, etag)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.targets += [value for name, value in attrs if name == "href" and value]


def _links(raw: bytes, url: str) -> Iterator[tuple[str, str]]:
    """Yield name and URL of what a page links to directly below itself (3); a sub-folder's name ends with ``/``."""
    page = _Links()
    page.feed(raw.decode("utf-8", "replace"))
    for target in dict.fromkeys(page.targets):
        try:
            there = urljoin(url, target)
            parts = urlsplit(there)
        except ValueError:
            continue
        rest = there.removeprefix(url)
        if rest and rest != there and not parts.query and not parts.fragment and "/" not in rest.rstrip("/"):
            yield unquote(rest, errors="surrogateescape"), there


def _trouble(error: Exception) -> Trouble:
    import aiohttp

    if isinstance(error, aiohttp.ClientSSLError):
        return Trouble(
            "The server's certificate is not trusted, or is another's",
            "Ask the server's owner; a certificate of your own authority belongs in the system's trust store.",
        )
    if isinstance(error, aiohttp.InvalidURL):
        return Trouble("A URL of the server is none", WHAT_NOW)
    if isinstance(error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError):
        return Trouble("The server cannot be reached, or the line broke", WHAT_NOW, may_pass=True)
    return passing_trouble(error)
