"""A small home for the tests of publishing."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.gate import bindings
from pipelines.home import Home
from tests.unit.candidates.small_home import make_home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Three members, two workshops, a warehouse of product tables only; the code stands still."""
    monkeypatch.setattr(bindings, "_code_digest", lambda: "c" * 64)
    return make_home(tmp_path)
