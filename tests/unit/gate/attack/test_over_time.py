"""DC05 and DC06: what releases tell together, over time and between those who share them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from pipelines import settings
from pipelines.gate import reproduced
from pipelines.gate.judge import judge
from pipelines.gate.suites import read_suite
from tests.unit.gate.small_home import (
    CLOCK,
    EXTRACT,
    NEIGHBOUR,
    OWN,
    SHARE,
    SmallHome,
    extract_row,
    purchase,
    write_table,
)
from tests.unit.gate.test_checks import HIDDEN, ask

D = Decimal
KEY = f"2026/{OWN}/meeting_food"
COLUMNS = list(read_suite(settings.EXPECTATIONS, SHARE.product).tables["market_view"].columns)


def row(municipality: str = OWN, other: str | None = None, own: str = "50.00", **values: Any) -> dict[str, Any]:
    """A row of the view, shown or hidden."""
    shown = {"suppression_code": ""} if other is not None else {}
    amount = None if other is None else D(other)
    return {
        "year": 2026,
        "municipality_no": municipality,
        "spend_category": "meeting_food",
        "own_nok": D(own),
        **HIDDEN,
        **shown,
        "other_nok_or_suppressed": amount,
        **values,
    }


def release(
    small: SmallHome, period: str, *rows: dict[str, Any], revision: int = 1, product: str = SHARE.product
) -> None:
    """Put a release into the recipient's folder."""
    folder = small.home.releases / product / SHARE.recipient / period / f"r{revision}"
    folder.mkdir(parents=True)
    write_table(folder, "market_view", COLUMNS, rows)
    (folder / "manifest.json").write_text(json.dumps({"digest": f"{period}-r{revision}"}))


def candidate(small: SmallHome, *rows: dict[str, Any]) -> None:
    """Write the candidate with these rows."""
    small.tables[SHARE]["market_view"] = list(rows)
    small.write()


def made_again(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Have the share that DC10 makes again hide what the candidate of these tests, made by hand, hides."""
    monkeypatch.setattr(reproduced, "market_pattern", lambda *_: {(2026, OWN, "meeting_food"): code})


def test_the_first_release_has_none_before_it(small: SmallHome) -> None:
    found = ask(small, "DC05", SHARE)
    assert (found.status, found.applied) == ("not_applicable", 0)


def test_a_cell_that_is_hidden_each_time_passes(small: SmallHome) -> None:
    release(small, "2026-09", row())
    candidate(small, row())
    assert ask(small, "DC05", SHARE).status == "passed"


def test_what_an_earlier_release_showed_of_the_same_months_cannot_be_hidden_now(small: SmallHome) -> None:
    release(small, "2026-10", row(other="460.00"))
    candidate(small, row())
    found = ask(small, "DC05", SHARE)
    assert (found.status, found.severity, found.examples) == ("failed", "block", (KEY,))
    assert ask(small, "DC04", SHARE).status == "passed"
    assert judge(small.home, SHARE, CLOCK).state == "blocked"


def test_what_was_hidden_once_stays_hidden_for_those_months(small: SmallHome) -> None:
    release(small, "2026-10", row())
    candidate(small, row(other="460.00"))
    found = ask(small, "DC05", SHARE)
    assert (found.status, found.severity) == ("failed", "block")
    assert found.examples == (f"{KEY}/hidden in 2026-10-r1",)


def test_what_was_hidden_may_be_shown_when_more_months_are_in_it(small: SmallHome) -> None:
    release(small, "2026-09", row())
    candidate(small, row(other="460.00"))
    assert ask(small, "DC05", SHARE).status == "passed"


def test_two_releases_that_hide_different_rows_of_a_total_tell_both(small: SmallHome) -> None:
    rows = [row(), row(NEIGHBOUR, own="0.00"), row("all", "960.00")]
    release(small, "2026-10", rows[0], row(NEIGHBOUR, "500.00", own="0.00"))
    candidate(small, *rows)
    assert ask(small, "DC04", SHARE).status == "passed"
    found = ask(small, "DC05", SHARE)
    assert found.status == "failed"
    assert KEY in found.examples


def test_a_difference_that_enough_others_stand_behind_passes(small: SmallHome) -> None:
    release(small, "2026-09", row(other="120.00"))
    candidate(small, row(other="460.00"))  # October: 100, 110 and 130
    assert ask(small, "DC05", SHARE).status == "passed"


@pytest.mark.parametrize("moved", ["a1", "a4"])
def test_a_difference_that_two_others_stand_behind_is_blocked(small: SmallHome, moved: str) -> None:
    release(small, "2026-09", row(other="230.00"))
    for line in small.warehouse["fct_purchases"]:
        if line["purchase_line_id"] == moved:
            line["period_month"] = "2026-09"
    candidate(small, row(other="460.00"))
    found = ask(small, "DC05", SHARE)
    assert (found.status, found.severity, found.examples) == ("failed", "block", (f"{KEY}/since 2026-09-r1",))


def test_a_difference_that_one_other_dominates_is_blocked(small: SmallHome) -> None:
    release(small, "2026-09", row(other="120.00"))
    small.warehouse["fct_purchases"].append(purchase("big", "320000048", "5000.00"))
    candidate(small, row(other="5460.00"))
    assert ask(small, "DC05", SHARE).status == "failed"


def test_a_corrected_figure_is_held(small: SmallHome, monkeypatch: pytest.MonkeyPatch) -> None:
    made_again(monkeypatch, "")
    release(small, "2026-10", row(other="450.00"))
    shown = {"addressable_nok": D("510.00"), "other_suppliers_band": "3-4", "law_entry_headroom_band": "<0.6"}
    candidate(small, row(other="460.00", **shown))
    found = ask(small, "DC05", SHARE)
    assert (found.status, found.severity) == ("failed", "hold")
    assert judge(small.home, SHARE, CLOCK).state == "held"


def test_a_corrected_figure_beside_a_told_cell_is_blocked_not_held(small: SmallHome) -> None:
    release(small, "2026-10", row(other="450.00"), row(NEIGHBOUR, "500.00", own="0.00"))
    candidate(small, row(other="460.00"), row(NEIGHBOUR, own="0.00"))
    found = ask(small, "DC05", SHARE)
    assert (found.status, found.severity) == ("failed", "block")


def test_a_difference_that_nobody_between_stands_behind_is_a_correction(small: SmallHome) -> None:
    for line in small.warehouse["fct_purchases"]:
        if line["org_no"] != SHARE.recipient:
            line["period_month"] = "2026-09"
    release(small, "2026-09", row(other="450.00"))
    candidate(small, row(other="460.00"))
    found = ask(small, "DC05", SHARE)
    assert (found.status, found.severity) == ("failed", "hold")


def test_a_correction_of_hidden_amounts_contradicts_nothing(small: SmallHome) -> None:
    release(small, "2026-10", row(), row(NEIGHBOUR, own="0.00"), row("all", "900.00"))
    candidate(small, row(), row(NEIGHBOUR, own="0.00"), row("all", "960.00"))
    found = ask(small, "DC05", SHARE)
    assert "No amounts fit" not in found.reason


def test_an_earlier_release_that_cannot_be_read_blocks(small: SmallHome) -> None:
    release(small, "2026-09", row())
    next(small.home.releases.rglob("market_view.parquet")).write_bytes(b"PAR1")
    found = ask(small, "DC05", SHARE)
    assert (found.status, found.examples) == ("failed", ("2026-09-r1",))


def test_a_verdict_does_not_stand_when_the_recipient_has_got_another_release(
    small: SmallHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_again(monkeypatch, HIDDEN["suppression_code"])
    candidate(small, row())
    assert judge(small.home, SHARE, CLOCK).state == "approved"
    release(small, "2026-10", row(other="460.00"))
    assert judge(small.home, SHARE, CLOCK).state == "blocked"


def _three(total: str) -> list[dict[str, Any]]:
    return [row(), row(NEIGHBOUR, own="0.00"), row("all", total)]


def _own_books(small: SmallHome, first_month: str = "2026-01") -> None:
    """The owner's extract states categories, and begins with a month."""
    lines = small.tables[EXTRACT]["municipality_extract"]
    for line, bought in zip(lines, small.warehouse["fct_purchases"], strict=False):
        line["spend_category"] = bought["category_key"]
    lines.append(extract_row(purchase("j", None, "0.00", period_month=first_month)))


def test_an_owner_that_knows_itself_tells_its_neighbour(small: SmallHome) -> None:
    _own_books(small)
    candidate(small, *_three("960.00"))
    assert ask(small, "DC04", SHARE).status == "passed"
    found = ask(small, "DC06", SHARE)
    assert (found.status, found.severity) == ("failed", "block")
    assert f"2026/{NEIGHBOUR}/meeting_food" in found.examples
    assert KEY not in found.examples


def test_an_owner_that_knows_some_months_knows_that_its_year_is_no_less(small: SmallHome) -> None:
    _own_books(small, "2026-09")  # at least 460 of 960 is its own, at most 500 the neighbour's
    candidate(small, *_three("960.00"))
    assert ask(small, "DC06", SHARE).status == "passed"


def test_what_an_owner_knows_of_itself_is_no_leak(small: SmallHome) -> None:
    candidate(small, row(), row(NEIGHBOUR, own="0.00"))
    found = ask(small, "DC06", SHARE)
    assert (found.status, found.applied) == ("passed", 2)  # the neighbour's cell for one owner, the own for the other


def test_without_an_owners_extract_nobody_can_pool_anything(small: SmallHome) -> None:
    candidate(small, *_three("960.00"))
    for path in (small.home.candidates / EXTRACT.product).rglob("*.parquet"):
        path.unlink()
    assert ask(small, "DC06", SHARE).status == "not_applicable"


def test_a_product_that_the_attacker_cannot_read_blocks(small: SmallHome) -> None:
    release(small, "2026-09", row(), product="benchmark_report")
    found = ask(small, "DC06", SHARE)
    assert (found.status, found.examples) == ("failed", ("benchmark_report",))
