"""Everything that was received has one number, which it keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.errors import UnreadableDelivery
from pipelines.home import Home
from pipelines.landing.journal import JOURNAL, extend_journal, read_journal


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def receive(home: Home, file: str, moment: str) -> None:
    path = home.landing / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"at" if "decisions" in file else "received_at": moment}))


def test_what_comes_within_one_run_is_ordered_by_its_time_then_its_place(home: Home) -> None:
    receive(home, "9902/ledger/receipts/000001-b.json", "2026-03-01T00:00:00Z")
    receive(home, "9901/ledger/receipts/000001-a.json", "2026-03-01T00:00:00Z")
    receive(home, "9903/ledger/receipts/000001-c.json", "2026-02-01T00:00:00Z")
    assert [(one.number, one.file[:4]) for one in extend_journal(home)] == [(1, "9903"), (2, "9901"), (3, "9902")]


def test_a_number_once_given_stays_whatever_the_clock_says_later(home: Home) -> None:
    receive(home, "9901/ledger/receipts/000001-a.json", "2026-03-01T00:00:00Z")
    first = extend_journal(home)
    receive(home, "9901/ledger/decisions/000001-withdraw-a.json", "2026-01-01T00:00:00Z")
    both = extend_journal(home)
    assert both[:1] == first
    assert [one.is_receipt for one in both] == [True, False]
    written = (home.landing / JOURNAL).read_bytes()
    assert extend_journal(home) == both == read_journal(home)
    assert (home.landing / JOURNAL).read_bytes() == written


def test_nothing_received_is_no_journal(home: Home) -> None:
    assert extend_journal(home) == []
    assert not (home.landing / JOURNAL).exists()


@pytest.mark.parametrize(
    "text", ["not json\n", '{"number":2,"file":"a"}\n', '{"number":1,"file":"a"}\n{"number":1,"file":"b"}\n', ""]
)
def test_a_journal_that_was_changed_is_refused(home: Home, text: str) -> None:
    home.landing.mkdir()
    (home.landing / JOURNAL).write_text(text)
    with pytest.raises(UnreadableDelivery, match="journal"):
        read_journal(home)
