"""A form asks for a register's columns in bokmål, offers what may stand there, and comes back as it went out."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from openpyxl import load_workbook

from pipelines import registers_nb as nb
from pipelines.errors import ConfigurationError
from pipelines.home import Home
from pipelines.parsing.register_form import ReadForm, parse_form
from pipelines.register_forms import (
    FACTS_SHEET,
    GUIDE_SHEET,
    LISTS_SHEET,
    SHEET,
    build_form,
    field_text,
    forms_of,
    own_rows,
    prefilled_mark,
    rows_to_show,
    write_form,
)
from pipelines.registers import REGISTERS
from tests.integration.tiny_home import WORKSHOP
from tests.unit.registered import AS_OF, MEMBER, form_bytes, make_registered_home

OWNER_OF = {name: MEMBER if text.owner_kind == nb.MUNICIPALITY else WORKSHOP for name, text in nb.FORMS.items()}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_registered_home(tmp_path_factory.mktemp("forms") / "home")


def sheet_of(raw: bytes, name: str = SHEET):
    return load_workbook(io.BytesIO(raw))[name]


def drop_downs(raw: bytes) -> dict[str, list[str]]:
    """Return by header what each drop-down offers, as a spreadsheet program resolves it."""
    workbook = load_workbook(io.BytesIO(raw))
    found = {}
    for rule in workbook[SHEET].data_validations.dataValidation:
        if rule.type == "list":
            sheet, _, area = rule.formula1.lstrip("=").partition("!")
            column = workbook[SHEET][str(rule.sqref).split(":")[0]].column
            found[workbook[SHEET].cell(2, column).value] = [row[0].value for row in workbook[sheet][area]]
    return found


@pytest.mark.parametrize("register", nb.FORMS)
def test_every_column_of_a_form_has_a_label_and_a_help_text(register: str) -> None:
    text, table = nb.FORMS[register], REGISTERS[register]
    assert {text.owner_column, *text.columns} == set(table.column_names)
    assert all(label and help_text for label, help_text in text.columns.values())
    labels = [label for label, _ in text.columns.values()]
    assert len(set(labels)) == len(labels)
    asked = [column for column in table.columns if column.name in text.columns]
    assert all(set(nb.ALLOWED[register, column.name]) == set(column.allowed) for column in asked if column.allowed)


def test_forms_are_for_those_who_know() -> None:
    assert set(forms_of(WORKSHOP)) == {
        *("workshop_departments", "workshop_capabilities", "workshop_accounts", "ripple", "placements"),
    }
    assert set(forms_of(f"_workshop_{WORKSHOP}")) == set(forms_of(WORKSHOP))
    assert set(forms_of(MEMBER)) == {
        *("tasks", "local_limits", "targets", "opportunity_outcomes", "supplier_corrections"),
    }


@pytest.mark.parametrize("register", nb.FORMS)
def test_a_form_handed_in_untouched_states_the_rows_in_force(home: Home, register: str) -> None:
    owner, registers = OWNER_OF[register], home.read_registers()
    read = parse_form(form_bytes(home, register, owner), owner, registers)
    assert isinstance(read, ReadForm)
    assert (read.rejects, read.issues, read.rows_in) == ([], [], read.rows_out)
    form = build_form(register, owner, registers)
    expected = [
        {name: field_text(row.get(name)) for name in form.table.column_names}
        for row in rows_to_show(form, registers, AS_OF)
    ]
    assert [row.fields for row in read.rows] == expected
    assert expected, "the home has a row in every register that has a form"
    assert read.prefilled == prefilled_mark(form, registers, AS_OF)


@pytest.mark.parametrize("register", nb.FORMS)
def test_the_same_rows_and_day_give_the_same_bytes(home: Home, register: str) -> None:
    assert form_bytes(home, register, OWNER_OF[register]) == form_bytes(home, register, OWNER_OF[register])


@pytest.mark.parametrize("register", nb.FORMS)
def test_a_form_shows_nobody_elses_rows(home: Home, register: str) -> None:
    form = build_form(register, OWNER_OF[register], home.read_registers())
    assert {row[form.text.owner_column] for row in own_rows(form, home.read_registers())} == {OWNER_OF[register]}
    texts = [str(cell) for row in sheet_of(form_bytes(home, register, OWNER_OF[register])).values for cell in row]
    assert not any("T-2" in text or "Vaskeri" in text or "Sak 3/26" in text for text in texts)


def test_drop_downs_offer_what_the_register_knows_in_bokmaal(home: Home) -> None:
    capabilities = drop_downs(form_bytes(home, "workshop_capabilities", WORKSHOP))
    assert "Møtemat og catering" in capabilities["Kategori"]
    assert "Kommunal medfinansiering av VTA" not in capabilities["Kategori"]
    assert capabilities["Leverer til Lilleby (9901)"] == ["ja", "nei"]
    outcomes = drop_downs(form_bytes(home, "opportunity_outcomes", MEMBER))
    assert outcomes["Resultat"] == ["tatt i bruk", "avslått", "utløpt"]
    assert outcomes["Bedrift"] == ["Eksempel Vekst AS (310000000)", "Storvik Arbeid AS (310000078)"]
    assert drop_downs(form_bytes(home, "placements", WORKSHOP))["Kommune"] == ["Lilleby (9901)", "Storvik (9902)"]
    assert "K04 Bedriftenes andel av innkjøp" in drop_downs(form_bytes(home, "targets", MEMBER))["Måltall"]
    assert drop_downs(form_bytes(home, "local_limits", MEMBER))["Grense"] == list(nb.LIMITS.values())


@pytest.mark.parametrize("register", nb.FORMS)
def test_every_column_is_guarded_as_its_type_asks(home: Home, register: str) -> None:
    raw = form_bytes(home, register, OWNER_OF[register])
    form = build_form(register, OWNER_OF[register], home.read_registers())
    rules = {str(rule.sqref).split("4:")[0]: rule.type for rule in sheet_of(raw).data_validations.dataValidation}
    kinds = {"date": "date", "integer": "whole", "money": "decimal", "fraction": "decimal", "text": "textLength"}
    expected = ["list" if column.shown else kinds[column.column.type] for column in form.columns]
    assert [rules[letter] for letter in sorted(rules)] == expected


def test_headers_are_frozen_and_locked_and_cells_are_not(home: Home) -> None:
    sheet = sheet_of(form_bytes(home, "tasks", MEMBER))
    assert sheet.freeze_panes == "A4"
    assert sheet.protection.sheet
    assert not sheet.protection.password
    assert sheet["A1"].protection.locked
    assert all(sheet.cell(row, column).protection.locked for row in (1, 2, 3) for column in range(1, 7))
    assert not any(sheet.cell(4, column).protection.locked for column in range(1, 7))
    assert not sheet.column_dimensions["A"].protection.locked


def test_what_the_form_is_stands_on_a_hidden_sheet(home: Home) -> None:
    workbook = load_workbook(io.BytesIO(form_bytes(home, "tasks", MEMBER)))
    assert workbook.sheetnames == [SHEET, GUIDE_SHEET, LISTS_SHEET, FACTS_SHEET]
    assert [workbook[name].sheet_state for name in workbook.sheetnames] == ["visible", "visible", "hidden", "hidden"]
    facts = dict(workbook[FACTS_SHEET].values)
    assert {name: facts[name] for name in ("form", "version", "register", "owner")} == {
        "form": "samandel-register",
        "version": "1",
        "register": "tasks",
        "owner": MEMBER,
    }
    assert set(facts) == {"form", "version", "register", "owner", "prefilled", "form_id"}


def test_the_guide_says_how_a_dated_row_is_changed(home: Home) -> None:
    def guide(register: str, owner: str) -> str:
        return "\n".join(str(row[1]) for row in sheet_of(form_bytes(home, register, owner), GUIDE_SHEET).values)

    assert "Den gamle raden avsluttes da dagen før" in guide("tasks", MEMBER)
    assert nb.PERIOD_GUIDE not in guide("tasks", MEMBER)
    assert nb.PERIOD_GUIDE in guide("workshop_accounts", WORKSHOP)


@pytest.mark.parametrize(
    ("register", "owner"), [("members", MEMBER), ("tasks", "9999"), ("tasks", WORKSHOP), ("ripple", MEMBER)]
)
def test_a_form_for_somebody_who_has_none_is_refused(home: Home, register: str, owner: str) -> None:
    with pytest.raises(ConfigurationError):
        build_form(register, owner, home.read_registers())


def test_a_value_that_has_left_the_list_may_stay(tmp_path: Path) -> None:
    home = make_registered_home(tmp_path / "home")
    path = home.registers / "workshop_capabilities.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("meeting_food", "old_category"), encoding="utf-8")
    registers = home.read_registers()
    read = parse_form(
        write_form(build_form("workshop_capabilities", WORKSHOP, registers), registers, AS_OF), WORKSHOP, registers
    )
    assert read is not None
    assert [row.fields["category_key"] for row in read.rows] == ["old_category"]


def test_a_long_form_has_drop_downs_to_its_end_and_below(tmp_path: Path) -> None:
    home = make_registered_home(tmp_path / "home")
    path = home.registers / "tasks.csv"
    rows = "".join(f"L-{number},9901,laundry,Vask,,2026-01-01,\n" for number in range(900))
    path.write_text(path.read_text(encoding="utf-8") + rows, encoding="utf-8")
    sheet = sheet_of(form_bytes(home, "tasks", MEMBER))
    ends = {str(rule.sqref).split(":")[1].lstrip("ABCDEF") for rule in sheet.data_validations.dataValidation}
    assert ends == {str(3 + 901 + 500)}
