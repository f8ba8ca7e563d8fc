"""Which notices are in force, whose they are, and that no lot is lost or counted twice."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from tests.dbt.written_home import AGAIN, BOTH, EHF_ONLY, NOTICES, OWN_PULL

Ask = Any


@pytest.fixture(scope="module")
def ask(warehouse: duckdb.DuckDBPyConnection) -> Ask:
    return lambda sql: warehouse.execute(sql).fetchall()


def test_every_handed_in_notice_has_a_state(ask: Ask) -> None:
    assert ask("select notice_id, version, state from intermediate.int_notices__states order by all") == [
        ("N-changed", "01", "superseded"),
        ("N-changing", "01", "current"),
        ("N-dateless", "01", "current"),
        ("N-strangers", "01", "current"),
        ("N-taken-back", "01", "cancelled"),
        ("N-taking-back", "01", "cancelled"),
        ("N-two", "01", "current"),
        ("N-two", "01", "repeated"),
        ("N-versions", "09", "superseded"),
        ("N-versions", "10", "current"),
    ]


def test_of_a_notice_handed_in_twice_the_last_received_counts(ask: Ask) -> None:
    assert ask("select _delivery_id from intermediate.int_notices__states where state = 'repeated'") == [(AGAIN,)]


def test_every_lot_that_counts_is_there_once_per_member(ask: Ask) -> None:
    repeated = sum(row["_delivery_id"] == AGAIN for row in NOTICES)
    assert ask("select count(*) from (select distinct notice_id, version, lot_no from fct_notices)") == [
        (len(NOTICES) - repeated,)
    ]


def test_buyers_are_found_by_any_of_their_numbers(ask: Ask) -> None:
    assert ask(
        "select municipality_no, buyer_role, is_group_lead, buyers, buyer_org_nos from fct_notices"
        " where notice_id = 'N-two' and lot_no = 1 order by all"
    ) == [
        (BOTH, "municipality", True, 2, "310000078,310000094"),
        (EHF_ONLY, "host", True, 2, "310000078,310000094"),
    ]


def test_a_number_counts_on_the_day_of_the_notice_only(ask: Ask) -> None:
    assert ask(
        "select municipality_no, buyer_role, buyers, buyer_org_nos, title, main_cpv_code from fct_notices"
        " where notice_id = 'N-strangers'"
    ) == [("none", None, 3, "310000086,EU-PO", "Own title", "15000000")]


def test_a_notice_without_a_date_is_held_against_every_number(ask: Ask) -> None:
    found = ask("select municipality_no, delivered_by, _delivery_id from fct_notices where notice_id = 'N-dateless'")
    assert found == [(BOTH, BOTH, OWN_PULL)]


def test_reservation_is_told_from_its_codes(ask: Ask) -> None:
    assert ask(
        "select distinct notice_id, is_reserved_for_workshops, has_reserved_execution from fct_notices"
        " where is_reserved_for_workshops or has_reserved_execution"
    ) == [("N-two", True, True)]


def test_what_the_lot_does_not_say_the_procedure_says(ask: Ask) -> None:
    assert ask("select distinct title, main_cpv_code from fct_notices where notice_id = 'N-two'") == [
        ("Procedure of N-two", "98310000")
    ]
