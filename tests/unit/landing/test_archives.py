"""An archive is unpacked whole within its limits, or refused with a reason; nothing it holds can harm."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.home import Home
from pipelines.landing.archives import is_archive, open_archive, refusal
from pipelines.landing.store import read_file, read_receipts
from pipelines.limits import DEFAULT_LIMITS, MIB, Limits
from pipelines.parsing.settle import settle
from pipelines.parsing.shared_ledgers import find_shared
from tests.unit.dropped import NEIGHBOUR, OTHER_BUYER, OWN, drop, ingest, invoice, ledger, make_home, pull, rows_of


def zipped(members: dict[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def with_entry(change: Callable[[zipfile.ZipInfo], None], content: bytes = b"x") -> bytes:
    buffer = io.BytesIO()
    entry = zipfile.ZipInfo("a.csv")
    change(entry)
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, content)
    return buffer.getvalue()


def twice_named() -> bytes:
    return zipped({"a.csv": b"1", "B.csv": b"2"}).replace(b"B.csv", b"a.csv")


def a_link() -> bytes:
    def make(entry: zipfile.ZipInfo) -> None:
        entry.create_system, entry.external_attr = 3, 0o120777 << 16

    return with_entry(make, b"/etc/passwd")


def encrypted() -> bytes:
    raw = bytearray(zipped({"a.csv": b"x"}))
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    return bytes(raw)


def overlapping() -> bytes:
    """Two entries of the directory over the same bytes."""
    raw = zipped({"a.csv": b"x" * 100}, zipfile.ZIP_STORED)
    at, end = raw.index(b"PK\x01\x02"), raw.index(b"PK\x05\x06")
    directory = raw[at:end]
    second = directory.replace(b"a.csv", b"b.csv")
    record = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, len(directory) * 2, at, 0)
    return raw[:at] + directory + second + record


def lying_about_size() -> bytes:
    """The directory and the header state ten bytes where there are many."""
    raw = zipped({"a.csv": b"y" * 5000})
    return raw.replace(struct.pack("<L", 5000), struct.pack("<L", 10))


def bad_checksum() -> bytes:
    raw = zipped({"a.csv": b"some text of a ledger"}, zipfile.ZIP_STORED)
    return raw.replace(b"some text", b"same text")


def huge_directory_claim() -> bytes:
    raw = zipped({"a.csv": b"x"}) + bytes(40 * MIB)
    at = raw.index(b"PK\x05\x06")
    return raw[:at] + raw[at + 22 :] + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 39 * MIB, 60, 0)


SMALL = replace(DEFAULT_LIMITS, archive_members=3, archive_unpacked_mib=2)
REFUSED: dict[str, tuple[bytes, str]] = {
    "too many": (zipped({f"{number}.csv": b"x" for number in range(4)}), "more than 3 files"),
    "too large": (zipped({"a.csv": bytes(range(256)) * 9000}, zipfile.ZIP_STORED), "larger than 2 MiB"),
    "too large together": (
        zipped({name: bytes(range(256)) * 5000 for name in ("a", "b")}, zipfile.ZIP_STORED),
        "larger than 2 MiB",
    ),
    "compressed too well": (zipped({"a.csv": bytes(2 * MIB)}), "compressed to less than"),
    "an archive inside": (zipped({"a.zip": zipped({"b.csv": b"x"})}), "an archive lies inside"),
    "an archive inside, by another name": (zipped({"a.csv": zipped({"b.csv": b"x"})}), "an archive lies inside"),
    "two of a name": (twice_named(), "same name"),
    "two names that a folder cannot hold": (zipped({"a.csv": b"1", "A.CSV": b"2"}), "same name"),
    "a link": (a_link(), "a link or special file"),
    "a password": (encrypted(), "password"),
    "overlapping": (overlapping(), "overlap"),
    "a size that is not true": (lying_about_size(), "damaged"),
    "a checksum that is not true": (bad_checksum(), "damaged"),
    "cut short": (zipped({"a.csv": b"x" * 1000})[:-30], "damaged"),
    "a directory claimed huge": (huge_directory_claim(), "more than 3 files"),
    "another method": (zipped({"a.csv": b"x"}, zipfile.ZIP_LZMA), "compressed in a way"),
    "empty": (zipped({}), "holds no files"),
    "hidden files only": (zipped({".DS_Store": b"x", "__MACOSX/a.csv": b"x"}), "holds no files"),
    "a very long name": (zipped({"a" * 501: b"x"}), "500 characters"),
} | {
    f"a name such as {name!r}": (zipped({name: b"x"}), "leads out of the archive")
    for name in ("../a.csv", "a/../../b.csv", "/etc/a.csv", "C:/a.csv", "a\\..\\b.csv", "./a.csv", "a//b.csv")
} | {
    f"a name with {ord(sign):#06x}": (zipped({f"a{sign}.csv": b"x"}), "control characters")
    for sign in ("\n", "\x1b", "\u202e", "\u2028", "\x7f")
}  # fmt: skip


@pytest.mark.parametrize(("raw", "reason"), REFUSED.values(), ids=REFUSED)
def test_an_archive_that_breaks_a_rule_is_refused_with_its_reason(raw: bytes, reason: str) -> None:
    assert is_archive(io.BytesIO(raw))
    said = refusal(io.BytesIO(raw), SMALL)
    assert said is not None
    assert reason in said
    assert refusal(io.BytesIO(raw), SMALL) == said


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
def test_an_honest_archive_gives_its_files_by_name_and_leaves_hidden_ones_out(compression: int) -> None:
    members = {"b/2.csv": b"two", "a 😀 æ.csv": b"one", ".hidden": b"x", "__MACOSX/b/._2.csv": b"x", "empty/": b""}
    with open_archive(io.BytesIO(zipped(members, compression)), DEFAULT_LIMITS) as archive:
        archive.examine()
        assert archive.members == ("a 😀 æ.csv", "b/2.csv")
        assert archive.left_out == 2
        with archive.open("b/2.csv") as stream:
            assert stream.read(100) == b"two"


@pytest.mark.parametrize("member", ["xl/workbook.xml", "[Content_Types].xml", "mimetype"])
def test_a_workbook_is_no_archive_not_even_when_cut_short(member: str) -> None:
    raw = zipped({member: b"x", "more": b"y"})
    assert not is_archive(io.BytesIO(raw))
    assert not is_archive(io.BytesIO(raw[:-10]))


def test_a_workbook_inside_an_archive_is_a_file_like_any_other() -> None:
    assert refusal(io.BytesIO(zipped({"a.xlsx": zipped({"xl/workbook.xml": b"x"})})), SMALL) is None


@given(st.binary(max_size=400), st.integers(0, 400), st.integers(0, 400))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_unpacked_or_refused(noise: bytes, start: int, end: int) -> None:
    whole = zipped({"a.csv": b"x" * 50, "b/c.csv": b"12345" * 9})
    for raw in (noise, b"PK\x03\x04" + noise, whole[:start] + noise + whole[end:]):
        is_archive(io.BytesIO(raw))
        refusal(io.BytesIO(raw), SMALL)


def test_a_bomb_costs_neither_memory_nor_time(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.csv", "w") as member:
        for _ in range(300):
            member.write(bytes(MIB))
    many = tmp_path / "many.zip"
    many.write_bytes(zipped({f"{number}": b"" for number in range(60_000)}))
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (400 * 2**20, 400 * 2**20))\n"
        "from pipelines.landing.archives import refusal; from pipelines.limits import DEFAULT_LIMITS\n"
        "for name in sys.argv[1:]: print(refusal(open(name, 'rb'), DEFAULT_LIMITS))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(bomb), str(many)], capture_output=True, text=True, check=True, timeout=120
    )
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["a", "it"], done.stdout


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home")


def test_the_members_are_the_delivery_and_the_archive_is_kept_beside_them(home: Home) -> None:
    raw = zipped({"mai/1.xml": invoice("F-1"), "2.xml": invoice("F-2"), ".DS_Store": b"x"})
    drop(home, "mai.zip", raw, "ehf")
    (receipt,) = pull(home, "ehf")
    assert [file.name for file in receipt.files] == ["mai.zip/2.xml", "mai.zip/mai/1.xml"]
    (archive,) = receipt.archives
    assert (archive.name, archive.members, archive.left_out) == ("mai.zip", 2, 1)
    assert read_file(home, archive) == raw
    (outcome,) = ingest(home)
    assert (outcome["outcome"], outcome["rows_out"], outcome["rejects"], outcome["issues"]) == ("ok", 2, 0, 1)
    (remark,) = rows_of(home, "rejects")
    assert (remark["severity"], remark["file_name"]) == ("issue", "mai.zip")


def test_the_same_files_zipped_or_not_are_the_same_delivery(home: Home) -> None:
    drop(home, "2026-10.csv", ledger())
    drop(home, "pakket.zip", zipped({"2026-10.csv": ledger()}))
    first, second = pull(home)
    assert second.duplicate_of == first.delivery_id
    assert ingest(home)[1]["outcome"] == "duplicate"


def test_another_members_invoice_is_refused_in_an_archive_too(home: Home) -> None:
    theirs = invoice("F-2", buyer=OTHER_BUYER)
    drop(home, "mai.zip", zipped({"9901/own.xml": invoice("F-1"), f"{NEIGHBOUR}/theirs.xml": theirs}), "ehf")
    (outcome,) = ingest(home)
    assert (outcome["rows_out"], outcome["rejects"]) == (1, 1)
    (reject,) = rows_of(home, "rejects")
    assert (reject["rule"], reject["file_name"]) == ("RF10", f"mai.zip/{NEIGHBOUR}/theirs.xml")
    assert rows_of(home, "rejects", NEIGHBOUR) == []


def test_another_members_ledger_is_held_in_an_archive_too(home: Home) -> None:
    own = ledger(amounts=[f"{number},00" for number in range(1, 61)])
    drop(home, "2026-10.csv", own)
    ingest(home)
    drop(home, "pakke.zip", zipped({"reskontro.csv": own}), owner=NEIGHBOUR)
    ingest(home, NEIGHBOUR)
    shared = find_shared(home)
    settle(home, NEIGHBOUR, shared[NEIGHBOUR])
    (period,) = rows_of(home, "delivery_periods", NEIGHBOUR)
    assert (period["rows"], period["state"], OWN in shared) == (60, "held", False)


@pytest.mark.parametrize(
    "name", [f"../../{NEIGHBOUR}/ehf/x.xml", f"../../../landing/{NEIGHBOUR}/ehf/x.xml", "/tmp/x.xml", "../x.xml", None]
)
def test_nothing_of_an_archive_lands_anywhere_else(home: Home, tmp_path: Path, name: str | None) -> None:
    drop(home, "theirs.xml", invoice("F-2", buyer=OTHER_BUYER), "ehf", NEIGHBOUR)
    before = sorted(path for path in tmp_path.rglob("*") if OWN not in path.parts)
    raw = zipped({name: invoice("F-3", buyer=OTHER_BUYER), "own.xml": invoice("F-1")}) if name else a_link()
    drop(home, "mai.zip", raw, "ehf")
    (outcome,) = ingest(home)
    assert (outcome["outcome"], outcome["rule"], outcome["rows_out"], outcome["rejects"]) == ("failed", "IN01", 0, 1)
    new = {path for path in tmp_path.rglob("*") if OWN not in path.parts} - set(before)
    own = {"landing", "parsed", "_consortium", ".taken", ".claimed", f"municipality_no={OWN}"}
    assert [path for path in new if not own & set(path.parts)] == []
    assert not (home.landing / NEIGHBOUR).exists()
    assert not list(home.parsed.rglob(f"*{NEIGHBOUR}*"))
    assert not Path("/tmp/x.xml").exists()


def test_archives_in_a_folder_stand_for_their_files(home: Home) -> None:
    drop(home, "oktober/a.zip", zipped({"1.csv": ledger(amounts=["1,00"])}))
    drop(home, "oktober/2.csv", ledger(amounts=["2,00"]))
    (receipt,) = pull(home)
    assert [file.name for file in receipt.files] == ["2.csv", "a.zip/1.csv"]
    ingest(home)
    assert sorted(str(row["amount"]) for row in rows_of(home, "ledger_postings")) == ["1.00", "2.00"]


@pytest.mark.parametrize("raw", [raw for raw, _ in REFUSED.values()], ids=REFUSED)
def test_a_refused_archive_lands_as_the_one_file_and_is_a_reject_with_the_reason(tmp_path: Path, raw: bytes) -> None:
    home = make_home(tmp_path / "home")
    text = home.consortium_file.read_text() + "limits: {archive_members: 3, archive_unpacked_mib: 2}\n"
    home.consortium_file.write_text(text)
    home = Home(home.path)
    drop(home, "a.zip", raw)
    drop(home, "b.csv", ledger())
    first, _ = pull(home)
    assert [file.name for file in first.files] == ["a.zip"]
    assert first.archives == ()
    refused, fine = ingest(home)
    assert (refused["outcome"], refused["rule"], refused["rows_in"], refused["rejects"]) == ("failed", "IN01", 1, 1)
    assert fine["outcome"] == "ok"
    (reject,) = rows_of(home, "rejects")
    assert reject["message"] == f"The archive was not unpacked: {refusal(io.BytesIO(raw), SMALL)}. " + (
        "Deliver its files as they are, or in a plain zip."
    )


def test_an_archive_that_a_higher_limit_lets_in_is_asked_for_again(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    settings_text = home.consortium_file.read_text()
    home.consortium_file.write_text(settings_text + "limits: {archive_members: 1}\n")
    home = Home(home.path)
    raw = zipped({"1.csv": ledger(amounts=["1,00"]), "2.csv": ledger(amounts=["2,00"])})
    drop(home, "a.zip", raw)
    assert ingest(home)[0]["outcome"] == "failed"
    home.consortium_file.write_text(settings_text)
    home = Home(home.path)
    assert "drop it again" in ingest(home)[0]["message"]
    drop(home, "a.zip", raw)
    (outcome,) = ingest(home)
    assert (outcome["outcome"], outcome["rows_out"]) == ("ok", 2)


def test_receipts_from_before_archives_are_still_read(home: Home) -> None:
    drop(home, "2026-10.csv", ledger())
    (receipt,) = pull(home)
    path = home.landing / OWN / "ledger" / "receipts" / receipt.file_name
    text = path.read_text()
    assert '  "archives": [],\n' in text
    path.write_text(text.replace('  "archives": [],\n', ""))
    assert read_receipts(home) == [receipt]


def test_an_archive_named_as_a_document_is_a_document_that_cannot_be_read(home: Home) -> None:
    drop(home, "1.xml", zipped({"1.xml": invoice()}), "ehf")
    (outcome,) = ingest(home)
    assert (outcome["outcome"], outcome["rule"]) == ("failed", "IN01")


def test_every_limit_is_a_positive_whole_number() -> None:
    assert all(isinstance(value, int) and value >= 1 for value in vars(Limits()).values())
