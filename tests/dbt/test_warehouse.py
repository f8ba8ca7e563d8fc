"""What the warehouse makes of the home written by hand: spend once, to the øre, with every decision shown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import duckdb
import pytest

from pipelines.warehouse.build import Build, failed_nodes
from tests.dbt.written_home import BAKER, BOTH, CONSULTANT, EHF_ONLY, NEW_NUMBER, NO_ORG_NOS, OLD_NUMBER, WORKSHOP

Ask = Any


@pytest.fixture(scope="module")
def ask(warehouse: duckdb.DuckDBPyConnection) -> Ask:
    return lambda sql: warehouse.execute(sql).fetchall()


def amounts(ask: Ask, invoice_no: str) -> list[tuple[Any, ...]]:
    """Evidence, account, scope, stream and amount of every line of an invoice."""
    return ask(
        "select evidence, local_account, scope, stream, net_amount_nok from fct_purchases"
        f" where invoice_no = '{invoice_no}' order by net_amount_nok"
    )


def test_an_invoice_on_one_account_counts_through_its_lines_and_a_difference(ask: Ask) -> None:
    assert amounts(ask, "A1") == [
        ("difference", "11150", "core", "none", Decimal("0.05")),
        ("posting_and_ehf", "11150", "core", "none", Decimal("20.00")),
        ("posting_and_ehf", "14290", "vat", "none", Decimal("250.00")),
        ("posting_and_ehf", "11150", "core", "none", Decimal("280.00")),
        ("posting_and_ehf", "11150", "core", "none", Decimal("700.00")),
    ]


def test_its_lines_are_explained_by_their_own_cpv_code(ask: Ask) -> None:
    assert ask(
        "select category_key, category_method, category_confidence from fct_purchases"
        " where invoice_no = 'A1' and scope != 'vat' order by net_amount_nok"
    ) == [
        ("meeting_food", "account", Decimal("0.80")),
        ("meeting_food", "account", Decimal("0.80")),
        ("cpv_33", "cpv", Decimal("0.95")),
        ("meeting_food", "cpv", Decimal("0.95")),
    ]


def test_lines_that_pair_off_with_accounts_take_them(ask: Ask) -> None:
    assert amounts(ask, "B1") == [
        ("posting_and_ehf", "11150", "core", "product", Decimal("300.00")),
        ("posting_and_ehf", "13700", "core_service_replacement", "inclusion", Decimal("700.00")),
    ]


def test_an_invoice_that_does_not_pair_off_counts_through_its_postings(ask: Ask) -> None:
    assert amounts(ask, "C1") == [
        ("posting_and_ehf", "11150", "core", "none", Decimal("400.00")),
        ("posting_and_ehf", "12400", "core", "none", Decimal("600.00")),
    ]


def test_a_credit_note_is_negative_once(ask: Ask) -> None:
    assert amounts(ask, "K1") == [("posting_and_ehf", "11150", "core", "none", Decimal("-100.00"))]
    assert ask("select is_credit_note from fct_purchases where invoice_no = 'K1'") == [(True,)]


def test_a_posting_without_number_of_its_supplier_matches_by_amount(ask: Ask) -> None:
    assert ask("select org_no, match_method, match_confidence from fct_purchases where invoice_no = 'D1'") == [
        (CONSULTANT, "invoice_no_amount", Decimal("0.90"))
    ]


def test_an_invoice_in_euro_counts_as_the_books_say(ask: Ask) -> None:
    assert ask(
        "select net_amount_nok, original_amount, original_currency from fct_purchases where invoice_no = 'E1'"
    ) == [(Decimal("1150.00"), Decimal("100.00"), "EUR")]


def test_an_unposted_invoice_is_no_spend_where_the_ledger_covers_its_month(ask: Ask) -> None:
    assert amounts(ask, "U1") == []
    assert amounts(ask, "U2") == [("ehf", "11150", "core", "none", Decimal("80.00"))]
    assert ask("select treatment from fct_invoices where invoice_no in ('U1', 'U2') order by invoice_no") == [
        ("unposted",),
        ("ehf",),
    ]


def test_a_foreign_invoice_without_books_keeps_its_original_amount(ask: Ask) -> None:
    assert ask(
        "select net_amount_nok, original_amount, original_currency, payee_kind, quality_flags from fct_purchases"
        " where invoice_no = 'F1'"
    ) == [(None, Decimal("40.00"), "SEK", "foreign", "currency_unconverted;org_no_missing")]


def test_superseded_postings_and_duplicate_documents_are_nowhere(ask: Ask) -> None:
    assert ask("select count(*) from fct_purchases where _delivery_id in ('ledger0000000000', 'ehf0000000000002')") == [
        (0,)
    ]
    assert ask("select count(*), count(distinct reject_id) from fct_rejects where rule = 'IN03'") == [(2, 2)]


def test_an_accrual_and_its_reversal_sum_to_zero_in_one_month(ask: Ask) -> None:
    assert ask(
        "select posting_role, period_month, period_basis, net_amount_nok, quality_flags like '%accrual_open%'"
        " from fct_purchases where voucher_no in ('P1', 'P2', 'P3') order by voucher_no"
    ) == [
        ("accrual", "2026-10", "posting_date", Decimal("600.00"), False),
        ("reversal", "2026-10", "reversed_posting", Decimal("-600.00"), False),
        ("accrual", "2026-10", "posting_date", Decimal("50.00"), True),
    ]


@pytest.mark.parametrize(
    ("voucher_no", "method", "lines"),
    [
        ("M", "invoice_nos_sum", [("M1", "2026-10", Decimal("100.00")), ("M2", "2026-10", Decimal("200.00"))]),
        ("S", "month_sum", [("S1", "2026-09", Decimal("60.00")), ("S2", "2026-09", Decimal("30.00"))]),
    ],
    ids=["listed", "the month's"],
)
def test_one_posting_for_several_invoices_counts_through_their_lines(
    ask: Ask, voucher_no: str, method: str, lines: list[tuple[Any, ...]]
) -> None:
    assert (
        ask(
            "select invoice_no, period_month, net_amount_nok from fct_purchases"
            f" where voucher_no = '{voucher_no}' and match_method = '{method}' order by invoice_no"
        )
        == lines
    )


def test_a_credit_note_counts_in_the_month_of_its_invoice(ask: Ask) -> None:
    assert ask("select period_month, period_basis, invoice_date::text from fct_purchases where invoice_no = 'K1'") == [
        ("2026-09", "credited_invoice", "2026-10-05")
    ]


@pytest.mark.parametrize(
    ("invoice_no", "rows"),
    [
        ("G1", [("included_vat", "vat", "gross", "150.00"), ("posting_and_ehf", "core", "gross", "1000.00")]),
        ("G2", [("included_vat", "vat", "gross", "30.00"), ("posting", "core", "gross", "200.00")]),
        ("G3", [("posting", "core", "unknown", "46.00")]),
    ],
    ids=["the e-invoice tells", "the account tells", "nothing tells"],
)
def test_meeting_food_counts_without_its_vat_where_that_is_known(
    ask: Ask, invoice_no: str, rows: list[tuple[str, str, str, str]]
) -> None:
    found = ask(
        "select evidence, scope, vat_basis, net_amount_nok::text, quality_flags from fct_purchases"
        f" where invoice_no = '{invoice_no}' order by net_amount_nok"
    )
    assert sorted(row[:4] for row in found) == rows
    assert all(f"vat_basis_{row[2]}" in row[4] for row in found)


def test_what_is_bought_from_another_member_is_nobodys_procurement(ask: Ask) -> None:
    assert ask(
        "select invoice_no, scope, is_recharge, quality_flags like '%recharge_misbooked%' from fct_purchases"
        " where invoice_no in ('R1', 'R2') order by invoice_no"
    ) == [("R1", "public_sector", True, False), ("R2", "public_sector", True, True)]


def test_streams_are_kept_apart(ask: Ask) -> None:
    assert ask(
        "select stream, sum(net_amount_nok) from fct_purchases"
        f" where workshop_org_no = '{WORKSHOP}' group by all order by all"
    ) == [("inclusion", Decimal("4700.00")), ("product", Decimal("800.00")), ("transfer", Decimal("9000.00"))]


def test_months_come_from_the_invoice_then_the_books_then_the_period(ask: Ask) -> None:
    assert ask(
        "select distinct period_basis, period_month from fct_purchases"
        " where voucher_no in ('V11', 'V10') or municipality_no = '9903' order by all"
    ) == [("fiscal_period", "2026-12"), ("invoice_date", "2026-09"), ("posting_date", "2026-10")]


def test_a_supplier_without_number_is_found_by_its_exact_name_only(ask: Ask) -> None:
    assert ask(
        f"select org_no, payee_name, payee_kind, payee_method from fct_purchases where municipality_no = '{NO_ORG_NOS}'"
    ) == [(BAKER, "Sentrum Bakeri AS", "legal_entity", "name_exact")]
    assert ask("select org_no, payee_kind from fct_purchases where payee_name = 'Kari Prøve'") == [
        (None, "natural_person")
    ]


def test_what_is_doubtful_is_said(ask: Ask) -> None:
    flags = dict(ask("select coalesce(invoice_no, voucher_no), quality_flags from fct_purchases"))
    assert "account_not_in_chart" in flags["V13"]
    assert "org_no_not_in_register" in flags["V13"]
    assert "kostra_art_not_valid" in flags["Z9"]
    assert flags["B1"] == ""


def test_an_art_out_of_its_years_has_no_scope(ask: Ask) -> None:
    assert ask("select kostra_art, scope from fct_purchases where invoice_no = 'Z9'") == [("270", "unknown")]


def test_contracts_count_by_number_else_by_supplier_and_category(ask: Ask) -> None:
    assert ask(
        "select distinct contract_id, contract_match from fct_purchases where contract_id is not null order by all"
    ) == [("C-1", "reference"), ("C-2", "supplier")]


def test_every_ore_of_the_ledger_is_in_purchases(ask: Ask) -> None:
    assert ask(
        "select municipality_no, period_month, measure, amount_nok from fct_reconciliation"
        " where measure in ('ledger_postings', 'purchases_from_postings')"
        f" and municipality_no in ('{BOTH}', '{NO_ORG_NOS}') order by all"
    ) == [
        (BOTH, "2026-10", "ledger_postings", Decimal("21369.05")),
        (BOTH, "2026-10", "purchases_from_postings", Decimal("21369.05")),
        (NO_ORG_NOS, "2026-12", "ledger_postings", Decimal("120.00")),
        (NO_ORG_NOS, "2026-12", "purchases_from_postings", Decimal("120.00")),
    ]


def test_the_waterfall_goes_from_the_files_to_k01(ask: Ask) -> None:
    steps = ask(
        "select step_key, row_count, amount_nok::text from fct_spend_waterfall"
        f" where municipality_no = '{BOTH}' and period_month = '2026-10' order by step_order"
    )
    assert steps == [
        ("ledger_files", 26, "21381.55"),
        ("ehf_files", 11, "5815.00"),
        ("refused", 1, "-12.50"),
        ("duplicate", 1, "-1000.00"),
        ("ehf_matched", 9, "-4755.00"),
        ("ehf_unposted", 1, "-60.00"),
        ("other_month", 4, "-3990.00"),
        ("vat", 1, "-250.00"),
        ("included_vat", 2, "-180.00"),
        ("persons", 1, "-70.00"),
        ("transfers", 1, "-9000.00"),
        ("recharges", 2, "-1500.00"),
        ("unknown_scope", 2, "-78.00"),
        ("unknown_payee", 3, "-50.00"),
        ("procurement_spend", 15, "6251.05"),
    ]


def test_what_states_no_month_stands_beside_the_months(ask: Ask) -> None:
    assert ask(
        "select step_key, row_count, amount_nok::text from fct_spend_waterfall"
        " where period_month = 'none' order by step_order"
    ) == [
        ("ehf_files", 1, "0.00"),
        ("refused", 1, "0.00"),
    ]


def figure(ask: Ask, measure: str, municipality_no: str = "all", workshop: str = "all") -> tuple[Any, ...]:
    """Numerator, denominator, value and state of a figure for 2026 over all categories and accounts."""
    (found,) = ask(
        f"""
        select numerator, denominator, value, state from fct_kpis
        where measure = '{measure}' and municipality_no = '{municipality_no}' and workshop_org_no = '{workshop}'
            and category_key = 'all' and account_class = 'all' and period_start = '2026-01-01'
        """
    )
    return found


def test_k01_leaves_out_transfers_vat_persons_and_unknown_payees(ask: Ask) -> None:
    in_k01 = ask(
        "select sum(net_amount_nok) from fct_purchases where scope in"
        " ('core', 'core_not_addressable', 'core_service_replacement', 'mixed')"
        " and payee_kind in ('legal_entity', 'sole_proprietor', 'public_body', 'foreign')"
    )[0][0]
    assert figure(ask, "procurement_spend") == (in_k01, None, in_k01, "low_coverage")
    assert in_k01 == Decimal("10951.05")


def test_k04_is_k03_over_k01(ask: Ask) -> None:
    assert figure(ask, "workshop_product_spend")[0] == Decimal("810.00")
    ratio = (Decimal("810.00"), Decimal("10951.05"), Decimal("0.073966"), "low_coverage")
    assert figure(ask, "workshop_spend_ratio") == ratio


def test_a_period_with_months_that_nobody_delivered_is_never_ok(ask: Ask) -> None:
    months = "datediff('month', period_start, period_end) + 1"
    # Notices, contracts' ends and deliveries are no purchases: what is known of them decides.
    bought = "kpi_key not in ('K13', 'K22', 'K30')"
    assert ask(f"select count(*) from fct_kpis where state = 'ok' and {months} > 4 and {bought}") == [(0,)]
    assert ask(f"select count(*) > 0 from fct_kpis where state = 'ok' and {months} = 1") == [(True,)]


def test_a_month_whose_books_are_not_in_is_never_ok(ask: Ask) -> None:
    # 9901 hands in books: October's count, September's do not, and an e-invoice is dated November. 9903 has no October.
    ok = (
        "select period_start::varchar from fct_kpis where measure = 'register_match_ratio' and state = 'ok'"
        " and period_end = last_day(period_start) and municipality_no ="
    )
    assert ask(f"{ok} '{BOTH}'") == [("2026-10-01",)]
    assert ask(f"{ok} 'all'") == []


def test_k05_is_over_what_workshops_can_deliver_here(ask: Ask) -> None:
    # 9901's meeting food and 9902's green areas.
    assert figure(ask, "workshop_addressable_ratio", EHF_ONLY)[:2] == (Decimal("510.00"), Decimal("510.00"))
    assert figure(ask, "addressable_spend")[0] == Decimal("3246.05")


def test_k06_is_beside_k03_never_in_it(ask: Ask) -> None:
    assert figure(ask, "workshop_inclusion_spend", workshop=WORKSHOP)[0] == Decimal("4700.00")
    assert figure(ask, "workshop_transfer", workshop=WORKSHOP)[0] == Decimal("9000.00")


def test_k14_needs_income_of_the_same_period(ask: Ask) -> None:
    assert figure(ask, "over_sales_income", workshop=WORKSHOP) == (
        Decimal("810.00"),
        Decimal("2000.00"),
        Decimal("0.405000"),
        "low_coverage",  # four months of the year have data
    )


def test_a_ratio_over_nothing_is_insufficient_and_never_zero(ask: Ask) -> None:
    assert ask(
        "select count(*) from fct_kpis where denominator <= 0 and (state != 'insufficient' or value is not null)"
    ) == [(0,)]
    assert ask("select count(*) from fct_kpis where state = 'ok' and value is null") == [(0,)]


def test_only_the_figures_that_the_extract_names_leave_with_it(ask: Ask) -> None:
    assert {measure for (measure,) in ask("select distinct measure from products.product_municipality_kpi")} <= {
        "procurement_spend",
        "addressable_spend",
        "workshop_product_spend",
        "workshop_spend_ratio",
        "workshop_addressable_ratio",
        "workshop_inclusion_spend",
        "workshop_transfer",
        "over_total_income",
        "over_sales_income",
    }


def test_the_market_view_counts_others_without_persons(ask: Ask) -> None:
    assert ask(
        "select municipality_no, spend_category, addressable_nok, own_nok, other_nok, contributions, law_entry_nok"
        " from products.product_workshop_market_view order by all"
    ) == [
        (BOTH, "meeting_food", Decimal("2736.05"), Decimal("300.00"), Decimal("2436.05"))
        + (f"{WORKSHOP}|300.00|300.00;{BAKER}|2436.05|2636.05", Decimal("500000.00")),
        (EHF_ONLY, "green_areas", Decimal("510.00"), Decimal("510.00"), Decimal("0.00"))
        + (f"{WORKSHOP}|510.00|510.00", Decimal("500000.00")),
        (EHF_ONLY, "meeting_food", Decimal("0.00"), Decimal("0.00"), Decimal("0.00"), "", Decimal("500000.00")),
    ]


def test_the_owner_view_has_every_owner_and_three_streams(ask: Ask) -> None:
    assert ask(
        "select owner_municipality_no, ownership_fraction, product_nok, inclusion_nok, transfer_nok"
        " from products.product_workshop_owner_view order by all"
    ) == [
        (BOTH, Decimal("0.600000"), Decimal("300.00"), Decimal("4700.00"), Decimal("9000.00")),
        (EHF_ONLY, Decimal("0.400000"), Decimal("500.00"), Decimal("0.00"), Decimal("0.00")),
    ]


def test_the_contract_calendar_shows_what_covers_the_area(ask: Ask) -> None:
    assert ask(
        "select contract_id, covers_municipalities, reserved_flag"
        " from products.product_workshop_contract_calendar order by all"
    ) == [("C-1", EHF_ONLY, True), ("C-2", BOTH, False)]


def test_the_extract_holds_the_members_lines_and_no_other(ask: Ask) -> None:
    assert ask(
        "select recipient_municipality_no, count(*), sum(net_amount_nok) from products.product_municipality_extract"
        " group by all order by all"
    ) == ask("select municipality_no, count(*), sum(net_amount_nok) from fct_purchases group by all order by all")


@pytest.mark.parametrize(
    ("day", "limit"),
    [("2026-06-30", "100000.00"), ("2026-07-01", "500000.00")],
    ids=["the day before", "the day itself"],
)
def test_the_entry_limit_is_that_of_the_day(ask: Ask, day: str, limit: str) -> None:
    assert ask(
        "select amount_nok_ex_vat::text from dim_rules where rule_key = 'law_entry'"
        f" and '{day}' between valid_from and coalesce(valid_to, date '9999-12-31')"
    ) == [(limit,)]


def test_a_renumbered_municipality_is_two_numbers_and_one_sum(ask: Ask) -> None:
    assert ask(
        "select municipality_no, kostra_art, scope, sum(net_amount_nok)::text from fct_purchases"
        f" where municipality_no in ('{OLD_NUMBER}', '{NEW_NUMBER}') group by all order by all"
    ) == [(OLD_NUMBER, "470", "transfer", "40.00"), (NEW_NUMBER, "470", "transfer", "60.00")]
    assert ask(
        "select municipality_no, valid_from::text, valid_to::text from dim_municipalities"
        f" where municipality_no in ('{OLD_NUMBER}', '{NEW_NUMBER}') order by all"
    ) == [
        (OLD_NUMBER, "2020-01-01", "2026-09-30"),
        (NEW_NUMBER, "2026-10-01", None),
    ]


def test_a_finished_warehouse_has_no_rule_gap(ask: Ask) -> None:
    assert ask("select count(*) from fct_rule_gaps") == [(0,)]


def test_every_unit_test_of_a_model_ran(build: Build, manifest: dict[str, Any]) -> None:
    import json

    results = json.loads((build.folder / "target" / "run_results.json").read_text())["results"]
    passed = {result["unique_id"] for result in results if result["status"] == "pass"}
    assert set(manifest["unit_tests"]) <= passed
    assert len(manifest["unit_tests"]) >= 8
    assert failed_nodes(build.folder / "target") == []


def test_a_deleted_units_short_answer_leaves_what_was_known(ask: Ask) -> None:
    assert ask(
        "select name, legal_form, deleted_on::text from intermediate.int_suppliers__registered"
        " where org_no = '310000035'"
    ) == [("Ferry IKS", "IKS", "2026-11-01")]


def test_a_function_is_three_digits_however_a_ledger_writes_it(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select _row_no, kostra_function, function_privacy_class from fct_purchases"
        " where _row_no in (11, 12) and _source = 'ledger' and kostra_function is not null"
        " and municipality_no = '9901' order by all"
    ).fetchall()
    assert found == [(11, "276", "client_strict"), (12, "244", "client_strict")]
