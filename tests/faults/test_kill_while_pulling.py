"""kill -9 while deliveries are pulled, from a server or an inbox: the next pull ends in the same bytes and receipts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.home import Home
from pipelines.landing.store import read_receipts
from tests.homes import bytes_of
from tests.integration.transports.conftest import SECRETS, home_with, pull_all
from tests.servers import FolderServed, serve_http, serve_sftp
from tests.unit.dropped import OWN, drop, invoice, ledger, make_home

pytestmark = [pytest.mark.slow]

LARGE = bytes(range(256)) * (24 << 10)  # 6 MiB

# Pulls, and is killed at a certain call of a certain function; or, without one, whenever the server likes.
_PULL = """
import errno, os, signal, sys
from pathlib import Path
from pipelines.home import Home
from pipelines.landing import inbox, no_links, store, transports
from tests.integration.transports.conftest import pull_all
where, name, call = sys.argv[2], sys.argv[3], int(sys.argv[4])
if where.startswith("across "):
    # The inboxes lie on another file system than the folders that things are moved to.
    rename, where = os.rename, where.removeprefix("across ")
    def crossing(source, target, **folders):
        if "src_dir_fd" in folders and "dst_dir_fd" not in folders:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target, **folders)
    os.rename = crossing
if call:
    owner = {"inbox": inbox, "transports": transports, "path": Path, "no_links": no_links, "os": os}[where]
    original, calls = getattr(owner, name), 0
    def killing(*arguments, **more):
        global calls
        calls += 1
        if calls == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **more)
    setattr(owner, name, killing)
pull_all(Home(Path(sys.argv[1])))
"""


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def _fill(served: FolderServed) -> None:
    for month in ("08", "09", "10"):
        served.put(f"2026-{month}.csv", ledger(f"2026{month}"))
    served.put("halvår/a.csv", ledger("202601"))
    served.put("halvår/b.csv", ledger("202602"))
    served.put("large.csv", LARGE)


def _home(path: Path, served: FolderServed) -> Home:
    return home_with(path, {"kind": "ledger", "profile": "semicolon", "settle_seconds": 0, **served.keys()})


def _start(home: Home, where: str = "-", name: str = "-", call: int = 0) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _PULL, str(home.path), where, name, str(call)]
    return subprocess.Popen(command, cwd=Path(__file__).resolve().parents[2])


def _ends_in_the_same_bytes(killed: Home, undisturbed: Home) -> None:
    pull_all(killed)
    assert bytes_of(killed.landing) == bytes_of(undisturbed.landing)
    assert bytes_of(killed.inbox / ".taken") == bytes_of(undisturbed.inbox / ".taken")
    assert pull_all(killed) == []
    assert bytes_of(killed.landing) == bytes_of(undisturbed.landing)


@pytest.mark.parametrize(
    ("where", "name", "call"),
    [
        ("transports", "flush_files", 1),
        ("transports", "_write_json", 2),
        ("transports", "_put_together", 2),
        ("path", "rename", 2),
        ("inbox", "write_receipt", 3),
        ("inbox", "move", 2),
    ],
    ids=["all copied", "before memory", "after memory", "half of it ready", "before a receipt", "after a receipt"],
)
def test_a_pull_killed_between_its_steps(tmp_path: Path, where: str, name: str, call: int) -> None:
    with serve_http(tmp_path / "served", SECRETS["HTTPS_TOKEN"]) as served:
        _fill(served)
        undisturbed, killed = (_home(tmp_path / word, served) for word in ("undisturbed", "killed"))
        pull_all(undisturbed)
        assert _start(killed, where, name, call).wait(60) == -signal.SIGKILL
        _ends_in_the_same_bytes(killed, undisturbed)


@pytest.mark.parametrize("after", [1, 1 << 20, 5 << 20], ids=["at once", "1 MiB", "5 MiB"])
@pytest.mark.parametrize("transport", ["sftp", "https"])
def test_a_pull_killed_while_a_file_is_copied(tmp_path: Path, transport: str, after: int) -> None:
    server = {
        "sftp": lambda: serve_sftp(tmp_path / "served", SECRETS["SFTP_PASSWORD"]),
        "https": lambda: serve_http(tmp_path / "served", SECRETS["HTTPS_TOKEN"]),
    }
    with server[transport]() as served:
        _fill(served)
        undisturbed, killed = (_home(tmp_path / word, served) for word in ("undisturbed", "killed"))
        pull_all(undisturbed)
        pull: list[Any] = []

        def kill_it(count: int) -> bool:
            served.sent += count
            if served.sent >= after and pull:
                os.kill(pull[0].pid, signal.SIGKILL)
                pull[0].wait(20)
                pull.clear()
            return False

        served.is_cut = kill_it  # type: ignore[method-assign]
        served.cut_after = 1
        served.sent = 0
        process = _start(killed)
        pull.append(process)
        assert process.wait(60) == -signal.SIGKILL
        assert not (killed.path / "landing").exists()
        _ends_in_the_same_bytes(killed, undisturbed)


@pytest.mark.parametrize(
    ("where", "name", "call"),
    [
        ("inbox", "move", 1),
        ("inbox", "move", 3),
        ("os", "rename", 2),
        ("inbox", "_store", 1),
        ("inbox", "store_file", 2),
        ("inbox", "write_receipt", 1),
        ("inbox", "move", 5),
        ("inbox", "write_receipt", 3),
        ("inbox", "move", 7),
        ("across no_links", "open_regular", 2),
        ("across no_links", "_remove", 2),
        ("across no_links", "_remove", 4),
        ("across no_links", "_remove", 12),
        ("across inbox", "move", 6),
    ],
    ids=str,
)
def test_taking_what_was_dropped_is_killed(tmp_path: Path, where: str, name: str, call: int) -> None:
    homes = [_home_with_drops(tmp_path / word) for word in ("undisturbed", "killed")]
    undisturbed, killed = homes
    pull_all(undisturbed)
    assert _start(killed, where, name, call).wait(60) == -signal.SIGKILL
    _ends_in_the_same_bytes(killed, undisturbed)
    for home in homes:
        assert [path for path in (home.inbox / OWN).rglob("*") if path.is_file()] == []
        assert [path for path in (home.inbox / ".claimed").rglob("*") if path.is_file()] == []
    assert [len(receipt.files) for receipt in read_receipts(killed, OWN, "ehf")] == [4]


def _home_with_drops(path: Path) -> Home:
    home = make_home(path)
    for number in range(4):
        drop(home, f"{number}.xml", invoice(f"F-{number}"), "ehf")
    drop(home, "2026-08.csv", ledger("202608"))
    for month in ("09", "10"):
        drop(home, f"okt/2026-{month}.csv", ledger(f"2026{month}"))
    return home
