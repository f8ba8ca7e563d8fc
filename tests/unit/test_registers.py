"""A register is read as its owner wrote it, or every problem is named by row and column."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.registers import REGISTERS, RegisterRows, read_register
from pipelines.tables import Table

CONTRACTS = REGISTERS["contracts"]
HEADER = "contract_id,title,category_key,is_reserved,exclusivity,estimated_value_nok,valid_from,valid_to"
GOOD = "K-1,Mat,catering,yes,unknown,1000.50,2025-01-01,2026-12-31"


def read(*lines: str, table: Table = CONTRACTS) -> RegisterRows:
    return read_register(table, "\n".join(lines).encode(), file="registers/x.csv")


def test_values_are_typed() -> None:
    result = read(HEADER, GOOD)
    assert result.problems == []
    assert result.rows == [
        {
            "contract_id": "K-1",
            "title": "Mat",
            "category_key": "catering",
            "is_reserved": True,
            "exclusivity": "unknown",
            "estimated_value_nok": Decimal("1000.50"),
            "valid_from": date(2025, 1, 1),
            "valid_to": date(2026, 12, 31),
            "_row_no": 2,
        }
    ]


def test_a_semicolon_file_with_a_byte_order_mark_is_read() -> None:
    text = "\ufeff" + HEADER.replace(",", ";") + "\r\n" + GOOD.replace(",", ";") + "\r\n;;;;;;;\r\n"
    result = read_register(CONTRACTS, text.encode(), file="x")
    assert (len(result.rows), result.problems) == (1, [])


def test_row_numbers_are_those_of_the_file() -> None:
    result = read(HEADER, "", 'K-1,"Mat\nog drikke",,yes,no,,2025-01-01,', "K-2,Mat,,perhaps,no,,2025-01-01,")
    assert [problem.split(":")[0] for problem in result.problems] == ["registers/x.csv, row 5, column is_reserved"]


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (",Mat,,yes,no,,2025-01-01,", "contract_id"),
        ("K-1,Mat,,Ja,no,,2025-01-01,", "is_reserved"),
        ("K-1,Mat,,yes,maybe,,2025-01-01,", "exclusivity"),
        ("K-1,Mat,,yes,no,1000.505,2025-01-01,", "estimated_value_nok"),
        ('K-1,Mat,,yes,no,"1000,50",2025-01-01,', "estimated_value_nok"),
        ("K-1,Mat,,yes,no,NaN,2025-01-01,", "estimated_value_nok"),
        ("K-1,Mat,,yes,no,1e999999,2025-01-01,", "estimated_value_nok"),
        ("K-1,Mat,,yes,no,,01.01.2025,", "valid_from"),
        ("K-1,Mat,,yes,no,,2025-02-30,", "valid_from"),
        ("K-1,Mat,,yes,no,,,", "valid_from"),
        ("K-1,Mat,,yes,no,,2025-01-01,2024-12-31", "valid_to"),
    ],
    ids=lambda value: value,
)
def test_a_wrong_value_is_named_by_row_and_column(line: str, column: str) -> None:
    result = read(HEADER, GOOD.replace("K-1", "K-9"), line)
    assert [problem.startswith(f"registers/x.csv, row 3, column {column}: ") for problem in result.problems] == [True]
    assert len(result.rows) == 1


@pytest.mark.parametrize(
    ("register", "row", "column"),
    [
        ("members", "9901,Nord,0,unprepared,2025-01-01,", "inhabitants"),
        ("workshop_owners", "310000000,9901,55,2025-01-01,", "ownership_fraction"),
        ("placements", "9901,310000000,-4,2026-01-01,2026-06-30", "placements"),
        ("local_limits", "9901,law_entry,-5.00,Sak 1/26,2026-07-01,", "amount_nok"),
        ("local_limits", "9901,law_enty,300000.00,Sak 1/26,2026-07-01,", "limit_key"),
        ("charts_of_accounts", "9901,11150,Mat,operating,115,,gross,250,2025-01-01,", "vat_rate"),
    ],
)
def test_what_figures_would_pass_over_or_turn_round_is_refused(register: str, row: str, column: str) -> None:
    table = REGISTERS[register]
    (told,) = read(",".join(table.column_names), row, table=table).problems
    assert told.startswith(f"registers/x.csv, row 2, column {column}: ")


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("", "empty"),
        (HEADER.replace("title,", ""), "column title is missing"),
        (HEADER.replace(",valid_to", ""), "column valid_to is missing"),
        (HEADER + ",colour", "column colour: not a column"),
        (HEADER + ",title", "column title: stands twice"),
    ],
    ids=["empty", "required column", "valid_to", "unknown column", "twice"],
)
def test_a_wrong_header_is_told(header: str, told: str) -> None:
    assert told in " ".join(read(header, GOOD).problems)


def test_optional_columns_may_be_left_out() -> None:
    result = read("contract_id,title,is_reserved,exclusivity,valid_from,valid_to", "K-1,Mat,no,no,2025-01-01,")
    assert (len(result.rows), result.problems) == (1, [])


def test_all_problems_are_told_at_once() -> None:
    assert len(read(HEADER, "K-1,,,x,y,z,q,", "K-2,Mat,,yes").problems) == 6


def test_leading_zeros_are_kept_and_their_loss_is_told() -> None:
    members = REGISTERS["members"]
    header = "municipality_no,name,inhabitants,agreement,valid_from,valid_to"
    assert read(header, "0301,X,5,unprepared,2025-01-01,", table=members).rows[0]["municipality_no"] == "0301"
    assert "keep leading zeros" in read(header, "301,X,5,unprepared,2025-01-01,", table=members).problems[0]


@pytest.mark.parametrize("raw", [b"\xff\xfe", HEADER.encode() + b'\nK-1,"x', b"\x00", b'"'], ids=repr)
def test_bytes_that_are_no_register_are_a_problem(raw: bytes) -> None:
    result = read_register(CONTRACTS, raw, file="registers/x.csv")
    assert result.problems
    assert all(problem.startswith("registers/x.csv") for problem in result.problems)


@given(st.binary(max_size=200))
def test_no_bytes_raise(raw: bytes) -> None:
    for table in (CONTRACTS, REGISTERS["members"]):
        result = read_register(table, raw, file="x")
        assert result.problems or result.rows == []


@given(st.text(max_size=200))
def test_no_text_below_a_header_raises(text: str) -> None:
    result = read_register(CONTRACTS, f"{HEADER}\n{text}".encode("utf-8", "replace"), file="x")
    assert all(row["contract_id"] and row["valid_from"] for row in result.rows)


_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=12)
_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "contract_id": _TEXT.map(str.strip).filter(bool),
            "title": _TEXT.map(str.strip).filter(bool),
            "is_reserved": st.booleans(),
            "exclusivity": st.sampled_from(["yes", "no", "unknown"]),
            "estimated_value_nok": st.none() | st.decimals(0, 10**12, places=2, allow_nan=False, allow_infinity=False),
            "valid_from": st.dates(date(1990, 1, 1), date(2050, 1, 1)),
            "valid_to": st.none(),
        }
    ),
    max_size=6,
    unique_by=lambda row: row["contract_id"],
)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value) if not isinstance(value, Decimal) else format(value, "f")


@given(_ROWS, st.sampled_from([",", ";"]))
def test_what_is_written_is_what_is_read(rows: list[dict[str, Any]], delimiter: str) -> None:
    names = ["contract_id", "title", "is_reserved", "exclusivity", "estimated_value_nok", "valid_from", "valid_to"]
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows([[_written(row[name]) for name in names] for row in rows])
    result = read_register(CONTRACTS, stream.getvalue().encode(), file="x")
    assert result.problems == []
    assert [{name: row[name] for name in names} for row in result.rows] == rows


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 30), st.integers(-30, 30))
def test_rows_of_a_key_may_follow_but_not_overlap(start: date, length: int, gap: int) -> None:
    end = start + timedelta(days=length)
    begin = end + timedelta(days=gap)
    result = read(HEADER, f"K-1,A,,yes,no,,{start},{end}", f"K-1,B,,yes,no,,{begin},{begin + timedelta(days=400)}")
    assert bool(result.problems) == (gap <= 0)
    assert all("overlaps" in problem for problem in result.problems)


def test_an_open_row_ends_before_the_next() -> None:
    told = read(HEADER, "K-1,A,,yes,no,,2025-01-01,", "K-1,B,,yes,no,,2026-01-01,").problems
    assert len(told) == 1
    assert told[0].startswith("registers/x.csv, row 3, column valid_from: overlaps row 2 (contract_id=K-1)")


@pytest.mark.parametrize("table", REGISTERS.values(), ids=REGISTERS)
def test_every_register_is_dated(table: Table) -> None:
    assert table.column_names[-2:] == ["valid_from", "valid_to"]
    assert table.key[-1] == "valid_from"
