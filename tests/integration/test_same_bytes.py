"""Two fresh homes with the same seed end in the same release bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.homes import bytes_of, make_demo, run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kill")]


def test_two_fresh_homes_release_the_same_bytes(tmp_path: Path) -> None:
    homes = (tmp_path / "first" / "home", tmp_path / "second place" / "home")
    for home in homes:
        make_demo(home, "--municipalities", "5", "--months", "3", "--scale", "0.02")
        run(home)
    first, second = (bytes_of(home / "releases") for home in homes)
    assert first == second
    assert any(name.endswith("manifest.json") for name in first)
