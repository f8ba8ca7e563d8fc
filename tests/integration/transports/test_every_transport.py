"""What holds for every server alike: what makes a delivery, what is new, waiting, cuts, kills, names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import UnreadableDelivery
from pipelines.home import Home
from pipelines.landing import transports
from pipelines.landing.inbox import waiting_drops
from pipelines.landing.store import read_receipts, verified_path
from tests.homes import bytes_of
from tests.integration.transports.conftest import Serve, home_with, pull_all, source_on
from tests.servers import HttpServed, Served
from tests.unit.dropped import invoice, ledger

LARGE = bytes(range(256)) * (40 << 10)  # 10 MiB: more than one piece


def _home(path: Path, served: Served, kind: str = "ledger", **more: Any) -> Home:
    profile = {"profile": "semicolon"} if kind == "ledger" else {}
    return home_with(path, {"kind": kind, "settle_seconds": 0, **profile, **served.keys(), **more})


@pytest.fixture
def home(tmp_path: Path, served: Served) -> Home:
    return _home(tmp_path / "home", served)


def test_a_subfolder_and_each_loose_file_are_deliveries_and_nothing_is_taken_twice(home: Home, served: Served) -> None:
    served.put("2026-10.csv", ledger("202610"))
    served.put("2026-09.csv", ledger("202609"))
    served.put("halvår/a.csv", ledger("202601"))
    served.put("halvår/mer/b.csv", ledger("202602"))
    receipts = pull_all(home)
    assert [receipt.drop for receipt in receipts] == ["2026-09.csv", "2026-10.csv", "halvår"]
    assert [file.name for file in receipts[2].files] == ["a.csv", "mer/b.csv"]
    landed = verified_path(home, receipts[1].files[0])
    assert landed.read_bytes() == ledger("202610").encode()

    reads = served.reads()
    assert pull_all(home) == []
    assert served.reads() == reads, "what had been taken was read again"
    assert "WRITE" not in served.asked


def test_nothing_new_costs_one_listing(home: Home, served: Served) -> None:
    served.put("2026-10.csv", ledger())
    pull_all(home)
    served.asked.clear()
    assert waiting_drops(home, source_on(home)) == []
    assert (served.looks(), served.reads()) == (1, [])


def test_what_waits_is_named(home: Home, served: Served) -> None:
    served.put("2026-10.csv", ledger())
    served.put("halvår/a.csv", ledger("202601"))
    assert waiting_drops(home, source_on(home)) == ["2026-10.csv", "halvår/"]
    assert served.reads() == []


def test_loose_invoices_of_one_pull_are_one_delivery(tmp_path: Path, served: Served) -> None:
    home = _home(tmp_path / "home", served, "ehf")
    for number in range(3):
        served.put(f"{number}.xml", invoice(f"F-{number}"))
    served.put("2026-05/1.xml", invoice("F-9"))
    assert [len(receipt.files) for receipt in pull_all(home)] == [3, 1]
    served.put("3.xml", invoice("F-3"))
    (later,) = pull_all(home)
    assert [file.name for file in later.files] == ["3.xml"]


def test_a_changed_file_is_a_delivery_and_a_touched_one_is_not(home: Home, served: Served) -> None:
    served.put("2026-10.csv", ledger(amounts=["1,00"]))
    (first,) = pull_all(home)
    served.put("2026-10.csv", ledger(amounts=["1,00"]), age=1800)
    assert pull_all(home) == []
    served.put("2026-10.csv", ledger(amounts=["2,00"]), age=900)
    (second,) = pull_all(home)
    assert (second.sequence, second.drop, second.duplicate_of) == (2, "2026-10.csv", None)
    served.put("2026-10.csv", ledger(amounts=["1,00"]), age=600)
    (third,) = pull_all(home)
    assert (third.sequence, third.duplicate_of) == (3, first.delivery_id)


def test_hidden_and_unfinished_files_wait(home: Home, served: Served) -> None:
    for name in (".skjult.csv", ".mappe/a.csv", "x.csv.part", "del/a.csv", "del/b.csv.tmp", "hel/a.csv"):
        served.put(name, ledger())
    assert [receipt.drop for receipt in pull_all(home)] == ["hel"]
    assert not any(name.startswith(("x.csv", ".", "del/")) for name in served.reads())


def test_a_growing_file_waits_and_others_go_on(tmp_path: Path, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    home = _home(tmp_path / "home", served, settle_seconds=2)
    served.put("grows.csv", ledger(amounts=["1,00"]), age=10)
    served.put("still.csv", ledger("202609"))
    moment = [1_000_000.0]
    monkeypatch.setattr(transports.time, "time", lambda: moment[0])

    def sleep(seconds: float) -> None:
        moment[0] += seconds
        served.put("grows.csv", ledger(amounts=["1,00", f"{moment[0]:.0f},00"]), age=5)

    monkeypatch.setattr(transports.time, "sleep", sleep)
    assert [receipt.drop for receipt in pull_all(home)] == ["still.csv"]
    monkeypatch.setattr(transports.time, "sleep", lambda seconds: moment.__setitem__(0, moment[0] + seconds))
    assert [receipt.drop for receipt in pull_all(home)] == ["grows.csv"]


def test_a_file_seen_earlier_is_not_waited_for(tmp_path: Path, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    home = _home(tmp_path / "home", served, settle_seconds=30)
    served.put("2026-10.csv", ledger())
    moment = [1_000_000.0]
    monkeypatch.setattr(transports.time, "time", lambda: moment[0])
    monkeypatch.setattr(transports.time, "sleep", lambda seconds: pytest.fail("it waited"))
    assert waiting_drops(home, source_on(home)) == ["2026-10.csv"]
    moment[0] += 31
    assert len(pull_all(home)) == 1


def test_a_file_that_changes_while_it_is_copied_is_not_taken(
    home: Home, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.put("a.csv", ledger(amounts=["1,00"]))
    copy = transports._continue

    def changing(*arguments: Any) -> None:
        copy(*arguments)
        served.put("a.csv", ledger(amounts=["2,00"]), age=60)

    monkeypatch.setattr(transports, "_continue", changing)
    assert pull_all(home) == []
    monkeypatch.setattr(transports, "_continue", copy)
    (receipt,) = pull_all(home)
    assert verified_path(home, receipt.files[0]).read_text() == ledger(amounts=["2,00"])


def test_a_line_that_is_cut_is_taken_up_where_it_broke(home: Home, served: Served) -> None:
    served.put("large.csv", LARGE)
    served.cut_after = 5 << 20
    (receipt,) = pull_all(home)
    assert verified_path(home, receipt.files[0]).read_bytes() == LARGE
    assert max(served.starts()) > 0, "it was read from the start again"


def test_a_copy_that_was_cut_for_good_is_taken_up_at_the_next_pull(
    home: Home, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transports, "RETRY_AFTER_SECONDS", ())
    served.put("a.csv", ledger())
    served.put("large.csv", LARGE)
    served.cut_after = 5 << 20
    with pytest.raises(Exception, match="line") as caught:
        pull_all(home)
    assert "9901, source ledger" in str(caught.value)
    assert [receipt.drop for receipt in read_receipts(home)] == ["a.csv"]
    served.asked.clear()
    (receipt,) = pull_all(home)
    assert verified_path(home, receipt.files[0]).read_bytes() == LARGE
    assert min(served.starts()) > 0
    assert served.reads()[0] == "large.csv"


def test_a_part_of_another_version_is_not_continued(
    home: Home, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transports, "RETRY_AFTER_SECONDS", ())
    served.put("large.csv", LARGE)
    served.cut_after = 5 << 20
    with pytest.raises(Exception, match="line"):
        pull_all(home)
    other = LARGE[::-1]
    served.put("large.csv", other, age=60)
    (receipt,) = pull_all(home)
    assert verified_path(home, receipt.files[0]).read_bytes() == other


class Killed(BaseException):
    """A kill: nothing may catch it."""


@pytest.mark.parametrize("kind", ["ledger", "ehf"])
@pytest.mark.parametrize(
    ("place", "name", "call"),
    [
        ("transports", "_continue", 2),
        ("transports", "flush_files", 1),
        ("transports", "sha256_file", 2),
        ("transports", "_write_json", 2),
        ("transports", "_put_together", 2),
        ("path", "rename", 1),
        ("path", "replace", 6),
        ("inbox", "store_file", 2),
        ("inbox", "write_receipt", 1),
        ("inbox", "move", 1),
    ],
    ids=str,
)
def test_a_pull_killed_anywhere_ends_in_the_same_bytes(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch, place: str, name: str, call: int, kind: str
) -> None:
    from pipelines.landing import inbox

    served = serve("https")
    for number in range(3):
        served.put(f"{number}.dat", invoice(f"F-{number}") if kind == "ehf" else ledger(f"20261{number}"))
    for number in range(2):
        served.put(f"mappe/{number}.dat", invoice(f"G-{number}") if kind == "ehf" else ledger(f"20260{number + 1}"))
    undisturbed, killed = (_home(tmp_path / word, served, kind) for word in ("undisturbed", "killed"))
    pull_all(undisturbed)

    owner: Any = {"transports": transports, "inbox": inbox, "path": Path}[place]
    original, calls = getattr(owner, name), 0

    def killing(*arguments: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise Killed
        return original(*arguments, **more)

    monkeypatch.setattr(owner, name, killing)
    with pytest.raises(Killed):
        pull_all(killed)
    monkeypatch.setattr(owner, name, original)
    pull_all(killed)
    assert bytes_of(killed.landing) == bytes_of(undisturbed.landing)
    assert pull_all(killed) == []
    assert bytes_of(killed.landing) == bytes_of(undisturbed.landing)


def test_without_memory_nothing_lands_twice(home: Home, served: Served) -> None:
    served.put("2026-10.csv", ledger())
    served.put("halvår/a.csv", ledger("202601"))
    before = pull_all(home)
    (home.inbox / ".remote" / "9901" / "ledger" / "memory.json").unlink()
    assert pull_all(home) == []
    assert read_receipts(home, "9901") == before


def test_one_that_could_not_be_taken_stops_no_other_and_is_taken_later(
    home: Home, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.landing import inbox

    served.put("a.csv", ledger("202609"))
    served.put("b.csv", ledger("202610"))
    store = inbox.store_file

    def full(*arguments: Any) -> Any:
        if arguments[3] == "a.csv":
            raise OSError(28, "No space left on device")
        return store(*arguments)

    monkeypatch.setattr(inbox, "store_file", full)
    with pytest.raises(UnreadableDelivery, match="No space left"):
        pull_all(home)
    served.put("a.csv", ledger("202608"), age=60)
    with pytest.raises(UnreadableDelivery, match="No space left"):
        pull_all(home)
    monkeypatch.setattr(inbox, "store_file", store)
    assert [receipt.drop for receipt in pull_all(home)] == ["a.csv"]
    assert [receipt.drop for receipt in pull_all(home)] == ["a.csv"]
    assert [receipt.drop for receipt in read_receipts(home, "9901")] == ["b.csv", "a.csv", "a.csv"]


def test_a_source_without_files_is_an_empty_folder(home: Home, served: Served) -> None:
    assert pull_all(home) == []
    assert waiting_drops(home, source_on(home)) == []


@pytest.mark.parametrize("name", ["a\\b.csv", "linje\nskift.csv", "å" * 600 + ".csv", "d/" * 20 + "x.csv"], ids=ascii)
def test_a_name_that_nobody_may_follow_is_refused_and_others_go_on(tmp_path: Path, serve: Serve, name: str) -> None:
    served = serve("https")
    assert isinstance(served, HttpServed)
    home = _home(tmp_path / "home", served)
    served.put("good.csv", ledger())
    served.more = [{"name": name, "size": 3, "modified": "x"}]
    assert waiting_drops(home, source_on(home)) != []
    with pytest.raises(UnreadableDelivery, match="its name|lies too deep"):
        pull_all(home)
    assert [receipt.drop for receipt in read_receipts(home, "9901")] == ["good.csv"]
    assert waiting_drops(home, source_on(home)) == [], "what was refused and reported does not wait"
    with pytest.raises(UnreadableDelivery, match="its name|lies too deep"):
        pull_all(home)


@pytest.mark.parametrize(
    "name", ["../../x.csv", "/etc/x.csv", "a/../../x.csv", "a//x.csv", "./x.csv", "..", "//", "../"]
)
def test_no_name_leads_out_of_the_folder_for_what_is_brought(tmp_path: Path, serve: Serve, name: str) -> None:
    served = serve("https")
    assert isinstance(served, HttpServed)
    home = _home(tmp_path / "home", served)
    served.put("good.csv", ledger())
    served.more = [{"name": name, "size": 3, "modified": "x"}]
    with pytest.raises(UnreadableDelivery, match="leads to another folder"):
        pull_all(home)
    assert [receipt.drop for receipt in read_receipts(home, "9901")] == ["good.csv"]
    assert served.reads() == ["good.csv"]
    assert not [path for path in tmp_path.rglob("x.csv*")]


@pytest.mark.parametrize("key", ["a\\b.csv", "../../x.csv", "a//x.csv", "/x.csv"])
def test_an_object_that_nobody_may_follow_is_refused_and_others_go_on(tmp_path: Path, serve: Serve, key: str) -> None:
    served = serve("s3")
    home = _home(tmp_path / "home", served)
    served.put("good.csv", ledger())
    served.put(key, "bad")
    with pytest.raises(UnreadableDelivery, match="its name"):
        pull_all(home)
    assert [receipt.drop for receipt in read_receipts(home, "9901")] == ["good.csv"]
    assert served.reads() == ["good.csv"]


def test_a_name_that_is_file_and_folder_at_once_is_refused(tmp_path: Path, serve: Serve) -> None:
    served = serve("s3")
    home = _home(tmp_path / "home", served)
    served.put("a", ledger())
    served.put("a/b.csv", ledger("202609"))
    with pytest.raises(UnreadableDelivery, match="another file has its name"):
        pull_all(home)
    assert [receipt.drop for receipt in read_receipts(home, "9901")] == ["a"]
