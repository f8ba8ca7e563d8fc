"""A member may lay links in its own inbox, and swap them in at any moment: nobody else's files move, or are read."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pipelines.doctor import examine
from pipelines.due import waiting_by_owner
from pipelines.errors import ProblemsFound, UnreadableDelivery
from pipelines.home import Home
from pipelines.landing import inbox, no_links
from pipelines.landing.inbox import pull_source, waiting_drops
from pipelines.landing.store import read_file, read_receipts
from tests.unit.dropped import CLOCK, NEIGHBOUR, OWN, drop, ingest, invoice, ledger, make_home, pull, source_of
from tests.unit.landing.test_inbox import across_file_systems, tree


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """The neighbour has delivered once, and dropped something new; so has the attacker."""
    home = make_home(tmp_path / "home")
    drop(home, "2026-08.csv", ledger("202608"), owner=NEIGHBOUR)
    pull(home, owner=NEIGHBOUR)
    drop(home, "2026-10.csv", ledger("202609"), owner=NEIGHBOUR)
    drop(home, "folder/2026-10.csv", ledger("202607"), owner=NEIGHBOUR)
    drop(home, "1.xml", invoice(), "ehf")
    return home


def theirs(home: Home) -> dict[str, dict[str, bytes]]:
    """Return everything that no member but its owner may touch."""
    places = (
        home.registers,
        home.landing / NEIGHBOUR,
        home.inbox / NEIGHBOUR,
        home.inbox / ".taken" / NEIGHBOUR,
        home.path / "gate",
    )
    return {str(place): tree(place) for place in places}


def replace_by_link(folder: Path, target: str | Path) -> None:
    if folder.exists():
        folder.rename(folder.with_name(f".own-{folder.name}"))
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.symlink_to(target)


LINKS = {
    "the neighbour's inbox": ("9901/ledger", "../9902/ledger"),
    "the neighbour's landed bytes": ("9901/ledger", "../../landing/9902/ledger"),
    "the registers": ("9901/ledger", "../../registers"),
    "one's whole inbox": ("9901", "9902"),
    "nowhere": ("9901/ledger", "nothing"),
}


@pytest.mark.parametrize(("folder", "target"), LINKS.values(), ids=LINKS)
def test_a_source_folder_that_is_a_link_is_refused_loudly_and_for_that_source_alone(
    home: Home, folder: str, target: str
) -> None:
    replace_by_link(home.inbox / folder, target)
    before = theirs(home)
    assert waiting_drops(home, source_of(home, "ledger")) == ["ledger"]
    assert "ledger/ledger" in waiting_by_owner(home)[OWN]
    with pytest.raises(UnreadableDelivery, match="is a link") as refused:
        pull(home)
    assert "9901, source ledger" in refused.value.where
    assert theirs(home) == before
    assert read_receipts(home, OWN) == []
    assert len(pull(home, owner=NEIGHBOUR)) == 2
    assert any(one["check"] == "source 9901/ledger" and "is a link" in one["found"] for one in examine(home))


def test_another_source_of_the_same_member_goes_on(home: Home) -> None:
    replace_by_link(home.inbox / OWN / "ledger", "../9902/ledger")
    assert len(pull(home, "ehf")) == 1


@pytest.mark.parametrize("target", ["../../../registers", "../../9902/ledger", "../../../landing/9902", "nothing"])
def test_where_loose_invoices_used_to_be_gathered_leads_nowhere(home: Home, target: str) -> None:
    drop(home, "approvers.csv", "approver_id,name,public_key,valid_from,valid_to\n", "ehf")
    replace_by_link(home.inbox / OWN / "ehf" / ".claimed-loose-files", target)
    before = theirs(home)
    (receipt,) = pull(home, "ehf")
    assert [file.name for file in receipt.files] == ["1.xml", "approvers.csv"]
    assert theirs(home) == before


def test_what_was_gathered_there_before_is_still_taken(home: Home) -> None:
    drop(home, ".claimed-loose-files/0.xml", invoice("F-0"), "ehf")
    assert [[file.name for file in receipt.files] for receipt in pull(home, "ehf")] == [["1.xml"], ["0.xml"]]
    assert waiting_drops(home, source_of(home, "ehf")) == []


def test_what_a_kill_left_gathered_waits(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(inbox, "_take", _stopped)
        with pytest.raises(KeyboardInterrupt):
            pull(home, "ehf")
    assert waiting_drops(home, source_of(home, "ehf")) == ["loose-files"]
    assert len(pull(home, "ehf")) == 1


def _stopped(*_: object) -> None:
    raise KeyboardInterrupt


STEPS = ("source_folder", "_claim_folder", "_drops", "_has_settled", "why_refused", "_store", "write_receipt", "move")


@pytest.mark.parametrize("elsewhere", [False, True], ids=["one file system", "two file systems"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("source", "part"), [("ledger", ""), ("ledger", "folder"), ("ehf", "")])
def test_a_link_that_is_swapped_in_between_two_steps_moves_and_reads_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch, step: str, source: str, part: str, elsewhere: bool
) -> None:
    if elsewhere:
        across_file_systems(monkeypatch)
    # The attacker knows what the neighbour's files are called.
    if not part:
        drop(home, "2026-10.csv", ledger("202601"), source)
    drop(home, "folder/2026-10.csv", ledger("202602"), source)
    before = theirs(home)
    _swap(monkeypatch, step, home.inbox / OWN / source / part, home.inbox / NEIGHBOUR / "ledger" / part)
    with suppress(UnreadableDelivery):
        pull(home, source)
    monkeypatch.undo()
    assert theirs(home) == before
    own = {ledger("202601").encode(), ledger("202602").encode(), invoice().encode()}
    assert {read_file(home, file) for receipt in read_receipts(home, OWN) for file in receipt.files} <= own


def _swap(monkeypatch: pytest.MonkeyPatch, step: str, folder: Path, target: Path) -> None:
    """Swap a link in once: after a step, or before it where the step is the last."""
    original: Callable[..., Any] = getattr(inbox, step)
    swaps = iter([True])

    def swapping(*arguments: Any, **more: Any) -> Any:
        if step == "move" and next(swaps, False):
            replace_by_link(folder, target)
        done = original(*arguments, **more)
        if next(swaps, False):
            replace_by_link(folder, target)
        return done

    monkeypatch.setattr(inbox, step, swapping)


def test_files_of_a_folder_are_not_opened_through_a_link_above_them(tmp_path: Path) -> None:
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "real" / "deep" / "a.csv").write_text("x")
    (tmp_path / "link").symlink_to("real")
    with no_links.open_regular(tmp_path / "real" / "deep" / "a.csv") as stream:
        assert stream.read() == b"x"
    with pytest.raises(OSError, match="Not a directory|Too many levels"):
        no_links.open_regular(tmp_path / "link" / "deep" / "a.csv")


@pytest.mark.parametrize("name", ["alias", "above/home", "home", "alias/../home", "./alias/"])
@pytest.mark.parametrize("absolute", [True, False], ids=["absolute", "relative"])
def test_a_home_is_used_whatever_way_it_is_reached(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, absolute: bool
) -> None:
    (tmp_path / "alias").symlink_to(home.path)
    (tmp_path / "above").symlink_to(tmp_path)
    # Where one stands is reached by a link too.
    monkeypatch.chdir(tmp_path / "above")
    reached = Home(tmp_path / name if absolute else Path(name))
    reached.check()
    drop(reached, "2026-10.csv", ledger())
    drop(reached, "2.xml", invoice("F-2"), "ehf")
    assert {outcome["outcome"] for outcome in ingest(reached)} == {"ok"}
    assert len(read_receipts(home, OWN)) == 2
    replace_by_link(reached.inbox / OWN / "ledger", "../9902/ledger")
    with pytest.raises(UnreadableDelivery, match="is a link"):
        pull(reached)


@pytest.mark.parametrize("mounted", [".", OWN, f"{OWN}/ledger"])
def test_an_inbox_on_another_disk_that_the_administrator_linked_to(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mounted: str
) -> None:
    place, disk = home.inbox / mounted, tmp_path / "disk"
    if place.exists():
        place.rename(disk)
    disk.mkdir(exist_ok=True)
    place.symlink_to(disk)
    across_file_systems(monkeypatch)
    if mounted != ".":
        with pytest.raises(UnreadableDelivery, match="is a link"):
            pull(home)
        return
    home.check()
    drop(home, "2026-10.csv", ledger())
    drop(home, "okt/2026-10.csv", ledger(amounts=["2,00"]))
    assert [len(pull(home)), len(pull(home, "ehf")), len(pull(home, owner=NEIGHBOUR))] == [2, 1, 2]
    assert (disk / ".taken" / OWN / "ledger" / "000001-2026-10.csv").is_file()
    replace_by_link(home.inbox / OWN / "ledger", "../9902/ledger")
    with pytest.raises(UnreadableDelivery, match="is a link"):
        pull(home)


def test_folders_of_a_linked_inbox_are_nobodys_own_by_another_name(tmp_path: Path) -> None:
    text = make_home(tmp_path / "plain").consortium_file.read_text()
    disk = tmp_path / "disk"
    disk.mkdir()
    for number, folder in enumerate(["9902/ledger", ".taken/9902", "."]):
        home = make_home(
            tmp_path / str(number), text.replace("{kind: ledger,", f"{{kind: ledger, folder: {disk / folder},", 1)
        )
        home.inbox.symlink_to(disk)
        with pytest.raises(
            ProblemsFound, match=r"members\.9901, source ledger: its folder|source ledger, or lies in it"
        ):
            home.check()


def test_a_folder_outside_the_home_is_given_by_its_real_path(tmp_path: Path) -> None:
    (tmp_path / "disk" / "out").mkdir(parents=True)
    (tmp_path / "srv").symlink_to("disk")
    text = (make_home(tmp_path / "plain").consortium_file).read_text()
    for name, works in (("disk", True), ("srv", False)):
        home = make_home(
            tmp_path / name / "home",
            text.replace("{kind: ledger,", f"{{kind: ledger, folder: {tmp_path / name / 'out'},", 1),
        )
        (tmp_path / "disk" / "out" / "a.csv").write_text(ledger())
        if works:
            assert len(pull(home)) == 1
            shutil.rmtree(home.path)
        else:
            with pytest.raises(UnreadableDelivery, match="is a link"):
                pull(home)


@pytest.mark.parametrize(
    "folder",
    [
        "landing/9902/ledger",
        "inbox/9901/../../registers",
        "inbox/.taken/9902/ledger",
        "inbox/9901/.hidden",
        "parsed",
        "gate",
        "inbox",
        ".",
        "..",
        "/",
        "HOME/landing",
    ],
)
def test_a_folder_that_is_the_homes_own_is_refused_in_the_settings_and_at_the_pull(tmp_path: Path, folder: str) -> None:
    path = tmp_path / "home"
    text = make_home(tmp_path / "plain").consortium_file.read_text()
    folder = folder.replace("HOME", str(path))
    home = make_home(path, text.replace("{kind: ledger,", f"{{kind: ledger, folder: {folder},", 1))
    with pytest.raises(ProblemsFound, match=r"members\.9901, source ledger: its folder .* cannot be used"):
        home.check()
    before = tree(home.path)
    with pytest.raises(UnreadableDelivery, match="cannot be used"):
        pull(home)
    assert tree(home.path) == before
    assert waiting_drops(home, source_of(home, "ledger")) == ["ledger"]


@pytest.mark.parametrize("folder", ["inbox/9902/ledger", "inbox/9902/./ledger/", "inbox/9902/ledger/below"])
def test_no_source_has_anothers_folder(tmp_path: Path, folder: str) -> None:
    text = make_home(tmp_path / "plain").consortium_file.read_text()
    home = make_home(tmp_path / "home", text.replace("{kind: ledger,", f"{{kind: ledger, folder: {folder},", 1))
    with pytest.raises(ProblemsFound, match=r"is that of members\.990[12], source ledger, or lies in it"):
        home.check()


def test_the_settings_of_a_plain_home_have_no_problem(home: Home) -> None:
    home.check()


def test_a_hard_link_is_taken_like_the_file_that_it_is(home: Home) -> None:
    path = drop(home, "2026-10.csv", ledger())
    os.link(path, home.path / "elsewhere.csv")
    (receipt,) = pull(home)
    (home.path / "elsewhere.csv").write_text("changed since")
    assert read_file(home, receipt.files[0]) == ledger().encode()


def test_what_was_handed_in_is_the_service_accounts_alone(home: Home) -> None:
    drop(home, "2026-10.csv", ledger())
    pull(home)
    pull(home, "ehf")
    for folder in (home.landing, home.inbox / ".taken", home.inbox / ".claimed"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder


def test_gathering_from_another_file_system_that_was_killed_is_no_second_delivery(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    across_file_systems(monkeypatch)
    rename = os.rename

    def killed(source: str | Path, target: str | Path, **folders: int) -> None:
        if "dst_dir_fd" in folders:
            raise KeyboardInterrupt
        rename(source, target, **folders)

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            pull(home, "ehf")
    assert (home.inbox / OWN / "ehf" / "1.xml").exists()
    assert len(pull(home, "ehf")) == 1
    assert pull_source(home, source_of(home, "ehf"), CLOCK) == []
    assert [len(receipt.files) for receipt in read_receipts(home, OWN)] == [1]
