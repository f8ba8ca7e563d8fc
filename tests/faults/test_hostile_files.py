"""Hostile and wrong files: each ends as a reject, in little memory, and leaves everybody else's deliveries alone.

Everything is read in processes of their own, whose memory is limited by the kernel: a file that got through would take
one of them down, not the tests. The time limits only keep a hang from lasting for ever.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.home import Home
from pipelines.landing.store import read_receipts
from tests.unit.dropped import NEIGHBOUR, OWN, drop, invoice, ledger, make_home, rows_of

ADDRESSES_MIB = 4000  # libraries reserve far more than they use
MEMORY_MIB = 1200  # really used, libraries included
SECONDS = 300

ROOT_FOLDER = Path(__file__).resolve().parents[2]

INVOICE = invoice("F-1")
DECLARED, ROOT = INVOICE.partition("<Invoice")[0], "<Invoice" + INVOICE.partition("<Invoice")[2]
LAUGHS = "".join(f'<!ENTITY l{number} "{f"&l{number - 1};" * 10}">' for number in range(1, 10))
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def with_doctype(doctype: str, *, text: str = "&x;") -> bytes:
    return (DECLARED + doctype + ROOT.replace("Eksempel", text)).encode()


def inside(content: str) -> bytes:
    """Return an invoice with something in its note's place."""
    return INVOICE.replace("</Invoice>", f"{content}</Invoice>").encode()


def workbook(sheet: str, *, strings: str = "", sheet_path: str = "xl/worksheets/sheet1.xml", more: str = "") -> bytes:
    relationship = f'<Relationship Id="r1" Type="{OFFICE}/%s" Target="%s"/>'
    members = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        + relationship % ("officeDocument", "xl/workbook.xml")
        + "</Relationships>",
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
        '<sheet name="Ark1" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        + relationship % ("worksheet", sheet_path.removeprefix("xl/"))
        + "</Relationships>",
        sheet_path: sheet,
    }
    if strings:
        members["xl/sharedStrings.xml"] = strings
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        if more:
            with archive.open(more, "w") as member:
                for _ in range(600):
                    member.write(bytes(2**20))
    return buffer.getvalue()


def sheet(rows: str) -> str:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'


def far_cell(row: str, cell: str) -> bytes:
    return workbook(sheet(f'<row r="1"><c r="A1"><v>1</v></c></row><row{row}><c {cell}><v>1</v></c></row>'))


def zip_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "billion_laughs.xml": lambda: with_doctype(f'<!DOCTYPE Invoice [<!ENTITY l0 "ha">{LAUGHS}]>', text="&l9;"),
    "quadratic.xml": lambda: with_doctype(f'<!DOCTYPE Invoice [<!ENTITY x "{"a" * 50_000}">]>', text="&x;" * 20_000),
    "external_entity.xml": lambda: with_doctype('<!DOCTYPE Invoice [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
    "external_dtd.xml": lambda: with_doctype('<!DOCTYPE Invoice SYSTEM "http://example.org/x.dtd">', text="Mat"),
    "parameter_entity.xml": lambda: with_doctype('<!DOCTYPE Invoice [<!ENTITY % p SYSTEM "file:///dev/zero"> %p;]>'),
    "late_doctype.xml": lambda: with_doctype(f'<!-- {"x" * 100_000} --><!DOCTYPE Invoice [<!ENTITY x "y">]>'),
    "deep.xml": lambda: inside("<a>" * 300_000 + "</a>" * 300_000),
    "deep_unclosed.xml": lambda: b"<a>" * 2_000_000,
    "huge_text.xml": lambda: inside(f"<a>{'x' * 11_000_000}</a>"),
    "huge_attribute.xml": lambda: inside(f'<a b="{"x" * 11_000_000}"/>'),
    "huge_name.xml": lambda: inside(f"<{'x' * 11_000_000}/>"),
    "many_attributes.xml": lambda: inside("<a " + " ".join(f'b{n}=""' for n in range(300_000)) + "/>")[:-9],
    "many_namespaces.xml": lambda: inside("<a " + " ".join(f'xmlns:n{n}="u{n}"' for n in range(50_000)) + "/>")[:-9],
    "utf16_doctype.xml": lambda: (
        with_doctype('<!DOCTYPE Invoice [<!ENTITY x "y">]>').decode().replace("UTF-8", "UTF-16").encode("utf-16")
    ),
    "xinclude.xml": lambda: (
        b'<Invoice xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/etc/passwd"/></Invoice>'
    ),
    "empty.csv": lambda: b"",
    "blank.xml": lambda: b"  ",
    "blank.csv": lambda: b"\n" * 100_000,
    "marks_only.csv": lambda: b"\xef\xbb\xbf",
    "zeros.csv": lambda: bytes(5_000_000),
    "random.csv": lambda: bytes((number * 7919 + number // 251) % 256 for number in range(300_000)),
    "wide_row.csv": lambda: b"a;" * 5_000_000,
    "long_field.csv": lambda: b"x" * 20_000_000,
    "open_quote.csv": lambda: ledger().encode() + b'"' + b"a;b\n" * 500_000,
    "pdf_named.csv": lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n",
    "pdf_named.xml": lambda: b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n",
    "program.csv": lambda: b"MZ\x90\x00\x03" + bytes(1000) + b"This program cannot be run in DOS mode",
    "elf.csv": lambda: b"\x7fELF\x02\x01\x01" + bytes(1000),
    "picture.csv": lambda: b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(500),
    "page.xlsx": lambda: b"<html><body><table><tr><td>1</td></tr></table></body></html>",
    "page.csv": lambda: b"<!DOCTYPE html><html><body>Logg inn</body></html>",
    "packed.csv": lambda: gzip.compress(ledger().encode()),
    "packed_bomb.csv": lambda: gzip.compress(bytes(200 * 2**20)),
    "old_workbook.xlsx": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4096),
    "nested.json": lambda: b"[" * 500_000,
    "huge_number.json": lambda: b'[{"organisasjonsnummer": ' + b"9" * 1_000_000 + b"}]",
    "far_cell.xlsx": lambda: far_cell(' r="1048576"', 'r="XFD1048576"'),
    "far_cell_unnumbered_row.xlsx": lambda: far_cell("", 'r="B1048576999"'),
    "far_cell_lower_case.xlsx": lambda: far_cell("", 'r="xfd1048576"'),
    "far_cell_single_quotes.xlsx": lambda: far_cell(" r='1048576'", "r='XFD1048576'"),
    "far_cell_spaces.xlsx": lambda: far_cell("", 'r = "XFD1048576"'),
    "far_cell_beyond_any_sheet.xlsx": lambda: far_cell("", 'r="ZZZZZ99999999999"'),
    "far_cell_elsewhere.xlsx": lambda: workbook(
        sheet('<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
        sheet_path="xl/other.xml",
    ),
    "wide_and_long.xlsx": lambda: workbook(
        sheet("<row>" + "<c><v>1</v></c>" * 16_000 + "</row>" + "<row><c><v>1</v></c></row>" * 900_000)
    ),
    "texts_counted_wrong.xlsx": lambda: workbook(
        sheet('<row r="1"><c r="A1" t="s"><v>0</v></c></row>'),
        strings=f'<sst xmlns="{MAIN}" uniqueCount="4294967295"><si><t>a</t></si></sst>',
    ),
    "texts_missing.xlsx": lambda: workbook(sheet('<row r="1"><c r="A1" t="s"><v>99999999</v></c></row>')),
    "packed_workbook.xlsx": lambda: workbook(sheet(""), more="xl/sharedStrings.xml"),
    "packed_hidden.xlsx": lambda: workbook(sheet(""), more="xl/.hidden.xml"),
    "bomb.zip": lambda: zip_of({"a.csv": bytes(300 * 2**20)}),
    "nested.zip": lambda: zip_of({"a.zip": zip_of({"b.csv": b"x"})}),
    "leads_out.zip": lambda: zip_of({"../../../../tmp/a.csv": b"x"}),
    "many.zip": lambda: zip_of({f"{number}.csv": b"" for number in range(60_000)}),
}  # fmt: skip

_INGEST = f"""
import re, resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, ({ADDRESSES_MIB} << 20, {ADDRESSES_MIB} << 20))
from pipelines.home import Home
from tests.unit.dropped import ingest
for owner in sys.argv[2:]:
    ingest(Home(Path(sys.argv[1])), owner)
print("peak", re.search("VmHWM:[^0-9]*([0-9]+)", open("/proc/self/status").read())[1])
"""
_INSPECT = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({ADDRESSES_MIB} << 20, {ADDRESSES_MIB} << 20))
from pipelines.cli.main import main
sys.argv = ["samandel", "inspect", "--json", *sys.argv[1:]]
main()
"""


def limited(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, with little memory."""
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        cwd=ROOT_FOLDER,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("hostile")
    for name, make in HOSTILE.items():
        (folder / name).write_bytes(make())
    yield folder


def test_inspect_answers_for_each_with_a_reject_and_never_fails(folder: Path) -> None:
    done = limited(_INSPECT, folder)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr == ""
    facts = [json.loads(line) for line in done.stdout.splitlines()]
    assert {Path(fact["file"]).name for fact in facts} == set(HOSTILE)
    without = [fact["file"] for fact in facts if not fact["rejects"]]
    assert without == []
    assert "root:" not in done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Home:
    """A home where one member dropped every hostile file, into each of its sources, and the neighbour a good one."""
    home = make_home(tmp_path_factory.mktemp("home") / "home")
    for name in HOSTILE:
        raw = (folder / name).read_bytes()
        drop(home, name, raw)
        drop(home, f"{name.replace('.', '_')}/{name}", raw, "ehf")
    for owner in (OWN, NEIGHBOUR):
        drop(home, "oktober.csv", ledger(), owner=owner)
    drop(home, "mai/god.xml", invoice("F-2"), "ehf")
    done = limited(_INGEST, home.path, OWN, NEIGHBOUR)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split()[-1]) // 1024 < MEMORY_MIB
    return home


def test_every_hostile_delivery_is_refused_with_a_rule_and_a_reason(home: Home) -> None:
    outcomes = [row for row in rows_of(home, "outcomes") if row["step"] == "parsed"]
    files = {row["file_name"] for row in rows_of(home, "rejects") if row["severity"] == "reject"}
    assert {name for name in HOSTILE if name not in files} == set()
    for row in outcomes:
        assert row["rows_in"] == row["rows_out"] + row["rejects"], row
        assert row["outcome"] in ("ok", "failed", "empty")
        assert "unexpected" not in row["message"], row["message"]
        assert (row["rule"] is not None) == (row["outcome"] == "failed")
    assert sum(row["outcome"] == "ok" for row in outcomes) == 2


def test_nobody_elses_delivery_is_touched(home: Home) -> None:
    assert [str(row["amount"]) for row in rows_of(home, "ledger_postings", NEIGHBOUR)] == ["100.00"]
    assert rows_of(home, "rejects", NEIGHBOUR) == []
    assert [str(row["amount"]) for row in rows_of(home, "ledger_postings")] == ["100.00"]
    assert [row["invoice_no"] for row in rows_of(home, "ehf_invoices")] == ["F-2"]


def test_nothing_of_this_machine_is_in_what_was_read(home: Home) -> None:
    for path in (home.path / "parsed").rglob("*.parquet"):
        assert b"root:x:0" not in path.read_bytes()
    assert "root:x:0" not in repr(rows_of(home, "rejects"))


ODD_NAMES = {
    "a newline": "a\nb.csv",
    "an escape": "\x1b[2Jb.csv",
    "turned around": "\u202evsc.b.csv",
    "emoji": "😀 å æ ø.csv",
    "not UTF-8": "caf\udce9.csv",
    "as long as may be": "x" * 251 + ".csv",
    "a dash first": "-rf.csv",
    "quotes and more": "a'\"$(id)`;&|*?<>.csv",
    "only an ending": "x.csv.",
    "blanks": " b .csv",
    "a percent and braces": "%s{x}[y].csv",
}


@pytest.mark.parametrize("name", ODD_NAMES.values(), ids=ODD_NAMES)
def test_odd_names_are_taken_read_and_shown_as_they_may_be(tmp_path: Path, name: str) -> None:
    home = make_home(tmp_path / "home")
    path = home.inbox / OWN / "ledger" / name
    path.parent.mkdir(parents=True)
    path.write_text(ledger() + "wrong;row\n")
    (path.parent / "mappe" / name).parent.mkdir()
    (path.parent / "mappe" / name).write_text(ledger("202609"))
    done = limited(_INSPECT, os.fsencode(path).decode("utf-8", "surrogateescape"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["file"] == str(path)
    done = limited(_INGEST, home.path, OWN)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(rows_of(home, "ledger_postings")) == 2
    assert not [entry for entry in path.parent.iterdir() if not entry.name.startswith(".")]
    for row in (*rows_of(home, "rejects"), *rows_of(home, "outcomes")):
        assert not any(ord(sign) < 32 or sign == "\u202e" for sign in f"{row.get('file_name')}{row['message']}")


def test_what_is_no_file_stays_where_it_is_and_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path / "home")
    good = drop(home, "god.csv", ledger())
    os.mkfifo(good.parent / "pipe.csv")
    (good.parent / "mappe").mkdir()
    os.mkfifo(good.parent / "mappe" / "pipe.csv")
    (good.parent / "link.csv").symlink_to("/etc/passwd")
    (good.parent / "mappe" / "link").symlink_to("/etc")
    (good.parent / "loop").symlink_to(good.parent)
    monkeypatch.chdir(good.parent)  # an address of a socket is at most 107 bytes long
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s.csv")
    done = limited(_INGEST, home.path, OWN)
    assert "mappe (A link or special file lies in it)" in done.stderr
    assert [receipt.drop for receipt in read_receipts(home, OWN)] == ["god.csv"]
    shutil.rmtree(good.parent / "mappe")
    done = limited(_INGEST, home.path, OWN)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(rows_of(home, "ledger_postings")) == 1
    assert sorted(path.name for path in good.parent.iterdir()) == ["link.csv", "loop", "pipe.csv", "s.csv"]
    done = limited(_INSPECT, good.parent / "pipe.csv", good.parent / "s.csv", "/dev/zero")
    assert [bool(json.loads(line)["rejects"]) for line in done.stdout.splitlines()] == [True] * 3


def test_folders_deeper_than_a_walk_can_go_stop_no_other_drop(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    good = drop(home, "god.csv", ledger())
    deep = good.parent / "dypt" / "/".join("d" * 500)
    deep.mkdir(parents=True)
    (deep / "a.csv").write_text(ledger("202609"))
    done = limited(
        _INGEST.replace("    ingest(", "    try: ingest(").replace(
            ", owner)", ", owner)\n    except Exception as error: print(error)"
        ),
        home.path,
        OWN,
    )
    assert "dypt" in done.stdout, done.stderr[-2000:]
    assert not good.exists()


def test_two_gigabytes_are_refused_by_their_size(tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    with large.open("wb") as stream:
        stream.write(ledger().encode())
        stream.truncate(2 << 30)  # takes no room on the disk
    done = limited(_INSPECT, large)
    (facts,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert "larger than 512 MiB" in facts["rejects"][0]["message"]


@pytest.mark.parametrize(("source", "limit"), [("ledger", "ledger_file_mib"), ("ehf", "ehf_file_mib")])
def test_what_is_larger_than_its_kind_may_be_lands_and_is_refused_unread(
    tmp_path: Path, source: str, limit: str
) -> None:
    home = make_home(tmp_path / "home")
    home.consortium_file.write_text(home.consortium_file.read_text() + f"limits: {{{limit}: 1}}\n")
    drop(home, "stor.xml", b"x" * (2**20 + 1), source)
    drop(home, "grei/1.xml" if source == "ehf" else "grei.csv", invoice() if source == "ehf" else ledger(), source)
    done = limited(_INGEST, home.path, OWN)
    assert done.returncode == 0, done.stderr[-2000:]
    (reject,) = rows_of(home, "rejects")
    assert reject["rule"] == "IN01"
    assert f"limits.{limit}" in reject["message"]
    assert sorted(row["outcome"] for row in rows_of(home, "outcomes") if row["step"] == "parsed") == ["failed", "ok"]


@pytest.mark.parametrize(
    ("limit", "value", "name", "content"),
    [
        ("xml_depth", 3, "a/1.xml", invoice()),
        ("xml_value_characters", 20, "a/1.xml", invoice()),
        ("table_columns", 5, "a.csv", ledger()),
        ("field_characters", 100, "a.csv", ledger().replace("Eksempel Mat AS", "x" * 200)),
    ],
    ids=lambda value: value if isinstance(value, str) and "_" in value else "",
)
def test_every_other_limit_is_kept(tmp_path: Path, limit: str, value: int, name: str, content: str) -> None:
    home = make_home(tmp_path / "home")
    text = home.consortium_file.read_text()
    drop(home, name, content, "ehf" if name.endswith(".xml") else "ledger")
    home.consortium_file.write_text(text + f"limits: {{{limit}: {value}}}\n")
    assert limited(_INGEST, home.path, OWN).returncode == 0
    assert [row["rule"] for row in rows_of(home, "rejects") if row["severity"] == "reject"] == ["IN01"]
    home.consortium_file.write_text(text)
    assert limited(_INGEST, home.path, OWN).returncode == 0
    assert [row for row in rows_of(home, "rejects") if row["severity"] == "reject"] == []
