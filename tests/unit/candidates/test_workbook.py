"""A workbook holds what the tables hold, in bokmål, in the same bytes every time, and nothing in it is run."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from pipelines.candidates import sheet_rows, workbook_nb
from pipelines.candidates.products import (
    MUNICIPALITY_EXTRACT,
    PRODUCTS,
    WORKSHOP_RELEASE,
    CandidateKey,
    window_ending_in,
)
from pipelines.candidates.render import in_order
from pipelines.candidates.workbook import Book, workbook_bytes

P1, P2 = PRODUCTS[MUNICIPALITY_EXTRACT], PRODUCTS[WORKSHOP_RELEASE]
RUN = ["=1+1", "+47 kopper", "-10 %", "@SUM(A1)", '=HYPERLINK("http://x")', "http://x.test", "mailto:a@b.test", "{=1}"]


def tables_of(product: Any, given: Mapping[str, list[dict[str, Any]]]) -> dict[str, pa.Table]:
    made = {}
    for table in product.tables:
        schema, rows = table.arrow_schema, given.get(table.name, [])
        columns = {name: pa.array([row.get(name) for row in rows], schema.field(name).type) for name in schema.names}
        made[table.name] = in_order(table, pa.table(columns))
    return made


def book(product: Any = P2, **other: Any) -> Book:
    recipient = "9901" if product is P1 else "300100112"
    covered = {"municipality_no": "9901", "months": ["2026-09", "2026-10"], "not_delivered": ["2026-08"]}
    stated = {"coverage": [covered], "without_consent": None, **other}
    key = CandidateKey(product.id, recipient, "2026-10")
    return Book(product, key, "Fjordverk AS", window_ending_in("2026-10", 3), **stated)


def opened(raw: bytes) -> Workbook:
    return load_workbook(io.BytesIO(raw))


def contract(title: str | None, **other: Any) -> dict[str, Any]:
    return {"contract_id": "A-1", "contract_title": title, "ends_on": date(2027, 1, 31), **other}


def share(*titles: str | None) -> dict[str, pa.Table]:
    return tables_of(P2, {"contract_calendar": [contract(title) for title in titles]})


def all_cells(workbook: Workbook) -> list[Any]:
    return [cell for sheet in workbook for row in sheet.iter_rows() for cell in row if cell.value is not None]


@pytest.mark.parametrize("title", RUN)
def test_no_cell_is_a_formula_or_a_link(title: str) -> None:
    workbook = opened(workbook_bytes(book(), share(title)))
    sheet = workbook["Avtalekalender"]
    assert (sheet["B2"].value, sheet["B2"].data_type) == (title, "s")
    assert sheet["B2"].quotePrefix
    assert {cell.data_type for cell in all_cells(workbook)} <= {"s", "n", "d", "b", "inlineStr"}
    assert not [cell for cell in all_cells(workbook) if cell.hyperlink]


def test_words_that_begin_like_formulas_stay_words() -> None:
    named = Book(P2, CandidateKey(P2.id, "300100112", "2026-10"), "=1+1 AS", window_ending_in("2026-10", 3), [])
    front = opened(workbook_bytes(named, share()))[workbook_nb.FRONT_SHEET]
    assert not [cell for row in front.iter_rows() for cell in row if cell.data_type == "f"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), max_size=4))
def test_any_text_is_read_as_it_was_written(titles: list[str | None]) -> None:
    tables = share(*titles, "_x0041_ & <b> _x000D_")
    sheet = opened(workbook_bytes(book(), tables))["Avtalekalender"]
    from openpyxl.utils.escape import unescape

    read = [unescape(row[1].value) if row[1].value else "" for row in sheet.iter_rows(min_row=2)]
    assert read == [title or "" for title in tables["contract_calendar"]["contract_title"].to_pylist()]


def test_numbers_are_numbers_dates_are_dates_and_nothing_is_no_cell() -> None:
    rows = [
        contract("A", reserved_flag=True, options_to=date(1899, 12, 31)),
        contract("B", reserved_flag=False, options_to=date(1900, 3, 1)),
        contract("C", ends_on=date(2028, 2, 29)),
    ]
    sales = [{"month": "2026-09", "net_amount_nok": Decimal(amount)} for amount in ("-0.01", "1234567890123.45")]
    workbook = opened(workbook_bytes(book(), tables_of(P2, {"contract_calendar": rows, "own_sales": sales})))
    sheet = workbook["Avtalekalender"]
    read = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert [row[4].date() for row in read] == [date(2027, 1, 31), date(2027, 1, 31), date(2028, 2, 29)]
    assert [row[6] for row in read] == [True, False, None]
    # A day that a spreadsheet cannot count stands as a text.
    assert [read[0][5], read[1][5].date(), read[2][5]] == ["1899-12-31", date(1900, 3, 1), None]
    assert sheet["E2"].number_format == "dd.mm.yyyy"
    amounts = [row[3].value for row in workbook["Eget salg"].iter_rows(min_row=2)]
    assert sorted(amounts) == [-0.01, 1234567890123.45]
    assert workbook["Eget salg"]["D2"].number_format == "#,##0.00"


def test_a_sheet_has_a_frozen_header_with_both_names_filters_and_widths() -> None:
    sheet = opened(workbook_bytes(book(), share("Møtemat og mye mer " * 10)))["Avtalekalender"]
    table = P2.table("contract_calendar")
    assert [cell.value for cell in sheet[1]] == [f"{field.title}\n{field.name}" for field in table.fields]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:H2")
    widths = [sheet.column_dimensions[cell.column_letter].width for cell in sheet[1]]
    assert 44 < max(widths) < 50
    assert min(widths) > 9


def test_the_front_sheet_says_what_it_is_and_what_the_codes_mean() -> None:
    tables = tables_of(P2, {"contract_calendar": [contract("A"), contract("B")]})
    workbook = opened(workbook_bytes(book(without_consent=["9903"]), tables))
    said = [str(cell.value) for row in workbook[workbook_nb.FRONT_SHEET].iter_rows() for cell in row if cell.value]
    text = "\n".join(said)
    for fact in ("Fjordverk AS (300100112)", "2026-10", "2026-08 til 2026-10", "9903", *P2.warnings):
        assert fact in text
    assert said[said.index("9901") : said.index("9901") + 3] == ["9901", "2026-09, 2026-10", "2026-08"]
    for meaning in workbook_nb.CODE_MEANINGS["suppression_code"].values():
        assert meaning in text
    columns = [[cell.value for cell in row] for row in workbook[workbook_nb.COLUMNS_SHEET].iter_rows(min_row=2)]
    assert [(row[1], row[3]) for row in columns] == [
        (field.name, field.description) for table in P2.tables for field in table.fields
    ]


def test_every_code_that_is_explained_is_a_column_and_is_named_where_it_is_described() -> None:
    fields = {field.name: field for product in (P1, P2) for table in product.tables for field in table.fields}
    assert set(workbook_nb.CODE_MEANINGS) <= set(fields)


def test_rows_in_any_order_give_the_same_bytes() -> None:
    rows = [contract(f"Avtale {number}", contract_id=f"A-{number}") for number in range(30)]
    first = workbook_bytes(book(), tables_of(P2, {"contract_calendar": rows}))
    assert workbook_bytes(book(), tables_of(P2, {"contract_calendar": rows[::-1]})) == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b"2026-10-31T00:00:00Z" in archive.read("docProps/core.xml")


def test_rows_are_put_in_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [contract(f"Avtale {number:02}", contract_id=f"A-{number:02}") for number in range(25)]
    whole = workbook_bytes(book(), tables_of(P2, {"contract_calendar": rows}))
    monkeypatch.setattr(sheet_rows, "_BATCH", 10)
    assert workbook_bytes(book(), tables_of(P2, {"contract_calendar": rows})) == whole


@pytest.mark.parametrize("limit", ["MOST_ROWS", "LONGEST_TEXT"])
def test_a_table_that_no_sheet_can_hold_is_left_out_and_the_front_sheet_says_so(
    monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(sheet_rows, limit, 1)
    workbook = opened(workbook_bytes(book(), share("To tegn", "flere")))
    assert "Avtalekalender" not in workbook.sheetnames
    said = [cell.value for row in workbook[workbook_nb.FRONT_SHEET].iter_rows() for cell in row]
    assert workbook_nb.TOO_LARGE.format(table="contract_calendar") in said


def figure(key: str, measure: str, month: int, value: str, **other: Any) -> dict[str, Any]:
    everything = dict.fromkeys(("workshop_org_no", "category_key", "account_class"), "all")
    period = {"period_start": date(2026, month, 1), "period_end": date(2026, month, 28)}
    return {"kpi_key": key, "measure": measure, **everything, **period, "value": Decimal(value), **other}


def test_spend_by_month_is_drawn_with_what_was_bought_of_workshops() -> None:
    spend, workshops = ("K01", "procurement_spend"), ("K03", "workshop_product_spend")
    figures = [
        figure(*spend, 9, "120.50"),
        figure(*workshops, 9, "20"),
        figure(*spend, 8, "100"),
        figure(*spend, 8, "70", account_class="operating"),
        figure(*spend, 1, "999", period_end=date(2026, 12, 31)),
        figure("K02", "addressable_spend", 8, "50"),
    ]
    workbook = opened(workbook_bytes(book(P1), tables_of(P1, {"kpi": figures})))
    rows = list(workbook[workbook_nb.SPEND_CHART].iter_rows(min_row=2, values_only=True))
    assert rows == [("2026-08", 100, None), ("2026-09", 120.5, 20)]


def test_sales_and_what_is_shown_of_the_market_are_drawn() -> None:
    def cell(category: str, amount: str | None, **other: Any) -> dict[str, Any]:
        shown = {"addressable_nok": amount and Decimal(amount), "own_nok": Decimal(1), "told_at": "cell"}
        return {
            "year": 2026,
            "municipality_no": "9901",
            "spend_category": category,
            "suppression_code": "",
            **shown,
            **other,
        }

    market = [
        cell("canteen", "10", other_nok_or_suppressed=Decimal(9)),
        cell("gifts", "30", other_nok_or_suppressed=Decimal(29)),
        cell("laundry", None, suppression_code="p", told_at=""),
        cell("food", "400", told_at="category_group"),
        cell("gifts", "500", year=2025),
    ]
    sales = [{"month": month, "net_amount_nok": Decimal(1)} for month in ("2026-10", "2026-09", "2026-10")]
    workbook = opened(workbook_bytes(book(), tables_of(P2, {"market_view": market, "own_sales": sales})))
    drawn = list(workbook[workbook_nb.MARKET_CHART].iter_rows(min_row=2, values_only=True))
    assert drawn == [("9901 gifts", 1, 29), ("9901 canteen", 1, 9)]
    drawn = list(workbook[workbook_nb.SALES_CHART].iter_rows(min_row=2, values_only=True))
    assert drawn == [("2026-09", 1), ("2026-10", 2)]


def test_charts_have_text_for_those_who_do_not_see_them() -> None:
    sales = [{"month": "2026-10", "net_amount_nok": Decimal(1)}]
    raw = workbook_bytes(book(), tables_of(P2, {"own_sales": sales}))
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        drawings = [archive.read(name).decode() for name in archive.namelist() if "drawings/drawing" in name]
    assert [workbook_nb.SALES_TEXT in drawing for drawing in drawings] == [True]
