"""A filled register form to rows of the register, or what is wrong with it, row by row.

Belongs here: bytes of a workbook to checked rows and rejects, without clock, files or decisions. Not here: what a form
looks like (register_forms.py), the shape of the rows (registers.py), what becomes of them (proposals.py).

Every message is one of registers_nb.REMARKS, so that the sender gets it in bokmål; the column is the form's own header.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pipelines.errors import ConfigurationError
from pipelines.parsing.dates import DateReader
from pipelines.parsing.rejects import Reject
from pipelines.parsing.tabular import Cell, Rows, cell_text, is_blank, read_sheets
from pipelines.register_forms import (
    FACTS_SHEET,
    FORM_KIND,
    FORM_VERSION,
    LARGEST_NUMBER,
    LATEST,
    LONGEST_TEXT,
    OLDEST,
    SHEET,
    Form,
    FormColumn,
    Registers,
    build_form,
    owner_key,
)
from pipelines.registers import read_value, row_problem
from pipelines.scanner import find_in_free_text
from pipelines.tables import Column

UNREADABLE, ROW_DOES_NOT_FIT, SOMEBODY_ELSES = "IN01", "IN12", "RF10"
PARSER_VERSION = "1"
MOST_ROWS = 5_000
NO_FORM = "Not a register form of this home, and its source names no contract profile."
_HEADER_AMONG = 10
_DATES = DateReader(("dd.mm.yyyy", "yyyy-mm-dd"))
_NOISE = Decimal("0.0000001")
PRIVATE = "Holds a personal number, contact data or the name of a person. Leave it out."
# Sentences that somebody writes; names in the other columns are those of suppliers, departments and documents.
FREE_TEXTS = frozenset({"description", "reason"})
_CHANGED = "The form's hidden sheet was changed or has been lost. Ask for a new form."
_NO_HEADER = "The sheet Skjema or its header row is missing. Ask for a new form."
_CLASH = "The dates overlap those of another row. Mend the dates."


@dataclass(frozen=True)
class ProposedRow:
    """One row of one register as proposed: its fields as the register's file would state them."""

    register: str
    row_no: int
    fields: dict[str, str]


@dataclass
class ReadForm:
    """What a handed-in file proposes, and what was refused of it; rows_in = rows_out + rejects."""

    rows: list[ProposedRow] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    issues: list[Reject] = field(default_factory=list)
    rows_in: int = 0
    rows_out: int = 0
    prefilled: str | None = None


def refused_file(rule: str, message: str, *, row_no: int | None = None, column: str | None = None) -> ReadForm:
    """Return what is to be said of a file of which nothing goes on."""
    return ReadForm(rejects=[Reject(rule, message, row_no=row_no, column=column)], rows_in=1)


def parse_form(raw: bytes, owner: str, registers: Registers) -> ReadForm | None:
    """Read a filled form that an owner has handed in; None where it is no form at all, but some other workbook.

    Raises:
        UnreadableTable: The bytes are no workbook, or one that is too large.
    """
    sheets = dict(read_sheets(raw))
    if FACTS_SHEET not in sheets:
        return None
    facts = {cell_text(row[0]): cell_text(row[1]) for row in sheets[FACTS_SHEET].cells if len(row) >= 2}
    if facts.get("form") != FORM_KIND or not facts.get("register") or not facts.get("owner"):
        return refused_file(UNREADABLE, _CHANGED)
    if facts.get("version") != FORM_VERSION:
        return refused_file(UNREADABLE, "The form is of an older or newer version. Ask for a new form.")
    try:
        form = build_form(facts["register"], facts["owner"], registers)
    except ConfigurationError:
        return refused_file(UNREADABLE, "The form's register or owner is not known here. Ask for a new form.")
    if SHEET not in sheets:
        return refused_file(UNREADABLE, _NO_HEADER)
    result = _read_sheet(form, sheets[SHEET], is_own=form.owner == owner_key(owner), registers=registers)
    result.prefilled = facts.get("prefilled")
    return result


def _read_sheet(form: Form, rows: Rows, *, is_own: bool, registers: Registers) -> ReadForm:
    header_no = _header_index(form, rows)
    if header_no is None:
        return refused_file(UNREADABLE, _NO_HEADER)
    placed, problem = _place_columns(form, rows.cells[header_no], header_no + 1)
    if problem is not None:
        return ReadForm(rejects=[problem], rows_in=1)
    help_texts = {column.help for column in placed.values()}
    listed = [
        (row_no, cells)
        for row_no, cells in enumerate(rows.cells[header_no + 1 :], start=header_no + 2)
        if not is_blank(cells) and not (row_no == header_no + 2 and _is_help(cells, help_texts))
    ]
    if len(listed) > MOST_ROWS:
        return refused_file(UNREADABLE, "More rows than a form may have. Hand in several forms.")
    if not is_own:
        message = "The form is somebody else's. Hand in your own."
        refused = [Reject(SOMEBODY_ELSES, message, row_no=row_no) for row_no, _ in listed or [(header_no + 1, ())]]
        return ReadForm(rejects=refused, rows_in=len(refused))
    return _read_rows(form, placed, listed, registers)


def _header_index(form: Form, rows: Rows) -> int | None:
    first = form.columns[0].label
    for index, cells in enumerate(rows.cells[:_HEADER_AMONG]):
        if first in {cell_text(value) for value in cells}:
            return index
    return None


def _is_help(cells: Sequence[Cell], help_texts: set[str]) -> bool:
    return {cell_text(value) for value in cells if cell_text(value)} <= help_texts


def _place_columns(form: Form, header: Sequence[Cell], header_no: int) -> tuple[dict[int, FormColumn], Reject | None]:
    by_label = {column.label: column for column in form.columns}
    placed: dict[int, FormColumn] = {}
    for index, value in enumerate(header):
        label = cell_text(value)
        if not label:
            continue
        if label not in by_label or by_label[label] in placed.values():
            message = "Not a column of the form. Take it out, or ask for a new form."
            return placed, Reject(UNREADABLE, message, row_no=header_no, column=label[:LONGEST_TEXT])
        placed[index] = by_label[label]
    # A form made before a municipality joined lacks its column only.
    asked = {column.label for column in form.columns if not column.part}
    for label in sorted(asked - {column.label for column in placed.values()}):
        message = "A column of the form is missing. Ask for a new form."
        return placed, Reject(UNREADABLE, message, row_no=header_no, column=label)
    return placed, None


def _read_rows(
    form: Form, placed: Mapping[int, FormColumn], listed: Sequence[tuple[int, Sequence[Cell]]], registers: Registers
) -> ReadForm:
    result = ReadForm(rows_in=len(listed))
    taken = _keys_of_others(form, registers)
    good: list[tuple[int, dict[str, str]]] = []
    above: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row_no, cells in listed:
        fields, typed, wrong = _read_row(form, placed, cells)
        key = _business_key(form, typed)
        if not wrong and key in taken:
            message = "The row's key is in use by somebody else. Take another one."
            wrong = [(SOMEBODY_ELSES, next(iter(form.text.columns.values()))[0], message, None)]
        if not wrong and (clash := _clash(typed, above.get(key, ()))):
            wrong = [(ROW_DOES_NOT_FIT, form.text.columns["valid_from"][0], clash, None)]
        if not wrong:
            good.append((row_no, fields))
            above.setdefault(key, []).append(typed)
            continue
        said = [Reject(rule, text, row_no=row_no, column=column, raw=raw) for rule, column, text, raw in wrong]
        # One row, one reject: that is what is counted. What else was wrong with it is remarked on.
        result.rejects.append(said[0])
        result.issues += said[1:]
    result.rows = [ProposedRow(form.table.name, row_no, fields) for row_no, fields in good]
    result.rows_out = len(good)
    return result


Wrong = tuple[str, str, str, str | None]


def _read_row(
    form: Form, placed: Mapping[int, FormColumn], cells: Sequence[Cell]
) -> tuple[dict[str, str], dict[str, Any], list[Wrong]]:
    fields: dict[str, str] = {form.text.owner_column: form.owner}
    parts: dict[str, list[str]] = {}
    wrong: list[Wrong] = []
    for index, column in sorted(placed.items()):
        cell = cells[index] if index < len(cells) else ""
        try:
            text = _field(column, cell)
        except ValueError as error:
            wrong.append((ROW_DOES_NOT_FIT, column.label, str(error), cell_text(cell)))
            continue
        if column.part:
            parts.setdefault(column.column.name, []).extend([column.part] if text == "yes" else [])
        else:
            fields[column.column.name] = text
    fields |= {name: ";".join(sorted(pieces)) for name, pieces in parts.items()}
    typed: dict[str, Any] = {}
    labels = {name: label for name, (label, _) in form.text.columns.items()}
    failed = {label for _, label, _, _ in wrong}
    for wanted in form.table.columns:
        text = fields.setdefault(wanted.name, "")
        label = labels.get(wanted.name, wanted.name)
        try:
            typed[wanted.name] = read_value(wanted, text)
        except ValueError:
            if label not in failed:
                wrong.append((ROW_DOES_NOT_FIT, label, _why_not(text), text or None))
    if not wrong and (contradiction := row_problem(form.table, typed)):
        is_dates = contradiction[0] == "valid_to"
        message = "The last day is before the first. Mend the dates." if is_dates else _BESIDE_THE_ANSWER
        wrong.append((ROW_DOES_NOT_FIT, labels[contradiction[0]], message, None))
    return fields, typed, wrong


_BESIDE_THE_ANSWER = "Does not go together with the answer."


def _why_not(text: str) -> str:
    return "Does not have the form that the column asks for." if text else "A value is required."


def _field(column: FormColumn, cell: Cell) -> str:
    """Return a cell as the register's file would state it.

    Raises:
        ValueError: It cannot stand in the column; the message says why, without the value.
    """
    if cell_text(cell) == "":
        return ""
    if column.options:
        found = column.options.get(cell_text(cell))
        if found is None:
            raise ValueError("Not one of the values in the drop-down list.")
        return found
    kind = column.column.type
    if kind == "date":
        return _date_field(cell)
    if kind in _PLACES:
        return _number_field(column.column, cell)
    text = text_field(cell)
    if column.column.name in FREE_TEXTS and find_in_free_text(text):
        raise ValueError(PRIVATE)
    return text


def _date_field(cell: Cell) -> str:
    try:
        day = _DATES.read(cell)
    except ValueError:
        day = date.min
    if not OLDEST <= day <= LATEST:
        raise ValueError("Not a day of the calendar written dd.mm.yyyy.")
    return day.isoformat()


_PLACES = {"integer": 0, "money": 2, "fraction": 6, "quantity": 8}


def _number_field(column: Column, cell: Cell) -> str:
    if isinstance(cell, str):
        raise ValueError("Written as text. Type it as a number, without kr or spaces.")
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise ValueError("Not a number that the column can hold.")
    amount = Decimal(repr(cell))
    largest = 1 if column.type == "fraction" else LARGEST_NUMBER
    if not amount.is_finite() or not 0 <= amount <= largest:
        raise ValueError("Not a number that the column can hold.")
    rounded = amount.quantize(Decimal(1).scaleb(-_PLACES[column.type]))
    # Binary noise (1234.5600000000001) is no statement of more decimals; anything else is not rounded silently.
    if abs(rounded - amount) > _NOISE:
        raise ValueError("Not a number that the column can hold.")
    stated = format(rounded, "f")
    # Amounts carry their øre; a share of 3.5 % is not one of 0.035000.
    return stated.rstrip("0").rstrip(".") if column.type in ("fraction", "quantity") else stated


def text_field(cell: Cell) -> str:
    """Return a cell's text on one line.

    Raises:
        ValueError: It is too long, or holds signs that no text has.
    """
    text = cell.isoformat() if isinstance(cell, date | datetime) else " ".join(cell_text(cell).split())
    if len(text) > LONGEST_TEXT or not text.isprintable():
        raise ValueError("Not text that a register can hold: shorten it, on one line.")
    return text


def _business_key(form: Form, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in form.table.key if name != "valid_from")


def _keys_of_others(form: Form, registers: Registers) -> set[tuple[Any, ...]]:
    """Return the keys that rows of other owners have: a key without its owner in it can be in use already."""
    if form.text.owner_column in form.table.key:
        return set()
    return {_business_key(form, row) for row in registers[form.table.name] if row[form.text.owner_column] != form.owner}


def _clash(row: Mapping[str, Any], above: Sequence[Mapping[str, Any]]) -> str | None:
    """Say whether a row contradicts one of its key above it: the same day, or an earlier one that does not end in time.

    An earlier row that states no end is no contradiction: it ends the day before the later one.
    """
    for other in above:
        if other["valid_from"] == row["valid_from"]:
            return "The same row stands above. Keep one of them."
        earlier, later = sorted((other, row), key=lambda one: one["valid_from"])
        if earlier["valid_to"] is not None and earlier["valid_to"] >= later["valid_from"]:
            return _CLASH
    return None
