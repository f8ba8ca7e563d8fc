"""SFTP against Debian's OpenSSH server: a key login, its host key, and nothing written to it."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import SourceUnreachable
from pipelines.home import Home
from pipelines.landing.store import read_receipts, verified_path
from tests.homes import bytes_of, samandel
from tests.integration.transports.conftest import home_with, pull_all

pytestmark = pytest.mark.system

_SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
LARGE = bytes(range(256)) * (80 << 10)  # 20 MiB


@dataclass(frozen=True)
class Sshd:
    """A running server: where it listens, its folder, its host key, the key that it lets in."""

    port: int
    folder: Path
    host_key: str
    private_key: Path

    def source(self, **changes: Any) -> dict[str, Any]:
        """Return a source of its folder."""
        keys = {
            "kind": "ledger",
            "profile": "semicolon",
            "settle_seconds": 0,
            "url": f"sftp://127.0.0.1:{self.port}{self.folder}",
            "username": pwd.getpwuid(os.getuid()).pw_name,
            "private_key": f"file:{self.private_key}",
            "host_key": self.host_key,
        }
        return {key: value for key, value in (keys | changes).items() if value is not None}


def _make_key(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """OpenSSH's server on loopback, as the user of the tests."""
    if _SSHD is None:
        pytest.skip("sshd is not installed (Debian: openssh-server)")
    place = tmp_path_factory.mktemp("sshd")
    host_key = _make_key(place / "host_key")
    (place / "authorized_keys").write_text(_make_key(place / "user_key") + "\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": place / "host_key",
        "AuthorizedKeysFile": place / "authorized_keys",
        "PidFile": place / "sshd.pid",
        "StrictModes": "no",  # the folder of the tests may belong to anybody
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "Subsystem": "sftp internal-sftp",
    }
    (place / "sshd_config").write_text("".join(f"{key} {value}\n" for key, value in settings.items()))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it locks itself in before a login
    command = [_SSHD, "-D", "-f", str(place / "sshd_config"), "-E", str(place / "sshd.log")]
    with subprocess.Popen(command) as server:
        try:
            _wait_for(port, server, place / "sshd.log")
            folder = place / "ut"
            folder.mkdir()
            yield Sshd(port, folder, host_key, place / "user_key")
        finally:
            server.terminate()


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("sshd did not answer")


@pytest.fixture
def files(sshd: Sshd) -> Iterator[Path]:
    """The server's folder with a loose file, a large one, and a sub-folder with a link that leads out."""
    (sshd.folder / "halvår").mkdir()
    for name in ("2026-10.csv", "halvår/a.csv"):
        (sshd.folder / name).write_text(name)
    (sshd.folder / "large.csv").write_bytes(LARGE)
    (sshd.folder / "halvår" / "link.csv").symlink_to("/etc/passwd")
    yield sshd.folder
    shutil.rmtree(sshd.folder)
    sshd.folder.mkdir()


def test_deliveries_come_from_openssh_and_nothing_is_written_to_it(tmp_path: Path, sshd: Sshd, files: Path) -> None:
    before = bytes_of(files)
    home = home_with(tmp_path / "home", sshd.source())
    receipts = pull_all(home)
    assert [(receipt.drop, len(receipt.files)) for receipt in receipts] == [
        ("2026-10.csv", 1),
        ("halvår", 1),
        ("large.csv", 1),
    ]
    assert verified_path(home, receipts[2].files[0]).read_bytes() == LARGE
    assert bytes_of(files) == before
    assert pull_all(home) == []


def test_a_known_hosts_file_as_ssh_keyscan_writes_it_is_enough(tmp_path: Path, sshd: Sshd, files: Path) -> None:
    scan = ["ssh-keyscan", "-p", str(sshd.port), "127.0.0.1"]
    found = subprocess.run(scan, capture_output=True, text=True, check=True)
    (tmp_path / "known_hosts").write_text(found.stdout)
    home = home_with(tmp_path / "home", sshd.source(host_key=None, known_hosts="../known_hosts"))
    assert len(pull_all(home)) == 3


def test_another_host_key_is_refused(tmp_path: Path, sshd: Sshd, files: Path) -> None:
    home = home_with(tmp_path / "home", sshd.source(host_key=_make_key(tmp_path / "stranger")))
    with pytest.raises(SourceUnreachable, match="host key that is not the one in the settings"):
        pull_all(home)
    assert read_receipts(home) == []


def test_a_key_that_the_server_does_not_know_is_refused(tmp_path: Path, sshd: Sshd, files: Path) -> None:
    _make_key(tmp_path / "stranger")
    home = home_with(tmp_path / "home", sshd.source(private_key=f"file:{tmp_path}/stranger"))
    with pytest.raises(SourceUnreachable, match="refuses the login"):
        pull_all(home)


def test_doctor_sees_the_server(tmp_path: Path, sshd: Sshd, files: Path) -> None:
    home: Home = home_with(tmp_path / "home", sshd.source())
    findings = json.loads(samandel("doctor", "--json", "--home", home.path, expect=(0, 1, 2, 3)).stdout)
    (found,) = (finding for finding in findings if finding["check"] == "source 9901/ledger")
    assert found["state"] == "ok"
    assert "3 files, 3 of them new" in found["found"]
