"""One small demo consortium, made and run once per worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.homes import make_demo, run

SMALL = ("--scale", "0.015")


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo home of all twenty members, thinned, after its first run. Tests must leave it as it is."""
    home = tmp_path_factory.mktemp("demo") / "home"
    make_demo(home, *SMALL)
    finished = run(home)
    (home.parent / "first_run.txt").write_text(finished.stdout)
    return home
