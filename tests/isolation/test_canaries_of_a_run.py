"""After whole runs each recipient's canary is in its own files, and in nothing that anybody else gets or reads."""

from __future__ import annotations

import gzip
import io
import json
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.home import Home
from tests.integration.planted_home import Ran
from tests.integration.tiny_home import BAKER, MEMBERS
from tests.isolation.canaries import ANSWERED_CODE, CANARIES, WORKSHOPS, Canary, forms_of
from tests.isolation.decoded import texts_of, texts_under

pytestmark = [pytest.mark.slow]

NAMES = [f"{canary.owner}-{canary.marks[0]}" for canary in CANARIES]
# What is written for the coordinator and for those who look after the machine.
IN_HOUSE = ("logs", "dagster", "gate", "parsed/rejects", "parsed/outcomes", "warehouse/gate.duckdb")


@pytest.fixture
def home(planted_home: Ran) -> Home:
    return planted_home.home


def got_by(home: Home, recipient: str) -> Iterator[tuple[str, str]]:
    """Give everything that a recipient gets, or would get if it were let out, and what its senders are told."""
    folders = [*home.path.glob(f"candidates/*/{recipient}"), *home.path.glob(f"releases/*/{recipient}")]
    assert folders, recipient
    for folder in [*folders, home.path / "reports" / recipient]:
        yield from texts_under(folder)


def stands_alone(form: str, text: str) -> bool:
    """Return whether an amount stands somewhere as itself, and not only within a longer number such as a moment."""
    if not (form[0].isdigit() and form[-1].isdigit() and form[-3] in ".,"):
        return True
    return re.search(rf"(?<![0-9]){re.escape(form)}(?!0*[1-9])", text) is not None


def marks_in(texts: Iterator[tuple[str, str]], marks: tuple[str, ...]) -> dict[str, set[str]]:
    """Return the files in which each mark stands; marks that stand nowhere are left out."""
    forms = {form: mark for mark in marks for form in forms_of(mark)}
    found: dict[str, set[str]] = {}
    for name, text in texts:
        folded = text.casefold()
        for form, mark in forms.items():
            if form in folded and stands_alone(form, folded):
                found.setdefault(mark, set()).add(name)
    return found


@pytest.mark.parametrize("canary", CANARIES, ids=NAMES)
def test_a_canary_is_in_its_owners_own_files(home: Home, canary: Canary) -> None:
    found = marks_in(got_by(home, canary.owner), canary.marks)
    assert found.keys() == set(canary.marks)
    for mark, files in found.items():
        assert {Path(name).suffix for name in files} >= {".csv", ".parquet"}, mark


@pytest.mark.parametrize("canary", [one for one in CANARIES if one.kept], ids=lambda canary: canary.marks[0])
def test_what_goes_out_to_nobody_was_handed_in(home: Home, canary: Canary) -> None:
    handed_in = [*texts_under(home.landing / canary.owner), *texts_under(home.registers)]
    assert marks_in(iter(handed_in), canary.kept).keys() == set(canary.kept)


@pytest.mark.parametrize("recipient", [*MEMBERS, *WORKSHOPS])
def test_nobody_gets_anothers_canary(home: Home, recipient: str) -> None:
    others = [canary for canary in CANARIES if recipient not in (canary.owner, *canary.holders)]
    marks = tuple(mark for canary in others for mark in canary.marks)
    kept = tuple(mark for canary in CANARIES for mark in canary.kept)
    assert marks_in(got_by(home, recipient), marks + kept) == {}


def test_no_canary_is_in_what_the_house_writes_down(home: Home) -> None:
    marks = tuple(mark for canary in CANARIES for mark in (*canary.marks, *canary.kept))
    for place in IN_HOUSE:
        path = home.path / place
        assert path.exists(), place
        texts = (
            texts_under(path) if path.is_dir() else ((place, text) for text in texts_of(path.name, path.read_bytes()))
        )
        assert marks_in(texts, marks) == {}, place


def test_no_canary_is_in_what_the_user_saw(planted_home: Ran) -> None:
    words = tuple(
        mark for canary in CANARIES for mark in (*canary.marks, *canary.kept) if not mark.replace(".", "").isdigit()
    )
    assert marks_in(iter([("said", planted_home.said)]), words) == {}


def test_one_members_answer_about_a_shared_supplier_is_about_its_own_lines_only(home: Home) -> None:
    def lines(member: str) -> list[dict]:
        table = home.candidates / "municipality_extract" / member / "municipality_extract.parquet"
        return [row for row in pq.ParquetFile(table).read().to_pylist() if row["invoice_no"] == f"D{member}"]

    (answered,), (unanswered,) = lines("9902"), lines("9901")
    assert (answered["org_no"], answered["supplier_ledger_code"]) == (BAKER, ANSWERED_CODE)
    assert (unanswered["org_no"], unanswered["supplier_ledger_code"]) == (None, None)
    assert unanswered["payee_kind"] == "unknown"


def test_an_amount_is_found_as_itself_and_not_within_a_moment() -> None:
    found = [stands_alone("931.07", text) for text in ("1764931.0712", "931.0712", "1931.07", "[931.07]", "931.0700")]
    assert found == [False, False, False, True, True]


def _parquet(word: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": [word] * 1000}), buffer, compression="zstd", **options)
    return buffer.getvalue()


def _metadata(word: str) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata({"note": word}), buffer)
    return buffer.getvalue()


def _zipped(name: str, raw: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(name, raw)
    return buffer.getvalue()


def _sqlite(word: str) -> bytes:
    with sqlite3.connect(":memory:") as database:
        database.execute("create table events (text)")
        for length in range(3000, 6000, 100):  # somewhere a page ends within the word
            database.execute("insert into events values (?)", ("-" * length + word + "-" * 5000,))
        database.commit()
        return database.serialize()


def _duckdb(word: str, folder: Path) -> bytes:
    import duckdb

    with duckdb.connect(str(folder / "a.duckdb")) as database:
        database.execute("create table a as select ? || (i % 3) as b from range(5000) as r(i)", [word])
    return (folder / "a.duckdb").read_bytes()


def test_the_search_sees_through_whatever_a_word_is_packed_in(tmp_path: Path) -> None:
    word = "kanariøre4711"
    packed = {
        "a.parquet": _parquet(word),
        "b.parquet": _metadata(word),
        "c.zip": _zipped("inner.zip", _zipped("a.xml", word.encode())),
        "d.xlsx": _zipped("xl/sharedStrings.xml", f"<si><t>{word}</t></si>".encode()),
        "e.gz": gzip.compress(_zipped(f"{word}.txt", b"")),
        "f.db": _sqlite(word),
        "g.duckdb": _duckdb(word, tmp_path),
        "h.json": json.dumps({"a": word}).encode(),
        "i.txt": word.encode("utf-16"),
    }
    missed = [name for name, raw in packed.items() if not any(word in text for text in texts_of(name, raw))]
    assert missed == []
    with pytest.raises(AssertionError, match="PDF"):
        list(texts_of("j.pdf", b"%PDF-1.7"))


def test_amounts_are_looked_for_as_they_are_written_here() -> None:
    assert forms_of("4961.13") >= {"4961.13", "4961,13", "4 961,13", "4\u00a0961,13"}
