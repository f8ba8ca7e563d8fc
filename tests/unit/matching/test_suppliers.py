"""Names are scored against the register once, and in the end it is as if everything had been scored anew."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.matching.suppliers import MOST_CANDIDATES, score_names

_STEMS = ("Hjelmvoll", "Hjelmvold", "Granholt", "Granhol", "Sørbakken", "Utnes")
_TRADES = ("Bakeri", "Bygg", "Renhold")
NAMES = st.builds("{} {}{}".format, st.sampled_from(_STEMS), st.sampled_from(_TRADES), st.sampled_from(("", " AS")))
REGISTERS = st.sets(st.tuples(st.sampled_from([f"31000000{digit}" for digit in range(8)]), NAMES), max_size=8)


def test_a_name_is_given_the_likest_units_first() -> None:
    register = [("310000000", "Hjelmvoll Bakeri AS"), ("310000019", "Hjelmvold Bakeri AS"), ("310000027", "Utnes Bygg")]
    found, scored = score_names(["Hjelmvoll Bakeri"], register, {}, [])
    assert [org_no for org_no, _ in found["Hjelmvoll Bakeri"]] == ["310000000", "310000019"]
    assert found["Hjelmvoll Bakeri"][0][1] == 1
    assert scored == 1


def test_the_best_of_a_units_names_counts() -> None:
    found, _ = score_names(["Old Bakeri"], [("310000000", "New Bakeri AS"), ("310000000", "Old Bakeri AS")], {}, [])
    assert found["Old Bakeri"] == [("310000000", 1.0)]


def test_a_persons_name_is_given_nobody() -> None:
    names = ["Kari Prøvesen", "Prøvesen, Kari", "Maler Kari Prøvesen", "KARI PRØVESEN"]
    found, _ = score_names(names, [("310000000", "Kari Prøvesen AS")], {}, [])
    assert found == {name: [] for name in names}


def test_no_more_than_a_few_units_are_kept() -> None:
    register = [(f"3100000{number:02d}", "Hjelmvoll Bakeri AS") for number in range(20)]
    found, _ = score_names(["Hjelmvoll Bakeri"], register, {}, [])
    assert [org_no for org_no, _ in found["Hjelmvoll Bakeri"]] == [f"3100000{n:02d}" for n in range(MOST_CANDIDATES)]


def test_what_was_scored_is_not_scored_again() -> None:
    register = {("310000000", "Hjelmvoll Bakeri AS")}
    found, _ = score_names(["Hjelmvoll Bakeri"], register, {}, [])
    again, scored = score_names(["Hjelmvoll Bakeri", "Utnes Bygg"], register, found, register)
    assert (again["Hjelmvoll Bakeri"], scored) == (found["Hjelmvoll Bakeri"], 1)


@given(st.lists(st.tuples(st.sets(NAMES, max_size=6), REGISTERS), min_size=2, max_size=5))
@settings(max_examples=200, deadline=None)
def test_any_order_of_deliveries_ends_as_if_all_were_scored_at_once(
    states: list[tuple[set[str], set[tuple[str, str]]]],
) -> None:
    found: dict[str, list[tuple[str, float]]] = {}
    register: set[tuple[str, str]] = set()
    for names, next_register in states:
        found, _ = score_names(sorted(names), next_register, found, register)
        register = next_register
    names, last = states[-1]
    assert found == score_names(sorted(names), last, {}, [])[0]
