"""The page about ledger profiles is true: its examples are profiles, every key is in it, its table is the folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from pipelines.parsing import ledger_profile
from pipelines.parsing.ledger_profile import read_profile, shipped_profile_names

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "ledger-profiles.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_is_a_profile(example: str) -> None:
    assert read_profile(example.encode(), file="example.yml").rule_for("amount") is not None


def test_every_key_has_an_example() -> None:
    shown = {key for example in EXAMPLES for key in yaml.safe_load(example)}
    assert ledger_profile._KEYS - shown == {"records"}
    assert "`records`" in TEXT


def test_every_shipped_profile_is_in_the_table() -> None:
    named = {name for row in re.findall(r"^\| (`.*?) \|", TEXT, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert named == set(shipped_profile_names())
