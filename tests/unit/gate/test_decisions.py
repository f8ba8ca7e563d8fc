"""Without a green, unbroken, current verdict of the gate's own nothing can be published, and the refusal says why."""

from __future__ import annotations

import hashlib
import hmac
import json
import multiprocessing
import shutil
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipelines import settings
from pipelines.cli.main import app
from pipelines.errors import ConfigurationError, VerdictMissing
from pipelines.files import canonical_json, folder_digest, sha256_bytes
from pipelines.gate.bindings import current_bindings
from pipelines.gate.decisions import (
    append_verdict,
    decisions_file,
    find_valid_verdict,
    read_verdicts,
    standing_verdict,
    verify_chain,
)
from pipelines.gate.evidence import evidence_folder, write_evidence
from pipelines.gate.listing import list_verdicts, show_verdict
from pipelines.gate.rules import RuleResult, read_rules
from pipelines.gate.verdict import Verdict, state_of
from tests.unit.gate.small_home import CLOCK, EXTRACT, SHARE, SmallHome

KEY = b"an invented secret of the tests"
GREEN = RuleResult("PV01", "1", "block", "passed", 5, 5)
RED = RuleResult("DC01", "1", "block", "failed", 5, 4, "one cell", ("2026/9901/meeting_food",), "market_view")
WARNED = RuleResult("IN01", "1", "warn", "failed", 5, 4, "one file", ("cut.xml",))


@pytest.fixture
def small(tmp_path: Path) -> SmallHome:
    """A written home in whose chain nothing stands yet."""
    return SmallHome(tmp_path).write()


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what a verdict is bound to, so that a test can change it."""
    root = tmp_path / "installation"
    shutil.copytree(settings.EXPECTATIONS, root / "expectations")
    (root / "pipelines").mkdir()
    (root / "pipelines" / "module.py").write_text("x = 1\n")
    (root / "requirements.lock").write_text("a==1\n")
    monkeypatch.setattr(settings, "PROJECT_ROOT", root)
    monkeypatch.setattr(settings, "EXPECTATIONS", root / "expectations")
    monkeypatch.setattr(settings, "LOCK_FILE", root / "requirements.lock")
    return root


def give(
    small: SmallHome, *results: RuleResult, key: Any = EXTRACT, at: str = "2026-11-15T00:00:00Z", **facts: Any
) -> Verdict:
    """Store a verdict on a candidate as it lies."""
    home = small.home
    digest = folder_digest(small.folder(key))
    given = results or (GREEN,)
    return append_verdict(
        home,
        Verdict(
            *(key.product, key.recipient, key.period),
            state=state_of(given),
            candidate_sha256=digest,
            decided_at=at,
            bindings=current_bindings(home, key, read_rules(settings.EXPECTATIONS / "rules")),
            evidence_sha256=write_evidence(home, key, digest, given, facts),
            results=given,
        ),
    )


def find(small: SmallHome) -> Verdict:
    return find_valid_verdict(small.home, EXTRACT, folder_digest(small.folder(EXTRACT)), CLOCK.as_of)


def lines(small: SmallHome) -> list[bytes]:
    return decisions_file(small.home).read_bytes().splitlines()


def rewrite(small: SmallHome, *written: bytes) -> None:
    decisions_file(small.home).write_bytes(b"".join(line + b"\n" for line in written))


def entry_of(line: bytes) -> dict[str, Any]:
    return json.loads(line)


def signed(entry: dict[str, Any], key: bytes) -> bytes:
    body = {name: value for name, value in entry.items() if name != "hmac"}
    signature = hmac.new(key, canonical_json(body).encode(), hashlib.sha256).hexdigest()
    return canonical_json({**body, "hmac": signature}).encode()


def test_a_green_verdict_on_these_bytes_is_found_with_its_evidence(small: SmallHome, installation: Path) -> None:
    give(small, GREEN, WARNED)
    found = find(small)
    assert found.state == "approved"
    assert found.results == (GREEN, WARNED)
    assert found.failed_rules == ["IN01"]
    assert verify_chain(small.home) == []


def test_refused_when_there_is_none(small: SmallHome, installation: Path) -> None:
    give(small, key=SHARE)
    with pytest.raises(VerdictMissing, match="has not judged this candidate"):
        find(small)


def test_refused_when_one_byte_of_the_candidate_has_changed(small: SmallHome, installation: Path) -> None:
    give(small)
    with (small.folder(EXTRACT) / "kpi.csv").open("ab") as stream:
        stream.write(b" ")
    with pytest.raises(VerdictMissing, match="has judged other bytes"):
        find(small)


@pytest.mark.parametrize(
    ("severity", "state"), [("block", "blocked"), ("hold", "held")], ids=["a blocking rule", "a holding rule"]
)
def test_refused_when_a_rule_failed(small: SmallHome, installation: Path, severity: str, state: str) -> None:
    give(small, GREEN, replace(RED, severity=severity))
    with pytest.raises(VerdictMissing, match=f"has {state} this candidate \\(DC01\\)"):
        find(small)


def _by_hand(first: bytes, key: bytes | None) -> bytes:
    entry = {**entry_of(first), "state": "approved", "sequence": 2, "previous": sha256_bytes(first)}
    return canonical_json(entry).encode() if key is None else signed(entry, key)


@pytest.mark.parametrize("key", [None, b"a guess"], ids=["signature kept", "another key"])
def test_refused_when_a_green_verdict_was_written_by_hand(
    small: SmallHome, installation: Path, key: bytes | None
) -> None:
    give(small, RED)
    first = lines(small)[0]
    rewrite(small, first, _by_hand(first, key))
    with pytest.raises(VerdictMissing, match=r"line 2 is not signed by the gate: its HMAC is wrong"):
        find(small)
    assert verify_chain(small.home) == ["gate/decisions.jsonl, line 2: is not signed by the gate: its HMAC is wrong."]


def _three(small: SmallHome) -> list[bytes]:
    give(small, RED)
    give(small, key=SHARE)
    give(small)
    return lines(small)


BREAKS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "a line is gone": lambda lines: lines[1:],
    "a line in the middle is gone": lambda lines: [lines[0], lines[2]],
    "two lines are swapped": lambda lines: [lines[1], lines[0], lines[2]],
    "a line stands twice": lambda lines: [*lines, lines[2]],
    "a state is edited": lambda lines: [lines[0].replace(b'"blocked"', b'"approved"'), *lines[1:]],
    "a line is no JSON": lambda lines: [*lines, b"approved"],
    "a line is no decision": lambda lines: [*lines, b"[]"],
    "white space is added": lambda lines: [lines[0].replace(b'":', b'": ', 1), *lines[1:]],
}


@pytest.mark.parametrize("change", BREAKS.values(), ids=BREAKS.keys())
def test_refused_when_the_chain_is_broken(
    small: SmallHome, installation: Path, change: Callable[[list[bytes]], list[bytes]]
) -> None:
    rewrite(small, *change(_three(small)))
    with pytest.raises(VerdictMissing, match="cannot be trusted"):
        find(small)
    assert len(verify_chain(small.home)) == 1, "where it breaks, and no more"
    with pytest.raises(VerdictMissing, match="cannot be trusted"):
        give(small, at="2027-01-01T00:00:00Z")


def test_a_broken_chain_tells_where_it_breaks_first_and_how_much_follows(small: SmallHome, installation: Path) -> None:
    rewrite(small, *BREAKS["a state is edited"](_three(small)))
    (problem,) = verify_chain(small.home)
    assert problem.startswith("gate/decisions.jsonl, line 1: is not signed by the gate")
    assert problem.endswith(" Nothing can be said of the 2 lines after it.")


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


CHANGES: dict[str, tuple[Callable[[SmallHome, Path], object], str]] = {
    "a rule's version": (
        lambda small, root: _replace(root / "expectations/rules/PV01.md", 'version: "1"', 'version: "2"'),
        "rule PV01 is now version 2, it was judged under 1",
    ),
    "a rule is new": (
        lambda small, root: (
            shutil.copy(root / "expectations/rules/PV01.md", root / "expectations/rules/XX01.md")
            and _replace(root / "expectations/rules/XX01.md", "id: PV01", "id: XX01")
        ),
        "rule XX01 is now version 1, it was judged under none",
    ),
    "a rule's limit": (
        lambda small, root: _replace(root / "expectations/rules/DC01.md", 'contributors: "3"', 'contributors: "2"'),
        "the suites, the applicability or a rule's settings have changed",
    ),
    "a suite": (
        lambda small, root: _replace(root / "expectations/workshop_release.yml", '"3-4"', '"1-4"'),
        "the suites, the applicability or a rule's settings have changed",
    ),
    "the matrix": (
        lambda small, root: _replace(
            root / "expectations/applicability.csv", "IN10,municipality_extract,*,yes", "IN10,municipality_extract,*,no"
        ),
        "the suites, the applicability or a rule's settings have changed",
    ),
    "the home's own matrix": (
        lambda small, root: (
            (small.home.path / "expectations").mkdir()
            or (small.home.path / "expectations" / "applicability.csv").write_text("rule,product\n")
        ),
        "the suites, the applicability or a rule's settings have changed",
    ),
    "the code": (lambda small, root: (root / "pipelines" / "module.py").write_text("x = 2\n"), "the code has changed"),
    "new code": (lambda small, root: (root / "pipelines" / "more.py").write_text(""), "the code has changed"),
    "the lock file": (
        lambda small, root: (root / "requirements.lock").write_text("a==2\n"),
        "the locked library versions have changed",
    ),
    "a register": (
        lambda small, root: _replace(small.home.registers / "members.csv", "4000", "4001"),
        "the registers or consortium.yaml have changed",
    ),
    "the settings": (
        lambda small, root: _replace(small.home.consortium_file, "window_months: 2", "window_months: 3"),
        "the registers or consortium.yaml have changed",
    ),
    "the build": (
        lambda small, root: (small.home.warehouse / "current.json").write_text('{"build_id": "another"}'),
        "the warehouse has been built again",
    ),
    "the inputs": (
        lambda small, root: small.folder(EXTRACT).with_name("9901.inputs.json").write_text('{"inputs_digest": "x"}'),
        "the candidate's inputs have changed",
    ),
}


@pytest.mark.parametrize(("change", "says"), CHANGES.values(), ids=CHANGES.keys())
def test_refused_when_what_it_stood_on_has_changed(
    small: SmallHome, installation: Path, change: Callable[[SmallHome, Path], object], says: str
) -> None:
    given = give(small)
    assert find(small) == given
    change(small, installation)
    with pytest.raises(VerdictMissing) as refused:
        find(small)
    assert "no longer valid: " in str(refused.value)
    assert says in str(refused.value)
    now = current_bindings(small.home, EXTRACT, read_rules(settings.EXPECTATIONS / "rules"))
    assert standing_verdict(small.home, EXTRACT, given.candidate_sha256, now) is None


def test_refused_when_registers_have_been_delivered_since(small: SmallHome, installation: Path) -> None:
    from pipelines.landing.settings_delivery import land_settings

    give(small)
    assert land_settings(small.home, CLOCK) is not None
    with pytest.raises(VerdictMissing, match="registers or settings have been delivered"):
        find(small)


def test_prose_on_a_page_may_be_mended(small: SmallHome, installation: Path) -> None:
    given = give(small)
    with (installation / "expectations" / "rules" / "PV01.md").open("a") as page:
        page.write("\nOne more sentence.\n")
    assert find(small) == given


@pytest.mark.parametrize("how", ["gone", "edited"])
def test_refused_when_the_evidence_is_not_what_it_was(small: SmallHome, installation: Path, how: str) -> None:
    given = give(small)
    folder = evidence_folder(small.home, EXTRACT, given.candidate_sha256)
    if how == "gone":
        shutil.rmtree(folder)
    else:
        _replace(folder / "rule_results.csv", "passed", "failed")
    with pytest.raises(VerdictMissing, match="evidence is gone or has been changed"):
        find(small)
    shown = show_verdict(small.home, EXTRACT.product, EXTRACT.recipient, None, CLOCK.as_of)
    assert (shown["is_evidence_intact"], shown["results"][0]["rule"]) == (False, "PV01")


def test_what_a_killed_try_left_of_the_evidence_is_removed(small: SmallHome, installation: Path) -> None:
    given = give(small)
    folder = evidence_folder(small.home, EXTRACT, given.candidate_sha256)
    remnant = folder.with_name(f".{folder.name}.abc.tmp")
    remnant.mkdir()
    (remnant / "results.json").write_text("{")
    give(small, RED)
    assert list(folder.parent.iterdir()) == [folder]


def test_the_same_verdict_is_not_stored_twice(small: SmallHome, installation: Path) -> None:
    first = give(small)
    before = decisions_file(small.home).read_bytes()
    assert give(small, at="2027-01-01T00:00:00Z") == first
    assert decisions_file(small.home).read_bytes() == before
    give(small, RED)
    assert len(lines(small)) == 2


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.999], ids=["a few bytes", "half a line", "all but the newline"])
def test_a_line_torn_by_a_kill_is_left_out_and_then_cut_off(small: SmallHome, installation: Path, kept: float) -> None:
    give(small)
    whole = decisions_file(small.home).read_bytes()
    give(small, key=SHARE)
    both = decisions_file(small.home).read_bytes()
    torn = whole + both[len(whole) : len(whole) + int((len(both) - len(whole) - 1) * kept) + 1]
    decisions_file(small.home).write_bytes(torn[:-1] if torn == both else torn)
    assert find(small).state == "approved"
    assert verify_chain(small.home) == []
    give(small, key=SHARE)
    assert decisions_file(small.home).read_bytes() == both


def test_a_kill_before_the_first_line_was_whole_leaves_nothing(small: SmallHome, installation: Path) -> None:
    small.home.gate.mkdir()
    decisions_file(small.home).write_bytes(b'{"bindings":')
    assert read_verdicts(small.home) == []
    give(small)
    assert find(small).state == "approved"


def _append_many(small: SmallHome, verdict: Verdict, recipient: str) -> None:
    for number in range(10):
        append_verdict(small.home, replace(verdict, recipient=recipient, candidate_sha256=f"{number:064d}"))


def test_writers_at_the_same_time_keep_the_chain_whole(small: SmallHome) -> None:
    context = multiprocessing.get_context("spawn")
    verdict = give(small, key=EXTRACT)
    writers = [context.Process(target=_append_many, args=(small, verdict, recipient)) for recipient in ("9911", "9912")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert verify_chain(small.home) == []
    assert len(read_verdicts(small.home)) == 21


def test_without_a_named_key_nothing_is_stored(small: SmallHome, installation: Path) -> None:
    verdict = give(small)
    decisions_file(small.home).unlink()
    _replace(small.home.consortium_file, "keys: {gate_hmac: file:../keys/gate.key}\n", "")
    for call in (lambda: append_verdict(small.home, verdict), lambda: find(small)):
        with pytest.raises(ConfigurationError, match="keys.gate_hmac"):
            call()
    assert not decisions_file(small.home).exists()


def test_the_key_is_in_no_file_and_no_message(small: SmallHome, installation: Path) -> None:
    give(small)
    (small.root / "keys" / "gate.key").chmod(0o644)
    with pytest.raises(ConfigurationError) as refused:
        find(small)
    assert KEY.decode() not in str(refused.value)
    assert all(KEY not in path.read_bytes() for path in small.home.path.rglob("*") if path.is_file())


def test_listing_gives_the_latest_and_since_when(small: SmallHome, installation: Path) -> None:
    assert list_verdicts(small.home, CLOCK.as_of) == []
    give(small, RED, at="2026-11-01T00:00:00Z")
    give(small, RED, WARNED, at="2026-11-02T00:00:00Z")
    give(small, key=SHARE, at="2026-11-03T00:00:00Z")
    assert list_verdicts(small.home, CLOCK.as_of) == [
        {
            "product": "municipality_extract",
            "recipient": "9901",
            "period": "2026-10",
            "state": "blocked",
            "rules": ["DC01", "IN01"],
            "since": "2026-11-01T00:00:00Z",
            "candidate_sha256": folder_digest(small.folder(EXTRACT)),
        },
        {
            "product": "workshop_release",
            "recipient": SHARE.recipient,
            "period": "2026-10",
            "state": "approved",
            "rules": [],
            "since": "2026-11-03T00:00:00Z",
            "candidate_sha256": folder_digest(small.folder(SHARE)),
        },
    ]
    shown = show_verdict(small.home, "municipality_extract", "9901", None, CLOCK.as_of)
    assert shown["results"][0] == RED.as_dict()
    assert shown["is_evidence_intact"] is True
    with pytest.raises(ConfigurationError, match="no verdict on this"):
        show_verdict(small.home, "municipality_extract", "9901", "2020-01", CLOCK.as_of)


def test_of_a_share_the_visible_part_of_its_market_is_shown(small: SmallHome) -> None:
    withheld = {"cells": 8, "suppressed": 3, "hidden_nok": "250.00", "total_nok": "1000.00"}
    give(small, key=SHARE, withheld=withheld)
    shown = show_verdict(small.home, SHARE.product, SHARE.recipient, None, CLOCK.as_of)
    assert (shown["withheld"], shown["visible_part"]) == (withheld, Decimal("0.75"))
    arguments = ["gate", "show", SHARE.product, SHARE.recipient, "--home", str(small.home.path)]
    printed = CliRunner().invoke(app, arguments).stdout.splitlines()
    assert "market shown: 75.00 %; 3 of 8 cells withheld" in printed


@pytest.mark.parametrize(("total", "part"), [("0.00", "no value"), (None, None)], ids=["nothing bought", "no market"])
def test_where_there_is_no_market_no_part_of_it_is_shown(small: SmallHome, total: str | None, part: str | None) -> None:
    facts = {"withheld": {"cells": 1, "suppressed": 0, "hidden_nok": "0.00", "total_nok": total}} if total else {}
    give(small, key=SHARE, **facts)
    arguments = ["gate", "show", SHARE.product, SHARE.recipient, "--home", str(small.home.path)]
    printed = [line for line in CliRunner().invoke(app, arguments).stdout.splitlines() if "market shown" in line]
    assert printed == ([f"market shown: {part}; 0 of 1 cells withheld"] if part else [])
