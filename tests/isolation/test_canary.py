"""A marked row per recipient is found, as decoded content, in its own recipient's files and in nobody else's."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.candidates.make import candidate_folder, due_keys, open_maker
from pipelines.candidates.products import CandidateKey
from pipelines.home import Home
from tests.isolation.canaries import forms_of
from tests.isolation.decoded import texts_under
from tests.unit.candidates.small_home import (
    CLOCK,
    MUNICIPALITIES,
    PERIOD,
    TABLES,
    WORKSHOPS,
    default_rows,
    make_home,
    write_warehouse,
)

# An amount that is nobody else's, by recipient; and a text.
RECIPIENTS = (*MUNICIPALITIES, *WORKSHOPS)
AMOUNTS = {recipient: Decimal(f"{81_000 + number * 1_111}.37") for number, recipient in enumerate(RECIPIENTS)}


def marker(recipient: str) -> str:
    return f"canary-of-{recipient}"


def mark(row: dict[str, Any], recipient: str, text_columns: tuple[str, ...], money_columns: tuple[str, ...]) -> None:
    row.update(dict.fromkeys(text_columns, marker(recipient)))
    row.update(dict.fromkeys(money_columns, AMOUNTS[recipient]))


# Columns that carry the mark, by table: texts and amounts that its recipient gets to see.
MARKED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "product_municipality_extract": (
        ("supplier_name", "voucher_no", "invoice_no", "org_no", "cost_centre", "xpath"),
        ("net_amount_nok", "vat_amount_nok"),
    ),
    "product_municipality_kpi": (("label_no",), ("numerator", "denominator", "value")),
    "product_workshop_own_sales": (("spend_category",), ("net_amount_nok",)),
    "product_workshop_market_view": (("spend_category",), ("own_nok",)),
    "product_workshop_contract_calendar": (("contract_title",), ()),
    "product_workshop_owner_view": ((), ("product_nok", "inclusion_nok", "transfer_nok")),
    "product_workshop_dependency": (("turnover_source",), ("sales_nok", "total_income_nok")),
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home in whose warehouse every row of every recipient is marked as its own."""
    home = make_home(tmp_path)
    rows = default_rows()
    assert rows.keys() == TABLES.keys() == MARKED.keys()
    for table, listed in rows.items():
        recipient_column = TABLES[table].split()[0]
        for row in listed:
            mark(row, row[recipient_column], *MARKED[table])
    write_warehouse(home, rows, build_id="c" * 16)
    with open_maker(home) as maker:
        for key in due_keys(home, PERIOD, CLOCK.as_of):
            maker.make(key, CLOCK)
    return home


def found_in(folder: Path, recipient: str) -> set[str]:
    """Return the files in which a recipient's text or amount stands."""
    marks = {marker(recipient), *forms_of(str(AMOUNTS[recipient]))}
    return {name for name, content in texts_under(folder) if any(each in content for each in marks)}


def keys(home: Home) -> list[CandidateKey]:
    return due_keys(home, PERIOD, date(2026, 11, 15))


def test_every_recipient_finds_its_own_rows_in_every_table(home: Home) -> None:
    for key in keys(home):
        files = found_in(candidate_folder(home, key), key.recipient)
        of_others = {"datapackage.json", *(f"information_log.{ending}" for ending in ("csv", "excel.csv", "parquet"))}
        tables = {path.name for path in candidate_folder(home, key).iterdir()} - of_others
        assert files == tables, key


def test_nobody_finds_another_recipients_rows(home: Home) -> None:
    leaks = {
        (key.recipient, recipient): files
        for key in keys(home)
        for recipient in AMOUNTS
        if recipient != key.recipient and (files := found_in(candidate_folder(home, key), recipient))
    }
    assert leaks == {}


def test_the_canary_would_be_seen(home: Home) -> None:
    folder = candidate_folder(home, keys(home)[0])
    (folder / "stray.csv").write_text(f"a\n{marker('9903')}\n")
    assert found_in(folder, "9903") == {"stray.csv"}
