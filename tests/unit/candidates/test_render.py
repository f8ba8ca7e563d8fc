"""The same rows are the same bytes, and no cell is run by a spreadsheet."""

from __future__ import annotations

import csv
import io
import random
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.candidates.products import PRODUCTS, WORKSHOP_RELEASE
from pipelines.candidates.render import csv_bytes, excel_csv_bytes, in_order, parquet_bytes

CALENDAR = PRODUCTS[WORKSHOP_RELEASE].table("contract_calendar")
DEPENDENCY = PRODUCTS[WORKSHOP_RELEASE].table("dependency")


def calendar(*titles: str | None) -> pa.Table:
    rows = [
        {
            "contract_id": f"A-{number}",
            "contract_title": title,
            "spend_category": "meeting_food",
            "covers_municipalities": "9901",
            "ends_on": date(2027, 1, 1 + number),
            "options_to": None,
            "reserved_flag": number % 2 == 0,
            "notice_id": None,
        }
        for number, title in enumerate(titles)
    ]
    schema = CALENDAR.arrow_schema
    return pa.table({name: pa.array([row[name] for row in rows], schema.field(name).type) for name in schema.names})


def cells(raw: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8"), newline="")))


def test_rows_in_any_order_give_the_same_bytes() -> None:
    rows = calendar(*(f"Avtale {number}" for number in range(25)))
    shuffled = rows.take(random.Random(7).sample(range(25), 25))
    # Chunks are how rows came, not what they are.
    chunked = pa.concat_tables([shuffled.slice(0, 10), shuffled.slice(10)])
    first, second = in_order(CALENDAR, rows), in_order(CALENDAR, chunked)
    assert parquet_bytes(first) == parquet_bytes(second)
    assert csv_bytes(first) == csv_bytes(second)
    assert excel_csv_bytes(first) == excel_csv_bytes(second)


def test_parquet_keeps_types_and_carries_no_metadata_of_ours() -> None:
    rows = in_order(CALENDAR, calendar("Møtemat"))
    read = pq.read_table(pa.BufferReader(parquet_bytes(rows.replace_schema_metadata({"made": "at some place"}))))
    assert read.schema.equals(CALENDAR.arrow_schema, check_metadata=True)
    assert read.to_pylist() == rows.to_pylist()


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+47 kopper", "'+47 kopper"),
        ("-10 %", "'-10 %"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1+1", "'=1+1"),
        ("\r\n=1+1", "'=1+1"),
        ("  =1+1", "'=1+1"),
        ("\u00a0=1+1", "'=1+1"),
        ("\x00=1+1", "'=1+1"),
        ("Mat = kaffe", "Mat = kaffe"),
        ("to\nlinjer", "to linjer"),
        ('sa "hei", gikk', 'sa "hei", gikk'),
    ],
)
def test_no_cell_is_run_by_a_spreadsheet(title: str, shown: str) -> None:
    rows = in_order(CALENDAR, calendar(title))
    assert cells(csv_bytes(rows))[0]["contract_title"] == shown
    assert rows["contract_title"].to_pylist() == [shown.removeprefix("'")]


def test_negative_amounts_stay_numbers() -> None:
    schema = DEPENDENCY.arrow_schema
    row = {"sales_nok": Decimal("-10.50"), "dependency_ratio": Decimal("0.000001"), "municipality_no": "9901"}
    rows = pa.table({name: pa.array([row.get(name)], schema.field(name).type) for name in schema.names})
    (shown,) = cells(csv_bytes(in_order(DEPENDENCY, rows)))
    assert (shown["sales_nok"], shown["dependency_ratio"]) == ("-10.50", "0.000001")


@pytest.mark.parametrize("value", ["0", "0.00000001", "-0.00000001", "123456789.12345678"])
def test_small_numbers_have_no_exponent(value: str) -> None:
    rows = pa.table({"value": pa.array([Decimal(value), None], pa.decimal128(24, 8))})
    first, second = cells(csv_bytes(rows.append_column("n", pa.array([1, 2]))))
    assert first["value"] == format(Decimal(value).quantize(Decimal("1e-8")), "f")
    assert second["value"] == ""


def test_an_empty_table_keeps_its_columns(tmp_path: Path) -> None:
    rows = in_order(CALENDAR, calendar())
    assert csv_bytes(rows).decode().strip().replace('"', "").split(",") == CALENDAR.field_names
    assert pq.read_table(pa.BufferReader(parquet_bytes(rows))).schema == CALENDAR.arrow_schema


@settings(max_examples=100)
@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_any_text_survives_and_none_begins_a_formula(titles: list[str | None]) -> None:
    rows = in_order(CALENDAR, calendar(*titles))
    raw = csv_bytes(rows)
    shown = [row["contract_title"] for row in cells(raw)]
    exact = [title or "" for title in rows["contract_title"].to_pylist()]
    assert [unguarded(text) for text in shown] == [unguarded(text) for text in exact]
    assert not [text for text in shown if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n", " "))]
    assert csv_bytes(rows) == raw
    in_excel = [row["contract_title"] for row in excel_cells(excel_csv_bytes(rows))]
    assert [unguarded(text) for text in in_excel] == [unguarded(text) for text in exact]
    assert not [text for text in in_excel if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n", " "))]


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("title", ["Mat;=1+1;", 'Mat;"=1+1', "Mat, @SUM(A1)", "Mat,;,-1", "=;=,="])
def test_no_cell_is_run_by_a_spreadsheet_that_opens_a_file_by_the_wrong_separator(title: str, separator: str) -> None:
    rows = in_order(CALENDAR, calendar(title))
    for raw in (csv_bytes(rows), excel_csv_bytes(rows)):
        text = raw.decode("utf-8-sig")
        # Quotes count where a cell begins, as in Excel.
        read = [cell for line in csv.reader(io.StringIO(text), delimiter=separator) for cell in line]
        assert not [cell for cell in read if cell.lstrip('" ').startswith(("=", "+", "-", "@"))]


def test_excels_form_has_a_mark_semicolons_decimal_commas_and_norwegian_dates() -> None:
    raw = excel_csv_bytes(in_order(CALENDAR, calendar('Mat "lun", -kald; varm')))
    assert raw.startswith(b"\xef\xbb\xbf")
    first, second, rest = raw.decode("utf-8-sig").split("\r\n")
    assert first.split(";") == [f'"{name}"' for name in CALENDAR.field_names]
    assert second == '"A-0";"Mat ""lun"",\' -kald; varm";"meeting_food";"9901";01.01.2027;;ja;'
    assert rest == ""
    assert excel_cells(excel_csv_bytes(in_order(CALENDAR, calendar()))) == []


def test_excels_form_has_plain_numbers() -> None:
    rows = pa.table({"small": pa.array([Decimal("-0.00000001")]), "nok": pa.array([Decimal("1234567.50")])})
    (row,) = excel_cells(excel_csv_bytes(rows))
    assert row == {"small": "-0,00000001", "nok": "1234567,50"}


def excel_cells(raw: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=";"))


def unguarded(text: str) -> str:
    return re.sub(r"(^|[;,])'([\"\s]*[=+\-@])", r"\1\2", text)
