"""Opportunities of the home written by hand: their ways to buy, and what moving a part of one gives."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest

from pipelines.errors import ConfigurationError
from pipelines.reference import seed_rows
from pipelines.whatif import find_opportunity, move
from tests.dbt.written_home import BOTH, WORKSHOP


def test_every_workshop_has_an_opportunity_wherever_it_delivers(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select municipality_no, category_key from fct_opportunities where is_declared order by all"
    ).fetchall()
    declared = warehouse.execute(
        "select municipality_no, category_key from bridge_workshop_capabilities"
        " join dim_municipalities using (municipality_no) where is_declared order by all"
    ).fetchall()
    assert found == declared
    assert (BOTH, "meeting_food") in found


def test_a_part_moves_and_the_ratios_follow(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = find_opportunity(warehouse, BOTH, "meeting_food", WORKSHOP)
    assert [route["route_key"] for route in found.routes] == [row["route_key"] for row in seed_rows("routes")]
    moved = move(found.standing, Decimal(50))
    assert moved["moved_nok"] > 0
    assert moved["workshop_after_nok"] - moved["workshop_before_nok"] == moved["moved_nok"]
    assert moved["workshop_spend_ratio_after"] > moved["workshop_spend_ratio_before"]


def test_what_no_workshop_delivers_there_is_told_with_what_is_delivered(warehouse: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ConfigurationError, match="does not deliver laundry") as refused:
        find_opportunity(warehouse, BOTH, "laundry", WORKSHOP)
    assert f"meeting_food {WORKSHOP}" in refused.value.remedy


def test_of_purchases_of_fewer_than_twelve_months_nothing_is_said_to_be_below_a_limit(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert warehouse.execute(
        "select count(*) from fct_opportunities join fct_opportunity_routes"
        " using (workshop_org_no, municipality_no, category_key)"
        " where months_with_data < 12 and reason_key = 'below_limit'"
    ).fetchone() == (0,)


def test_no_product_holds_opportunities_limits_or_placements(warehouse: duckdb.DuckDBPyConnection) -> None:
    columns = warehouse.execute(
        "select distinct column_name from information_schema.columns where table_schema = 'products'"
    ).fetchall()
    assert not {name for (name,) in columns} & {
        *("opportunity_score_nok", "route_key", "headroom_nok", "placements", "task_id", "signal"),
    }
