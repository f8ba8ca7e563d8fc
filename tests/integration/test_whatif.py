"""Moving a part of a need to a workshop, by the command line, on a tiny home."""

from __future__ import annotations

import json

import pytest

from pipelines.home import Home
from tests.homes import samandel, samandel_json
from tests.integration.tiny_home import WORKSHOP

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("corrected_home")]
NEED = ("whatif", "9901", "meeting_food", WORKSHOP)


def test_a_tenth_of_the_need_moves_and_what_nobody_reported_is_not_known(corrected_home: Home) -> None:
    answer = samandel_json(*NEED, "--percent", "10", "--json", "--home", corrected_home.path)
    names = ("category_spend_nok", "moved_nok", "workshop_before_nok", "workshop_after_nok", "headroom_used_nok")
    assert [answer[name] for name in names] == ["2700.50", "270.05", "500.00", "770.05", "270.05"]
    ratios = [answer[f"workshop_spend_ratio_{when}"] for when in ("before", "after")]
    assert ratios == ["0.185151", "0.285151"]
    assert (answer["free_capacity_nok"], answer["places"]) == (None, None)
    assert answer["routes"]
    shown = samandel(*NEED, "--percent", "10", "--home", corrected_home.path).stdout
    assert "not known" in shown
    assert "Purchases of 2 of the twelve months are known." in shown
    last = json.loads((corrected_home.logs / "query_audit.jsonl").read_text().splitlines()[-1])
    assert last["whatif"] == f"9901 meeting_food {WORKSHOP} 10"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("9901", "meeting_food", "399999999", "--percent", "10"), f"There are: meeting_food {WORKSHOP}."),
        (("9901", "laundry", WORKSHOP, "--percent", "10"), f"There are: meeting_food {WORKSHOP}."),
        (("99", "meeting_food", WORKSHOP, "--percent", "10"), "give its number as four digits"),
        (("9901", "meeting_food", WORKSHOP, "--percent", "100.5"), "Write a number above 0, at most 100."),
    ],
    ids=["an unknown workshop", "what it does not deliver", "no municipality", "more than all"],
)
def test_what_cannot_be_asked_is_refused_with_a_remedy(
    corrected_home: Home, arguments: tuple[str, ...], said: str
) -> None:
    refused = samandel("whatif", *arguments, "--home", corrected_home.path, expect=(2,))
    assert said in " ".join(refused.stderr.split())
