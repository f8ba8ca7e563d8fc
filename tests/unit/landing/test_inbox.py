"""Every drop becomes one delivery, once, wherever a pull is cut short."""

from __future__ import annotations

import errno
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from pipelines.cli.operate import say_what_is_left
from pipelines.doctor import examine
from pipelines.errors import UnreadableDelivery
from pipelines.home import Home
from pipelines.landing import inbox, store
from pipelines.landing.inbox import left_lying, pull_source, waiting_drops
from pipelines.landing.store import read_file, read_receipts
from tests.unit.dropped import CLOCK, OWN, drop, invoice, ledger, make_home, pull, source_of


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home")


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_loose_ledger_is_a_delivery_of_its_own(home: Home) -> None:
    drop(home, "2026-10.CSV", ledger("202610"))
    drop(home, "2026-09.csv", ledger("202609"))
    receipts = pull(home)
    assert [(receipt.sequence, receipt.drop) for receipt in receipts] == [(1, "2026-09.csv"), (2, "2026-10.CSV")]
    assert receipts[1].files[0].path.endswith(f"{receipts[1].files[0].sha256}.csv")
    assert names_in(home.inbox / OWN / "ledger") == []
    assert names_in(home.inbox / ".taken" / OWN / "ledger") == ["000001-2026-09.csv", "000002-2026-10.CSV"]


def test_landed_bytes_are_those_that_were_dropped(home: Home) -> None:
    raw = "Beløp;\r\n".encode("cp1252")
    drop(home, "old.txt", raw)
    (receipt,) = pull(home)
    assert read_file(home, receipt.files[0]) == raw
    assert read_receipts(home) == [receipt]


def test_a_folder_is_one_delivery_with_everything_below_it(home: Home) -> None:
    for name in ("2026-06/b.xml", "2026-06/a.xml", "2026-06/more/c.xml", "2026-05/a.xml"):
        drop(home, name, invoice(name), "ehf")
    may, june = pull(home, "ehf")
    assert may.drop == "2026-05"
    assert [file.name for file in june.files] == ["a.xml", "b.xml", "more/c.xml"]


def test_loose_invoices_of_one_pull_are_one_delivery(home: Home) -> None:
    for number in range(3):
        drop(home, f"{number}.xml", invoice(f"F-{number}"), "ehf")
    (receipt,) = pull(home, "ehf")
    assert len(receipt.files) == 3
    drop(home, "3.xml", invoice("F-3"), "ehf")
    assert [entry.sequence for entry in pull(home, "ehf")] == [2]


def test_delivery_id_depends_on_bytes_alone(home: Home) -> None:
    drop(home, "x/1.xml", invoice("F-1"), "ehf")
    drop(home, "x/2.xml", invoice("F-2"), "ehf")
    drop(home, "y/renamed.xml", invoice("F-2"), "ehf")
    drop(home, "y/other.xml", invoice("F-1"), "ehf")
    drop(home, "y/twice.xml", invoice("F-1"), "ehf")
    first, second = pull(home, "ehf")
    assert first.delivery_id == second.delivery_id
    assert (first.duplicate_of, second.duplicate_of) == (None, first.delivery_id)


def test_what_is_not_finished_or_not_a_file_stays(home: Home) -> None:
    folder = drop(home, "good.csv", ledger()).parent
    for name in (".hidden", "upload.csv.part", "upload.TMP"):
        drop(home, name, "x")
    (folder / "link.csv").symlink_to(home.consortium_file)
    os.mkfifo(folder / "pipe.csv")
    (folder / "empty folder").mkdir()
    assert [receipt.drop for receipt in pull(home)] == ["good.csv"]
    assert names_in(folder) == [".hidden", "empty folder", "link.csv", "pipe.csv", "upload.TMP", "upload.csv.part"]


@pytest.mark.parametrize("where", ["2026-10", "2026-10/below"])
@pytest.mark.parametrize("kind", ["link to a file", "link to a folder", "link to nothing", "pipe"])
def test_a_folder_with_a_link_in_it_is_not_taken_for_part_of_a_drop_is_no_delivery(
    home: Home, kind: str, where: str
) -> None:
    folder = drop(home, "2026-10/ledger.csv", ledger()).parent.parent
    other = drop(home, "other.csv", ledger("202609"))
    (folder / where).mkdir(exist_ok=True)
    targets = {"link to a file": other, "link to a folder": home.registers, "link to nothing": "gone"}
    if kind == "pipe":
        os.mkfifo(folder / where / "secret.csv")
    else:
        (folder / where / "secret.csv").symlink_to(targets[kind])
    for taken in (["other.csv"], []):
        with pytest.raises(UnreadableDelivery, match=r"2026-10 \(A link or special file lies in it\)"):
            pull(home)
        assert waiting_drops(home, source_of(home, "ledger")) == ["2026-10"]
        assert [receipt.drop for receipt in read_receipts(home, OWN)] == ["other.csv"]
        assert taken or left_lying(home, source_of(home, "ledger")) == []
    (folder / where / "secret.csv").unlink()
    (receipt,) = pull(home)
    assert [file.name for file in receipt.files] == ["ledger.csv"]


def test_what_is_never_taken_is_told(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    folder = drop(home, "good.csv", ledger()).parent
    (folder / "lenke.csv").symlink_to(home.consortium_file)
    (folder / "loop").symlink_to(folder)
    (folder / ".hidden").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    (folder / "okt" / "uke 1").mkdir(parents=True)
    (folder / "Kari Nordmann 17054026641").mkdir()
    source = source_of(home, "ledger")
    left = ["lenke.csv (a link)", "loop (a link)", "okt (no files in it)", "pipe (a special file)"]
    told = left_lying(home, source)
    assert [one for one in told if "99999999999" not in one] == left
    assert len(told) == 5
    assert "17054026641" not in str(told)
    pull(home)
    assert left_lying(home, source) == told
    (finding,) = [one for one in examine(home) if "not taken" in one["found"]]
    assert (finding["check"], finding["state"]) == ("source 9901/ledger", "note")
    assert finding["found"].endswith(" and 2 more")
    say_what_is_left(home)
    assert "5 not taken in inboxes" in capsys.readouterr().out


def test_nothing_is_told_of_inboxes_that_hold_files_only(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    drop(home, "a.csv", ledger())
    drop(home, "okt/uke/b.csv", ledger("202609"))
    assert left_lying(home, source_of(home, "ledger")) == []
    say_what_is_left(home)
    assert capsys.readouterr().out == ""


def test_a_file_that_has_stopped_growing_is_taken_without_waiting(home: Home) -> None:
    path = drop(home, "old.csv", ledger())
    os.utime(path, (time.time() - 60, time.time() - 60))
    started = time.monotonic()
    assert len(pull_source(home, replace(source_of(home, "ledger"), settle_seconds=30), CLOCK)) == 1
    assert time.monotonic() - started < 5


def test_a_growing_file_is_left_for_the_next_pull(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    path = drop(home, "growing.csv", ledger())
    monkeypatch.setattr(inbox.time, "sleep", lambda seconds: path.write_text(ledger(amounts=["1,00", "2,00"])))
    source = replace(source_of(home, "ledger"), settle_seconds=5)
    assert pull_source(home, source, CLOCK) == []
    monkeypatch.setattr(inbox.time, "sleep", lambda seconds: None)
    assert len(pull_source(home, source, CLOCK)) == 1


def test_what_is_dropped_again_is_received_as_a_duplicate(home: Home) -> None:
    drop(home, "2026-10.csv", ledger())
    (first,) = pull(home)
    drop(home, "2026-10.csv", ledger())
    (second,) = pull(home)
    assert (second.sequence, second.duplicate_of) == (2, first.delivery_id)
    assert pull(home) == []


def test_one_drop_that_cannot_be_moved_stops_no_other(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(home, "a.csv", ledger("202608"))
    drop(home, "b.csv", ledger("202609"))
    drop(home, "c.csv", ledger("202610"))
    open_file = store.open_regular

    def refusing(path: Path) -> BinaryIO:
        if path.name == "b.csv":
            raise PermissionError(errno.EACCES, "Permission denied")
        return open_file(path)

    monkeypatch.setattr(store, "open_regular", refusing)
    with pytest.raises(UnreadableDelivery, match=r"b\.csv \(Permission denied\)"):
        pull(home)
    monkeypatch.undo()
    assert [receipt.drop for receipt in read_receipts(home)] == ["a.csv", "c.csv"]
    assert [receipt.drop for receipt in pull(home)] == ["b.csv"]


def across_file_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is dropped lies on another file system than the home's own folders."""
    rename = os.rename

    def crossing(source: str | Path, target: str | Path, **folders: int) -> None:
        if "src_dir_fd" in folders and "dst_dir_fd" not in folders:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target, **folders)

    monkeypatch.setattr(os, "rename", crossing)


class Killed(BaseException):
    """A kill: nothing may catch it."""


@pytest.mark.parametrize("killed_at", ["store_file", "flush_store", "write_receipt", "move"])
@pytest.mark.parametrize("call", [1, 2])
@pytest.mark.parametrize("kind", ["ledger", "ehf"])
def test_a_pull_killed_anywhere_ends_in_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: str, call: int, kind: str
) -> None:
    homes = [make_home(tmp_path / name) for name in ("undisturbed", "killed")]
    for home in homes:
        if kind == "ledger":
            for month in ("08", "09", "10"):
                drop(home, f"2026-{month}.csv", ledger(f"2026{month}"))
        else:
            for number in range(4):
                drop(home, f"{number}.xml", invoice(f"F-{number}"), "ehf")
            drop(home, "2026-05/1.xml", invoice("F-9"), "ehf")
    undisturbed, killed = homes
    pull(undisturbed, kind)

    calls = 0
    original = getattr(inbox, killed_at)

    def killing(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == call:
            raise Killed
        return original(*arguments)

    monkeypatch.setattr(inbox, killed_at, killing)
    with pytest.raises(Killed):
        pull(killed, kind)
    monkeypatch.undo()
    pull(killed, kind)
    assert tree(killed.landing) == tree(undisturbed.landing)
    assert tree(killed.inbox) == tree(undisturbed.inbox)
    assert pull(killed, kind) == []


def test_gathering_that_was_cut_short_is_continued_as_one_delivery(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        drop(home, f"{number}.xml", invoice(f"F-{number}"), "ehf")
    move = inbox.move

    def killing(path: Path, target: Path) -> None:
        if path.name == "1.xml":
            raise Killed
        move(path, target)

    monkeypatch.setattr(inbox, "move", killing)
    with pytest.raises(Killed):
        pull(home, "ehf")
    monkeypatch.undo()
    # Meanwhile another invoice is dropped under a name that is claimed already: neither may be lost.
    drop(home, "0.xml", invoice("F-100"), "ehf")
    (receipt,) = pull(home, "ehf")
    assert [file.name for file in receipt.files] == ["0.xml", "1.xml", "2.xml"]
    (later,) = pull(home, "ehf")
    assert read_file(home, later.files[0]) == invoice("F-100").encode()


def test_leftovers_of_a_kill_are_removed(home: Home) -> None:
    drop(home, "2026-10.csv", ledger())
    (receipt,) = pull(home)
    folder = home.landing / OWN / "ledger"
    left = [folder / "receipts" / ".000002-x.json.abc.tmp", folder / ".arriving-1.tmp"]
    for path in left:
        path.write_text("half")
    pull(home)
    assert not any(path.exists() for path in left)
    assert len(read_receipts(home)) == 1


@pytest.mark.parametrize("name", ["2026-10", "2026-10.csv"])
def test_a_drop_on_another_file_system_is_copied_whole_before_it_goes(
    home: Home, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    drop(home, name if name.endswith(".csv") else f"{name}/ledger.csv", ledger())
    across_file_systems(monkeypatch)
    assert len(pull(home)) == 1
    assert names_in(home.inbox / OWN / "ledger") == []
    assert names_in(home.inbox / ".taken" / OWN / "ledger") == [f"000001-{name}"]


def test_names_that_are_no_text_are_received(home: Home) -> None:
    folder = drop(home, "x.csv", ledger()).parent
    (folder / "x.csv").rename(folder / os.fsdecode(b"\xe5pne.c sv;"))
    (receipt,) = pull(home)
    assert receipt.drop == "\ufffdpne.c sv;"
    assert Path(receipt.files[0].path).suffix == ""
    assert json.loads(next((home.landing / OWN / "ledger" / "receipts").iterdir()).read_text())["drop"] == receipt.drop


def test_changed_or_lost_bytes_are_not_read(home: Home) -> None:
    drop(home, "2026-10.csv", ledger())
    (receipt,) = pull(home)
    path = home.path / receipt.files[0].path
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    with pytest.raises(UnreadableDelivery, match="changed"):
        read_file(home, receipt.files[0])
    path.unlink()
    with pytest.raises(UnreadableDelivery, match="cannot be read"):
        read_file(home, receipt.files[0])


def test_a_damaged_receipt_is_named(home: Home) -> None:
    drop(home, "2026-10.csv", ledger())
    pull(home)
    (path,) = (home.landing / OWN / "ledger" / "receipts").iterdir()
    path.write_text("{}")
    with pytest.raises(UnreadableDelivery) as caught:
        read_receipts(home)
    assert str(path) in str(caught.value)


def test_many_files_are_flushed_at_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(40):
        drop(home, f"2026-06/{number}.xml", invoice(f"F-{number}"), "ehf")
    calls = []
    monkeypatch.setattr(store.os, "sync", lambda: calls.append("sync"))
    pull(home, "ehf")
    assert calls == ["sync"]
