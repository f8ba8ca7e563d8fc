"""Publishing without a valid verdict for exactly these bytes is refused, whoever calls, and says why."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines import settings
from pipelines.candidates.products import CandidateKey
from pipelines.errors import VerdictMissing
from pipelines.files import canonical_json
from pipelines.home import Home
from pipelines.publishing.release import publish
from pipelines.settings import Clock

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo_home")]
PERIOD = "2026-10"


@pytest.fixture
def unpublished(demo_home: Path, tmp_path: Path) -> tuple[Home, CandidateKey]:
    """A copy of the demo home in which one approved extract has not been published yet."""
    approved = next(
        line
        for line in map(json.loads, (demo_home / "gate" / "decisions.jsonl").read_text().splitlines())
        if line["product"] == "municipality_extract" and line.get("state") == "approved"
    )
    home = Home(tmp_path / demo_home.name)
    shutil.copytree(demo_home, home.path, ignore=shutil.ignore_patterns("inbox", "dagster", "logs"))
    shutil.copytree(demo_home.parent / f"{demo_home.name}-keys", tmp_path / f"{demo_home.name}-keys")
    key = CandidateKey("municipality_extract", approved["recipient"], PERIOD)
    shutil.rmtree(home.releases / key.product / key.recipient)
    return home, key


def _publish(home: Home, key: CandidateKey) -> None:
    assert home.consortium.as_of is not None
    publish(home, key, Clock.pinned(home.consortium.as_of))


def _is_released(home: Home, key: CandidateKey) -> bool:
    return any((home.releases / key.product / key.recipient).rglob("*.parquet"))


def test_with_its_verdict_it_is_published(unpublished: tuple[Home, CandidateKey]) -> None:
    home, key = unpublished
    _publish(home, key)
    assert _is_released(home, key)


def _delete_the_log(home: Home, key: CandidateKey) -> None:
    (home.gate / "decisions.jsonl").unlink()


def _lines(home: Home) -> list[dict]:
    return [json.loads(line) for line in (home.gate / "decisions.jsonl").read_text().splitlines()]


def _write_lines(home: Home, lines: list[dict]) -> None:
    (home.gate / "decisions.jsonl").write_text("".join(canonical_json(line) + "\n" for line in lines))


def _delete_the_verdict(home: Home, key: CandidateKey) -> None:
    _write_lines(home, [line for line in _lines(home) if line["recipient"] != key.recipient])


def _write_one_by_hand(home: Home, key: CandidateKey) -> None:
    lines = _lines(home)
    verdict = next(line for line in lines if line["recipient"] == key.recipient)
    _write_lines(home, [*lines, verdict | {"previous": "0" * 64, "hmac": "0" * 64}])


def _change_one_byte(home: Home, key: CandidateKey) -> None:
    path = home.candidates / key.product / key.recipient / "municipality_extract.csv"
    raw = bytearray(path.read_bytes())
    raw[-3] ^= 1
    path.write_bytes(raw)


def _add_a_file(home: Home, key: CandidateKey) -> None:
    (home.candidates / key.product / key.recipient / "more.csv").write_text("a\n1\n")


def _use_another_key(home: Home, key: CandidateKey) -> None:
    (home.path.parent / f"{home.path.name}-keys" / "gate_hmac.key").write_text("f" * 64)


@pytest.mark.parametrize(
    "tamper",
    [_delete_the_log, _delete_the_verdict, _write_one_by_hand, _change_one_byte, _add_a_file, _use_another_key],
    ids=lambda tamper: tamper.__name__.strip("_").replace("_", " "),
)
def test_nothing_is_published_after_tampering(
    unpublished: tuple[Home, CandidateKey], tamper: Callable[[Home, CandidateKey], None]
) -> None:
    home, key = unpublished
    tamper(home, key)
    with pytest.raises(VerdictMissing) as refused:
        _publish(home, key)
    assert refused.value.what and refused.value.remedy
    assert not _is_released(home, key)


def test_nothing_is_published_after_a_rule_has_changed(
    unpublished: tuple[Home, CandidateKey], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, key = unpublished
    signed = tmp_path / "expectations"
    shutil.copytree(settings.EXPECTATIONS, signed)
    page = signed / "rules" / "PV03.md"
    changed = page.read_text().replace('version: "1"', 'version: "2"', 1)
    assert changed != page.read_text()
    page.write_text(changed)
    monkeypatch.setattr(settings, "EXPECTATIONS", signed)
    with pytest.raises(VerdictMissing, match="PV03|rule"):
        _publish(home, key)
    assert not _is_released(home, key)
