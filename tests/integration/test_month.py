"""An ordinary month of the demo, as the coordinator is led through it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.homes import samandel, samandel_json

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo_home")]


def test_an_ordinary_month_needs_at_most_ten_decisions(demo_home: Path) -> None:
    told = json.loads(samandel("month", "--json", "--home", demo_home, expect=(1,)).stdout)
    asked = [step["title"] for step in told["steps"] if step["is_decision"]]
    assert 0 < told["decisions"] == len(asked) <= 10, asked
    assert told["period"] == "2026-10"


def test_members_without_a_month_are_asked_for_it_and_everybody_else_has_a_release(demo_home: Path) -> None:
    steps = json.loads(samandel("month", "--json", "--home", demo_home, expect=(1,)).stdout)["steps"]
    missing = [step for step in steps if step["kind"] == "missing"]
    withheld = [row for row in samandel_json("gate", "list", "--json", "--home", demo_home) if "IN02" in row["rules"]]
    extracts = {row["recipient"] for row in withheld if row["product"] == "municipality_extract"}
    assert {step["about"].split()[1] for step in missing} == extracts
    assert all(step["message"].startswith("Hei!") for step in missing)
    assert [step["kind"] for step in steps].count("released") == 1
    assert "run" not in {step["kind"] for step in steps}, "right after a run none is due"
