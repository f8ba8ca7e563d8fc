"""What every test gets: no network, no usage statistics, and a rule that system tests may not be skipped in CI."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from pipelines.settings import silence_tools

silence_tools()

# The same examples on every machine: what is found goes into a test by name. New ones are looked for by tests.fuzz.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--require-system", action="store_true", help="A skipped system test is a failure.")


# Homes that cost a minute to make: tests that share one run in one process, so that it is made once.
_SHARED_HOMES = ("demo_home", "corrected_home", "planted_home", "build")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        shared = [name for name in _SHARED_HOMES if name in getattr(item, "fixturenames", ())]
        if (shared or item.get_closest_marker("slow")) and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(shared[0] if shared else item.path.stem))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    outcome = yield
    report = outcome.get_result()
    if report.skipped and item.config.getoption("--require-system"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and system tests may not be: {call.excinfo}"


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail any connection that would leave this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and not _is_loopback(str(address[0])):
            raise AssertionError(f"a test tried to connect to {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The folder of real files from public bodies; tests that need it skip where it is absent."""
    folder = SHARED / "fixtures"
    if not folder.is_dir():
        pytest.skip("the folder of real files is not here")
    return folder


@pytest.fixture(scope="session")
def planted_home(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tiny home in which persons and canaries were planted, after runs good and bad. Tests must leave it as it is."""
    from tests.integration.planted_home import run_planted

    return run_planted(tmp_path_factory.mktemp("planted") / "home")
