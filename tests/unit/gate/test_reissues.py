"""PB05, PB06: a re-issue can say what it changes, and nothing came in after what a release was made from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.warehouse.history import digest_of_inputs, inputs_file
from tests.unit.gate.small_home import EXTRACT, OWN, PERIOD, SmallHome
from tests.unit.gate.test_checks import ask


def released(small: SmallHome, revision: int = 1, **manifest: object) -> Path:
    """Have an earlier release of the candidate's period, of other bytes."""
    folder = small.home.releases / EXTRACT.product / OWN / PERIOD / f"r{revision}"
    shutil.copytree(small.folder(EXTRACT), folder)
    (folder / "manifest.json").write_text(json.dumps({"digest": f"{revision}" * 64, **manifest}))
    (folder.parent / "current.json").write_text(json.dumps({"release_id": f"{PERIOD}-r{revision}"}))
    return folder


def test_a_first_release_changes_nothing(small: SmallHome) -> None:
    assert ask(small, "PB05", EXTRACT).status == "not_applicable"


def test_a_reissue_after_releases_that_say_what_they_follow_passes(small: SmallHome) -> None:
    released(small)
    second = released(small, 2, supersedes=f"{PERIOD}-r1", files=[{"path": "changes_since_previous.csv"}])
    (second / "changes_since_previous.csv").write_text("table,change,key,columns\n")
    assert ask(small, "PB05", EXTRACT).status == "passed"


def _says_not_what_it_follows(small: SmallHome) -> None:
    released(small)
    released(small, 2)


def _has_lost_its_notes(small: SmallHome) -> None:
    released(small)
    released(small, 2, supersedes=f"{PERIOD}-r1", files=[{"path": "changes_since_previous.csv"}])


def _has_no_manifest(small: SmallHome) -> None:
    (released(small) / "manifest.json").write_text("{")


def _has_no_current(small: SmallHome) -> None:
    (released(small).parent / "current.json").write_text(json.dumps({"release_id": f"{PERIOD}-r7"}))


def _cannot_be_read(small: SmallHome) -> None:
    (released(small) / "kpi.parquet").write_bytes(b"PAR1")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_says_not_what_it_follows, "r2: does not say what it supersedes"),
        (_has_lost_its_notes, "r2: its change notes are gone"),
        (_has_no_manifest, "r1: its manifest cannot be read"),
        (_has_no_current, "names no release that is there"),
        (_cannot_be_read, "kpi: cannot be read"),
    ],
    ids=lambda value: getattr(value, "__name__", "").strip("_").replace("_", " "),
)
def test_a_reissue_of_what_cannot_be_compared_is_blocked(
    small: SmallHome, change: Callable[[SmallHome], None], says: str
) -> None:
    change(small)
    found = ask(small, "PB05", EXTRACT)
    assert (found.status, found.severity) == ("failed", "block")
    assert says in found.reason


def landed(small: SmallHome, number: int | None, name: str, folder: str = "receipts", *, read: bool = False) -> None:
    """Have something landed, with its number in the journal or none yet."""
    home = small.home
    path = home.landing / OWN / "ledger" / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    if number is not None:
        with (home.landing / "journal.jsonl").open("a") as journal:
            journal.write(json.dumps({"number": number, "file": path.relative_to(home.landing).as_posix()}) + "\n")
    if read:
        outcome = home.parsed / "outcomes" / f"municipality_no={OWN}" / f"{path.stem.partition('-')[2]}.parquet"
        outcome.parent.mkdir(parents=True, exist_ok=True)
        outcome.touch()


def built(small: SmallHome, as_of: int) -> None:
    """Have a record of what the standing build was made from."""
    small.build_id = digest_of_inputs({})[:16]
    small.write()
    path = inputs_file(small.home, small.build_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"inputs": {}, "as_of_sequence": as_of}))


def test_without_any_delivery_nothing_can_be_newer(small: SmallHome) -> None:
    assert ask(small, "PB06", EXTRACT).status == "not_applicable"


def test_a_release_of_all_that_has_landed_passes(small: SmallHome) -> None:
    landed(small, 1, "000001-aa.json", read=True)
    built(small, 1)
    found = ask(small, "PB06", EXTRACT)
    assert (found.status, found.applied) == ("passed", 1)


@pytest.mark.parametrize("number", [2, None], ids=["numbered", "not numbered yet"])
def test_what_landed_after_the_build_and_was_not_read_blocks(small: SmallHome, number: int | None) -> None:
    landed(small, 1, "000001-aa.json", read=True)
    landed(small, number, "000002-bb.json")
    built(small, 1)
    found = ask(small, "PB06", EXTRACT)
    assert (found.status, found.severity, found.applied - found.passed) == ("failed", "block", 1)
    assert found.examples == (f"{OWN}/ledger/receipts/000002-bb.json",)


@pytest.mark.parametrize("changes_nothing", [True, False], ids=["changes nothing", "would change the build"])
def test_what_was_read_since_counts_by_whether_it_changes_the_build(
    small: SmallHome, changes_nothing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    landed(small, 1, "000001-aa.json", read=True)
    landed(small, 2, "000002-aa.json", read=True)
    landed(small, 3, "000001-withdraw.json", "decisions")
    built(small, 1)
    monkeypatch.setattr("pipelines.warehouse.build.is_current", lambda home: changes_nothing)
    assert ask(small, "PB06", EXTRACT).status == ("passed" if changes_nothing else "failed")
