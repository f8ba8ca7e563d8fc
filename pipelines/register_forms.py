"""The form of a register for one owner: its columns, its drop-downs, and the workbook itself.

Belongs here: which cells a form has and what may stand in them, shared by writing a form and reading one; writing it.
Not here: its texts (registers_nb.py), reading a filled one (parsing/register_form.py), what becomes of it
(proposals.py).

A workbook holds «Skjema» (to fill in), «Veiledning» (how), and two hidden sheets: the lists behind the drop-downs, and
what the form is: version, register, owner, and the digest of the rows that it was filled with.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pipelines import registers_nb as nb
from pipelines.errors import ConfigurationError
from pipelines.files import canonical_json, sha256_bytes
from pipelines.reference import OF_RELEASES, seed_rows
from pipelines.registers import REGISTERS
from pipelines.tables import Column, Table

FORM_VERSION = "1"
FORM_KIND = "samandel-register"
SHEET, GUIDE_SHEET, LISTS_SHEET, FACTS_SHEET = "Skjema", "Veiledning", "Lister", "Skjemadata"
HEADER_ROW = 1  # 0-based: the title stands above it, the help texts below
FIRST_ROW = 3
OLDEST, LATEST = date(1990, 1, 1), date(2100, 12, 31)
LARGEST_NUMBER = 10**12
LONGEST_TEXT = 500
WORKSHOP_OWNER = "_workshop_"
# Registers whose dates are the period that their figures are about, or a contract's own: a new period that overlaps an
# old one takes its place, instead of cutting it short.
PERIOD_REGISTERS = frozenset({"workshop_accounts", "ripple", "placements", "contracts", "contract_members"})
_ROWS_TO_FILL = 500  # below those filled in already
_SHOWN_PERIODS = timedelta(days=731)
_MADE_AT = datetime(2020, 1, 1)  # noqa: DTZ001  a workbook's own date has no zone; fixed, so that bytes repeat

Row = Mapping[str, Any]
Registers = Mapping[str, Sequence[Row]]


@dataclass(frozen=True)
class FormColumn:
    """One column of a form.

    Attributes:
        column: The register's column that it is about.
        label: Its header.
        help: What it asks for.
        options: By what may stand in a cell, the register's value; empty where anything of the type may.
        shown: Of these, what the drop-down offers.
        part: For a column that is asked for piece by piece (municipalities delivered to), which piece this is.
    """

    column: Column
    label: str
    help: str
    options: Mapping[str, str]
    shown: tuple[str, ...] = ()
    part: str = ""


@dataclass(frozen=True)
class Form:
    """The form of a register for one owner."""

    table: Table
    text: nb.FormText
    owner: str
    owner_name: str
    columns: tuple[FormColumn, ...]


def owner_key(owner: str) -> str:
    """Return the number that an owner of deliveries has in registers (``_workshop_310000000`` is 310000000)."""
    return owner.removeprefix(WORKSHOP_OWNER)


def forms_of(owner: str) -> list[str]:
    """Return the registers that an owner, named by its number or as an owner of deliveries, has a form for."""
    number = owner_key(owner)
    kind = nb.MUNICIPALITY if len(number) == 4 and number.isdigit() else nb.WORKSHOP
    return [name for name, text in nb.FORMS.items() if text.owner_kind == kind]


def build_form(register: str, owner: str, registers: Registers) -> Form:
    """Return the form of a register for an owner.

    Raises:
        ConfigurationError: The register has no form, or the owner is none of those who fill it in.
    """
    text = nb.FORMS.get(register)
    if text is None:
        raise ConfigurationError(
            f"The register {register} has no form.", where=register, remedy=f"Known: {', '.join(nb.FORMS)}."
        )
    number = owner_key(owner)
    known = _names(registers, text.owner_kind)
    if number not in known:
        place = "members.csv" if text.owner_kind == nb.MUNICIPALITY else "workshops.csv"
        raise ConfigurationError(
            f"{owner} cannot fill in {register}.", where=f"registers/{place}", remedy=f"Name a {text.owner_kind} in it."
        )
    return Form(
        REGISTERS[register], text, number, known[number][-1], tuple(_form_columns(register, text, number, registers))
    )


def own_rows(form: Form, registers: Registers) -> list[Row]:
    """Return the rows of the register that are the owner's, in the order of the file."""
    return [row for row in registers[form.table.name] if row[form.text.owner_column] == form.owner]


def rows_to_show(form: Form, registers: Registers, as_of: date) -> list[Row]:
    """Return the owner's rows that a form made on a day holds: those in force or to come, periods of two years."""
    since = as_of - _SHOWN_PERIODS if form.table.name in PERIOD_REGISTERS else as_of
    return [row for row in own_rows(form, registers) if row.get("valid_to") is None or row["valid_to"] >= since]


def _names(registers: Registers, owner_kind: str) -> dict[str, list[str]]:
    """Return by number the names of municipalities or workshops, the latest last."""
    register, key = ("members", "municipality_no") if owner_kind == nb.MUNICIPALITY else ("workshops", "org_no")
    names: dict[str, list[str]] = {}
    for row in sorted(registers[register], key=lambda row: row["valid_from"]):
        names.setdefault(row[key], []).append(row["name"])
    return names


def _form_columns(register: str, text: nb.FormText, owner: str, registers: Registers) -> Iterable[FormColumn]:
    columns = {column.name: column for column in REGISTERS[register].columns}
    rows = [row for row in registers[register] if row[text.owner_column] == owner]
    for name, (label, help_text) in text.columns.items():
        if name == "delivery_municipality_nos":
            yield from _delivery_columns(columns[name], label, help_text, rows, registers)
            continue
        options, shown = _options(register, columns[name], registers)
        # What stands in the register already may stay, whatever has become of the list since.
        used = {str(row[name]) for row in rows if row.get(name) is not None} if shown else set()
        stray = sorted(used - set(options.values()))
        yield FormColumn(columns[name], label, help_text, options | {value: value for value in stray}, (*shown, *stray))


def _delivery_columns(
    column: Column, label: str, help_text: str, rows: Iterable[Row], registers: Registers
) -> Iterable[FormColumn]:
    names = _names(registers, nb.MUNICIPALITY)
    used = {number for row in rows for number in row[column.name].split(";")}
    labels = {number: f"{label} {_labelled(number, names.get(number, [number])[-1])}" for number in used | set(names)}
    answers = {nb.YES: "yes", nb.NO: "no"}
    for number in sorted(labels, key=lambda number: (labels[number], number)):
        yield FormColumn(column, labels[number], help_text, answers, tuple(answers), number)


def _labelled(number: str, name: str) -> str:
    return f"{name} ({number})" if name != number else number


def _options(register: str, column: Column, registers: Registers) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return what may stand in a column's cells with its value, and what the drop-down offers, in its order."""
    if column.name in ("municipality_no", "workshop_org_no"):
        kind = nb.MUNICIPALITY if column.name == "municipality_no" else nb.WORKSHOP
        names = _names(registers, kind)
        every = {_labelled(number, name): number for number, listed in names.items() for name in listed}
        return every, tuple(sorted(_labelled(number, listed[-1]) for number, listed in names.items()))
    if column.allowed:
        options = {nb.ALLOWED[register, column.name][value]: value for value in column.allowed}
    elif column.type == "boolean":
        options = {nb.YES: "yes", nb.NO: "no"}
    elif column.name == "category_key":
        # Transfers are nothing that anybody delivers.
        rows = [row for row in seed_rows("workshop_categories") if row["kind"] != "transfer"]
        options = {row["label_no"]: row["category_key"] for row in rows}
    elif column.name == "limit_key":
        options = {label: key for key, label in nb.LIMITS.items()}
    elif column.name == "kpi_key":
        # A target is a share; of a figure measured in two ways the first one names it.
        rows = [row for row in reversed(seed_rows("kpis")) if row["kpi_key"] not in OF_RELEASES]
        ratios = {row["kpi_key"]: row["label_no"] for row in rows if row["unit"] == "ratio"}
        options = {f"{key} {label}": key for key, label in sorted(ratios.items())}
    else:
        options = {}
    return options, tuple(options)


def field_text(value: Any) -> str:
    """Return a typed value as a register's file states it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date) else str(value)


def write_form(form: Form, registers: Registers, as_of: date) -> bytes:
    """Return a form as a workbook, filled with the owner's rows on a day; the same rows and day give the same bytes."""
    import xlsxwriter

    rows = rows_to_show(form, registers, as_of)

    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    workbook = xlsxwriter.Workbook(buffer, options)
    workbook.set_properties({"title": form.text.title, "created": _MADE_AT})
    sheet, guide = workbook.add_worksheet(SHEET), workbook.add_worksheet(GUIDE_SHEET)
    lists, facts = workbook.add_worksheet(LISTS_SHEET), workbook.add_worksheet(FACTS_SHEET)
    formats = _Formats(workbook)
    _write_sheet(sheet, form, formats)
    for position, row in enumerate(rows):
        for number, column in enumerate(form.columns):
            _write_cell(sheet, FIRST_ROW + position, number, column, row, formats)
    _write_lists(sheet, lists, form.columns, FIRST_ROW + len(rows) + _ROWS_TO_FILL)
    _write_guide(guide, form, formats)
    for position, fact in enumerate(_facts(form, registers, as_of).items()):
        facts.write_row(position, 0, fact)
    lists.hide()
    facts.hide()
    workbook.close()
    return buffer.getvalue()


def _facts(form: Form, registers: Registers, as_of: date) -> dict[str, str]:
    """Return what a form's hidden sheet says it is."""
    prefilled = prefilled_mark(form, registers, as_of)
    facts = {"form": FORM_KIND, "version": FORM_VERSION, "register": form.table.name, "owner": form.owner}
    known = facts | {"prefilled": prefilled}
    return known | {"form_id": sha256_bytes(canonical_json(known).encode())[:12]}


def prefilled_mark(form: Form, registers: Registers, as_of: date) -> str:
    """Return the day that a form is made on and the digest of the rows that it then holds."""
    rows = rows_to_show(form, registers, as_of)
    stated = [{name: field_text(row.get(name)) for name in form.table.column_names} for row in rows]
    return f"{as_of.isoformat()} {sha256_bytes(canonical_json(stated).encode())}"


class _Formats:
    """The formats of a workbook's cells; what may be filled in is not locked."""

    def __init__(self, workbook: Any) -> None:
        self.title = workbook.add_format({"bold": True, "font_size": 14, "locked": True})
        self.header = workbook.add_format(
            {"bold": True, "bg_color": "#1F4E79", "font_color": "#FFFFFF", "border": 1, "text_wrap": True}
        )
        self.help = workbook.add_format({"italic": True, "bg_color": "#DDEBF7", "text_wrap": True, "valign": "top"})
        self.text = workbook.add_format({"text_wrap": True, "valign": "top"})
        shown_as = {
            "date": "dd.mm.yyyy",
            "money": "#,##0.00",
            "integer": "0",
            "fraction": "0.0###%",
            "quantity": "0.########",
        }
        self.cells = {
            kind: workbook.add_format({"locked": False, "num_format": shown_as.get(kind, "@")})
            for kind in ("text", "boolean", *shown_as)
        }


def _write_sheet(sheet: Any, form: Form, formats: _Formats) -> None:
    sheet.write(0, 0, f"{form.text.title}: {form.owner_name} ({form.owner})", formats.title)
    for number, column in enumerate(form.columns):
        if number:
            sheet.write_blank(0, number, None, formats.title)
        sheet.write_string(HEADER_ROW, number, column.label, formats.header)
        sheet.write_string(HEADER_ROW + 1, number, column.help, formats.help)
        sheet.set_column(number, number, max(14, min(32, len(column.label) + 4)), formats.cells[column.column.type])
    sheet.set_row(HEADER_ROW, 32)
    sheet.set_row(HEADER_ROW + 1, 90)
    sheet.freeze_panes(FIRST_ROW, 0)
    # Without a password: it guards against slips, and the coordinator can take it off.
    sheet.protect("", {"format_columns": True, "format_rows": True, "sort": True})


def _write_cell(sheet: Any, row_no: int, number: int, column: FormColumn, row: Row, formats: _Formats) -> None:
    value, shown = row.get(column.column.name), formats.cells[column.column.type]
    if column.part:
        sheet.write_string(row_no, number, nb.YES if column.part in str(value or "").split(";") else nb.NO, shown)
    elif value is None:
        sheet.write_blank(row_no, number, None, shown)
    elif column.options:
        stated = field_text(value)
        # A later name of the same municipality stands later: it is what the drop-down offers.
        labels = [label for label, known in column.options.items() if known == stated]
        sheet.write_string(row_no, number, labels[-1], shown)
    elif column.column.type == "date":
        sheet.write_datetime(row_no, number, value, shown)
    elif column.column.type in ("money", "integer", "fraction", "quantity"):
        sheet.write_number(row_no, number, float(value), shown)
    else:
        sheet.write_string(row_no, number, str(value), shown)


def _write_lists(sheet: Any, lists: Any, columns: Sequence[FormColumn], end: int) -> None:
    """Give every column its drop-down or its limits, down to a row."""
    for number, column in enumerate(columns):
        rule = _validation(column.column.type)
        if column.shown:
            lists.write_column(0, number, column.shown)
            letter = _column_letters(number)
            rule = {"validate": "list", "source": f"={LISTS_SHEET}!${letter}$1:${letter}${len(column.shown)}"}
        said = {"error_title": column.label[:32], "error_message": column.help[:255]}
        asked = {"input_title": column.label[:32], "input_message": column.help[:255]}
        sheet.data_validation(FIRST_ROW, number, end - 1, number, rule | said | asked)


def _column_letters(number: int) -> str:
    from xlsxwriter.utility import xl_col_to_name

    return str(xl_col_to_name(number))


def _validation(kind: str) -> dict[str, Any]:
    if kind == "date":
        return {"validate": "date", "criteria": "between", "minimum": OLDEST, "maximum": LATEST}
    if kind == "integer":
        return {"validate": "integer", "criteria": "between", "minimum": 0, "maximum": LARGEST_NUMBER}
    if kind == "fraction":
        return {"validate": "decimal", "criteria": "between", "minimum": 0, "maximum": 1}
    if kind in ("money", "quantity"):
        return {"validate": "decimal", "criteria": "between", "minimum": 0, "maximum": LARGEST_NUMBER}
    return {"validate": "length", "criteria": "<=", "value": LONGEST_TEXT}


def _write_guide(guide: Any, form: Form, formats: _Formats) -> None:
    lines = [form.text.title, form.text.purpose, "", *nb.GUIDE]
    if form.table.name in PERIOD_REGISTERS:
        lines.append(nb.PERIOD_GUIDE)
    guide.set_column(0, 0, 34)
    guide.set_column(1, 1, 100)
    row_no = 0
    for line in lines:
        guide.write_string(row_no, 1, line, formats.text)
        row_no += 1
    guide.write_string(row_no + 1, 0, "Kolonne", formats.header)
    guide.write_string(row_no + 1, 1, "Hva som skal stå der", formats.header)
    for position, column in enumerate(form.columns, start=row_no + 2):
        guide.write_string(position, 0, column.label, formats.text)
        guide.write_string(position, 1, column.help, formats.text)
    guide.protect()
