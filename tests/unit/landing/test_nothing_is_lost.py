"""What cannot be taken whole is not taken at all, and stops nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import UnreadableDelivery
from pipelines.home import Home, Source
from pipelines.landing import inbox
from pipelines.landing.inbox import pull_source, waiting_drops
from pipelines.landing.store import read_receipts
from tests.unit.dropped import CLOCK, make_home

EHF = Source("9901", "ehf", "ehf", "inbox/9901/ehf", settle_seconds=0)
LEDGER = Source("9901", "ledger", "ledger", "inbox/9901/ledger", profile="semicolon", settle_seconds=0)


def _drop(home: Home, name: str, raw: bytes = b"x") -> Path:
    path = home.inbox / "9901" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return path


def test_a_folder_with_an_unfinished_file_waits_until_it_is_finished(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    _drop(home, "ehf/drop/a.xml", b"a")
    part = _drop(home, "ehf/drop/b.xml.part", b"b")
    assert pull_source(home, EHF, CLOCK) == []
    assert part.exists()
    part.rename(part.with_suffix(""))
    (receipt,) = pull_source(home, EHF, CLOCK)
    assert [file.name for file in receipt.files] == ["a.xml", "b.xml"]


def test_a_folder_that_cannot_be_looked_through_stays_whole_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path)
    locked = _drop(home, "ehf/locked/a.xml", b"a").parent
    _drop(home, "ehf/open/b.xml", b"b")
    walk = inbox.os.walk

    def refuse(folder: Path, onerror):
        if Path(folder) == locked:
            onerror(PermissionError(13, "Permission denied", str(folder)))
        return walk(folder, onerror=onerror)

    monkeypatch.setattr(inbox.os, "walk", refuse)
    assert waiting_drops(home, EHF) == ["locked", "open"]
    with pytest.raises(UnreadableDelivery, match="locked"):
        pull_source(home, EHF, CLOCK)
    assert (locked / "a.xml").exists()
    assert [receipt.drop for receipt in read_receipts(home)] == ["open"]


def test_a_number_is_given_once_even_if_the_move_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = make_home(tmp_path)
    _drop(home, "ledger/a.csv", b"a")
    _drop(home, "ledger/b.csv", b"b")
    move = inbox.move

    def fail_once(path: Path, target: Path) -> None:
        if path.name == "a.csv":
            raise OSError(28, "No space left on device")
        move(path, target)

    monkeypatch.setattr(inbox, "move", fail_once)
    with pytest.raises(UnreadableDelivery):
        pull_source(home, LEDGER, CLOCK)
    assert [receipt.sequence for receipt in read_receipts(home)] == [1, 2]
    monkeypatch.setattr(inbox, "move", move)
    assert pull_source(home, LEDGER, CLOCK) == []
    assert waiting_drops(home, LEDGER) == []


def test_a_very_long_name_is_taken(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    name = "å" * 120 + ".csv"
    _drop(home, f"ledger/{name}")
    (receipt,) = pull_source(home, LEDGER, CLOCK)
    assert receipt.files[0].name == name
    assert pull_source(home, LEDGER, CLOCK) == []
