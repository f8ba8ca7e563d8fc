"""An approved candidate becomes a release; anything else becomes nothing, and says why."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from frictionless import validate

from pipelines.candidates.make import candidate_folder, make_candidate
from pipelines.candidates.products import MUNICIPALITY_EXTRACT, PRODUCTS, WORKSHOP_RELEASE, CandidateKey
from pipelines.errors import ReleaseDamaged, VerdictMissing, WarehouseBusy
from pipelines.files import exclusive_lock
from pipelines.gate.decisions import decisions_file
from pipelines.home import Home
from pipelines.publishing import release
from pipelines.publishing.release import RELEASED, UNCHANGED, publish
from pipelines.publishing.store import CHANGES, MADE_BY_PUBLISHING, period_folder
from pipelines.settings import Clock
from tests.homes import bytes_of
from tests.unit.candidates.small_home import (
    CLOCK,
    MUNICIPALITIES,
    PERIOD,
    WORKSHOPS,
    default_rows,
    extract_row,
    make_home,
    write_warehouse,
)
from tests.unit.publishing.approvals import decide, make_and_approve

P1 = CandidateKey(MUNICIPALITY_EXTRACT, "9901", PERIOD)
P2 = CandidateKey(WORKSHOP_RELEASE, WORKSHOPS[0], PERIOD)
LATER = Clock.pinned(date(2026, 12, 1))


def change_data(home: Home) -> None:
    rows = default_rows()
    rows["product_municipality_extract"].append(extract_row("9901", 99, net_amount_nok=Decimal("7.00")))
    write_warehouse(home, rows, build_id="e" * 16)


@pytest.mark.parametrize("key", [P1, P2], ids=["P1", "P2"])
def test_a_release_holds_the_candidates_bytes_and_says_what_it_is(home: Home, key: CandidateKey) -> None:
    digest = make_and_approve(home, key)
    result = publish(home, key, CLOCK)
    assert (result.status, result.release_id, result.digest) == (RELEASED, "2026-10-r1", digest)
    assert result.path == home.releases / key.product / key.recipient / PERIOD / "r1"
    candidate, released = bytes_of(candidate_folder(home, key)), bytes_of(result.path)
    assert {name: sha for name, sha in released.items() if name not in MADE_BY_PUBLISHING} == candidate
    assert released.keys() - candidate.keys() == set(MADE_BY_PUBLISHING) - {CHANGES}
    assert validate(str(result.path / "datapackage.json")).valid

    manifest = json.loads((result.path / "manifest.json").read_text())
    stated = {
        "product": key.product,
        "version": PRODUCTS[key.product].version,
        "recipient": key.recipient,
        "release_id": "2026-10-r1",
        "period": PERIOD,
        "window": {"from": "2025-11", "to": "2026-10"},
        "published_at": "2026-11-15T00:00:00Z",
        "supersedes": None,
        "digest": digest,
        "build_id": "b" * 16,
        "waivers": [],
        "municipalities": [key.recipient] if key is P1 else list(MUNICIPALITIES),
        "months": ["2026-03"],
        "rules": [
            {"rule": "PV01", "version": "1", "severity": "block", "status": "passed", "applied": 10, "passed": 10}
        ],
    }
    assert {name: manifest[name] for name in stated} == stated
    assert manifest["row_counts"].keys() == {table.name for table in PRODUCTS[key.product].tables}
    assert manifest["inputs"]["inputs_digest"]
    assert {each["path"]: each["sha256"] for each in manifest["files"]} == {
        name: sha for name, sha in released.items() if name not in ("manifest.json", "checksums.sha256")
    }


def test_checksums_are_what_sha256sum_checks(home: Home) -> None:
    make_and_approve(home, P1)
    folder = publish(home, P1, CLOCK).path
    command = ["sha256sum", "--check", "--strict", "checksums.sha256"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    names = {line.split("  ")[1] for line in (folder / "checksums.sha256").read_text().splitlines()}
    assert names == {path.name for path in folder.iterdir()} - {"checksums.sha256"}


def test_example_keys_stay_in_the_gates_evidence(home: Home) -> None:
    make_and_approve(home, P1)
    folder = publish(home, P1, CLOCK).path
    text = (folder / "rule_results.csv").read_text()
    assert text.startswith("rule,title,version,severity,status,applied,passed,reason\nPV01,")
    assert "kpi.state/=x" not in text


@pytest.mark.parametrize(("key", "is_told"), [(P1, True), (P2, False)], ids=["P1", "P2"])
def test_why_a_rule_answered_leaves_where_no_amount_of_others_can_follow(
    home: Home, key: CandidateKey, is_told: bool
) -> None:
    make_and_approve(home, key)
    lines = (publish(home, key, CLOCK).path / "rule_results.csv").read_text().splitlines()
    assert [line.endswith(",looked at") for line in lines[1:]] == [is_told]


def test_the_same_bytes_are_released_once(home: Home) -> None:
    make_and_approve(home, P1)
    publish(home, P1, CLOCK)
    before = bytes_of(home.releases)
    again = publish(home, P1, LATER)
    assert (again.status, again.release_id) == (UNCHANGED, "2026-10-r1")
    assert bytes_of(home.releases) == before


def test_other_bytes_supersede_and_leave_the_earlier_release_as_it_was(home: Home) -> None:
    make_and_approve(home, P1)
    first = publish(home, P1, CLOCK)
    before = bytes_of(first.path)
    change_data(home)
    make_and_approve(home, P1, LATER)
    second = publish(home, P1, LATER)
    assert (second.status, second.release_id) == (RELEASED, "2026-10-r2")
    assert json.loads((second.path / "manifest.json").read_text())["supersedes"] == "2026-10-r1"
    assert bytes_of(first.path) == before
    notes = (second.path / CHANGES).read_text().splitlines()
    assert notes[0] == "table,change,key,columns"
    assert [line.split(",")[:2] for line in notes[1:]] == [["municipality_extract", "added"]]
    assert CHANGES in {each["path"] for each in json.loads((second.path / "manifest.json").read_text())["files"]}
    current = json.loads((second.path.parent / "current.json").read_text())
    assert current == {"release_id": "2026-10-r2", "digest": second.digest}


def test_two_homes_release_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.gate.bindings._code_digest", lambda: "c" * 64)
    releases = []
    for name in ("first", "second"):
        home = make_home(tmp_path / name)
        # Where the key lies is a setting, and settings are among what a verdict stands on.
        home.consortium_file.write_text(home.consortium_file.read_text().replace(str(tmp_path / name), ".."))
        home = Home(home.path)
        for key in (P1, P2):
            make_and_approve(home, key)
            publish(home, key, CLOCK)
        releases.append(bytes_of(home.releases))
    assert releases[0] == releases[1]


def _no_verdict(home: Home) -> None:
    decisions_file(home).unlink()


def _held(home: Home) -> None:
    decide(home, P1, make_candidate(home, P1, CLOCK).digest, state="held")


def _changed_byte(home: Home) -> None:
    path = candidate_folder(home, P1) / "kpi.csv"
    path.write_bytes(path.read_bytes().replace(b"8.00", b"9.00"))


def _another_file(home: Home) -> None:
    (candidate_folder(home, P1) / "hitchhiker.csv").write_text("a\n")


def _written_by_hand(home: Home) -> None:
    path = decisions_file(home)
    decision = json.loads(path.read_text().splitlines()[-1])
    decide(home, P1, decision["candidate_sha256"], state="blocked")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1].replace('"blocked"', '"approved"')]) + "\n")


def _evidence_gone(home: Home) -> None:
    shutil.rmtree(home.gate / "evidence")


def _registers_changed(home: Home) -> None:
    with (home.registers / "workshops.csv").open("a") as register:
        register.write("310000099,Ny AS,9902,2026-01-01,\n")


def _new_build(home: Home) -> None:
    path = home.warehouse / "current.json"
    path.write_text(path.read_text().replace("b" * 16, "f" * 16))


def _no_candidate(home: Home) -> None:
    shutil.rmtree(candidate_folder(home, P1))


def _anothers_candidate(home: Home) -> None:
    other = make_candidate(home, CandidateKey(MUNICIPALITY_EXTRACT, "9902", PERIOD), CLOCK)
    shutil.rmtree(candidate_folder(home, P1))
    shutil.copytree(other.folder, candidate_folder(home, P1))
    decide(home, P1, other.digest)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_no_verdict, "has not judged"),
        (_held, "has held this candidate"),
        (_changed_byte, "has judged other bytes"),
        (_another_file, "has judged other bytes"),
        (_written_by_hand, "cannot be trusted"),
        (_evidence_gone, "evidence is gone"),
        (_registers_changed, "no longer valid"),
        (_new_build, "built again"),
        (_no_candidate, "no whole candidate"),
        (_anothers_candidate, "is municipality_extract for 9902"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
@pytest.mark.parametrize("is_published_before", [False, True], ids=["first", "published before"])
def test_publishing_is_refused(home: Home, spoil: Callable[[Home], None], why: str, is_published_before: bool) -> None:
    make_and_approve(home, P1)
    if is_published_before:
        publish(home, P1, CLOCK)
    before = bytes_of(home.releases)
    spoil(home)
    with pytest.raises(VerdictMissing, match=why) as raised:
        publish(home, P1, CLOCK)
    assert raised.value.remedy
    assert bytes_of(home.releases) == before


def test_what_is_changed_while_it_is_copied_does_not_leave(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    make_and_approve(home, P1)
    copy = release._copy_candidate

    def changed_meanwhile(candidate: Path, *arguments: object) -> None:
        _changed_byte(home)
        copy(candidate, *arguments)

    monkeypatch.setattr(release, "_copy_candidate", changed_meanwhile)
    with pytest.raises(VerdictMissing, match="changed while it was published"):
        publish(home, P1, CLOCK)
    assert list(period_folder(home, P1).iterdir()) == []


def test_a_damaged_release_is_not_taken_for_published(home: Home) -> None:
    make_and_approve(home, P1)
    folder = publish(home, P1, CLOCK).path
    (folder / "kpi.csv").write_text("x")
    with pytest.raises(ReleaseDamaged, match=r"2026-10-r1, kpi\.csv: differs"):
        publish(home, P1, CLOCK)


def test_a_lost_release_is_not_taken_for_published(home: Home) -> None:
    make_and_approve(home, P1)
    shutil.rmtree(publish(home, P1, CLOCK).path)
    with pytest.raises(ReleaseDamaged, match="r1: the folder is gone"):
        publish(home, P1, CLOCK)


def test_two_publishers_do_not_meet(home: Home) -> None:
    make_and_approve(home, P1)
    with exclusive_lock(home.path / ".publish.lock", doing="publishing"), pytest.raises(WarehouseBusy):
        publish(home, P1, CLOCK)


KILLED = """
import os, sys
from pathlib import Path
from pipelines.gate import bindings
from pipelines.home import Home
from pipelines.publishing import release
from tests.unit.candidates.small_home import CLOCK
from tests.unit.publishing.test_release import P1
bindings._code_digest = lambda: "c" * 64
real = getattr(release, sys.argv[2])
calls = []
def dying(*arguments):
    calls.append(arguments)
    if len(calls) == int(sys.argv[3]):
        os._exit(9)
    return real(*arguments)
setattr(release, sys.argv[2], dying)
release.publish(Home(Path(sys.argv[1])), P1, CLOCK)
"""


@pytest.mark.parametrize(
    ("step", "call"),
    [("_copy_candidate", 1), ("_write", 3), ("_manifest", 1), ("_flush_folder", 1), ("_flush_folder", 2),
     ("_make_current", 1)],
    ids=["before copying", "while copying", "before describing", "before renaming", "after renaming",
         "before it is current"],
)  # fmt: skip
@pytest.mark.parametrize("is_published_before", [False, True], ids=["first", "second"])
def test_a_kill_leaves_nothing_visible_and_the_next_try_ends_in_the_same_bytes(
    home: Home, step: str, call: int, is_published_before: bool
) -> None:
    from pipelines.publishing.listing import list_releases

    make_and_approve(home, P1)
    if is_published_before:
        publish(home, P1, CLOCK)
        change_data(home)
        make_and_approve(home, P1)
    listed = list_releases(home)
    undisturbed = Home(home.path.with_name("copy"))
    shutil.copytree(home.path, undisturbed.path)
    publish(undisturbed, P1, CLOCK)

    done = subprocess.run([sys.executable, "-c", KILLED, str(home.path), step, str(call)], check=False)
    assert done.returncode == 9
    assert list_releases(home) == listed
    assert publish(home, P1, CLOCK).status == RELEASED
    assert bytes_of(home.releases) == bytes_of(undisturbed.releases)
