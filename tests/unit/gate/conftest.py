"""A small home for each test of the gate."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.signing import with_four_eyes
from tests.unit.gate.small_home import CLOCK, SmallHome


@pytest.fixture
def small(tmp_path: Path) -> SmallHome:
    """A written home in which both candidates are green, and both products' terms approved by two."""
    written = SmallHome(tmp_path).write()
    with_four_eyes(written.home, CLOCK)
    return written
