"""A small home for each test of the gate."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.gate.small_home import SmallHome


@pytest.fixture
def small(tmp_path: Path) -> SmallHome:
    """A written home in which both candidates are green."""
    return SmallHome(tmp_path).write()
