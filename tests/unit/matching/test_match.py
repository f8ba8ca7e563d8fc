"""The step writes what is new, the same bytes each time, and says nothing in clear."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.errors import BuildFailed
from pipelines.home import Home
from pipelines.matching import match, suppliers
from pipelines.matching.match import digest_of, match_home, matched_file
from pipelines.matching.schema import REGISTER_NAMES, SUPPLIER_CANDIDATES, SUPPLIER_NAMES, TABLES
from pipelines.parsing import schema
from pipelines.tables import Table, arrow_schema, arrow_table, write_parquet
from tests.homes import bytes_of

NO_TEXTS = {"texts": 0, "texts_scored": 0}


def put(home: Home, table: Table, name: str, *rows: dict[str, Any], municipality_no: str = "9901") -> None:
    path = home.parsed / table.name / f"municipality_no={municipality_no}" / f"{name}.parquet"
    stated = [{"municipality_no": municipality_no, "_delivery_id": name} | row for row in rows]
    write_parquet(path, arrow_table(table, stated))


def put_register(home: Home, name: str, *companies: dict[str, Any], state: str = "accepted") -> None:
    put(home, schema.COMPANIES, name, *companies, municipality_no="_consortium")
    settled = {"source": "brreg", "fiscal_period": "all", "state": state}
    put(home, schema.DELIVERY_PERIODS, name, settled, municipality_no="_consortium")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "it's a home")
    put(made, schema.LEDGER_POSTINGS, "l1", {"supplier_name": "HJELMVOL BAKERI"}, {"supplier_name": "Kari Prøvesen"})
    put(made, schema.EHF_INVOICES, "e1", {"seller_name": "Utnes Bygg AS"}, {"seller_name": None})
    put_register(
        made,
        "b1",
        {"org_no": "310000000", "name": "Hjelmvoll Bakeri AS", "legal_form": "AS"},
        {"org_no": "310000019", "name": "Hjelmvoll Bakeri", "legal_form": "BEDR", "is_sub_unit": True},
        {"org_no": "310000027", "name": "Hjelmvoll Bakeri Kari Prøvesen", "legal_form": "enk"},
    )
    put_register(made, "b0", {"org_no": "310000035", "name": "Hjelmvol Bakeri AS"}, state="withdrawn")
    return made


def rows(home: Home, table: Table) -> list[dict[str, Any]]:
    read = pq.ParquetFile(matched_file(home, table)).read()
    assert read.schema == arrow_schema(table)
    return list(read.to_pylist())


def test_names_are_matched_to_companies_of_accepted_deliveries_only(home: Home) -> None:
    assert match_home(home).as_dict() == {"names": 3, "names_scored": 3, "register_names": 1} | NO_TEXTS
    (candidate,) = rows(home, SUPPLIER_CANDIDATES)
    assert candidate["name_digest"] == digest_of("HJELMVOL BAKERI")
    assert (candidate["org_no"], str(candidate["score"])) == ("310000000", "0.9424")
    assert {row["name_digest"]: row["name_kind"] for row in rows(home, SUPPLIER_NAMES)} == {
        digest_of("HJELMVOL BAKERI"): "company",
        digest_of("Kari Prøvesen"): "person",
        digest_of("Utnes Bygg AS"): "company",
    }


def test_no_supplier_name_is_stored(home: Home) -> None:
    match_home(home)
    for table in (SUPPLIER_NAMES, SUPPLIER_CANDIDATES):
        assert not {"Kari Prøvesen", "HJELMVOL BAKERI"} & {
            str(value) for row in rows(home, table) for value in row.values()
        }


def test_only_what_is_new_is_scored_and_the_bytes_are_those_of_a_first_run(home: Home, tmp_path: Path) -> None:
    match_home(home)
    assert match_home(home).names_scored == 0
    put(home, schema.LEDGER_POSTINGS, "l2", {"supplier_name": "Granholt Renhold"})
    put_register(home, "b2", {"org_no": "310000043", "name": "Granhold Renhold AS"})
    assert match_home(home).names_scored == 1
    grown = bytes_of(home.matched)
    for path in home.matched.iterdir():
        path.unlink()
    match_home(home)
    assert bytes_of(home.matched) == grown
    assert set(grown) <= {f"{name}.parquet" for name in TABLES}


def test_a_file_that_would_say_the_same_is_left_alone(home: Home) -> None:
    match_home(home)
    before = {path.name: path.stat().st_ino for path in home.matched.iterdir() if path.stem != REGISTER_NAMES.name}
    match_home(home)
    after = {path.name: path.stat().st_ino for path in home.matched.iterdir() if path.stem != REGISTER_NAMES.name}
    assert after == before


@pytest.mark.parametrize("written_before_the_kill", range(3))
def test_a_run_cut_short_is_made_good_by_the_next(
    home: Home, monkeypatch: pytest.MonkeyPatch, written_before_the_kill: int
) -> None:
    match_home(home)
    put(home, schema.LEDGER_POSTINGS, "l2", {"supplier_name": "Hjelmvoll Bakeri avd. sør"})
    put_register(home, "b2", {"org_no": "310000043", "name": "Hjelmvol Bakeri SA"})
    written: list[Path] = []

    def write(path: Path, table: Any) -> None:
        if len(written) == written_before_the_kill:
            raise KeyboardInterrupt
        written.append(path)
        write_parquet(path, table)

    monkeypatch.setattr(match, "write_parquet", write)
    with pytest.raises(KeyboardInterrupt):
        match_home(home)
    monkeypatch.undo()
    match_home(home)
    mended = bytes_of(home.matched)
    for path in home.matched.iterdir():
        path.unlink()
    match_home(home)
    assert bytes_of(home.matched) == mended


def test_other_code_scores_everything_anew(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    match_home(home)
    monkeypatch.setattr(suppliers, "model_version", lambda: "another")
    assert match_home(home).names_scored == 3
    assert {row["model_version"] for row in rows(home, SUPPLIER_NAMES)} == {"another"}


def test_a_home_without_anything_has_empty_tables(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert match_home(home).names == 0
    assert rows(home, SUPPLIER_NAMES) == []


@pytest.mark.parametrize(
    "place", ["parsed/ledger_postings/municipality_no=9901/l1.parquet", "matched/item_texts.parquet"]
)
def test_a_damaged_file_is_named(home: Home, place: str) -> None:
    match_home(home)
    (home.path / place).write_bytes(b"PAR1 no parquet")
    with pytest.raises(BuildFailed) as failed:
        match_home(home)
    assert place in str(failed.value)
    assert "outcomes" in failed.value.remedy
