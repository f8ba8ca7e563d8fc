"""Rows by key, deliveries by state, and nothing of other members."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.home import Home
from pipelines.release_diff import describe_row, diff_deliveries, diff_registers, diff_rows


def record(*deliveries: tuple[str, str, dict[str, list[str]]], **inputs: str) -> dict[str, Any]:
    return {
        "deliveries": [
            {"municipality_no": owner, "source": "ledger", "delivery_id": delivery_id, "periods": periods}
            for owner, delivery_id, periods in deliveries
        ],
        "inputs": {name.replace("__", "/").removeprefix("_"): value for name, value in inputs.items()},
    }


def test_rows_are_added_removed_or_changed_by_their_key() -> None:
    before = [{"key": "b", "n": 1, "same": 0}, {"key": "a", "n": 1, "same": 0}]
    after = [{"key": "a", "n": 2, "same": 0}, {"key": "c", "n": 3, "same": 0}]
    found = diff_rows(before, after, ["key"])
    assert found["added"] == [{"key": {"key": "c"}, "row": after[1]}]
    assert found["removed"] == [{"key": {"key": "b"}, "row": before[0]}]
    assert found["changed"] == [{"key": {"key": "a"}, "columns": {"n": {"before": 1, "after": 2}}}]


def test_what_counts_of_a_delivery_is_told_where_it_has_changed(tmp_path: Path) -> None:
    before = record(("9901", "aa", {"accepted": ["2026-01"]}), ("9902", "bb", {"accepted": ["2026-01"]}))
    after = record(("9901", "aa", {"withdrawn": ["2026-01"]}), ("9902", "bb", {"accepted": ["2026-01"]}))
    (row,) = diff_deliveries(Home(tmp_path), before, after)
    assert (row["municipality_no"], row["change"], row["read_anew"]) == ("9901", "changed", False)
    assert (row["before"], row["after"]) == ({"accepted": ["2026-01"]}, {"withdrawn": ["2026-01"]})


def test_a_delivery_that_is_read_in_another_way_is_told(tmp_path: Path) -> None:
    same = ("9901", "aa", {"accepted": ["2026-01"]})
    before, after = record(same, _9901__aa="1"), record(same, _9901__aa="2")
    (row,) = diff_deliveries(Home(tmp_path), before, after)
    assert row["read_anew"] is True


def test_single_invoices_that_count_otherwise_are_told_of_their_member(tmp_path: Path) -> None:
    same = ("9901", "aa", {"accepted": ["all"]})
    before, after = record(same, _9901__settled="1"), record(same, _9901__settled="2")
    (row,) = diff_deliveries(Home(tmp_path), before, after)
    assert (row["municipality_no"], row["delivery_id"], row["change"]) == ("9901", "", "changed")


def test_a_members_extract_is_explained_by_its_own_deliveries_and_joint_ones(tmp_path: Path) -> None:
    new = [(owner, "aa", {"accepted": ["all"]}) for owner in ("9901", "9902", "_consortium")]
    found = diff_deliveries(Home(tmp_path), record(), record(*new), "9901")
    assert [row["municipality_no"] for row in found] == ["9901", "_consortium"]


def test_the_same_settings_have_no_rows_between_them(tmp_path: Path) -> None:
    assert diff_registers(Home(tmp_path), "aaaa", "aaaa") == []


def test_a_key_reads_as_one_line() -> None:
    assert describe_row({"a": 1, "b": None, "c": "x\ny"}) == "a 1, c x y"
