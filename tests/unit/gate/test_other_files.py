"""What stands in a file of any kind is scanned: a personal number in a workbook's cell, an archive, a PDF, metadata."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.gate.judge import judge
from pipelines.gate.other_files import texts_of
from tests.unit.gate.small_home import CLOCK, EXTRACT, SHARE, SmallHome
from tests.unit.gate.test_checks import ask
from tests.unit.test_scanner import SYNTHETIC


def _workbook(value: object, *, as_title: bool = False) -> bytes:
    book = openpyxl.Workbook()
    book.active["C7"] = None if as_title else value
    if as_title:
        book.properties.title = str(value)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _archive(name: str, raw: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, raw)
    return buffer.getvalue()


def _pdf(content: bytes) -> bytes:
    packed = zlib.compress(content)
    return b"%PDF-1.7\n1 0 obj\n<< /Filter /FlateDecode >>\nstream\n" + packed + b"\nendstream\nendobj\n%%EOF"


def _parquet() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": [SYNTHETIC]}), buffer)
    return buffer.getvalue()


LETTERS = b" ".join(b"(%c) Tj" % letter for letter in SYNTHETIC.encode())
FILES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "text in a workbook": ("more.xlsx", lambda: _workbook(f"nr {SYNTHETIC}")),
    "number in a workbook": ("more.xlsx", lambda: _workbook(int(SYNTHETIC))),
    "title of a workbook": ("more.xlsx", lambda: _workbook(SYNTHETIC, as_title=True)),
    "archive": ("more.zip", lambda: _archive("a.csv", f"a\n{SYNTHETIC}\n".encode())),
    "name in an archive": ("more.zip", lambda: _archive(f"{SYNTHETIC}.csv", b"a\n1\n")),
    "workbook in an archive": ("more.zip", lambda: _archive("a.xlsx", _workbook(SYNTHETIC))),
    "text of a pdf": ("more.pdf", lambda: _pdf(b"BT (nr " + SYNTHETIC.encode() + b") Tj ET")),
    "letters of a pdf": ("more.pdf", lambda: _pdf(LETTERS)),
    "hexadecimal text of a pdf": ("more.pdf", lambda: _pdf(b"<" + SYNTHETIC.encode().hex().encode() + b"> Tj")),
    "html": ("more.html", lambda: b'<p title="%s">a</p>' % SYNTHETIC.encode()),
    "two bytes a letter": ("more.txt", lambda: SYNTHETIC.encode("utf-16")),
    "parquet": ("more.parquet", _parquet),
    "name of a file": (f"{SYNTHETIC}.txt", lambda: b"a"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_personal_number_is_found_in_whatever_file_it_stands(small: SmallHome, name: str) -> None:
    assert ask(small, "PV01", SHARE).status == "passed"
    file, raw = FILES[name]
    (small.folder(SHARE) / file).write_bytes(raw())
    found = ask(small, "PV01", SHARE)
    assert found.status == "failed"
    assert SYNTHETIC not in f"{found}"


def test_a_personal_number_in_a_database_is_found(small: SmallHome) -> None:
    with duckdb.connect(str(small.folder(SHARE) / "more.duckdb")) as database:
        database.execute("create table a as select ? as b", [SYNTHETIC])
    assert ask(small, "PV01", SHARE).status == "failed"


def test_a_personal_number_in_the_metadata_of_an_agreed_file_is_found(small: SmallHome) -> None:
    path = small.folder(EXTRACT) / "kpi.parquet"
    rows = pq.read_table(path)
    pq.write_table(rows.replace_schema_metadata({"author": SYNTHETIC}), path)
    assert ask(small, "PV01", EXTRACT).status == "failed"


def test_a_workbook_with_a_personal_number_is_blocked_by_the_gate(small: SmallHome) -> None:
    (small.folder(SHARE) / "more.xlsx").write_bytes(_workbook(SYNTHETIC))
    verdict = judge(small.home, SHARE, CLOCK)
    assert verdict.state == "blocked"
    assert {"PV01", "TN03"} <= set(verdict.failed_rules)


@pytest.mark.parametrize(
    "raw",
    [b"", b"PK\x03\x04cut", b"%PDF-", b"PAR1cut", bytes(range(256))],
    ids=["empty", "archive", "pdf", "parquet", "all bytes"],
)
def test_no_file_is_too_broken_to_be_looked_at(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "broken"
    path.write_bytes(raw)
    assert isinstance(list(texts_of(path)), list)
