"""The clock, and secrets by reference only."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipelines import settings
from pipelines.errors import ConfigurationError
from pipelines.settings import Clock, default_home, resolve_secret


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "gate.key"
    path.write_text("s3cret\n")
    path.chmod(0o600)
    return path


def test_a_pinned_clock_stands_at_midnight() -> None:
    clock = Clock.pinned(date(2026, 11, 15))
    assert clock.now == datetime(2026, 11, 15, tzinfo=UTC)
    assert clock.as_of == date(2026, 11, 15)


def test_the_real_clock_is_read_once() -> None:
    clock = Clock.real()
    assert clock.as_of == clock.now.date()
    assert clock.now.tzinfo is UTC


def test_the_home_is_named_by_the_environment(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("SAMANDEL_HOME", str(home))
    assert default_home() == home.resolve()
    monkeypatch.delenv("SAMANDEL_HOME")
    assert default_home() == settings.PROJECT_ROOT / "data" / "demo"


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("GATE_KEY", " s3cret ")
    assert resolve_secret("env:GATE_KEY", home=home) == "s3cret"
    monkeypatch.delenv("GATE_KEY")
    with pytest.raises(ConfigurationError, match="not set"):
        resolve_secret("env:GATE_KEY", home=home)


@pytest.mark.parametrize("is_relative", [True, False], ids=["relative to the home", "absolute"])
def test_a_secret_comes_from_a_file_outside_the_home(home: Path, key: Path, is_relative: bool) -> None:
    assert resolve_secret("file:../gate.key" if is_relative else f"file:{key}", home=home) == "s3cret"


def test_a_secret_file_inside_the_home_is_refused(home: Path, key: Path) -> None:
    key.rename(home / "gate.key")
    (home.parent / "link").symlink_to(home)
    for reference in ("file:gate.key", "file:../home/gate.key", "file:../link/gate.key"):
        with pytest.raises(ConfigurationError, match="inside the home"):
            resolve_secret(reference, home=home)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_secret_file_that_others_can_read_is_refused(home: Path, key: Path, mode: int) -> None:
    key.chmod(mode)
    with pytest.raises(ConfigurationError, match="read by others"):
        resolve_secret("file:../gate.key", home=home)


def test_an_empty_or_absent_secret_file_is_refused(home: Path, key: Path) -> None:
    key.write_text("\n")
    with pytest.raises(ConfigurationError, match="empty"):
        resolve_secret("file:../gate.key", home=home)
    with pytest.raises(ConfigurationError, match="does not exist"):
        resolve_secret("file:../other.key", home=home)


@pytest.mark.parametrize("reference", ["s3cret", "s3cret:x", "env:", "file:", ""])
def test_a_secret_itself_is_refused_and_not_repeated(home: Path, reference: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve_secret(reference, home=home)
    assert caught.value.exit_code == 2
    assert "s3cret" not in str(caught.value)
