"""What proposed rows would change in a register, and the register's file with it changed.

Belongs here: two pure functions: the difference between a register in force and proposed rows, and a file's bytes with
a difference in it. Not here: where proposals come from and who decides on them (proposals.py).

A row is known by its key, the first day included. (1) The same key and day: the row is corrected. (2) A later day: the
row in force ends the day before, and the new one follows it. (3) In a register of periods (register_forms.py) a row
that overlaps others takes their place. (4) A row in force that is not among the proposed stays as it is: nothing ends
by being left out. (5) What none of this settles is a conflict, and is not applied.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from pipelines.register_forms import PERIOD_REGISTERS, field_text
from pipelines.tables import Table

Row = dict[str, Any]
ADDED, CHANGED, ENDED, REPLACED, UNCHANGED = "added", "changed", "ended", "replaced", "unchanged"
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Change:
    """What becomes of one row.

    Attributes:
        kind: ADDED, CHANGED, ENDED, REPLACED (old goes, new takes its place) or UNCHANGED.
        key: The row's key without its first day.
        old: The row in force, with its ``_row_no`` in the file.
        new: The row as it would be.
        row_no: The row of the proposal behind it, or None where it follows from another.
    """

    kind: str
    key: Mapping[str, Any]
    old: Row | None
    new: Row | None
    row_no: int | None

    def columns(self) -> dict[str, tuple[str, str]]:
        """Return the columns that differ, old and new as the file states them."""
        old, new = self.old or {}, self.new or {}
        names = [name for name in (*old, *(name for name in new if name not in old)) if not name.startswith("_")]
        stated = {name: (field_text(old.get(name)), field_text(new.get(name))) for name in names}
        return {name: pair for name, pair in stated.items() if pair[0] != pair[1]}


@dataclass(frozen=True)
class Conflict:
    """A proposed row that cannot be applied to the register in force, and why."""

    row_no: int
    message: str


@dataclass
class Difference:
    """What proposed rows would change in one register."""

    table: Table
    changes: list[Change] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)

    @property
    def effective(self) -> list[Change]:
        """Return the changes that change something."""
        return [change for change in self.changes if change.kind != UNCHANGED]


def difference_of(table: Table, in_force: Iterable[Row], proposed: Iterable[tuple[int, Row]]) -> Difference:
    """Return what proposed rows (with their row numbers) would change in a register's typed rows."""
    names = [name for name in table.key if name != "valid_from"]
    current: dict[tuple[Any, ...], list[Row]] = {}
    for row in in_force:
        current.setdefault(tuple(row.get(name) for name in names), []).append(row)
    wanted: dict[tuple[Any, ...], list[tuple[int, Row]]] = {}
    for row_no, row in proposed:
        wanted.setdefault(tuple(row.get(name) for name in names), []).append((row_no, row))
    difference = Difference(table)
    for key, rows in wanted.items():
        line = _Line(table, dict(zip(names, key, strict=True)), current.get(key, []), rows)
        line.settle()
        difference.conflicts += line.conflicts
        # A key with a conflict is left alone as a whole: half of a history would be another history.
        difference.changes += [] if line.conflicts else line.changes()
    return difference


class _Line:
    """The rows of one key in the order of their first days."""

    def __init__(self, table: Table, key: Row, current: Sequence[Row], proposed: Sequence[tuple[int, Row]]) -> None:
        self.table, self.key = table, key
        self.current = {row["valid_from"]: _whole(table, row) for row in current}
        self.row_nos: dict[date, int] = {}
        self.rows = dict(self.current)
        self.taken: dict[date, list[Row]] = {}
        self.conflicts: list[Conflict] = []
        for row_no, row in proposed:
            day = row["valid_from"]
            if day in self.row_nos:
                self.conflicts.append(Conflict(row_no, "Another row of the proposal has the same key and first day."))
                continue
            self.row_nos[day], self.rows[day] = row_no, _whole(table, row)

    def settle(self) -> None:
        """Let no two rows hold on one day."""
        while not self.conflicts and (pair := self._overlapping()):
            self._part(*pair)

    def _overlapping(self) -> tuple[date, date] | None:
        days = sorted(self.rows)
        for earlier, later in zip(days, days[1:], strict=False):
            end = self.rows[earlier]["valid_to"]
            if end is None or end >= later:
                return earlier, later
        return None

    def _part(self, earlier: date, later: date) -> None:
        proposed = [day for day in (earlier, later) if day in self.row_nos]
        if len(proposed) == 1 and self.table.name in PERIOD_REGISTERS:
            old = later if proposed == [earlier] else earlier
            self.taken.setdefault(proposed[0], []).append(self.rows.pop(old))
        elif later in self.row_nos and (earlier not in self.row_nos or self.rows[earlier]["valid_to"] is None):
            self.rows[earlier] = self.rows[earlier] | {"valid_to": later - _DAY}
        else:
            row_no = self.row_nos.get(earlier, self.row_nos.get(later, 0))
            message = (
                "The dates overlap those of another row of the proposal."
                if len(proposed) == 2
                else f"It does not end before the row that holds from {later}: state its last day."
            )
            self.conflicts.append(Conflict(row_no, message))

    def changes(self) -> list[Change]:
        found = []
        for day, row in sorted(self.rows.items()):
            old, row_no = self.current.get(day), self.row_nos.get(day)
            replaced = self.taken.get(day, [])
            if old is not None and (row_no is not None or _facts(old) != _facts(row)):
                found.append(Change(_kind(old, row), self.key, old, row, row_no))
            elif old is None:
                found.append(Change(REPLACED if replaced else ADDED, self.key, next(iter(replaced), None), row, row_no))
                replaced = replaced[1:]
            found += [Change(REPLACED, self.key, gone, None, row_no) for gone in replaced]
        return found


def _whole(table: Table, row: Mapping[str, Any]) -> Row:
    values = {name: row.get(name) for name in table.column_names}
    return values | {"_row_no": row["_row_no"]} if "_row_no" in row else values


def _facts(row: Row) -> Row:
    return {name: value for name, value in row.items() if not name.startswith("_")}


def _kind(old: Row, new: Row) -> str:
    different = {name for name, value in _facts(old).items() if value != new[name]}
    if not different:
        return UNCHANGED
    return ENDED if different == {"valid_to"} and new["valid_to"] is not None else CHANGED


@dataclass
class _Record:
    """One record of a register's file: its last line's number, its own text, and its fields."""

    line_no: int
    text: str
    fields: list[str]


class _File:
    """A register's file as it is written: what is not changed keeps its bytes."""

    def __init__(self, table: Table, raw: bytes | None) -> None:
        self.table = table
        self.mark = "\ufeff" if raw is not None and raw.startswith(b"\xef\xbb\xbf") else ""
        text = f"{','.join(table.column_names)}\n" if raw is None else raw.decode("utf-8-sig")
        lines = list(io.StringIO(text, newline=""))
        self.ending = "\r\n" if lines[0].endswith("\r\n") else "\n"
        self.delimiter = ";" if lines[0].count(";") > lines[0].count(",") else ","
        reader = csv.reader(iter(lines), delimiter=self.delimiter, strict=True)
        self.records: list[_Record] = []
        start = 0
        for fields in reader:
            self.records.append(_Record(reader.line_num, "".join(lines[start : reader.line_num]), fields))
            start = reader.line_num
        self.header = [name.strip() for name in self.records[0].fields]

    def widen(self, rows: Iterable[Row]) -> None:
        """Add the optional columns that the file has left out and that a new row fills."""
        filled = {name for row in rows for name, value in _facts(row).items() if value is not None}
        missing = [name for name in self.table.column_names if name in filled and name not in self.header]
        if not missing:
            return
        place = self.header.index("valid_from")
        for number, record in enumerate(self.records):
            if any(field.strip() for field in record.fields):
                record.fields[place:place] = missing if number == 0 else [""] * len(missing)
                record.text = self._text(record.fields)
        self.header[place:place] = missing

    def apply(self, change: Change) -> None:
        place = None
        if change.old is not None:
            place = next(
                number for number, record in enumerate(self.records) if record.line_no == change.old["_row_no"]
            )
        if change.new is None and place is not None:
            del self.records[place]
        elif change.new is not None and place is not None:
            self.records[place] = self._changed(self.records[place], change.old or {}, change.new)
        elif change.new is not None:
            fields = [field_text(change.new.get(name)) for name in self.header]
            self.records.insert(self._place_of(change), _Record(-1, self._text(fields), fields))

    def _changed(self, record: _Record, old: Row, new: Row) -> _Record:
        fields = [
            stated if old.get(name) == new.get(name) else field_text(new.get(name))
            for name, stated in zip(self.header, record.fields, strict=True)
        ]
        return _Record(record.line_no, self._text(fields), fields)

    def _place_of(self, change: Change) -> int:
        """Return where a new row belongs: after the last of its key, else of its key's first column, else last."""
        for names in (list(change.key), list(change.key)[:1]):
            wanted = [field_text(change.key[name]) for name in names]
            same = [
                number for number, record in enumerate(self.records) if number and self._fields(record, names) == wanted
            ]
            if same:
                return same[-1] + 1
        return len(self.records)

    def _fields(self, record: _Record, names: Sequence[str]) -> list[str]:
        if len(record.fields) != len(self.header):
            return []
        stated = dict(zip(self.header, record.fields, strict=True))
        return [stated.get(name, "").strip() for name in names]

    def _text(self, fields: Sequence[str]) -> str:
        stream = io.StringIO(newline="")
        csv.writer(stream, delimiter=self.delimiter, lineterminator=self.ending).writerow(fields)
        return stream.getvalue()

    def bytes(self) -> bytes:
        texts = [record.text for record in self.records]
        # The last row may lack its line ending; a row after it must not grow together with it.
        closed = [text if text.endswith(("\n", "\r")) else text + self.ending for text in texts]
        return (self.mark + "".join(closed)).encode()


def changed_file(difference: Difference, raw: bytes | None) -> bytes:
    """Return a register's file with a difference in it; rows that do not change keep their bytes and their order.

    Args:
        difference: Made from the rows of exactly these bytes.
        raw: The file, or None where there is none yet.
    """
    file = _File(difference.table, raw)
    changes = difference.effective
    file.widen(change.new for change in changes if change.new is not None)
    for change in changes:
        file.apply(change)
    return file.bytes()
