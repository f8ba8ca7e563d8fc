"""A member that delivers SAF-T: what stands on its cost accounts is spend, to the øre; nothing counts twice.

One home, built once: 9901 delivers SAF-T for September and October, and a ledger for October; 9902 a ledger.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.home import CONSORTIUM, Home
from pipelines.warehouse.build import build_warehouse
from tests.integration.tiny_home import MEMBERS, consortium_text, make_tiny_home
from tests.saft_files import Books, Line, Transaction, audit_file, purchase
from tests.unit.dropped import ingest

pytestmark = pytest.mark.slow

SAFT_SOURCE = "      - {kind: saft, settle_seconds: 0}\n"
PAYROLL = Transaction("20", (Line("10100", "5000.00"), Line("1920", "-5000.00")), voucher_type="LØ")
INCOME = Transaction("21", (Line("1920", "700.00"), Line("16200", "-700.00")), voucher_type="UF")
PAYMENT = Transaction("22", (Line("2400", "1250.00", supplier="70001"), Line("1920", "-1250.00")), voucher_type="BN")
BY_STANDARD_ACCOUNT = Transaction("23", (Line("6340", "33.33"), Line("2400", "-33.33", supplier="70002")))
UNEXPLAINED = Transaction("24", (Line("9999", "8.00"), Line("2400", "-8.00", supplier="70001")))
CREDIT_NOTE = Transaction("25", (Line("11150", "-100.05"), Line("2400", "100.05", supplier="70001")))
SEPTEMBER = (purchase("1", "1000.10", vat="250.03"), PAYROLL, INCOME, PAYMENT, BY_STANDARD_ACCOUNT, UNEXPLAINED)
OCTOBER = (purchase("2", "77.77", day="2026-10-10", period="10"),)
YEAR_END = (purchase("3", "0.01", day="2026-12-31", period="13"),)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = make_tiny_home(tmp_path_factory.mktemp("saft") / "home")
    text = consortium_text(home.path.name)
    member, _, others = text.partition('  "9902":')
    home.consortium_file.write_text(f'{member}{SAFT_SOURCE}  "9902":{others}')
    (home.inbox / "9901" / "ledger" / "2026-09.csv").unlink()
    books = Books(version="1.30", journals=((*SEPTEMBER, CREDIT_NOTE), OCTOBER, YEAR_END), last=("2026", "13"))
    drop = home.inbox / "9901" / "saft" / "books.xml"
    drop.parent.mkdir(parents=True)
    drop.write_bytes(audit_file(replace(books, accounts=(*books.accounts, ("9999", "Uforklart", "")))))
    for owner in (*MEMBERS, CONSORTIUM):
        ingest(home, owner)
    assert build_warehouse(home)
    return home


def ask(home: Home, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(Path(home.warehouse_file)), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_purchases_are_the_lines_on_cost_accounts_to_the_ore(home: Home) -> None:
    found = ask(
        home,
        "select period_month, scope, sum(net_amount_nok) from fct_purchases"
        " where municipality_no = '9901' and _source = 'saft' group by all order by all",
    )
    assert found == [
        ("2026-09", "core", Decimal("900.05")),
        ("2026-09", "unknown", Decimal("33.33")),
        ("2026-09", "vat", Decimal("250.03")),
        ("2026-12", "core", Decimal("0.01")),
    ]


def test_a_cost_line_has_the_supplier_and_invoice_of_its_transaction(home: Home) -> None:
    (found,) = ask(
        home,
        "select org_no, supplier_ledger_code, invoice_no, cost_centre, kostra_function, kostra_art, payee_kind"
        " from fct_purchases where _source = 'saft' and net_amount_nok = 1000.10",
    )
    assert found == ("310000019", "70001", "F1", "1100", "120", "115", "legal_entity")


def test_a_month_that_a_ledger_covers_is_not_counted_twice(home: Home) -> None:
    (total,) = ask(
        home,
        "select sum(net_amount_nok) from fct_purchases where municipality_no = '9901' and period_month = '2026-10'",
    )
    assert total == (Decimal("1250.00"),)
    states = ask(
        home,
        "select fiscal_period, state from fct_delivery_periods where municipality_no = '9901' and source = 'saft'"
        " order by all",
    )
    assert states == [("2026-09", "accepted"), ("2026-10", "held"), ("2026-13", "accepted")]


def test_what_is_no_purchase_is_accounted_for(home: Home) -> None:
    measures = dict(
        ask(
            home,
            "select measure, amount_nok from fct_reconciliation where municipality_no = '9901'"
            " and period_month = '2026-09' and starts_with(measure, 'saft') and not starts_with(measure, 'saft_read')",
        )
    )
    assert measures == {
        "saft_postings": Decimal("0.00"),
        "saft_purchases": Decimal("1183.41"),
        "saft_unclassified": Decimal("8.00"),
        "saft_not_purchases": Decimal("-1191.41"),
    }
