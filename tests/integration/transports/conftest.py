"""A home whose one member has a source on a real server on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pipelines.home import Home, Source
from pipelines.landing import transports
from pipelines.landing.inbox import pull_source
from pipelines.landing.store import Receipt
from tests.servers import Served, serve_http, serve_s3, serve_sftp
from tests.unit.dropped import CLOCK, OWN, make_home, source_of

SECRETS = {
    "SFTP_PASSWORD": "kanari-passord-0f1e",
    "HTTPS_TOKEN": "kanari-token-2d3c",
    "S3_ACCESS_KEY": "KANARIACCESSKEY4b5a",
    "S3_SECRET_KEY": "kanari-secret-6978",
}
TRANSPORTS = ("sftp", "s3", "https")


def consortium_with(*sources: dict[str, Any]) -> str:
    """Return the settings of a consortium whose first member has these sources."""
    settings = {
        "name": "Eksempelsamarbeidet",
        "host": OWN,
        "members": {OWN: {"sources": list(sources)}, "9902": {"sources": [{"kind": "ehf"}]}},
    }
    return json.dumps(settings)  # JSON is YAML


def home_with(path: Path, *sources: dict[str, Any]) -> Home:
    """Make a home whose first member has these sources."""
    home = make_home(path, consortium_with(*sources))
    home.check()
    return home


def pull_all(home: Home) -> list[Receipt]:
    """Take what every source of the first member has."""
    return [entry for source in home.consortium.sources_of(OWN) for entry in pull_source(home, source, CLOCK)]


@pytest.fixture(autouse=True)
def secrets_and_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The secrets that references lead to, and no waiting between tries."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(transports, "RETRY_AFTER_SECONDS", (0, 0))


Serve = Callable[[str], Served]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start servers by transport; all end with the test."""
    with ExitStack() as stack:

        def start(transport: str) -> Served:
            folder = tmp_path / f"served-{transport}"
            starts = {
                "sftp": lambda: serve_sftp(folder, SECRETS["SFTP_PASSWORD"]),
                "s3": serve_s3,
                "https": lambda: serve_http(folder, SECRETS["HTTPS_TOKEN"]),
            }
            return stack.enter_context(starts[transport]())

        yield start


@pytest.fixture(params=TRANSPORTS)
def served(request: pytest.FixtureRequest, serve: Serve) -> Served:
    """A server of each kind in turn."""
    return serve(request.param)


def source_on(home: Home, kind: str = "ledger") -> Source:
    """Return the member's one source of a kind."""
    return source_of(home, kind)


def run_python(script: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a script in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
