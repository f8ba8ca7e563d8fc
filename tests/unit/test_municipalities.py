"""Who the members are on a day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipelines.municipalities import Municipality, all_municipality_nos, holds_on, members_on, own_org_nos

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))


def member(number: str, valid_from: date, valid_to: date | None = None) -> dict[str, Any]:
    return {
        "municipality_no": number,
        "name": f"Kommune {number}",
        "inhabitants": 1000,
        "valid_from": valid_from,
        "valid_to": valid_to,
    }


REGISTERS = {
    "members": [
        member("9902", date(2024, 1, 1)),
        member("0301", date(2020, 1, 1), date(2025, 12, 31)),
        member("9901", date(2026, 1, 1)),
    ]
}


@given(DAYS, st.integers(0, 100))
def test_both_ends_of_a_period_are_in_it(start: date, length: int) -> None:
    end = start + timedelta(days=length)
    row = {"valid_from": start, "valid_to": end}
    assert holds_on(row, start)
    assert holds_on(row, end)
    assert not holds_on(row, start - timedelta(days=1))
    assert not holds_on(row, end + timedelta(days=1))
    assert holds_on({"valid_from": start, "valid_to": None}, end)


def test_members_are_those_of_the_day_by_number() -> None:
    assert members_on(REGISTERS, date(2025, 6, 1)) == [
        Municipality("0301", "Kommune 0301", 1000),
        Municipality("9902", "Kommune 9902", 1000),
    ]
    assert [one.municipality_no for one in members_on(REGISTERS, date(2026, 1, 1))] == ["9901", "9902"]
    assert members_on(REGISTERS, date(2019, 12, 31)) == []


def test_whoever_was_a_member_once_is_known() -> None:
    assert all_municipality_nos(REGISTERS) == ["0301", "9901", "9902"]


def test_own_numbers_are_the_members_and_the_days() -> None:
    rows = [
        {"municipality_no": "9901", "org_no": "1", "valid_from": date(2020, 1, 1), "valid_to": None},
        {"municipality_no": "9901", "org_no": "2", "valid_from": date(2020, 1, 1), "valid_to": date(2025, 12, 31)},
        {"municipality_no": "9902", "org_no": "3", "valid_from": date(2020, 1, 1), "valid_to": None},
    ]
    assert own_org_nos(rows, "9901", date(2025, 12, 31)) == {"1", "2"}
    assert own_org_nos(rows, "9901", date(2026, 1, 1)) == {"1"}
