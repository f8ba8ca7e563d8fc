"""Servers on loopback that deliveries are pulled from: SFTP, S3 and HTTP, each with what can go wrong with it.

Belongs here: starting and stopping them, what they were asked. Not here: what a pull must make of it.
"""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from urllib.request import Request, urlopen

USER = "innkjop"
_PIECE = 64 << 10


class Served:
    """A server with files on it.

    Attributes:
        asked: What it was asked, one word and a name each.
        cut_after: After so many bytes of files the line is cut, once; None for never.
        port: Where it listens.
        sent: How many bytes of files it has sent, where somebody counts them.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.cut_after: int | None = None
        self.port = 0
        self.sent = 0

    def keys(self) -> dict[str, Any]:
        """Return the source's keys in consortium.yaml; secrets as references to the environment."""
        raise NotImplementedError

    def put(self, name: str, raw: bytes | str, *, age: float = 3600) -> None:
        """Lay a file on the server that was last changed some seconds ago."""
        raise NotImplementedError

    def looks(self) -> int:
        """Return how often the whole server was listed."""
        return sum(1 for word in self.asked if word == "list")

    def reads(self) -> list[str]:
        """Return the names that were asked for, once for each time."""
        return [word.removeprefix("read ").partition(" @")[0] for word in self.asked if word.startswith("read ")]

    def starts(self) -> list[int]:
        """Return from where on files were read."""
        return [int(word.rpartition("@")[2]) for word in self.asked if word.startswith("read ")]

    def is_cut(self, count: int) -> bool:
        """Count bytes; return whether the line is to be cut now."""
        if self.cut_after is None:
            return False
        self.cut_after -= count
        if self.cut_after > 0:
            return False
        self.cut_after = None
        return True


def _bytes(raw: bytes | str) -> bytes:
    return raw.encode() if isinstance(raw, str) else raw


class FolderServed(Served):
    """A server of a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, name: str, raw: bytes | str, *, age: float = 3600) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_bytes(raw))
        os.utime(path, (time.time() - age,) * 2)


class SftpServed(FolderServed):
    """asyncssh's own server: one user, a password, a key."""

    def __init__(self, folder: Path, password: str) -> None:
        import asyncssh

        super().__init__(folder)
        self.password = password
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self.user_key = asyncssh.generate_private_key("ssh-ed25519")
        self.login_with: dict[str, Any] = {"password": "env:SFTP_PASSWORD"}
        self.logins: list[str] = []

    @property
    def public_host_key(self) -> str:
        """Return the host key as a settings file has it."""
        return self.host_key.export_public_key().decode().strip()

    def keys(self) -> dict[str, Any]:
        return {
            "url": f"sftp://127.0.0.1:{self.port}/",
            "username": USER,
            "host_key": self.public_host_key,
            **self.login_with,
        }

    async def listen(self) -> Any:
        """Start the server in the running loop."""
        import asyncssh

        return await asyncssh.listen(
            "127.0.0.1",
            self.port,
            server_host_keys=[self.host_key],
            server_factory=_login_class(self),
            sftp_factory=_files_class(self),
        )


def _login_class(served: SftpServed) -> Any:
    import asyncssh

    class Login(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            served.logins.append("password")
            return username == USER and password == served.password

        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
            served.logins.append("key")
            return username == USER and key == served.user_key.convert_to_public()

    return Login


def _files_class(served: SftpServed) -> Any:
    import asyncssh

    class Files(asyncssh.SFTPServer):
        def __init__(self, channel: asyncssh.SSHServerChannel) -> None:
            self._channel = channel
            self._names: dict[int, str] = {}
            super().__init__(channel, chroot=os.fsencode(served.folder))

        def scandir(self, path: bytes) -> Any:
            served.asked.append("list" if path in (b"/", b"") else f"list {os.fsdecode(path)}")
            return super().scandir(path)

        def open(self, path: bytes, pflags: int, attrs: Any) -> Any:
            opened = super().open(path, pflags, attrs)
            self._names[id(opened)] = os.fsdecode(path)
            return opened

        def read(self, file_obj: Any, offset: int, size: int) -> bytes:
            if name := self._names.pop(id(file_obj), ""):
                served.asked.append(f"read {name.lstrip('/')} @{offset}")
            raw = super().read(file_obj, offset, size)
            if served.is_cut(len(raw)):
                self._channel.get_connection().abort()
            return raw

        def _never(self, *_: Any, **__: Any) -> Any:
            served.asked.append("WRITE")
            raise PermissionError

        write = remove = rename = mkdir = rmdir = setstat = posix_rename = _never

    return Files


@contextmanager
def serve_sftp(folder: Path, password: str) -> Iterator[SftpServed]:
    """Serve a folder by SFTP as long as the block lasts."""
    served = SftpServed(folder, password)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    acceptor = asyncio.run_coroutine_threadsafe(served.listen(), loop).result(20)
    served.port = acceptor.get_port()
    try:
        yield served
    finally:
        loop.call_soon_threadsafe(acceptor.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


class HttpServed(FolderServed):
    """A small web server with a token: an index in JSON or pages of links, with ranges or without.

    Attributes:
        index: ``json``, ``bare`` (JSON with names only) or ``page``.
        has_ranges: Whether it can begin in the middle of a file.
        redirect_to: Files are somewhere else, at this URL.
        tokens: Every Authorization that it was shown.
        more: More entries of the JSON index.
        listing: The whole answer instead of an index, in JSON or not.
        tells_size: Whether files come with their length; else they come in chunks.
        tells: Whether files come with Last-Modified and ETag.
    """

    def __init__(self, folder: Path, token: str | None) -> None:
        super().__init__(folder)
        self.token = token
        self.index = "json"
        self.listing: bytes | None = None
        self.has_ranges = True
        self.has_head = True
        self.tells_size = True
        self.tells = True
        self.redirect_to: str | None = None
        self.fail_with: list[int] = []
        self.tokens: list[str | None] = []
        self.more: list[Any] = []

    def keys(self) -> dict[str, Any]:
        return {"url": f"http://127.0.0.1:{self.port}/out/", "token": "env:HTTPS_TOKEN"}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: HttpServed

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        if self.served.has_head:
            self._answer()
        else:
            self._send(501)

    def do_GET(self) -> None:
        self._answer()

    def _send(self, status: int, raw: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        if "Transfer_Encoding" not in headers:
            headers = {"Content_Length": str(len(raw))} | headers
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    def _answer(self) -> None:
        served = self.served
        served.tokens.append(self.headers.get("Authorization"))
        if served.token is not None and self.headers.get("Authorization") != f"Bearer {served.token}":
            self._send(401, b"no " + str(self.headers.get("Authorization")).encode())
        elif served.fail_with:
            self._send(served.fail_with.pop())
        else:
            path = unquote(urlsplit(self.path).path, errors="surrogateescape").removeprefix("/out/")
            place = served.folder / path if path else served.folder
            if path.endswith("index.json"):
                self._list(served.folder)
            elif place.is_dir():
                self._list(place)
            elif served.redirect_to:
                self._send(302, Location=f"{served.redirect_to}{quote(path)}")
            elif place.is_file():
                self._file(place, path)
            else:
                self._send(404)

    def _list(self, folder: Path) -> None:
        served = self.served
        served.asked.append("list" if folder == served.folder else f"list {folder.name}")
        if served.listing is not None:
            self._send(200, served.listing, Content_Type="application/json")
            return
        if served.index == "page":
            links = "".join(
                f'<a href="{quote(path.name)}{"/" if path.is_dir() else ""}">x</a>' for path in sorted(folder.iterdir())
            )
            page = f'<html><a href="../">up</a><a href="?C=M">sort</a><a href="http://198.51.100.7/x">away</a>{links}'
            self._send(200, page.encode(), Content_Type="text/html; charset=utf-8")
            return
        entries: list[Any] = [
            {"name": path.relative_to(served.folder).as_posix()}
            | ({} if served.index == "bare" else {"size": path.stat().st_size, "modified": str(path.stat().st_mtime)})
            for path in sorted(served.folder.rglob("*"))
            if path.is_file()
        ]
        self._send(200, json.dumps(entries + served.more).encode(), Content_Type="application/json")

    def _file(self, place: Path, name: str) -> None:
        served = self.served
        raw, facts = place.read_bytes(), place.stat()
        headers = {}
        if served.tells:
            headers = {"Last_Modified": formatdate(facts.st_mtime, usegmt=True), "ETag": f'"{facts.st_mtime_ns}"'}
        start, wanted = 0, self.headers.get("Range", "")
        fits = self.headers.get("If-Range", str(headers.get("ETag"))) in headers.values()
        if wanted and served.has_ranges and fits:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            headers["Content_Range"] = f"bytes {start}-{len(raw) - 1}/{len(raw)}"
        if self.command == "GET":
            served.asked.append(f"read {name} @{start}")
        body = raw[start:]
        length = {"Content_Length": str(len(body))} if served.tells_size else {"Transfer_Encoding": "chunked"}
        self._send(206 if start else 200, **length, **headers)
        for begin in range(0, len(body) if self.command == "GET" else 0, _PIECE):
            piece = body[begin : begin + _PIECE]
            if served.is_cut(len(piece)):
                self.close_connection = True
                return
            self.wfile.write(piece if served.tells_size else b"%x\r\n%b\r\n" % (len(piece), piece))
        if not served.tells_size and self.command == "GET":
            self.wfile.write(b"0\r\n\r\n")


@contextmanager
def serve_http(
    folder: Path, token: str | None = None, certificate: tuple[Path, Path] | None = None
) -> Iterator[HttpServed]:
    """Serve a folder by HTTP, or with a certificate and its key by HTTPS, as long as the block lasts."""
    served = HttpServed(folder, token)
    handler = type("Handler", (_Handler,), {"served": served})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    served.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()


class S3Served(Served):
    """moto's server, seen through a proxy of our own that counts and cuts."""

    def __init__(self, endpoint: str, bucket: str) -> None:
        super().__init__()
        self.endpoint, self.bucket = endpoint, bucket
        self.client = self.make_client("setup", "setup")

    def make_client(self, access_key: str, secret_key: str, service: str = "s3") -> Any:
        """Return a client of the server itself."""
        import botocore.session

        return botocore.session.get_session().create_client(
            service,
            endpoint_url=self.endpoint,
            region_name="eu-north-1",
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
        )

    def keys(self) -> dict[str, Any]:
        return {
            "url": f"s3://{self.bucket}/out",
            "endpoint": f"http://127.0.0.1:{self.port}",
            "region": "eu-north-1",
            "access_key": "env:S3_ACCESS_KEY",
            "secret_key": "env:S3_SECRET_KEY",
        }

    def put(self, name: str, raw: bytes | str, *, age: float = 3600) -> None:
        self.client.put_object(Bucket=self.bucket, Key=f"out/{name}", Body=_bytes(raw))


class _Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: S3Served

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        import http.client

        served = self.served
        there = urlsplit(served.endpoint)
        connection = http.client.HTTPConnection(str(there.hostname), there.port)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        raw = answer.read()
        parts = urlsplit(self.path)
        key = unquote(parts.path).removeprefix(f"/{served.bucket}").lstrip("/")
        is_file = self.command == "GET" and bool(key)
        if is_file:
            start = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0]
            served.asked.append(f"read {key.removeprefix('out/')} @{start}")
        elif self.command == "GET":
            served.asked.append("list")
        else:
            served.asked.append(self.command if self.command == "HEAD" else "WRITE")
        cut = is_file and answer.status < 300 and served.is_cut(len(raw))
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(raw))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        self.wfile.write(raw[: len(raw) // 2] if cut else raw)
        self.close_connection = True

    do_HEAD = do_PUT = do_DELETE = do_POST = do_GET


@contextmanager
def serve_s3(bucket: str = "leveranser") -> Iterator[S3Served]:
    """Serve an empty bucket as long as the block lasts."""
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    served = S3Served(f"http://{host}:{port}", bucket)
    urlopen(Request(f"{served.endpoint}/moto-api/reset", method="POST")).close()  # it keeps what it has by process
    place = {"LocationConstraint": "eu-north-1"}
    served.client.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Proxy", (_Proxy,), {"served": served}))
    proxy.daemon_threads = True
    served.port = proxy.server_address[1]
    threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield served
    finally:
        proxy.shutdown()
        proxy.server_close()
        moto.stop()
