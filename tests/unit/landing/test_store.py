"""Bytes of any size are kept under their digest in bounded memory, whole or not at all."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.errors import UnreadableDelivery
from pipelines.files import sha256_bytes
from pipelines.home import Home
from pipelines.landing.store import read_file, store_bytes, store_stream, verified_path


def _names(home: Home) -> list[str]:
    return sorted(path.relative_to(home.landing).as_posix() for path in home.landing.rglob("*") if path.is_file())


def test_a_stream_is_kept_under_the_digest_of_its_bytes(tmp_path: Path) -> None:
    home = Home(tmp_path)
    raw = bytes(range(256)) * 10_000
    file = store_stream(home, "9901", "ehf", "A.XML", io.BytesIO(raw))
    assert (file.sha256, file.size, file.name) == (sha256_bytes(raw), len(raw), "A.XML")
    assert file.path == f"landing/9901/ehf/{file.sha256[:2]}/{file.sha256}.xml"
    assert verified_path(home, file).read_bytes() == read_file(home, file) == raw


def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = store_bytes(home, "9901", "ehf", "a.xml", b"same")
    kept = verified_path(home, first).stat()
    second = store_bytes(home, "9901", "ehf", "b.xml", b"same")
    assert second.path == first.path
    assert verified_path(home, second).stat().st_ino == kept.st_ino
    assert len(_names(home)) == 1


def test_a_stream_that_breaks_leaves_nothing(tmp_path: Path) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() >= 1 << 20:
                raise OSError(5, "Input/output error")
            return super().read(size)

    home = Home(tmp_path)
    with pytest.raises(OSError, match="Input/output error"):
        store_stream(home, "9901", "ehf", "a.xml", Breaking(b"x" * (3 << 20)))
    assert _names(home) == []


def test_verified_path_refuses_lost_and_changed_bytes(tmp_path: Path) -> None:
    home = Home(tmp_path)
    file = store_bytes(home, "9901", "ehf", "a.xml", b"received")
    (home.path / file.path).write_bytes(b"tampered")
    with pytest.raises(UnreadableDelivery, match="changed"):
        verified_path(home, file)
    (home.path / file.path).unlink()
    with pytest.raises(UnreadableDelivery, match="cannot be read"):
        verified_path(home, file)


def test_two_gigabytes_land_in_bounded_memory(tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    with large.open("wb") as stream:
        stream.truncate(2 << 30)  # takes no room on the disk
    # What is written is thrown away, so that the test needs no room for it.
    script = """
import re, sys
from pathlib import Path
from pipelines.home import Home
from pipelines.landing import store
class Discarding:
    def __init__(self, path): self.file = open(path, "wb")
    def __enter__(self): return self
    def __exit__(self, *_): self.file.close()
    def write(self, chunk): return len(chunk)
store.Path.open = lambda path, mode="r", _open=Path.open: Discarding(path) if mode == "wb" else _open(path, mode)
file = store.store_file(Home(Path(sys.argv[1])), "9901", "ledger", "large.csv", Path(sys.argv[2]))
# Of this process alone: what getrusage says begins at the size of whoever started it.
print(file.size, int(re.search(r"VmHWM:\\s*([0-9]+)", open("/proc/self/status").read())[1]) // 1024)
"""
    command = [sys.executable, "-c", script, str(tmp_path / "home"), str(large)]
    size, megabytes = map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert size == 2 << 30
    assert megabytes < 200
