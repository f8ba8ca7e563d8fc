"""Names of companies are alike by what tells them apart, and a person's name is known for one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.matching.names import folded, likeness, name_kind

ENOUGH = 0.88


def like(name: str, other: str) -> float:
    return likeness(folded(name), folded(other))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Hjelmvoll Bakeri", "company"),
        ("Almelid A/S", "company"),
        ("Kari Prøvesen AS", "company"),
        ("Solveig Bakeri", "company"),
        ("Kari Prøvesen", "person"),
        ("PRØVESEN, KARI", "person"),
        ("prøvesen kari", "person"),
        ("Kari Prøvesen ENK", "person"),
        ("Maler Kari Prøvesen", "person_and_trade"),
        ("Xulip Prøvesen", "unsure"),
        ("v/Kari Prøvesen", "person"),
        ("", "unsure"),
    ],
)
def test_what_kind_of_name_it_is(name: str, kind: str) -> None:
    assert name_kind(name) == kind


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("HJELMVOLL BAKERI", "Hjelmvoll Bakeri AS"),
        ("Sorbakken Bakeri", "Sørbakken Bakeri AS"),
        ("SÃ¸rbakken Bakeri", "Sørbakken Bakeri AS"),
        ("Ulvaasen Bakeri", "Ulvåsen Bakeri AS"),
        ("Hjelmvol Bakeri", "Hjelmvoll Bakeri AS"),
        ("Hjlemvoll Bakeri", "Hjelmvoll Bakeri AS"),
        ("Hjelmvollbakeri", "Hjelmvoll Bakeri AS"),
        ("Bakeri Hjelmvoll", "Hjelmvoll Bakeri AS"),
        ("Hjelmv0ll Bakeri", "Hjelmvoll Bakeri AS"),
        ("Hjelmvoll Bakeri AS avd. nord", "Hjelmvoll Bakeri AS"),
        ("Hjelmvoll Bakeri AS Granholt", "Hjelmvoll Bakeri AS"),
        ("Hjelmvoll Bakeri c/o Kari Prøvesen", "Hjelmvoll Bakeri AS"),
    ],
)
def test_the_same_company_is_alike_however_it_is_written(name: str, other: str) -> None:
    assert like(name, other) >= ENOUGH


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Hjelmvoll Renhold AS", "Hjelmvoll Bakeri AS"),
        ("Granholt Bakeri AS", "Hjelmvoll Bakeri AS"),
        ("Tangen Bygg 1 AS", "Tangen Bygg 2 AS"),
        ("Bakeri AS", "Hjelmvoll Bakeri AS"),
        ("Moa Bakeri", "Mia Bakeri"),
    ],
)
def test_another_company_is_not(name: str, other: str) -> None:
    assert like(name, other) < ENOUGH


def test_another_legal_form_costs_and_a_missing_one_does_not() -> None:
    assert like("Hjelmvoll Bakeri", "Hjelmvoll Bakeri AS") == 1
    assert like("Hjelmvoll Bakeri SA", "Hjelmvoll Bakeri AS") == pytest.approx(0.92)


@given(st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_likeness_is_between_nothing_and_all_and_the_same_both_ways(name: str, other: str) -> None:
    score = like(name, other)
    assert 0 <= score <= 1
    assert score == pytest.approx(like(other, name), abs=1e-4)
    assert name_kind(name) in ("company", "person", "person_and_trade", "unsure")
