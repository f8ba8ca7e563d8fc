"""What each rule forbids is done to a home that has run, and the gate stops it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import settings
from pipelines.gate.rules import read_rules
from pipelines.home import Home
from tests.mutations.__main__ import break_candidates, break_deliveries, slipping
from tests.mutations.at_candidates import MUTATIONS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo_home")]


def test_no_rule_lets_through_what_it_forbids(demo_home: Path, tmp_path: Path) -> None:
    rules = sorted(read_rules(settings.EXPECTATIONS / "rules"))
    answers = [*break_deliveries(tmp_path, rules), *break_candidates(Home(demo_home), tmp_path, MUTATIONS)]
    wrong = [answer for answer in answers if not answer.is_caught]
    assert slipping(answers, rules) == [], wrong
