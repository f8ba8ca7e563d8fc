"""The renderings are decoded and held against each other; whatever lies in the folder is accounted for."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines import settings
from pipelines.gate.candidate_files import CandidateFiles, read_candidate
from pipelines.gate.suites import read_suite
from tests.unit.gate.small_home import EXTRACT, SmallHome

SUITE = read_suite(settings.EXPECTATIONS, EXTRACT.product)


def _read(small: SmallHome) -> CandidateFiles:
    return read_candidate(small.folder(EXTRACT), SUITE)


def _edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def test_agreeing_renderings_have_no_remarks(small: SmallHome) -> None:
    files = _read(small)
    assert (files.missing, files.extra, files.unreadable, files.differing, files.formulas) == ([], [], [], [], [])
    cells = 9 * len(SUITE.tables["municipality_extract"].columns) + len(SUITE.tables["kpi"].columns)
    assert files.cells == 3 * cells


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_edit("municipality_extract.csv", "100.00", "100.01"), "row 2, column net_amount_nok"),
        (_edit("municipality_extract.csv", "100.00", "1OO.00"), "row 2, column net_amount_nok"),
        (_edit("municipality_extract.csv", "(skjermet)", "Kari Oppdiktet"), "row 7, column supplier_name"),
        (_edit("municipality_extract.csv", "(skjermet)", ""), "row 7, column supplier_name"),
        (_edit("kpi.csv", "2026-09-01", "2026-09-02"), "row 2, column period_start"),
        (_edit("kpi.csv", "kpi_key", "kpi_kez"), "row 1: other columns"),
        (_edit("kpi.csv", "\nK01", "\nK01,,,,,,,,,,,,\nK01"), "2 rows where the Parquet file has 1"),
        (_edit("municipality_extract.excel.csv", "100,00", "100,01"), "excel.csv, row 2, column net_amount_nok"),
        (_edit("municipality_extract.excel.csv", "100,00", "100.00"), "excel.csv, row 2, column net_amount_nok"),
        (_edit("municipality_extract.excel.csv", "(skjermet)", "Ola"), "excel.csv, row 7, column supplier_name"),
        (_edit("kpi.excel.csv", "01.09.2026", "02.09.2026"), "excel.csv, row 2, column period_start"),
        (_edit("kpi.excel.csv", "01.09.2026", "2026-09-01T00"), "excel.csv, row 2, column period_start"),
    ],
    ids=[
        "amount",
        "no amount",
        "name",
        "emptied",
        "date",
        "header",
        "a row more",
        "amount in Excel's form",
        "point for comma",
        "name in Excel's form",
        "date in Excel's form",
        "no date",
    ],  # fmt: skip
)
def test_one_changed_cell_is_found(small: SmallHome, change: Callable[[Path], None], says: str) -> None:
    change(small.folder(EXTRACT))
    differing = _read(small).differing
    assert len(differing) == 1
    assert says in differing[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda folder: (folder / "kpi.parquet").write_bytes(b"PAR1"), "kpi.parquet"),
        (lambda folder: (folder / "kpi.csv").write_text('a,b\n1,2,3\n"'), "kpi.csv"),
        (lambda folder: (folder / "kpi.csv").write_bytes(b""), "kpi.csv"),
        (lambda folder: (folder / "datapackage.json").write_text("{"), "datapackage.json"),
        (lambda folder: (folder / "datapackage.json").write_text("[]"), "datapackage.json"),
    ],
    ids=["parquet", "csv", "empty csv", "json", "another json"],
)
def test_unreadable_files_are_listed(small: SmallHome, change: Callable[[Path], None], says: str) -> None:
    change(small.folder(EXTRACT))
    assert _read(small).unreadable == [says]


def test_missing_and_extra_files_are_listed(small: SmallHome) -> None:
    folder = small.folder(EXTRACT)
    (folder / "kpi.csv").unlink()
    (folder / ".notes").write_text("x")
    (folder / "more").mkdir()
    (folder / "more" / "kpi.csv").write_text("x")
    files = _read(small)
    assert (files.missing, files.extra) == (["kpi.csv"], [".notes", "more/kpi.csv"])


def test_a_cell_that_a_spreadsheet_would_run_is_found_and_a_guarded_one_is_not(small: SmallHome) -> None:
    first = small.tables[EXTRACT]["municipality_extract"][0]
    first["supplier_name"] = '=HYPERLINK("x")'
    small.write()
    assert _read(small).formulas == []
    text = small.folder(EXTRACT) / "municipality_extract.csv"
    text.write_text(re.sub("'=HYPER", "=HYPER", text.read_text()))
    files = _read(small)
    assert files.formulas == ["municipality_extract.csv, row 2, column supplier_name"]
    assert files.differing == []


@pytest.mark.parametrize("name", ["municipality_extract.csv", "municipality_extract.excel.csv"])
@pytest.mark.parametrize("title", ["Mat{0}=1+1{0}", 'Mat{0}"=1+1', "Mat{0} @SUM(A1)"])
def test_text_that_is_run_where_the_file_is_opened_by_the_other_separator_is_found(
    small: SmallHome, name: str, title: str
) -> None:
    small.tables[EXTRACT]["municipality_extract"][0]["supplier_name"] = "PLASS"
    small.write()
    path, other = small.folder(EXTRACT) / name, "," if "excel" in name else ";"
    text = path.read_text(encoding="utf-8").replace('"PLASS"', "PLASS")
    path.write_text(text.replace("PLASS", '"' + title.format(other).replace('"', '""') + '"'), encoding="utf-8")
    assert _read(small).formulas == [f"{name}, row 2, column supplier_name"]


def test_negative_amounts_are_no_formulas(small: SmallHome) -> None:
    text = small.folder(EXTRACT) / "municipality_extract.csv"
    text.write_text(text.read_text().replace("100.00", "-100.00"))
    text = small.folder(EXTRACT) / "municipality_extract.excel.csv"
    text.write_text(text.read_text().replace("100,00", "-100,00"))
    assert _read(small).formulas == []


@pytest.mark.parametrize(
    "change",
    [
        _edit("datapackage.json", '"name": ', '"name": "15829000056", "name": '),
        lambda folder: (folder / "datapackage.json").write_text("[" * 100_000),
    ],
    ids=["a name twice", "nested without end"],
)
def test_a_package_of_which_a_reader_would_not_see_all_is_unreadable(
    small: SmallHome, change: Callable[[Path], None]
) -> None:
    change(small.folder(EXTRACT))
    assert _read(small).unreadable == ["datapackage.json"]
