"""Demo homes that several tests look at; none of them may change one."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.demo.make import make_demo


@pytest.fixture(scope="session")
def thin_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All twenty members and twelve months, thinned."""
    home = tmp_path_factory.mktemp("demo") / "home"
    make_demo(home, scale=0.015)
    return home
