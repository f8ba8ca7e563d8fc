"""A filled form ends as rows or rejects by row and column, whoever filled it in, and whatever it is."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from pipelines import registers_nb as nb
from pipelines.home import Home
from pipelines.parsing.register_form import MOST_ROWS, PRIVATE, ReadForm, parse_form
from pipelines.parsing.tabular import UnreadableTable
from pipelines.register_forms import FACTS_SHEET, SHEET
from tests.integration.tiny_home import WORKSHOP
from tests.unit.registered import MEMBER, NEIGHBOUR, OTHER_WORKSHOP, fill, form_bytes, make_registered_home, write_row
from tests.unit.test_scanner import SYNTHETIC

CLASH = "The dates overlap those of another row. Mend the dates."
GOOD_TASK = {
    "Oppgavenummer": "T-9",
    "Kategori": "Vaskeri og tekstilvask",
    "Beskrivelse": "Vask av gardiner",
    "Anslått verdi": 1234.5,
    "Gjelder fra": date(2026, 12, 1),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_registered_home(tmp_path_factory.mktemp("read") / "home")


@pytest.fixture(scope="module")
def registers(home: Home) -> dict[str, list[dict[str, Any]]]:
    return home.read_registers()


@pytest.fixture(scope="module")
def tasks(home: Home) -> bytes:
    return form_bytes(home, "tasks", MEMBER)


def said(read: ReadForm | None) -> list[tuple[str, int | None, str | None, str]]:
    assert read is not None
    assert read.rows_in == read.rows_out + len(read.rejects)
    return [(reject.rule, reject.row_no, reject.column, reject.message) for reject in read.rejects]


def test_a_new_row_is_read_as_the_register_would_state_it(tasks: bytes, registers: Any) -> None:
    read = parse_form(fill(tasks, write_row(2, GOOD_TASK)), MEMBER, registers)
    assert said(read) == []
    assert read is not None
    assert (read.rows_in, read.rows[1].row_no) == (2, 5)
    assert read.rows[1].fields == {
        "task_id": "T-9",
        "municipality_no": MEMBER,
        "category_key": "laundry",
        "description": "Vask av gardiner",
        "estimated_value_nok": "1234.50",
        "valid_from": "2026-12-01",
        "valid_to": "",
    }


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("Kategori", "Catering", "Not one of the values in the drop-down list."),
        ("Kategori", "meeting_food", "Not one of the values in the drop-down list."),
        ("Kategori", None, "A value is required."),
        ("Beskrivelse", None, "A value is required."),
        ("Beskrivelse", "x" * 501, "Not text that a register can hold: shorten it, on one line."),
        ("Beskrivelse", "Ring 912 34 567", PRIVATE),
        ("Beskrivelse", f"Gjelder {SYNTHETIC}", PRIVATE),
        ("Anslått verdi", "1234,50", "Written as text. Type it as a number, without kr or spaces."),
        ("Anslått verdi", "kr 1 000", "Written as text. Type it as a number, without kr or spaces."),
        ("Anslått verdi", 10.005, "Not a number that the column can hold."),
        ("Anslått verdi", -5, "Not a number that the column can hold."),
        ("Anslått verdi", 1e15, "Not a number that the column can hold."),
        ("Anslått verdi", True, "Not a number that the column can hold."),
        ("Anslått verdi", date(2026, 1, 1), "Not a number that the column can hold."),
        ("Gjelder fra", "1. desember", "Not a day of the calendar written dd.mm.yyyy."),
        ("Gjelder fra", "31.02.2026", "Not a day of the calendar written dd.mm.yyyy."),
        ("Gjelder fra", 2026, "Not a day of the calendar written dd.mm.yyyy."),
        ("Gjelder fra", date(2201, 1, 1), "Not a day of the calendar written dd.mm.yyyy."),
        ("Gjelder fra", None, "A value is required."),
        ("Gjelder til", date(2026, 11, 30), "The last day is before the first. Mend the dates."),
    ],
)
def test_a_wrong_cell_refuses_its_row_and_no_other(
    tasks: bytes, registers: Any, column: str, value: Any, message: str | None
) -> None:
    read = parse_form(fill(tasks, write_row(2, GOOD_TASK | {column: value})), MEMBER, registers)
    if message is None:
        assert said(read) == []
        return
    assert said(read) == [("IN12", 5, column, message)]
    assert read is not None
    assert [row.fields["task_id"] for row in read.rows] == ["T-1"]
    assert nb.in_bokmaal(message)


def test_what_else_is_wrong_with_a_row_is_remarked_on(tasks: bytes, registers: Any) -> None:
    read = parse_form(fill(tasks, write_row(2, {"Oppgavenummer": "T-9", "Kategori": "Mat"})), MEMBER, registers)
    assert len(said(read)) == 1
    assert read is not None
    assert {issue.column for issue in read.issues} == {"Beskrivelse", "Gjelder fra"}


def test_dates_written_as_text_are_read(tasks: bytes, registers: Any) -> None:
    read = parse_form(fill(tasks, write_row(2, GOOD_TASK | {"Gjelder fra": "01.12.2026"})), MEMBER, registers)
    assert said(read) == []
    assert read is not None
    assert read.rows[1].fields["valid_from"] == "2026-12-01"


def test_numbers_in_text_columns_keep_their_digits(tasks: bytes, registers: Any) -> None:
    read = parse_form(fill(tasks, write_row(2, GOOD_TASK | {"Oppgavenummer": 17})), MEMBER, registers)
    assert read is not None
    assert read.rows[1].fields["task_id"] == "17"


def test_raw_values_are_masked_and_messages_hold_none(tasks: bytes, registers: Any) -> None:
    read = parse_form(fill(tasks, write_row(2, GOOD_TASK | {"Kategori": "Hemmelig kategori 91"})), MEMBER, registers)
    assert read is not None
    assert "Hemmelig" not in repr(read)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ((date(2026, 1, 1), None), (date(2026, 1, 1), None), "The same row stands above. Keep one of them."),
        ((date(2026, 1, 1), date(2026, 6, 30)), (date(2026, 6, 30), None), CLASH),
        ((date(2026, 6, 30), None), (date(2026, 1, 1), date(2026, 6, 30)), CLASH),
        ((date(2026, 1, 1), date(2026, 6, 30)), (date(2026, 7, 1), None), None),
        ((date(2026, 1, 1), None), (date(2026, 7, 1), None), None),
    ],
    ids=["same day", "overlap", "overlap the other way", "one after the other", "the earlier one is open"],
)  # fmt: skip
def test_rows_of_one_key_may_not_hold_on_one_day(
    tasks: bytes, registers: Any, first: Any, second: Any, message: str | None
) -> None:
    def change(sheet: Any) -> None:
        for row_no, (starts, ends) in ((2, first), (3, second)):
            write_row(row_no, GOOD_TASK | {"Gjelder fra": starts, "Gjelder til": ends})(sheet)

    read = parse_form(fill(tasks, change), MEMBER, registers)
    assert said(read) == ([("IN12", 6, "Gjelder fra", message)] if message else [])


def test_a_form_of_somebody_else_is_refused_row_by_row(tasks: bytes, registers: Any) -> None:
    two_rows = fill(tasks, write_row(2, GOOD_TASK))
    expected = [("RF10", row_no, None, "The form is somebody else's. Hand in your own.") for row_no in (4, 5)]
    assert said(parse_form(two_rows, NEIGHBOUR, registers)) == expected
    assert said(parse_form(two_rows, f"_workshop_{WORKSHOP}", registers)) == expected


def test_a_key_that_somebody_else_uses_is_refused(tasks: bytes, registers: Any) -> None:
    read = parse_form(fill(tasks, write_row(2, GOOD_TASK | {"Oppgavenummer": "T-2"})), MEMBER, registers)
    message = "The row's key is in use by somebody else. Take another one."
    assert said(read) == [("RF10", 5, "Oppgavenummer", message)]


def test_an_owner_written_into_the_hidden_sheet_does_not_help(home: Home, registers: Any) -> None:
    workbook = load_workbook(io.BytesIO(form_bytes(home, "workshop_capabilities", OTHER_WORKSHOP)))
    for row in workbook[FACTS_SHEET].iter_rows():
        if row[0].value == "owner":
            row[1].value = WORKSHOP
    saved = io.BytesIO()
    workbook.save(saved)
    read = parse_form(saved.getvalue(), f"_workshop_{WORKSHOP}", registers)
    assert read is not None
    # Whoever hands it in can only speak for itself.
    assert {row.fields["workshop_org_no"] for row in read.rows} == {WORKSHOP}


def _without_header(sheet: Any) -> None:
    sheet.delete_rows(2)


def _other_column(sheet: Any) -> None:
    sheet["G2"] = "Kommune"
    sheet["G4"] = "9902"


def _lost_column(sheet: Any) -> None:
    sheet.delete_cols(2)


def _many_rows(sheet: Any) -> None:
    for row_no in range(MOST_ROWS + 1):
        sheet.cell(4 + row_no, 1).value = f"T-{row_no}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without_header, "The sheet Skjema or its header row is missing. Ask for a new form."),
        (_other_column, "Not a column of the form. Take it out, or ask for a new form."),
        (_lost_column, "A column of the form is missing. Ask for a new form."),
        (_many_rows, "More rows than a form may have. Hand in several forms."),
    ],
)
def test_a_form_whose_shape_was_changed_is_refused_whole(
    tasks: bytes, registers: Any, change: Callable[[Any], None], message: str
) -> None:
    read = parse_form(fill(tasks, change), MEMBER, registers)
    assert [(rule, text) for rule, _, _, text in said(read)] == [("IN01", message)]
    assert nb.in_bokmaal(message)


@pytest.mark.parametrize(
    ("fact", "value"), [("form", "other"), ("version", "0"), ("register", "members"), ("register", "x"), ("owner", "1")]
)
def test_a_changed_hidden_sheet_is_told(tasks: bytes, registers: Any, fact: str, value: str) -> None:
    workbook = load_workbook(io.BytesIO(tasks))
    for row in workbook[FACTS_SHEET].iter_rows():
        if row[0].value == fact:
            row[1].value = value
    saved = io.BytesIO()
    workbook.save(saved)
    assert [rule for rule, *_ in said(parse_form(saved.getvalue(), MEMBER, registers))] == ["IN01"]


def test_rows_moved_columns_moved_and_blank_rows_are_no_matter(tasks: bytes, registers: Any) -> None:
    def change(sheet: Any) -> None:
        write_row(9, GOOD_TASK)(sheet)
        sheet.move_range("A1:F40", cols=1)

    read = parse_form(fill(tasks, change), MEMBER, registers)
    assert said(read) == []
    assert read is not None
    assert [row.row_no for row in read.rows] == [4, 12]


def test_a_workbook_that_is_no_form_is_none(registers: Any) -> None:
    from openpyxl import Workbook

    saved = io.BytesIO()
    Workbook().save(saved)
    assert parse_form(saved.getvalue(), MEMBER, registers) is None


def test_every_remark_has_its_bokmaal_and_every_message_is_one(tasks: bytes) -> None:
    from pathlib import Path

    from pipelines.parsing import contract_export, register_form

    code = "".join(Path(module.__file__).read_text(encoding="utf-8") for module in (register_form, contract_export))
    assert [message for message in nb.REMARKS if message not in code] == []
    assert all(text.strip() and text != message for message, text in nb.REMARKS.items())


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_refused_and_never_raise_anything_else(raw: bytes) -> None:
    with pytest.raises(UnreadableTable):
        parse_form(raw, MEMBER, {})


@settings(max_examples=60, deadline=None)
@given(position=st.integers(0, 20_000), junk=st.binary(min_size=1, max_size=40))
def test_damaged_forms_end_as_rows_or_rejects(tasks: bytes, registers: Any, position: int, junk: bytes) -> None:
    place = position % len(tasks)
    try:
        read = parse_form(tasks[:place] + junk + tasks[place + len(junk) :], MEMBER, registers)
    except UnreadableTable:
        return
    assert read is None or read.rows_in == read.rows_out + len(read.rejects)


_CELL = st.one_of(
    st.none(),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(10**18), 10**18),
    st.booleans(),
    st.dates(date(1900, 3, 1), date(9999, 12, 31)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(_CELL, min_size=6, max_size=6), min_size=1, max_size=4))
def test_any_cells_end_as_rows_or_rejects(tasks: bytes, registers: Any, cells: list[list[Any]]) -> None:
    from pipelines.parsing.tabular import is_blank
    from pipelines.registers import REGISTERS, read_value

    def change(sheet: Any) -> None:
        sheet.delete_rows(4, 10)
        for row_no, row in enumerate(cells, start=4):
            for column, value in enumerate(row, start=1):
                sheet.cell(row_no, column).value = value

    read = parse_form(_saved(tasks, change), MEMBER, registers)
    assert read is not None
    assert read.rows_in == read.rows_out + len(read.rejects)
    assert read.rows_in <= sum(not is_blank([value if value is not None else "" for value in row]) for row in cells)
    for row in read.rows:
        for column in REGISTERS["tasks"].columns:
            read_value(column, row.fields[column.name])


def _saved(raw: bytes, change: Callable[[Any], None]) -> bytes:
    import xlsxwriter

    workbook = load_workbook(io.BytesIO(raw))
    change(workbook[SHEET])
    buffer = io.BytesIO()
    # Written cell by cell: openpyxl turns some texts into formulas.
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "default_date_format": "dd.mm.yyyy"}) as copy:
        for name in workbook.sheetnames:
            sheet = copy.add_worksheet(name)
            for row in workbook[name].iter_rows():
                for cell in row:
                    _write(sheet, cell.row - 1, cell.column - 1, cell.value)
    return buffer.getvalue()


def _write(sheet: Any, row: int, column: int, value: Any) -> None:
    if isinstance(value, str):
        sheet.write_string(row, column, value)
    elif isinstance(value, datetime | date):
        sheet.write_datetime(row, column, value)
    elif value is not None:
        sheet.write(row, column, value)
