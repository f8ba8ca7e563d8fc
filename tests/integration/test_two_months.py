"""A month and the next: what comes late, what is corrected, what stands meanwhile, and what each release says of it."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.candidates.products import CandidateKey
from pipelines.gate.deciding import Signer, approve
from pipelines.home import Home
from pipelines.orchestrate import run_pipeline
from pipelines.settings import Clock
from pipelines.summary import RunSummary
from tests.integration.tiny_home import WORKSHOP, drop_ledger
from tests.signing import ANNA

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("corrected_home")]

DECEMBER = Clock.pinned(date(2026, 12, 15))
EXTRACT, SHARE = "municipality_extract", "workshop_release"


@pytest.fixture
def after_october(corrected_home: Home, tmp_path: Path) -> Home:
    """A copy of the tiny home after October: released, then 9901's ledger was corrected and released again."""
    parent = corrected_home.path.parent
    for name in (corrected_home.path.name, f"{corrected_home.path.name}-keys"):
        shutil.copytree(parent / name, tmp_path / name)
    return Home(tmp_path / corrected_home.path.name)


def _run(home: Home) -> RunSummary:
    return run_pipeline(Home(home.path), DECEMBER)


def _release(home: Home, product: str, recipient: str, release_id: str) -> Path:
    period, _, revision = release_id.rpartition("-r")
    return home.releases / product / recipient / period / f"r{revision}"


def _covered(home: Home, release_id: str) -> dict[str, dict[str, Any]]:
    manifest = json.loads((_release(home, SHARE, WORKSHOP, release_id) / "manifest.json").read_text())
    return {one["municipality_no"]: one for one in manifest["coverage"]}


def test_a_late_month_keeps_its_member_at_the_last_good_one_until_it_comes(after_october: Home) -> None:
    home = after_october
    drop_ledger(home, "9902", "2026-11")
    november = _run(home)

    # 9901 has not delivered: its own extract waits, and what it got for October, corrected, stands.
    lines = {line.municipality_no: line for line in november.municipalities}
    assert (lines["9901"].verdict, lines["9901"].release_id, lines["9901"].stands) == ("blocked", None, "2026-10-r2")
    assert [reason[:4] for reason in lines["9901"].reasons] == ["IN02"]
    assert (lines["9902"].verdict, lines["9902"].release_id, lines["9902"].stands) == ("approved", "2026-11-r1", None)

    # The workshop's share goes out with 9901's last good month, and says so.
    (share,) = november.workshops
    assert (share.verdict, share.release_id) == ("approved", "2026-11-r1")
    covered = _covered(home, "2026-11-r1")
    assert covered["9901"] == {
        "municipality_no": "9901",
        "months": ["2026-10"],
        "not_delivered": ["2026-11"],
        "delivered_to": "2026-10",
    }
    assert (covered["9902"]["not_delivered"], covered["9902"]["delivered_to"]) == ([], "2026-11")
    hidden = _codes(home, "2026-11-r1")

    # It comes, with an account that is in no chart: the extract is held till somebody has looked.
    late = drop_ledger(home, "9901", "2026-11")
    late.write_text(late.read_text("utf-8-sig").replace("11150;Matvarer", "11999;Annet", 1), "utf-8-sig", newline="")
    lines = {line.municipality_no: line for line in _run(home).municipalities}
    assert (lines["9901"].verdict, lines["9901"].stands) == ("held", "2026-10-r2")
    assert [reason[:4] for reason in lines["9901"].reasons] == ["IN10"]
    assert lines["9902"].release_id == "2026-11-r1", "nothing of its own has changed"
    key = CandidateKey(EXTRACT, "9901", "2026-11")
    until = date(2026, 12, 31)
    approve(home, DECEMBER, key, Signer(ANNA), reason="Kontoen føres i desember.", expires_on=until)
    lines = {line.municipality_no: line for line in _run(home).municipalities}
    assert (lines["9901"].verdict, lines["9901"].release_id) == ("approved", "2026-11-r1")

    # The share was superseded, with notes; what was hidden stays so.
    second = _release(home, SHARE, WORKSHOP, "2026-11-r2")
    manifest = json.loads((second / "manifest.json").read_text())
    assert manifest["supersedes"] == "2026-11-r1"
    assert _covered(home, "2026-11-r2")["9901"]["not_delivered"] == []
    with (second / "changes_since_previous.csv").open() as stream:
        notes = [(row["table"], row["change"], row["key"], row["columns"]) for row in csv.DictReader(stream)]
    assert ("coverage", "changed", "9901", "delivered_to months not_delivered") in notes
    assert {table for table, *_ in notes} >= {"coverage", "own_sales"}
    again = _codes(home, "2026-11-r2")
    assert {cell for cell, code in hidden.items() if code} <= {cell for cell, code in again.items() if code}


def _codes(home: Home, release_id: str) -> dict[tuple[str, ...], str]:
    with (_release(home, SHARE, WORKSHOP, release_id) / "market_view.csv").open() as stream:
        return {
            (row["year"], row["municipality_no"], row["spend_category"]): row["suppression_code"]
            for row in csv.DictReader(stream)
        }
