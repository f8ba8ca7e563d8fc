"""What a workshop already holds counts: a cell that was hidden stays hidden, and a difference is a cell too."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.candidates.earlier import changed_contributors, earlier_digests, read_earlier
from pipelines.candidates.make import candidate_folder, is_current, make_candidate, suppression_log_file
from pipelines.candidates.products import WORKSHOP_RELEASE, CandidateKey
from pipelines.candidates.sensitivity import Contributor
from pipelines.home import Home
from tests.unit.candidates.small_home import (
    CLOCK,
    PERIOD,
    WORKSHOPS,
    contributions,
    default_rows,
    market_row,
    write_warehouse,
)

ME = WORKSHOPS[0]
OCTOBER, NOVEMBER = CandidateKey(WORKSHOP_RELEASE, ME, PERIOD), CandidateKey(WORKSHOP_RELEASE, ME, "2026-11")
FIVE = {str(number): 100 for number in range(5)}


def cell(others: dict[str, int], **facts: Any) -> dict[str, Any]:
    """A cell of the recipient's market, with what others sold."""
    amounts = {payee: Decimal(net) for payee, net in others.items()}
    net = sum(amounts.values(), Decimal(0))
    stated = contributions(amounts | {ME: Decimal(100)})
    return market_row(ME, other_nok=net, addressable_nok=net + 100, contributions=stated, **facts)


def build(home: Home, *cells: dict[str, Any], build_id: str) -> None:
    write_warehouse(home, {**default_rows(), "product_workshop_market_view": list(cells)}, build_id=build_id * 16)


def publish(home: Home, key: CandidateKey, revision: int = 1) -> None:
    """Put a candidate where its release would lie."""
    candidate = make_candidate(home, key, CLOCK)
    release = home.releases / key.product / key.recipient / key.period / f"r{revision}"
    shutil.copytree(candidate_folder(home, key), release)
    (release / "manifest.json").write_text(json.dumps({"digest": candidate.digest}))


def codes(home: Home, key: CandidateKey) -> dict[str, str]:
    """The code of each cell of a candidate made now, by category."""
    folder = make_candidate(home, key, CLOCK).folder
    rows = pq.read_table(folder / "market_view.parquet").to_pylist()
    return {row["spend_category"]: row["suppression_code"] for row in rows}


def reasons(home: Home, key: CandidateKey) -> list[str]:
    return [line.split(",")[4] for line in suppression_log_file(home, key).read_text().splitlines()[1:]]


def test_publishing_a_candidate_does_not_make_it_anew(home: Home) -> None:
    build(home, cell(FIVE), cell({"1": 100}, spend_category="gifts"), build_id="1")
    publish(home, OCTOBER)
    assert is_current(home, OCTOBER)
    held = earlier_digests(home, OCTOBER)
    assert earlier_digests(home, OCTOBER, held[0]) == []


def test_the_same_rows_again_give_the_same_bytes(home: Home) -> None:
    build(home, cell(FIVE), cell({"1": 100}, spend_category="gifts"), build_id="1")
    first = make_candidate(home, OCTOBER, CLOCK)
    publish(home, OCTOBER)
    build(home, cell(FIVE), cell({"1": 100}, spend_category="gifts"), build_id="2")
    again = make_candidate(home, OCTOBER, CLOCK)
    assert (again.is_new, again.digest) == (True, first.digest)
    assert is_current(home, OCTOBER)


def test_a_cell_that_was_hidden_stays_hidden_in_its_months(home: Home) -> None:
    build(home, cell({"1": 100}), cell({"1": 100}, spend_category="gifts", year=2025), build_id="1")
    publish(home, OCTOBER)
    build(home, cell(FIVE), cell(FIVE, spend_category="gifts", year=2025), build_id="2")
    assert codes(home, OCTOBER) == {"meeting_food": "k", "gifts": "k"}
    assert reasons(home, OCTOBER) == ["hidden_before"] * 2
    # November's cell of 2026 has a month more; 2025 is over.
    assert codes(home, NOVEMBER) == {"meeting_food": "", "gifts": "k"}


@pytest.mark.parametrize(
    ("others", "codes_now"),
    [(FIVE | {"1": 150}, {}), ({"1": 500}, {}), (FIVE | {"1": 150, "2": 150, "3": 150}, {"meeting_food": ""})],
    ids=["one supplier corrected", "others withdrawn", "three corrected"],
)
def test_what_was_shown_is_left_out_of_its_months_where_it_must_not_be_shown_again(
    home: Home, others: dict[str, int], codes_now: dict[str, str]
) -> None:
    build(home, cell(FIVE), build_id="1")
    publish(home, OCTOBER)
    build(home, cell(others), build_id="2")
    assert codes(home, OCTOBER) == codes_now
    logged = suppression_log_file(home, OCTOBER).read_text().splitlines()[1:]
    assert ["left out" in line for line in logged] == [True] * (1 - len(codes_now))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, ""),
        ({"1": 150}, "k"),
        ({"1": 150, "2": 150}, "k"),
        ({"1": 150, "2": 150, "3": 150}, ""),
        ({"1": 1000, "2": 101, "3": 101}, "k"),
        ({"7": 50, "8": 60, "9": 70}, ""),
        ({"1": 50, "2": 160}, "k"),
        ({"1": 50, "2": 150}, ""),
    ],
    ids=[
        "nothing",
        "one supplier",
        "two suppliers",
        "three suppliers",
        "one of three by far the most",
        "three new suppliers",
        "a credit note and a purchase",
        "an exchange that leaves the amount",
    ],
)
def test_the_difference_to_an_earlier_release_follows_the_same_rules(
    home: Home, changed: dict[str, int], code: str
) -> None:
    build(home, cell(FIVE), build_id="1")
    publish(home, OCTOBER)
    build(home, cell(FIVE | changed), build_id="2")
    assert codes(home, NOVEMBER) == {"meeting_food": code}
    assert reasons(home, NOVEMBER) == (["changed"] if code else [])


def test_a_superseded_revision_is_held_too(home: Home) -> None:
    build(home, cell(FIVE), build_id="1")
    publish(home, OCTOBER)
    build(home, cell({str(number): 200 for number in range(5)}), build_id="2")
    publish(home, OCTOBER, revision=2)
    build(home, cell({str(number): 200 for number in range(5)} | {"0": 101}), build_id="3")
    assert len(read_earlier(home, OCTOBER).shown[2026, "9901", "meeting_food"]) == 2
    assert codes(home, NOVEMBER) == {"meeting_food": "k"}


def test_a_changed_cell_whose_contributors_are_not_remembered_is_hidden(home: Home) -> None:
    build(home, cell(FIVE), build_id="1")
    publish(home, OCTOBER)
    shutil.rmtree(home.candidates / WORKSHOP_RELEASE / f"{ME}.contributors")
    build(home, cell(FIVE | {"1": 150, "2": 150, "3": 150}), build_id="2")
    assert codes(home, NOVEMBER) == {"meeting_food": "k"}


def test_only_what_was_released_and_the_last_candidate_are_remembered(home: Home) -> None:
    memory = home.candidates / WORKSHOP_RELEASE / f"{ME}.contributors"
    build(home, cell(FIVE), build_id="1")
    publish(home, OCTOBER)
    for build_id, net in (("2", 200), ("3", 300)):
        build(home, cell({str(number): net for number in range(5)}), build_id=build_id)
        make_candidate(home, NOVEMBER, CLOCK)
    assert len(list(memory.iterdir())) == 2
    assert not list(candidate_folder(home, NOVEMBER).glob("*contributors*"))


def test_who_changed_is_counted_with_what_was_taken_back() -> None:
    then = [Contributor("a", 100, 100), Contributor("b", 50, 50), Contributor("c", 10, 10)]
    now = [Contributor("a", 100, 300), Contributor("b", 20, 20), Contributor("c", 10, 10), Contributor("d", -5, 5)]
    assert changed_contributors(now, then) == [
        Contributor("a", 0, 200),
        Contributor("b", -30, 30),
        Contributor("d", -5, 5),
    ]
