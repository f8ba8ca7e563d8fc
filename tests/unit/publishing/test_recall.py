"""A release that is taken back leaves a tombstone and a log, is kept as evidence, and its bytes never go out again."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.candidates.earlier import earlier_digests
from pipelines.candidates.products import MUNICIPALITY_EXTRACT, WORKSHOP_RELEASE, CandidateKey
from pipelines.cli.main import app
from pipelines.errors import ConfigurationError, VerdictMissing
from pipelines.files import folder_digest
from pipelines.gate import decisions
from pipelines.gate.attack.held import releases_held
from pipelines.gate.deciding import Signer
from pipelines.gate.decisions import decisions_file, verify_chain
from pipelines.home import Home
from pipelines.publishing import recall as recalling
from pipelines.publishing.facts_file import ensure_facts
from pipelines.publishing.listing import list_releases
from pipelines.publishing.recall import finish_recalls, recall_release
from pipelines.publishing.release import publish
from pipelines.publishing.store import read_current
from pipelines.publishing.verify import verify_releases, witness_against_chain
from pipelines.settings import Clock
from tests.homes import bytes_of
from tests.signing import ANNA, enter_approvers
from tests.unit.candidates.small_home import (
    CLOCK,
    PERIOD,
    WORKSHOPS,
    default_rows,
    extract_row,
    write_warehouse,
)
from tests.unit.publishing.approvals import make_and_approve

P1 = CandidateKey(MUNICIPALITY_EXTRACT, "9901", PERIOD)
P2 = CandidateKey(WORKSHOP_RELEASE, WORKSHOPS[0], PERIOD)
WHY = "Beløpene var dobbelt så store."


@pytest.fixture
def released(home: Home) -> Home:
    """A home with a release of each product."""
    for key in (P1, P2):
        make_and_approve(home, key)
        publish(home, key, CLOCK)
    return home


def place(home: Home, key: CandidateKey = P1) -> Path:
    return home.releases / key.product / key.recipient / PERIOD / "r1"


def take_back(home: Home, key: CandidateKey = P1, signer: Signer | None = None) -> dict:
    return recall_release(home, key, f"{PERIOD}-r1", CLOCK, reason=WHY, by="kari", signer=signer)


def is_taken_back(home: Home, before: dict[str, str], key: CandidateKey = P1) -> None:
    assert [path.name for path in place(home, key).iterdir()] == ["recalled.json"]
    assert bytes_of(home.recalled / key.product / key.recipient / PERIOD / "r1") == before
    states = {(row["product"], row["recipient"]): row["state"] for row in list_releases(home)}
    assert states[key.product, key.recipient] == "recalled"
    current = read_current(home, key)
    assert current is not None
    assert (current["release_id"], current["recalled"]) == (None, f"{PERIOD}-r1")
    logged = [json.loads(line) for line in (home.releases / "recalls.jsonl").read_text().splitlines()]
    assert [(line["recipient"], line["release_id"], line["reason"]) for line in logged] == [
        (key.recipient, f"{PERIOD}-r1", WHY)
    ]
    assert [result["problems"] for result in verify_releases(home)] == [[], []]
    assert witness_against_chain(home) == verify_chain(home) == []


def test_it_leaves_a_tombstone_and_a_log_and_the_bytes_are_kept(released: Home) -> None:
    before = bytes_of(place(released))
    told = take_back(released)
    is_taken_back(released, before)
    assert told == json.loads((place(released) / "recalled.json").read_text())
    assert (told["recalled_by"], told["reason"], told["state"]) == ("kari", WHY, "recalled")
    assert "trukket tilbake" in told["text"]
    assert not ensure_facts(released), "the facts of the gate were made after the recall"


def test_once_is_enough(released: Home) -> None:
    first = take_back(released)
    before = decisions_file(released).read_bytes()
    assert take_back(released) == first
    finish_recalls(released)
    assert decisions_file(released).read_bytes() == before
    assert len((released.releases / "recalls.jsonl").read_text().splitlines()) == 1


def test_it_can_be_signed_and_what_was_signed_cannot_be_changed(released: Home) -> None:
    enter_approvers(released)
    assert take_back(released, signer=Signer(ANNA))["recalled_by"] == ANNA
    path = decisions_file(released)
    path.write_text(path.read_text().replace(f'"decided_by":"{ANNA}"', '"decided_by":"berit"'))
    assert verify_chain(released) != []


def test_the_same_bytes_never_go_out_again_and_others_do(released: Home) -> None:
    take_back(released)
    with pytest.raises(VerdictMissing, match="on 2026-11-15 it is recalled"):
        publish(released, P1, CLOCK)
    rows = default_rows()
    rows["product_municipality_extract"].append(extract_row("9901", 99, net_amount_nok=Decimal("7.00")))
    write_warehouse(released, rows, build_id="e" * 16)
    make_and_approve(released, P1)
    result = publish(released, P1, CLOCK)
    manifest = json.loads((result.path / "manifest.json").read_text())
    assert (result.release_id, manifest["supersedes"]) == (f"{PERIOD}-r2", f"{PERIOD}-r1")
    notes = (result.path / "changes_since_previous.csv").read_text().splitlines()[1:]
    assert [note.split(",")[:2] for note in notes] == [
        ["municipality_extract", "added"]
    ]  # held against what was recalled
    assert [row["state"] for row in list_releases(released) if row["recipient"] == "9901"] == ["recalled", "current"]
    assert [result["problems"] for result in verify_releases(released)] == [[], [], []]


def test_its_recipient_still_knows_it(released: Home) -> None:
    held, earlier = releases_held(released, P2.recipient), earlier_digests(released, P2)
    digests = [one.digest for one in held]
    take_back(released, P2)
    after = releases_held(released, P2.recipient)
    assert [one.digest for one in after] == digests
    assert after[0].table("market_view") is not None
    assert earlier_digests(released, P2) == earlier != []


def test_a_release_that_is_not_there_is_named(released: Home) -> None:
    with pytest.raises(ConfigurationError, match="no such release"):
        recall_release(released, P1, f"{PERIOD}-r7", CLOCK, reason=WHY, by="kari")
    with pytest.raises(ConfigurationError, match="needs a reason"):
        recall_release(released, P1, f"{PERIOD}-r1", CLOCK, reason=" ", by="kari")
    assert place(released).joinpath("manifest.json").is_file()


STEPS: dict[str, tuple[object, str]] = {
    "after the chain": (recalling, "write_atomically"),
    "after current.json": (Path, "rename"),
    "after the files": (recalling, "folder_in_place"),
    "before the log": (recalling, "_log"),
    "while the line is written": (decisions, "_flush_folder"),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("again", [finish_recalls, take_back], ids=["the next run", "the same command"])
def test_one_that_a_kill_cut_short_is_brought_to_its_end(
    released: Home, monkeypatch: pytest.MonkeyPatch, step: str, again: Callable[[Home], object]
) -> None:
    before = bytes_of(place(released))

    def killed(*arguments: object, **named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(*STEPS[step], killed)
        with pytest.raises(KeyboardInterrupt):
            take_back(released)
    with pytest.raises(VerdictMissing):
        publish(released, P1, CLOCK)
    again(released)
    is_taken_back(released, before)


def test_a_recalled_release_that_is_spoilt_is_told(released: Home) -> None:
    take_back(released)
    with (released.recalled / P1.product / P1.recipient / PERIOD / "r1" / "kpi.csv").open("a") as stream:
        stream.write("x")
    assert [result["ok"] for result in verify_releases(released, product=P1.product)] == [False]


def test_the_command_says_what_to_do_and_takes_either_way_of_naming(released: Home) -> None:
    def ask(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["release", "recall", *arguments, "--home", str(released.path)])
        return done.exit_code, done.stdout

    code, said = ask(f"{P1.product}/9901/{PERIOD}-r1", "--reason", WHY, "--as-of", "2026-11-15")
    assert code == 0
    assert "recalled by" in said
    assert "Now tell 9901" in said
    code, said = ask(P2.product, P2.recipient, f"{PERIOD}-r1", "--reason", WHY, "--json")
    assert json.loads(said)["state"] == "recalled"


def test_the_head_that_a_manifest_left_with_must_be_in_the_chain(released: Home, tmp_path: Path) -> None:
    left = tmp_path / "elsewhere.json"
    left.write_bytes((place(released, P2) / "manifest.json").read_bytes())

    def verify() -> tuple[int, list[str]]:
        named = ["--manifest", str(left), "--json", "--home", str(released.path)]
        done = CliRunner().invoke(app, ["gate", "verify", *named])
        return done.exit_code, json.loads(done.stdout)["problems"]

    assert verify() == (0, [])
    whole = decisions_file(released).read_bytes().splitlines(keepends=True)
    decisions_file(released).write_bytes(b"".join(whole[:-1]))  # cut short, and the release gone with it
    import shutil

    shutil.rmtree(released.releases / P2.product)
    code, problems = verify()
    assert code == 3
    assert "was written anew or cut short" in problems[-1]


def test_the_clock_pinned_to_another_day_changes_no_digest(released: Home) -> None:
    before = folder_digest(place(released, P2))
    recall_release(released, P1, f"{PERIOD}-r1", Clock.pinned(date(2026, 12, 1)), reason=WHY, by="kari")
    assert folder_digest(place(released, P2)) == before
