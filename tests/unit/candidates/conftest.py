"""A small home for the tests of candidates."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.home import Home
from tests.unit.candidates.small_home import make_home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Three members, two workshops, a warehouse of product tables only."""
    return make_home(tmp_path)
