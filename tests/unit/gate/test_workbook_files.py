"""A workbook is read to the last character: what differs, runs, hides or leads out is found."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook

from pipelines import settings
from pipelines.candidates.products import PRODUCTS, Window
from pipelines.candidates.workbook import Book, workbook_bytes
from pipelines.gate.suites import read_suite
from pipelines.gate.workbook_files import WorkbookRead, read_workbook
from tests.unit.gate.small_home import EXTRACT, MONTHS, SHARE, SmallHome

SUITE = read_suite(settings.EXPECTATIONS, EXTRACT.product)
SECRET = "01819012345"  # what somebody might hide
Change = Callable[[dict[str, bytes]], None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    small = SmallHome(tmp_path_factory.mktemp("workbook"))
    small.tables[EXTRACT]["municipality_extract"][0]["supplier_name"] = 'Fisk & <Ris> _x0041_ "AS"'
    small.tables[EXTRACT]["kpi"] += [
        {**small.tables[EXTRACT]["kpi"][0], "period_start": day, "period_end": day} for day in (_day(9), _day(10))
    ]
    small.write()
    return small.folder(EXTRACT)


def _day(month: int) -> object:
    from datetime import date

    return date(2026, month, 1)


@pytest.fixture(params=["by hand", "as published"])
def place(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> Path:
    """A folder with an agreed workbook: one of another library's making, and one as candidates have it."""
    place = tmp_path / "candidate"
    shutil.copytree(folder, place)
    if request.param == "as published":
        product = PRODUCTS[EXTRACT.product]
        typed = {table.name: _tables(folder)[table.name].cast(table.arrow_schema) for table in product.tables}
        book = Book(product, EXTRACT, "Fjordvik", Window(MONTHS), [])
        (place / "municipality_extract.xlsx").write_bytes(workbook_bytes(book, typed))
    return place


def _tables(folder: Path) -> dict[str, pa.Table]:
    return {name: pq.read_table(folder / f"{name}.parquet") for name in SUITE.tables}


def read(folder: Path) -> WorkbookRead:
    assert SUITE.workbook is not None
    return read_workbook(folder / SUITE.workbook.file, SUITE.workbook, _tables(folder))


def change(folder: Path, edit: Change) -> WorkbookRead:
    path = folder / "municipality_extract.xlsx"
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    edit(parts)
    with zipfile.ZipFile(path, "w") as archive:
        for name, raw in parts.items():
            archive.writestr(name, raw)
    return read(folder)


def sheet_of(parts: dict[str, bytes], text: str) -> str:
    names = (name for name in parts if name.startswith("xl/worksheets/sheet") and text.encode() in parts[name])
    return next(names)


def put(within: str, old: str, new: str) -> Change:
    """Change the sheet that holds a text."""

    def edit(parts: dict[str, bytes]) -> None:
        name = sheet_of(parts, within)
        assert old.encode() in parts[name], (old, parts[name][:3000])
        parts[name] = parts[name].replace(old.encode(), new.encode(), 1)

    return edit


def test_an_agreed_workbook_has_no_remarks(place: Path) -> None:
    found = read(place)
    assert (found.is_unreadable, found.differing, found.formulas) == (False, [], [])
    assert found.cells == sum(rows.num_rows * rows.num_columns for rows in _tables(place).values())
    assert "9901" in " ".join(found.words)


def test_what_is_read_is_what_a_library_reads(place: Path) -> None:
    workbook = load_workbook(place / "municipality_extract.xlsx")
    assert not [cell for sheet in workbook for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    amounts = [row[23].value for row in workbook["Innkjøpslinjer"].iter_rows(min_row=2)]
    assert amounts == [float(value) for value in _tables(place)["municipality_extract"]["net_amount_nok"].to_pylist()]


LINES, FIRST = "purchase_line_id", '</row><row r="2"'


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (put(LINES, "<v>100</v>", "<v>100.01</v>"), "row 2, column net_amount_nok"),
        (put(LINES, "<v>100</v>", "<v>1OO</v>"), "row 2, column net_amount_nok"),
        (put(LINES, "(skjermet)", "Kari Oppdiktet"), "column supplier_name"),
        (put(LINES, "supplier_name", "supplier"), "row 1: other columns"),
        (put(LINES, "_x005F_x0041_", "_x0041_"), "row 2, column supplier_name"),
        (put("label_no", "<v>46266</v>", "<v>46267</v>"), "column period_start"),
        (put("Innkjøp (K01)", "<v>660</v>", "<v>661</v>"), "not what the tables hold"),
    ],
    ids=["amount", "no amount", "name", "header", "written as a number", "date", "chart"],
)
def test_one_changed_cell_is_found(place: Path, edit: Change, says: str) -> None:
    if says == "not what the tables hold" or "net_amount" in says:
        edit = _as_either(edit, place)
    found = change(place, edit)
    assert found.formulas == []
    assert any(says in remark for remark in found.differing), found.differing


def _as_either(edit: Change, place: Path) -> Change:
    """Amounts are written with and without decimals."""

    def both(parts: dict[str, bytes]) -> None:
        for name in [name for name in parts if name.startswith("xl/worksheets/sheet")]:
            for number in (b"100", b"660"):
                parts[name] = parts[name].replace(b"<v>%s.00</v>" % number, b"<v>%s</v>" % number)
            parts[name] = (
                parts[name].replace(b"<v>660.000000</v>", b"<v>660</v>").replace(b"<v>660.0</v>", b"<v>660</v>")
            )
            parts[name] = parts[name].replace("Innkjøp (K01), kroner".encode(), b"Innkj\xc3\xb8p (K01)")
            if b"strftime" in parts[name]:
                parts[name] = parts[name].replace(b"strftime", "Innkjøp (K01) ".encode(), 1)
        edit(parts)

    return both


def _formula(parts: dict[str, bytes]) -> None:
    name = sheet_of(parts, LINES)
    parts[name] = parts[name].replace(
        b"</sheetData>", b'<row r="90"><c r="A90"><f>1+1</f><v>2</v></c></row></sheetData>'
    )


def _beyond(parts: dict[str, bytes]) -> None:
    name = sheet_of(parts, LINES)
    cell = f'<row r="90"><c r="A90" t="inlineStr"><is><t>{SECRET}</t></is></c></row></sheetData>'
    parts[name] = parts[name].replace(b"</sheetData>", cell.encode())


def _comment(parts: dict[str, bytes]) -> None:
    name = sheet_of(parts, LINES)
    parts[name] = parts[name].replace(b"</sheetData>", f"<!-- {SECRET} --></sheetData>".encode())


def _link(parts: dict[str, bytes]) -> None:
    name = sheet_of(parts, LINES)
    parts[name] = parts[name].replace(b"<pageMargins", b'<hyperlinks><hyperlink ref="A1"/></hyperlinks><pageMargins')


def _hidden_column(parts: dict[str, bytes]) -> None:
    name = sheet_of(parts, LINES)
    parts[name] = parts[name].replace(b"<sheetData>", b'<cols><col min="1" max="1" hidden="1"/></cols><sheetData>', 1)


def _hidden_row(parts: dict[str, bytes]) -> None:
    name = sheet_of(parts, LINES)
    parts[name] = parts[name].replace(b'<row r="3"', b'<row hidden="1" r="3"')


def _name(parts: dict[str, bytes]) -> None:
    names = b"<definedName name=\"x\">cmd|'/c calc'!A1</definedName>"
    text = parts["xl/workbook.xml"]
    text = text.replace(b"<definedNames>", b"<definedNames>" + names)
    if names not in text:
        text = text.replace(b"<calcPr", b"<definedNames>" + names + b"</definedNames><calcPr")
    parts["xl/workbook.xml"] = text


def _outside(parts: dict[str, bytes]) -> None:
    link = b'<Relationship Id="rId99" Type="x" Target="http://x.test" TargetMode="External"/></Relationships>'
    name = "xl/_rels/workbook.xml.rels"
    parts[name] = parts[name].replace(b"</Relationships>", link)


def _truly_hidden_column(parts: dict[str, bytes]) -> None:
    name = sheet_of(parts, LINES)
    parts[name] = parts[name].replace(
        b"<sheetData>", b'<cols><col min="1" max="1" hidden=\'true\'/></cols><sheetData>', 1
    )


def _height(parts: dict[str, bytes]) -> None:
    name = sheet_of(parts, LINES)
    parts[name] = parts[name].replace(b"</sheetData>", f'<row r="91" ht="{SECRET}"></row></sheetData>'.encode())


def _name_with_a_tab(parts: dict[str, bytes]) -> None:
    _name(parts)
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(b'<definedName name="x"', b'<definedName\tname="x"')


@pytest.mark.parametrize(
    "edit",
    [
        *(_formula, _comment, _link, _hidden_column, _hidden_row, _name, _outside),
        *(_truly_hidden_column, _height, _name_with_a_tab),
    ],
    ids=lambda edit: edit.__name__,
)
def test_what_would_be_run_hides_or_leads_out_is_found(place: Path, edit: Change) -> None:
    assert change(place, edit).formulas


def _part(parts: dict[str, bytes]) -> None:
    parts["xl/vbaProject.bin"] = SECRET.encode()


def _unshown(parts: dict[str, bytes]) -> None:
    parts["xl/worksheets/sheet99.xml"] = parts[sheet_of(parts, LINES)].replace(b"(skjermet)", SECRET.encode(), 1)


def _renamed(parts: dict[str, bytes]) -> None:
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace("Nøkkeltall".encode(), f"Tall {SECRET}".encode())


def _property(parts: dict[str, bytes]) -> None:
    name = "docProps/core.xml"
    parts[name] = parts[name].replace(b"</cp:coreProperties>", f"<x>{SECRET}</x></cp:coreProperties>".encode())


def _word(parts: dict[str, bytes]) -> None:
    name = sheet_of(parts, "2026-10</t>")
    parts[name] = parts[name].replace(b"2026-10</t>", f"2026-10 {SECRET}</t>".encode(), 1)


@pytest.mark.parametrize("edit", [_beyond, _part, _unshown, _renamed], ids=lambda edit: edit.__name__)
def test_what_nobody_agreed_on_is_found(place: Path, edit: Change) -> None:
    assert change(place, edit).differing


@pytest.mark.parametrize(
    "edit", [_comment, _part, _unshown, _renamed, _property, _word], ids=lambda edit: edit.__name__
)
def test_what_is_said_beside_the_rows_is_scanned(place: Path, edit: Change) -> None:
    found = change(place, edit)
    assert any(SECRET in text for text in [*found.texts, *found.words])


def test_a_chart_that_remembers_what_its_sheet_does_not_hold_is_found(place: Path) -> None:
    def edit(parts: dict[str, bytes]) -> None:
        chart = b'<c:chartSpace xmlns:c="c"><c:pt idx="0"><c:v>123456.78</c:v></c:pt></c:chartSpace>'
        parts["xl/charts/chart1.xml"] = chart

    assert change(place, edit).differing == ["xl/charts/chart1.xml draws what its sheet does not hold"]


def test_a_sheet_that_is_gone_is_found(place: Path) -> None:
    def edit(parts: dict[str, bytes]) -> None:
        text = parts["xl/workbook.xml"].decode()
        begin = text.index("<sheet name=", text.index("Nøkkeltall") - 20)
        parts["xl/workbook.xml"] = (text[:begin] + text[text.index("/>", begin) + 2 :]).encode()

    assert "the sheet Nøkkeltall is missing" in change(place, edit).differing


def _prefixed(path: Path) -> None:
    path.write_bytes(SECRET.encode() + path.read_bytes())


def _rewritten(path: Path, *, method: int = zipfile.ZIP_DEFLATED, **facts: bytes) -> None:
    """Write the archive anew, its first member with facts of its own."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", method) as archive:
        for number, (name, raw) in enumerate(parts.items()):
            member = zipfile.ZipInfo(name)
            for fact, value in (facts if number == 0 else {}).items():
                setattr(member, fact, value)
            archive.writestr(member, raw, method)


@pytest.mark.parametrize(
    "hide",
    [
        _prefixed,
        lambda path: path.write_bytes(path.read_bytes() + SECRET.encode()),
        lambda path: _rewritten(path, comment=SECRET.encode()),
        lambda path: _rewritten(path, extra=b"\xfe\xca" + bytes([len(SECRET), 0]) + SECRET.encode()),
    ],
    ids=["before the archive", "behind it", "a part's comment", "an extra field"],
)
def test_what_an_archive_says_beside_its_parts_is_found_and_scanned(place: Path, hide: Callable[[Path], None]) -> None:
    hide(place / "municipality_extract.xlsx")
    found = read(place)
    assert found.is_unreadable or found.differing
    assert any(SECRET in text for text in found.texts)


def test_a_workbook_packed_in_another_way_is_never_raised(place: Path) -> None:
    path = place / "municipality_extract.xlsx"
    _rewritten(path, method=zipfile.ZIP_LZMA)
    raw = path.read_bytes()
    for at in range(60, len(raw), len(raw) // 40):
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1 :])
        found = read(place)
        assert found.is_unreadable or found.differing or found.formulas or found.cells


def _broken() -> Iterator[tuple[str, Callable[[bytes], bytes]]]:
    yield "empty", lambda _: b""
    yield "cut", lambda raw: raw[: len(raw) // 2]
    yield "no archive", lambda _: b"PK" + b"x" * 50


@pytest.mark.parametrize("damage", [pytest.param(damage, id=name) for name, damage in _broken()])
def test_a_file_that_is_no_workbook_is_unreadable(place: Path, damage: Callable[[bytes], bytes]) -> None:
    path = place / "municipality_extract.xlsx"
    path.write_bytes(damage(path.read_bytes()))
    assert read(place).is_unreadable


def test_a_table_that_no_sheet_can_hold_has_none(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.gate.workbook_files._MOST_ROWS", 5)
    assert "the sheet Innkjøpslinjer is not agreed" in read(place).differing


def test_the_workbook_of_a_share_is_held_against_its_tables(tmp_path: Path) -> None:
    small = SmallHome(tmp_path).write()
    suite = read_suite(settings.EXPECTATIONS, SHARE.product)
    assert suite.workbook is not None
    tables = {name: pq.read_table(small.folder(SHARE) / f"{name}.parquet") for name in suite.tables}
    found = read_workbook(small.folder(SHARE) / suite.workbook.file, suite.workbook, tables)
    assert (found.differing, found.formulas) == ([], [])
    emptied = {**tables, "own_sales": tables["own_sales"].slice(0, 0)}
    found = read_workbook(small.folder(SHARE) / suite.workbook.file, suite.workbook, emptied)
    assert any("Salg per måned, row 2" in remark for remark in found.differing)
