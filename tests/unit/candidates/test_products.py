"""The product contract says the same in every place that states it."""

from __future__ import annotations

from datetime import date

import pytest
import yaml

from pipelines.candidates.products import PRODUCTS, ProductTable, window_ending_in
from pipelines.candidates.suppress import CONTRIBUTOR_COLUMNS
from pipelines.settings import DBT_PROJECT, EXPECTATIONS
from pipelines.tables import TYPES

TABLES = [table for product in PRODUCTS.values() for table in product.tables]
MART = PRODUCTS["consortium_mart"].tables


@pytest.mark.parametrize(
    ("period", "months", "first", "last", "years"),
    [
        ("2026-10", 12, date(2025, 11, 1), date(2026, 10, 31), (2025, 2026)),
        ("2026-12", 12, date(2026, 1, 1), date(2026, 12, 31), (2026,)),
        ("2024-02", 1, date(2024, 2, 1), date(2024, 2, 29), (2024,)),
        ("2026-01", 2, date(2025, 12, 1), date(2026, 1, 31), (2025, 2026)),
    ],
    ids=["across a year's end", "a calendar year", "one leap month", "two months over new year"],
)
def test_a_window_ends_in_its_month(period: str, months: int, first: date, last: date, years: tuple[int, ...]) -> None:
    window = window_ending_in(period, months)
    assert (window.first_day, window.last_day, window.years) == (first, last, years)
    assert len(window.months) == months
    assert window.months == tuple(sorted(window.months))


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_suites_expect_exactly_the_columns_of_the_contract(product: str) -> None:
    suite = yaml.safe_load((EXPECTATIONS / f"{product}.yml").read_text())
    expected = {
        name: next(each["kwargs"]["column_list"] for each in table["expectations"] if "ordered_list" in each["type"])
        for name, table in suite["tables"].items()
    }
    assert {table.name: table.field_names for table in PRODUCTS[product].tables} == expected


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_is_typed_titled_and_described(table: ProductTable) -> None:
    assert table.title
    assert table.description or table in MART
    assert set(table.key) <= set(table.field_names)
    assert len(set(table.field_names)) == len(table.fields)
    for field in table.fields:
        assert field.type in TYPES, field.name
        assert field.title, field.name
        assert field.description.endswith(".") or table in MART, field.name


@pytest.mark.parametrize("table", MART, ids=lambda table: table.name)
def test_the_marts_words_are_the_marts_own(table: ProductTable) -> None:
    stated = {}
    for path in sorted((DBT_PROJECT / "models" / "marts").glob("_marts__models*.yml")):
        stated |= {model["name"]: model for model in yaml.safe_load(path.read_text())["models"]}
    assert stated[table.source]["description"]
    words = {column["name"]: column["description"] for column in stated[table.source]["columns"]}
    assert [name for name in table.field_names if not words.get(name)] == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_recipients_key_is_not_published(table: ProductTable) -> None:
    assert table.recipient_column not in table.field_names


def test_the_models_give_what_the_contract_reads() -> None:
    stated = yaml.safe_load((DBT_PROJECT / "models" / "products" / "_products__models.yml").read_text())
    models = {model["name"]: {column["name"] for column in model["columns"]} for model in stated["models"]}
    read = {}
    for table in (table for table in TABLES if table.source and table not in MART):
        columns = {table.recipient_column, *table.field_names}
        if table.name == "market_view":
            bands = {"other_suppliers_band", "law_entry_headroom_band"}
            decided = {"other_nok_or_suppressed", "suppression_code", "told_at", "rank", *bands}
            columns = (columns - decided) | CONTRIBUTOR_COLUMNS.keys() | {"law_entry_rule_confidence"}
        read[table.source] = columns
    assert read == models
