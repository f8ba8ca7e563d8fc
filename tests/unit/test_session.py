"""What the steps of one run share: failures kept apart, the month, the run lock."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pipelines.cli.operate import _print_summary
from pipelines.errors import ConfigurationError, WarehouseBusy
from pipelines.home import Home
from pipelines.orchestrate import _check_profiles, run_pipeline
from pipelines.session import Session, hold_run_lock, month_before, month_to_publish
from pipelines.settings import Clock
from pipelines.summary import MunicipalityLine, RunSummary


def _session(path: Path) -> Session:
    return Session(Home(path), Clock.pinned(date(2026, 11, 15)), "2026-10")


def _summary(session: Session, **counts: int) -> RunSummary:
    numbers = {"released": 0, "unchanged": 0, "held": 0, "blocked": 0, "failed": 0} | counts
    return RunSummary("2026-10", (), (), **numbers, failures=tuple(session.failures), notes=())


@pytest.mark.parametrize(
    ("day", "month"),
    [(date(2026, 11, 15), "2026-10"), (date(2027, 1, 1), "2026-12"), (date(2026, 12, 31), "2026-11")],
    ids=["within a year", "over new year", "last day of a month"],
)
def test_the_month_to_publish_is_the_last_whole_one(day: date, month: str) -> None:
    assert month_before(Clock.pinned(day)) == month


@pytest.mark.parametrize("month", ["2026-11", "2026-12", "2031-01", "2026-13", "26-10", ""])
def test_a_month_that_is_not_over_is_refused_before_anything_is_done(tmp_path: Path, month: str) -> None:
    (tmp_path / "consortium.yaml").write_text("name: A\nhost: '9901'\n")
    clock = Clock.pinned(date(2026, 11, 30))
    with pytest.raises(ConfigurationError) as refused:
        run_pipeline(Home(tmp_path), clock, month=month)
    assert (refused.value.exit_code, refused.value.where) == (2, "--month")
    assert [path.name for path in tmp_path.iterdir()] == ["consortium.yaml"]
    assert month_to_publish("2026-10", clock) == "2026-10"


def test_a_failure_is_noted_for_its_own_name_only(tmp_path: Path) -> None:
    session = _session(tmp_path)
    with session.kept_apart("land", "9901"):
        raise ConfigurationError("The transport is not supported.", remedy="Name a folder.")
    assert session.has_failed("9901")
    assert not session.has_failed("9902")
    assert "Name a folder." in session.failures[0].message


def test_an_unforeseen_failures_text_goes_to_a_private_file_only(tmp_path: Path) -> None:
    session = _session(tmp_path)
    with session.kept_apart("gate", "municipality_extract|9901"):
        raise ValueError("Kari Eksempel, 12 000 kr")
    (failure,) = session.failures
    assert "Kari" not in failure.message
    report = tmp_path / "logs" / "gate-municipality_extract-9901.txt"
    assert "Kari" in report.read_text()
    assert report.stat().st_mode & 0o077 == 0


def test_each_step_shows_how_far_it_is(tmp_path: Path) -> None:
    shown: list[tuple[str, int, int]] = []
    session = _session(tmp_path)
    session.progress = lambda step, done, total: shown.append((step, done, total))
    assert list(session.each("parse", ["a", "b"])) == ["a", "b"]
    assert shown == [("parse", 0, 2), ("parse", 1, 2), ("parse", 2, 2)]


def test_the_run_lock_tells_whether_the_run_before_was_cut_short(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with hold_run_lock(home) as was_cut_short:
        assert not was_cut_short
        with pytest.raises(WarehouseBusy), hold_run_lock(home):
            pass
    home.run_lock.write_text("running\n")  # as a killed process leaves it
    with hold_run_lock(home) as was_cut_short:
        assert was_cut_short
    with hold_run_lock(home) as was_cut_short:
        assert not was_cut_short


def test_the_exit_code_is_the_gravest_of_what_happened(tmp_path: Path) -> None:
    session = _session(tmp_path)
    assert _summary(session, released=3).exit_code == 0
    assert _summary(session, held=1).exit_code == 1
    assert _summary(session, blocked=1).exit_code == 1
    with session.kept_apart("land", "9901"):
        raise ConfigurationError("No such transport.")
    assert _summary(session, held=1).exit_code == 3
    with session.kept_apart("parse", "9902"):
        raise OSError("disk")
    assert _summary(session).exit_code == 3
    assert _summary(session).as_dict()["exit_code"] == 3


def test_each_rule_is_told_under_what_it_does_and_a_failure_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = _session(tmp_path)
    with session.kept_apart("parse", "9901"):
        raise ConfigurationError("No such profile.")
    line = MunicipalityLine(
        municipality_no="9901",
        name="Nord",
        deliveries=1,
        rows=1,
        rejects=0,
        spend_nok=None,
        workshop_ratio=None,
        release_id=None,
        verdict="blocked",
        reasons=("IN02: a month is missing", "RF04: cannot exist", "parse: No such profile."),
        headings=("blocked", "held", "failed"),
        stands="2026-09-r2",
    )
    _print_summary(replace(_summary(session, blocked=1, recalled=1), municipalities=(line,)))
    shown = capsys.readouterr()
    assert "stands: 9901 Nord: 2026-09-r2 is the last release until then" in shown.out
    assert "0 held, 1 blocked, 1 recalled, 0 failed." in shown.out
    assert "held: 9901 Nord: RF04: cannot exist" in shown.out
    assert "blocked: 9901 Nord: IN02: a month is missing" in shown.out
    assert (shown.out + shown.err).count("No such profile.") == 1


def test_a_profile_that_is_gone_is_a_failure_of_its_source_alone(tmp_path: Path) -> None:
    sources = "[{kind: ehf}, {kind: ledger, profile: profiles/gone.yml}, {kind: ledger, name: other, profile: unit4}]"
    (tmp_path / "consortium.yaml").write_text(f"name: A\nhost: '9901'\nmembers: {{'9901': {{sources: {sources}}}}}\n")
    session = _session(tmp_path)
    _check_profiles(session, ["9901"])
    assert [failure.name for failure in session.failures] == ["9901/ledger"]
    assert not session.has_failed("9901")
    assert _summary(session).exit_code == 3
