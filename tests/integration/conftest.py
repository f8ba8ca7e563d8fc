"""One small demo consortium, made and run once per worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.home import Home
from tests.homes import make_demo, run
from tests.integration.tiny_home import drop_ledger, make_tiny_home

SMALL = ("--scale", "0.015")


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo home of all twenty members, thinned, after its first run. Tests must leave it as it is."""
    home = tmp_path_factory.mktemp("demo") / "home"
    make_demo(home, *SMALL)
    finished = run(home)
    (home.parent / "first_run.txt").write_text(finished.stdout)
    return home


@pytest.fixture(scope="session")
def corrected_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A tiny home after two runs; between them 9901 corrected October, and a register row changed."""
    home = make_tiny_home(tmp_path_factory.mktemp("corrected") / "home")
    run(home.path)
    drop_ledger(home, "9901", "2026-10", amount="1200,50", name="2026-10b")
    members = home.registers / "members.csv"
    members.write_text(members.read_text().replace("9901,Lilleby,4000", "9901,Lilleby,4100"))
    run(home.path)
    return home
