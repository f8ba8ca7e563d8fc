"""Whether a cell gives a contributor away is decided from contributors, groups and consents alone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.candidates.sensitivity import (
    Attacker,
    Contributor,
    Limits,
    assess,
    owner_groups,
    protection,
    publishing_their_sales,
)

ME = "310000001"


def paid(*amounts: int) -> list[Contributor]:
    return [Contributor(f"s{number}", amount, abs(amount)) for number, amount in enumerate(amounts)]


@given(st.lists(st.integers(-10_000, 10_000), max_size=8), st.sampled_from([3, 15, 40, 90]))
def test_no_shown_cell_lets_the_recipient_estimate_the_largest_other(amounts: list[int], p: int) -> None:
    limits = Limits(p=p)
    if assess(paid(*amounts), Attacker(ME), limits).reason == "":
        sizes = sorted((abs(amount) for amount in amounts), reverse=True)
        # The best guess at the largest is the total less nothing: it is too high by what the others have.
        assert not sizes or not sizes[0] or (sum(sizes) - sizes[0]) * 100 >= p * sizes[0]


@pytest.mark.parametrize(
    ("amounts", "p", "reason"),
    [
        ((79, 11, 10), 15, ""),
        ((79, 11, 10), 27, "p_percent"),
        ((-79, 11, 10), 27, "p_percent"),
        ((50, 30, 20), 100, ""),
    ],
)
def test_p_percent_of_the_largest_must_be_left(amounts: tuple[int, ...], p: int, reason: str) -> None:
    assert assess(paid(*amounts), Attacker(ME), Limits(p=p)).reason == reason


def test_the_magnitude_to_protect_is_that_of_the_unknown_others() -> None:
    cell = [*paid(500, -300, 200), Contributor(ME, 900, 900)]
    assert assess(cell, Attacker(ME)).magnitude == 1000
    assert assess(cell, Attacker(ME, public=frozenset({"s0"}))).magnitude == 500
    assert assess(cell, Attacker(ME, {ME: "g", "s2": "g"})).magnitude == 800


@pytest.mark.parametrize(("magnitude", "least"), [(0, 0), (1, 1), (100, 15), (101, 16)])
def test_protection_is_rounded_up(magnitude: int, least: int) -> None:
    assert protection(magnitude) == least


def owner(workshop: str, member: str, fraction: str, since: date, until: date | None = None) -> dict[str, Any]:
    return {
        "workshop_org_no": workshop,
        "owner_municipality_no": member,
        "ownership_fraction": Decimal(fraction),
        "valid_from": since,
        "valid_to": until,
    }


def test_workshops_of_one_majority_owner_are_one_group() -> None:
    owners = [
        owner("w1", "9901", "0.60", date(2020, 1, 1)),
        owner("w2", "9901", "0.51", date(2020, 1, 1), date(2025, 12, 31)),
        owner("w2", "9902", "0.51", date(2026, 1, 1)),
        owner("w3", "9901", "0.50", date(2020, 1, 1)),
    ]
    assert owner_groups(owners, 2025) == {"w1": "owner 9901", "w2": "owner 9901"}
    assert owner_groups(owners, 2026) == {"w1": "owner 9901", "w2": "owner 9902"}
    assert owner_groups(owners, 2019) == {}


def test_a_consent_to_publish_ones_sales_is_dated_and_not_taken_back() -> None:
    consents = [
        {"subject": "w1", "product": "workshop_sales", "valid_from": date(2026, 3, 1), "valid_to": date(2026, 6, 30)},
        {"subject": "w2", "product": "workshop_release", "valid_from": date(2020, 1, 1), "valid_to": None},
    ]
    assert publishing_their_sales(consents, date(2026, 2, 28)) == frozenset()
    assert publishing_their_sales(consents, date(2026, 10, 31)) == {"w1"}
