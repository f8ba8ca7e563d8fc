"""Who delivered what last, and who has been failing since when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipelines.home import Home
from pipelines.landing.inbox import pull_source
from pipelines.outcomes import read_outcomes, status_rows
from pipelines.parsing.parse import parse_owner
from pipelines.parsing.settle import settle
from pipelines.settings import Clock
from tests.unit.dropped import NEIGHBOUR, OWN, drop, invoice, ledger, make_home, source_of

BROKEN = "Something;else\n1;2\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home")


def deliver(home: Home, day: int, content: str, source: str = "ledger") -> None:
    drop(home, f"{day}.csv", content, source)
    pull_source(home, replace(source_of(home, source), settle_seconds=0), Clock.pinned(date(2026, 11, day)))
    parse_owner(home, OWN, home.read_registers())
    settle(home, OWN)


def status(home: Home, source: str = "ledger", owner: str = OWN) -> dict:
    (row,) = [row for row in status_rows(home) if (row["municipality_no"], row["source"]) == (owner, source)]
    return row


def november(day: int) -> datetime:
    return datetime(2026, 11, day, tzinfo=UTC)


def test_every_source_has_a_row_before_its_first_delivery(home: Home) -> None:
    rows = status_rows(home)
    assert [(row["municipality_no"], row["source"]) for row in rows] == [
        (OWN, "ehf"),
        (OWN, "ledger"),
        (NEIGHBOUR, "ledger"),
        ("_consortium", "brreg"),
    ]
    assert all(row["last_delivery_id"] is None and row["failing_since"] is None for row in rows)


def test_status_says_what_came_last_and_what_is_covered(home: Home) -> None:
    deliver(home, 1, ledger("202609"))
    deliver(home, 2, ledger("202608"))
    row = status(home)
    assert (row["outcome"], row["received_at"], row["failing_since"]) == ("ok", november(2), None)
    assert (row["covered_from"], row["covered_to"]) == ("2026-08", "2026-09")
    assert list(row) == [
        "municipality_no",
        "source",
        "last_delivery_id",
        "received_at",
        "covered_from",
        "covered_to",
        "outcome",
        "failing_since",
    ]


def test_failing_begins_with_the_first_of_the_last_failures(home: Home) -> None:
    deliver(home, 1, BROKEN + "first")
    deliver(home, 2, ledger("202609"))
    assert status(home)["failing_since"] is None
    deliver(home, 3, BROKEN + "second")
    deliver(home, 4, BROKEN + "third")
    row = status(home)
    assert (row["outcome"], row["failing_since"], row["received_at"]) == ("failed", november(3), november(4))
    deliver(home, 5, ledger("202610"))
    assert (status(home)["outcome"], status(home)["failing_since"]) == ("ok", None)


def test_a_duplicate_neither_fails_nor_mends(home: Home) -> None:
    deliver(home, 1, ledger("202609"))
    deliver(home, 2, BROKEN)
    deliver(home, 3, ledger("202609"))
    assert (status(home)["outcome"], status(home)["failing_since"]) == ("failed", november(2))


def test_a_held_ledger_is_failing(home: Home) -> None:
    deliver(home, 1, ledger(amounts=["1,00", "2,00", "3,00"]))
    deliver(home, 2, ledger(amounts=["1,00"]))
    assert (status(home)["outcome"], status(home)["failing_since"]) == ("held", november(2))


def test_an_invoice_in_two_files_does_not_make_a_source_fail(home: Home) -> None:
    deliver(home, 1, invoice("F-1"), "ehf")
    deliver(home, 2, invoice("F-1") + "\n", "ehf")
    assert status(home, "ehf")["failing_since"] is None


def test_outcomes_are_in_the_order_of_what_happened(home: Home) -> None:
    deliver(home, 1, ledger(amounts=["1,00", "2,00", "3,00"]))
    deliver(home, 2, ledger(amounts=["1,00"]))
    assert [(row["sequence"], row["step"], row["outcome"]) for row in read_outcomes(home)] == [
        (1, "landed", "ok"),
        (1, "parsed", "ok"),
        (2, "landed", "ok"),
        (2, "parsed", "ok"),
        (2, "settled", "held"),
    ]
    for row in read_outcomes(home):
        assert row["rows_in"] is None or row["rows_in"] == row["rows_out"] + row["rejects"]
