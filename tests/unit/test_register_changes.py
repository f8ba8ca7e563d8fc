"""What proposed rows change is shown row by row, and a register's file changes there and nowhere else."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.register_changes import Difference, changed_file, difference_of
from pipelines.registers import REGISTERS, read_register, read_value

TASKS, ACCOUNTS, CAPABILITIES = REGISTERS["tasks"], REGISTERS["ripple"], REGISTERS["workshop_capabilities"]
HEADER = "task_id,municipality_no,category_key,description,estimated_value_nok,valid_from,valid_to"
FILE = f"{HEADER}\nT-1,9901,laundry,Vask,1000.00,2026-01-01,\nT-2,9902,laundry,Vask,,2026-01-01,2026-06-30\n"


def typed(table: Any, line: str) -> dict[str, Any]:
    names = table.column_names
    return {
        name: read_value(column, text) for name, column, text in zip(names, table.columns, line.split(","), strict=True)
    }


def compare(raw: str, *lines: str, table: Any = TASKS) -> Difference:
    read = read_register(table, raw.encode(), file="x")
    assert read.problems == []
    return difference_of(table, read.rows, [(row_no, typed(table, line)) for row_no, line in enumerate(lines, start=4)])


def applied(raw: str, *lines: str, table: Any = TASKS) -> str:
    difference = compare(raw, *lines, table=table)
    assert difference.conflicts == []
    after = changed_file(difference, raw.encode())
    assert read_register(table, after, file="x").problems == []
    return after.decode()


def kinds(difference: Difference) -> list[str]:
    return [change.kind for change in difference.changes]


def test_the_same_row_changes_nothing() -> None:
    difference = compare(FILE, "T-1,9901,laundry,Vask,1000,2026-01-01,")
    assert (kinds(difference), difference.effective, difference.conflicts) == (["unchanged"], [], [])
    assert changed_file(difference, FILE.encode()).decode() == FILE


def test_the_same_first_day_corrects_the_row() -> None:
    line = "T-1,9901,laundry,Vask av tøy,1000.00,2026-01-01,"
    difference = compare(FILE, line)
    assert kinds(difference) == ["changed"]
    assert difference.changes[0].columns() == {"description": ("Vask", "Vask av tøy")}
    assert applied(FILE, line) == FILE.replace("T-1,9901,laundry,Vask,", "T-1,9901,laundry,Vask av tøy,")


def test_a_last_day_ends_the_row() -> None:
    line = "T-1,9901,laundry,Vask,1000.00,2026-01-01,2026-12-31"
    assert kinds(compare(FILE, line)) == ["ended"]
    assert applied(FILE, line) == FILE.replace("1000.00,2026-01-01,", "1000.00,2026-01-01,2026-12-31")


def test_a_later_first_day_ends_the_row_in_force_the_day_before() -> None:
    line = "T-1,9901,laundry,Vask,2000.00,2026-12-01,"
    assert kinds(compare(FILE, line)) == ["ended", "added"]
    assert applied(FILE, line).splitlines() == [
        HEADER,
        "T-1,9901,laundry,Vask,1000.00,2026-01-01,2026-11-30",
        line,
        "T-2,9902,laundry,Vask,,2026-01-01,2026-06-30",
    ]


def test_both_rows_may_stand_in_the_form() -> None:
    old, new = "T-1,9901,laundry,Vask,1000.00,2026-01-01,", "T-1,9901,laundry,Vask,2000.00,2026-12-01,"
    assert applied(FILE, old, new) == applied(FILE, new)


def test_a_row_left_out_stays() -> None:
    assert kinds(compare(FILE, "T-9,9901,laundry,Ny,,2026-01-01,")) == ["added"]
    assert FILE.splitlines()[1] in applied(FILE, "T-9,9901,laundry,Ny,,2026-01-01,")


def test_new_rows_stand_after_those_of_their_key_else_of_their_owner_else_last() -> None:
    header = ",".join(CAPABILITIES.column_names)
    rows = ("A1,laundry,,9901,,2026-01-01,2026-06-30", "A1,packing,,9901,,2026-01-01,", "B2,laundry,,9901,,2026-01-01,")
    raw = "\n".join([header, *rows, ""])
    lines = applied(
        raw,
        "A1,laundry,,9901,,2026-07-01,",
        "A1,canteen,,9901,,2026-07-01,",
        "C3,canteen,,9901,,2026-07-01,",
        table=CAPABILITIES,
    ).splitlines()
    assert [",".join(line.split(",")[:2]) for line in lines[1:]] == [
        *("A1,laundry", "A1,laundry", "A1,packing", "A1,canteen", "B2,laundry", "C3,canteen"),
    ]


def test_a_row_that_reaches_into_a_later_one_is_a_conflict_and_its_key_is_left_alone() -> None:
    raw = f"{HEADER}\nT-1,9901,laundry,Vask,,2026-01-01,2026-06-30\nT-1,9901,laundry,Vask,,2027-01-01,\n"
    difference = compare(raw, "T-1,9901,laundry,Ny,,2026-07-01,", "T-3,9901,laundry,Ny,,2026-07-01,")
    assert [(one.row_no, "2027-01-01" in one.message) for one in difference.conflicts] == [(4, True)]
    assert [change.key["task_id"] for change in difference.changes] == ["T-3"]
    assert compare(raw, "T-1,9901,laundry,Ny,,2026-07-01,2026-12-31").conflicts == []


def test_the_same_row_twice_is_a_conflict() -> None:
    line = "T-1,9901,laundry,Vask,1.00,2026-01-01,"
    assert [one.row_no for one in compare(FILE, line, line).conflicts] == [5]


def test_a_new_period_takes_the_place_of_one_that_it_overlaps() -> None:
    header = ",".join(ACCOUNTS.column_names)
    raw = f"{header}\nA1,100.00,10.00,10.00,R,2025-07-01,2026-06-30\nA1,90.00,10.00,10.00,R,2024-07-01,2025-06-30\n"
    line = "A1,110.00,10.00,10.00,R,2025-10-01,2026-09-30"
    assert kinds(compare(raw, line, table=ACCOUNTS)) == ["replaced"]
    assert applied(raw, line, table=ACCOUNTS).splitlines() == [header, line, raw.splitlines()[2]]
    covering_both = "A1,110.00,10.00,10.00,R,2025-01-01,2025-12-31"
    assert applied(raw, covering_both, table=ACCOUNTS).splitlines() == [header, covering_both]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_file_keeps_its_way_of_writing(ending: str, delimiter: str, mark: str) -> None:
    raw = mark + FILE.replace(",", delimiter).replace("\n", ending)
    raw = raw.replace("Vask", '"Vask"').rstrip("\r\n")  # quotes that need not be, and no ending at the end
    after = changed_file(
        difference_of(
            TASKS,
            read_register(TASKS, raw.encode(), file="x").rows,
            [(4, typed(TASKS, "T-3,9902,laundry,A,,2026-01-01,"))],
        ),
        raw.encode(),
    ).decode()
    assert after == f"{raw}{ending}T-3,9902,laundry,A,,2026-01-01,".replace(",", delimiter) + ending


def test_a_column_that_the_file_leaves_out_is_added_when_it_is_filled() -> None:
    raw = "task_id,municipality_no,category_key,description,valid_from,valid_to\nT-1,9901,laundry,Vask,2026-01-01,\n"
    assert applied(raw, "T-2,9901,laundry,Vask,5.00,2026-01-01,").splitlines() == [
        "task_id,municipality_no,category_key,description,estimated_value_nok,valid_from,valid_to",
        "T-1,9901,laundry,Vask,,2026-01-01,",
        "T-2,9901,laundry,Vask,5.00,2026-01-01,",
    ]
    assert applied(raw, "T-2,9901,laundry,Vask,,2026-01-01,").splitlines()[0] == raw.splitlines()[0]


def test_a_register_that_does_not_exist_yet_is_made() -> None:
    difference = difference_of(TASKS, [], [(4, typed(TASKS, "T-2,9901,laundry,Vask,5.00,2026-01-01,"))])
    assert changed_file(difference, None).decode() == f"{HEADER}\nT-2,9901,laundry,Vask,5.00,2026-01-01,\n"


_DAYS = st.dates(date(2026, 1, 1), date(2026, 3, 1))
_LENGTHS = st.none() | st.integers(0, 40)
_SPANS = st.lists(st.tuples(st.sampled_from("AB"), _DAYS, _LENGTHS), max_size=5)


def _lines(spans: list[tuple[str, date, int | None]]) -> list[str]:
    return [
        f"{key},9901,laundry,Text {number},,{start},{'' if length is None else start + timedelta(days=length)}"
        for number, (key, start, length) in enumerate(spans)
    ]


@settings(max_examples=300, deadline=None)
@given(_SPANS, _SPANS)
def test_whatever_is_proposed_the_changed_file_is_a_register_that_holds_it(before: Any, proposed: Any) -> None:
    raw = "\n".join([HEADER, *_lines(before), ""])
    read = read_register(TASKS, raw.encode(), file="x")
    if read.problems:
        return
    rows = [(row_no, typed(TASKS, line)) for row_no, line in enumerate(_lines(proposed))]
    difference = difference_of(TASKS, read.rows, rows)
    after = read_register(TASKS, changed_file(difference, raw.encode()), file="x")
    assert after.problems == []
    told = {conflict.row_no for conflict in difference.conflicts}
    in_conflict = {row["task_id"] for row_no, row in rows if row_no in told}
    stated = [{name: row[name] for name in ("task_id", "description", "valid_from")} for row in after.rows]
    for _, row in rows:
        if row["task_id"] not in in_conflict:
            assert {name: row[name] for name in ("task_id", "description", "valid_from")} in stated
    # Nothing is lost: a first day in force before is in force after.
    days = {(row["task_id"], row["valid_from"]) for row in after.rows}
    assert {(row["task_id"], row["valid_from"]) for row in read.rows} <= days
    # Applied once more, it changes nothing.
    kept = [(row_no, row) for row_no, row in rows if row["task_id"] not in in_conflict]
    assert difference_of(TASKS, after.rows, kept).effective == []
