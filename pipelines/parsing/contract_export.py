"""A contract system's spreadsheet export to rows for the registers contracts and contract_members, by a profile.

Belongs here: bytes to checked rows and rejects. Not here: the layouts (the root's contract_profile.py), what becomes of
the rows (proposals.py).

A contract may stand in one row, its municipalities in one cell, or in one row per municipality: then all its rows must
state the same. A municipality's own export without a column of municipalities covers that municipality. Rows that go on
count once, whatever register they fill.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pipelines.contract_profile import REQUIRED, ContractProfile, place_headers
from pipelines.home import CONSORTIUM
from pipelines.parsing.dates import DateReader
from pipelines.parsing.numbers import NumberStyle, float_to_money, to_money
from pipelines.parsing.org_numbers import passes_mod11, plain_org_no
from pipelines.parsing.register_form import (
    MOST_ROWS,
    ROW_DOES_NOT_FIT,
    SOMEBODY_ELSES,
    UNREADABLE,
    ProposedRow,
    ReadForm,
    refused_file,
    text_field,
)
from pipelines.parsing.rejects import Reject
from pipelines.parsing.tabular import Cell, Rows, cell_text, is_blank, read_csv, read_sheets
from pipelines.reference import seed_rows
from pipelines.register_forms import LATEST, OLDEST, Registers
from pipelines.registers import REGISTERS, read_value, row_problem

PARSER_VERSION = "1"
_HEADER_AMONG = 40
_CPV = re.compile(r"(?<![0-9])([0-9]{8})(?:-[0-9])?(?![0-9])")


class _Unfit(ValueError):
    """A cell that cannot be taken: its column, and why."""

    def __init__(self, column: str, message: str, *, rule: str = ROW_DOES_NOT_FIT) -> None:
        self.column, self.message, self.rule = column, message, rule
        super().__init__(message)


def parse_contracts(
    raw: bytes, profile: ContractProfile, owner: str, registers: Registers, *, may_speak_for_all: bool
) -> ReadForm:
    """Read an export.

    Args:
        raw: The file.
        profile: Its layout.
        owner: Who hands it in: a municipality number or ``_consortium``.
        registers: The registers in force: who is a member.
        may_speak_for_all: Whether the owner hands in contracts of other members too (the host, the consortium).

    Raises:
        UnreadableTable: The bytes are no table, or one that is too large.
    """
    for rows in _tables(raw, profile):
        for index, cells in enumerate(rows.cells[:_HEADER_AMONG]):
            placed = _place_columns(profile, cells)
            if set(REQUIRED) <= placed.keys():
                reader = _Reader(profile, placed, cells, owner, registers, may_speak_for_all)
                return _read_rows(reader, rows.cells[index + 1 :], index + 2)
    return refused_file(UNREADABLE, "No row holds the headers that the contract profile names.")


def _tables(raw: bytes, profile: ContractProfile) -> list[Rows]:
    if profile.format == "csv":
        return [read_csv(raw, profile.encoding, profile.delimiter)]
    return [rows for _, rows in read_sheets(raw, profile.sheet)]


def _place_columns(profile: ContractProfile, cells: Sequence[Cell]) -> dict[str, int]:
    return place_headers(profile, [cell_text(value) for value in cells])


def _read_rows(reader: _Reader, listed: Sequence[Sequence[Cell]], first_row_no: int) -> ReadForm:
    result = ReadForm()
    rows = [(row_no, cells) for row_no, cells in enumerate(listed, start=first_row_no) if not is_blank(cells)]
    if len(rows) > MOST_ROWS:
        return refused_file(UNREADABLE, "More rows than a form may have. Hand in several forms.")
    seen: dict[str, tuple[int, dict[str, str]]] = {}
    covered: set[tuple[str, str]] = set()
    for row_no, cells in rows:
        result.rows_in += 1
        try:
            read = reader.read(cells)
            _hold_against(seen, row_no, read, reader)
        except _Unfit as unfit:
            raw = cell_text(reader.cell(cells, unfit.column))
            said = Reject(unfit.rule, unfit.message, row_no=row_no, column=reader.header(unfit.column), raw=raw or None)
            result.rejects.append(said)
            continue
        result.rows_out += 1
        if not read.is_kept:
            message = "Left out: its status is none of those that the profile keeps."
            result.issues.append(Reject(ROW_DOES_NOT_FIT, message, row_no=row_no, column=reader.header("status")))
            continue
        contract_id = read.contract["contract_id"]
        if seen[contract_id][0] == row_no:
            result.rows.append(ProposedRow("contracts", row_no, read.contract))
        for number in read.members:
            if (contract_id, number) not in covered:
                covered.add((contract_id, number))
                dates = {name: read.contract[name] for name in ("valid_from", "valid_to")}
                fields = {"contract_id": contract_id, "municipality_no": number} | dates
                result.rows.append(ProposedRow("contract_members", row_no, fields))
    return result


def _hold_against(seen: dict[str, tuple[int, dict[str, str]]], row_no: int, read: _Contract, reader: _Reader) -> None:
    if not read.is_kept:
        return
    _, first = seen.setdefault(read.contract["contract_id"], (row_no, read.contract))
    if first != read.contract:
        different = next(name for name in first if first[name] != read.contract[name])
        column = different if different in reader.placed else "contract_id"
        raise _Unfit(column, "Another row of the same contract states something else. Mend one of them.")


@dataclass
class _Contract:
    contract: dict[str, str]
    members: list[str]
    is_kept: bool = True


class _Reader:
    """Reads the rows of one export."""

    def __init__(
        self,
        profile: ContractProfile,
        placed: Mapping[str, int],
        header: Sequence[Cell],
        owner: str,
        registers: Registers,
        may_speak_for_all: bool,
    ) -> None:
        self.profile, self.placed, self._header = profile, placed, header
        self.owner, self.registers, self.may_speak_for_all = owner, registers, may_speak_for_all
        self.dates = DateReader(profile.dates)
        self.numbers = NumberStyle(profile.decimal, profile.thousands)
        self.yes = {text.casefold() for text in profile.yes}
        self.no = {text.casefold() for text in profile.no}

    def header(self, column: str) -> str:
        """Return how the file heads a column."""
        return cell_text(self._header[self.placed[column]]) if column in self.placed else column

    def cell(self, cells: Sequence[Cell], column: str) -> Cell:
        index = self.placed.get(column)
        return cells[index] if index is not None and index < len(cells) else ""

    def read(self, cells: Sequence[Cell]) -> _Contract:
        """Return what a row states.

        Raises:
            _Unfit: Something in it cannot be taken.
        """
        kept = {text.casefold() for text in self.profile.status_kept}
        if kept and "status" in self.placed and cell_text(self.cell(cells, "status")).casefold() not in kept:
            return _Contract({}, [], is_kept=False)
        contract_id = self._text(cells, "contract_id")
        prefix = f"{self.owner}-" if self.profile.prefix_with_owner and contract_id else ""
        contract = {
            "contract_id": prefix + contract_id,
            "title": self._text(cells, "title"),
            "category_key": self._category(cells),
            "supplier_org_no": self._org_no(cells),
            "is_reserved": self._reserved(cells),
            "exclusivity": (self.profile.exclusivity or {}).get(
                cell_text(self.cell(cells, "exclusivity")).casefold(), "unknown"
            ),
            "estimated_value_nok": self._money(cells),
            "notice_id": self._text(cells, "notice_id"),
        } | {name: self._date(cells, name) for name in ("options_to", "valid_from", "valid_to")}
        self._check(contract)
        return _Contract(contract, self._members(cells, contract))

    def _check(self, contract: Mapping[str, str]) -> None:
        typed: dict[str, Any] = {}
        for column in REGISTERS["contracts"].columns:
            stated = contract[column.name]
            try:
                typed[column.name] = read_value(column, stated)
            except ValueError:
                shown = {"category_key": "category"}.get(column.name, column.name)
                message = "Does not have the form that the column asks for." if stated else "A value is required."
                raise _Unfit(shown, message) from None
        if row_problem(REGISTERS["contracts"], typed):
            raise _Unfit("valid_to", "The last day is before the first. Mend the dates.")

    def _text(self, cells: Sequence[Cell], column: str) -> str:
        try:
            return text_field(self.cell(cells, column))
        except ValueError as error:
            raise _Unfit(column, str(error)) from None

    def _date(self, cells: Sequence[Cell], column: str) -> str:
        cell = self.cell(cells, column)
        if not cell_text(cell):
            return ""
        try:
            day = self.dates.read(cell)
        except ValueError:
            day = None
        if day is None or not OLDEST <= day <= LATEST:
            raise _Unfit(column, "Not a day of the calendar as the profile writes dates.")
        return day.isoformat()

    def _money(self, cells: Sequence[Cell]) -> str:
        cell = self.cell(cells, "estimated_value_nok")
        if not cell_text(cell):
            return ""
        try:
            amount, was_rounded = (
                float_to_money(float(cell))
                if isinstance(cell, int | float) and not isinstance(cell, bool)
                else to_money(self.numbers.parse(cell_text(cell)))
            )
        except (ValueError, ArithmeticError):
            was_rounded = True
        if was_rounded or amount < 0:
            raise _Unfit("estimated_value_nok", "Not an amount in whole øre as the profile writes numbers.")
        return format(amount, "f")

    def _org_no(self, cells: Sequence[Cell]) -> str:
        text = cell_text(self.cell(cells, "supplier_org_no"))
        if not text:
            return ""
        org_no = plain_org_no(text) or ""
        is_nine = len(org_no) == 9 and org_no.isdigit()
        # Foreign numbers have other forms; a name or a mistyped number is none.
        if (is_nine and not passes_mod11(org_no)) or not re.fullmatch(r"(?=.*[0-9])[0-9A-Z]{2,20}", org_no):
            raise _Unfit("supplier_org_no", "Not an organisation number: its check digit or its form is wrong.")
        return org_no

    def _reserved(self, cells: Sequence[Cell]) -> str:
        text = cell_text(self.cell(cells, "is_reserved")).casefold()
        if text in self.yes:
            return "yes"
        if text in self.no:
            return "no"
        raise _Unfit("is_reserved", "Neither what the profile calls reserved nor what it calls not reserved.")

    @cached_property
    def _categories(self) -> dict[str, str]:
        labels = {row["label_no"].casefold(): row["category_key"] for row in seed_rows("workshop_categories")}
        return labels | dict(self.profile.categories or {})

    @cached_property
    def _prefixes(self) -> list[tuple[str, str]]:
        """Return the CPV prefixes of categories, the longest first: as the warehouse reads lines."""
        prefixes = [
            (code.rstrip("0"), row["category_key"])
            for row in seed_rows("workshop_categories")
            for code in row["cpv_codes"].split(";")
            if code
        ]
        return sorted(prefixes, key=lambda pair: (-len(pair[0]), pair[1]))

    def _category(self, cells: Sequence[Cell]) -> str:
        text = cell_text(self.cell(cells, "category"))
        if text:
            key = self._categories.get(text.casefold())
            if key is not None:
                return key
            if self.profile.unmapped_category == "reject":
                raise _Unfit("category", "No category is called that, and the profile maps it to none.")
        code = cell_text(self.cell(cells, "cpv"))
        if not code:
            return ""
        found = _CPV.search(code)
        if found is None:
            raise _Unfit("cpv", "Not a CPV code of eight digits.")
        # A code of no workshop category is a contract on something else: it has none.
        return next((key for prefix, key in self._prefixes if found[1].startswith(prefix)), "")

    @cached_property
    def _numbers_by_name(self) -> dict[str, set[str]]:
        known: dict[str, set[str]] = {}
        for row in self.registers["members"]:
            number, name = row["municipality_no"], row["name"].casefold()
            for text in (number, name, f"{name} kommune", f"{number} {name}", f"{name} ({number})"):
                known.setdefault(text, set()).add(number)
        return known

    def _members(self, cells: Sequence[Cell], contract: Mapping[str, str]) -> list[str]:
        text = cell_text(self.cell(cells, "members"))
        if not text:
            if self.owner == CONSORTIUM or "members" in self.placed:
                raise _Unfit("members", "Names no municipality that the contract covers.")
            return [self.owner]
        if text.casefold() in {every.casefold() for every in self.profile.all_members}:
            numbers = sorted(self._members_during(contract))
        else:
            numbers = sorted({self._member(part) for part in self._parts(text)})
        if not self.may_speak_for_all and set(numbers) != {self.owner}:
            message = "Covers other municipalities than the one that hands it in. Let the host hand it in."
            raise _Unfit("members", message, rule=SOMEBODY_ELSES)
        return numbers

    def _parts(self, text: str) -> Iterable[str]:
        signs = "|".join(re.escape(sign) for sign in self.profile.member_separators)
        parts = re.split(signs, text) if signs else [text]
        return [part.strip() for part in parts if part.strip()]

    def _member(self, text: str) -> str:
        numbers = self._numbers_by_name.get(text.casefold(), set())
        if len(numbers) != 1:
            raise _Unfit("members", "Names a municipality that is no member, or that two members are called.")
        return next(iter(numbers))

    def _members_during(self, contract: Mapping[str, str]) -> set[str]:
        starts, ends = contract["valid_from"], contract["valid_to"] or LATEST.isoformat()
        return {
            row["municipality_no"]
            for row in self.registers["members"]
            if row["valid_from"].isoformat() <= ends
            and (row.get("valid_to") is None or row["valid_to"].isoformat() >= starts)
        }
