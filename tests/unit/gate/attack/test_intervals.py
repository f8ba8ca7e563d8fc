"""Intervals are those that plain enumeration finds; contradictions are found; assumptions give way to facts."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.gate.attack.findings import worked_out
from pipelines.gate.attack.intervals import Interval, intervals, narrow
from pipelines.gate.attack.system import Contradiction, System
from tests.unit.gate.attack.small_tables import attacked, enumerated, random_table

A, B, C, TOTAL = ("a",), ("b",), ("c",), ("total",)
P = Decimal("0.15")


def _of(*terms: tuple[str, ...], positive: bool = True) -> System:
    system = System()
    system.total(TOTAL, terms, "the total is the sum of its parts")
    if positive:
        system.assumed_positive.update(terms)
    return system


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_intervals_are_those_of_plain_enumeration(seed: int) -> None:
    table = random_table(seed)
    system, names = attacked(table)
    found = intervals(system, names.values())
    for key, (least, greatest) in enumerated(table).items():
        assert found[names[key]].lower == pytest.approx(least, abs=1e-6), key
        assert found[names[key]].upper == pytest.approx(greatest, abs=1e-6), key


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_no_leak_that_enumeration_finds_slips(seed: int) -> None:
    table = random_table(seed)
    system, names = attacked(table)
    truths = {names[key]: (Decimal(table.amount(key)),) * 2 for key in table.hidden}
    leaks = {
        names[key]
        for key, (least, greatest) in enumerated(table).items()
        if table.amount(key)
        and least >= table.amount(key) * 0.85 - 0.001
        and greatest <= table.amount(key) * 1.15 + 0.001
    }
    assert set(worked_out(system, truths, P)) == leaks


def test_without_assumptions_a_part_of_a_total_can_be_anything() -> None:
    system = _of(A, B, positive=False)
    system.know(TOTAL, 100, "shown")
    assert intervals(system, [A]) == {A: Interval(-math.inf, math.inf)}
    system.assumed_positive.update((A, B))
    assert intervals(system, [A]) == {A: Interval(0, 100)}


def test_what_nothing_is_said_about_has_no_end() -> None:
    assert intervals(System(assumed_positive={A}), [A, B]) == {
        A: Interval(0, math.inf),
        B: Interval(-math.inf, math.inf),
    }


def test_an_assumption_that_facts_contradict_is_dropped_and_only_that() -> None:
    system = _of(A, B, C)
    system.know(TOTAL, 10, "shown")
    system.learn({A: 1, B: 1}, 30, 30, "a subtotal")  # c must be -20: it alone is negative
    assert intervals(system, [A, B, C]) == {A: Interval(0, 30), B: Interval(0, 30), C: Interval(-20, -20)}


def test_the_fewest_assumptions_give_way() -> None:
    system = _of(A, B, C)
    system.learn({A: 1, B: 2, C: 1}, -40, -40, "a figure that only negative amounts fit")
    system.learn({TOTAL: 1}, -20, None, "another")
    found = intervals(system, [A, B, C])
    assert found[A].lower >= -0.001
    assert found[C].lower >= -0.001
    assert found[B].upper < 0


def test_an_assumed_link_gives_way_to_what_is_shown() -> None:
    system = _of(A, B)
    system.know(TOTAL, 100, "shown")
    system.learn({A: 1, C: -1}, 0, 0, "as in the release before", is_assumed=True)
    system.know(C, 60, "shown before")
    assert intervals(system, [B]) == {B: Interval(40, 40)}
    system.learn({A: 1}, 70, None, "another figure")
    assert intervals(system, [B]) == {B: Interval(0, 30)}


@pytest.mark.parametrize("amount", ["100.01", "99.99", "1"])
def test_figures_that_cannot_all_be_true_are_told_to_the_oere(amount: str) -> None:
    system = _of(A, B)
    system.know(TOTAL, 100, "the total")
    system.know(A, 40, "one part")
    system.know(B, Decimal(amount) - 40, "the other")
    with pytest.raises(Contradiction, match="the total"):
        intervals(system, [A])


def test_hidden_amounts_that_fit_no_figures_are_a_contradiction_too() -> None:
    system = _of(A, B)
    system.know(TOTAL, 100, "the total")
    system.learn({A: 1, B: 1, C: 1}, 90, 90, "a second total")
    system.learn({C: 1}, 5, None, "a floor")
    with pytest.raises(Contradiction):
        intervals(system, [A])


def test_only_what_is_within_its_limit_is_told() -> None:
    system = _of(A, B)
    system.know(TOTAL, 100, "shown")
    assert narrow(system, {A: Interval(10, 90)}) == {}
    assert narrow(system, {A: Interval(0, 99)}) == {}
    assert narrow(system, {A: Interval(0, 100), B: Interval(1, 100)}) == {A: Interval(0, 100)}


def test_solving_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    system = _of(A, B)
    system.know(TOTAL, 100, "shown")
    intervals(system, [A])
    assert capfd.readouterr() == ("", "")
