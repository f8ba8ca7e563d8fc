"""Every figure is the lines that it is traced to, or says why it has none."""

from __future__ import annotations

import csv
from typing import Any

import duckdb
import pytest

from pipelines.settings import DBT_PROJECT

with (DBT_PROJECT / "seeds" / "kpis.csv").open(encoding="utf-8", newline="") as _file:
    MEASURES = [(row["kpi_key"], row["measure"], row["unit"]) for row in csv.DictReader(_file)]
with (DBT_PROJECT / "seeds" / "kpi_parts.csv").open(encoding="utf-8", newline="") as _file:
    PARTS = {(row["kpi_key"], row["measure"], row["part"]): row for row in csv.DictReader(_file)}
SUMMED = {"net_amount_nok": "sum(net_amount_nok)", "lines": "count(*)", "invoices": "count(distinct invoice_id)"}


@pytest.mark.parametrize(("kpi_key", "measure", "unit"), MEASURES, ids=[f"{key}-{name}" for key, name, _ in MEASURES])
def test_every_part_of_every_figure_is_the_sum_of_its_lines(
    warehouse: duckdb.DuckDBPyConnection, kpi_key: str, measure: str, unit: str
) -> None:
    for part in ("numerator", "denominator"):
        declared = PARTS.get((kpi_key, measure, part))
        stated = _stated(warehouse, kpi_key, measure, part)
        assert declared or not any(value is not None for *_, value in stated), (
            f"{kpi_key} {measure} {part}: say in seeds/kpi_parts.csv which lines it is made of, or why there are none"
        )
        if declared is None or declared["quantity"] not in SUMMED:
            continue
        found = dict(_summed(warehouse, declared))
        wrong = [(key, value, found.get(key)) for *key, value in stated if value != (found.get(tuple(key)) or 0)]
        assert not wrong, f"{kpi_key} {measure} {part}: {wrong[:3]}"


def _stated(warehouse: duckdb.DuckDBPyConnection, kpi_key: str, measure: str, part: str) -> list[tuple[Any, ...]]:
    return warehouse.execute(
        f"""
        select municipality_no, workshop_org_no, category_key, account_class, period_start, period_end, {part}
        from fct_kpis
        where kpi_key = ? and measure = ? and {part} is not null
        """,
        [kpi_key, measure],
    ).fetchall()


def _summed(warehouse: duckdb.DuckDBPyConnection, declared: dict[str, str]) -> list[tuple[tuple[Any, ...], Any]]:
    """What the view's lines come to for every key that the figure has, filtered as the view's columns say."""
    rows = warehouse.execute(
        f"""
        select
            cells.municipality_no, cells.workshop_org_no, cells.category_key, cells.account_class,
            cells.period_start, cells.period_end, {SUMMED[declared["quantity"]]}
        from fct_kpis as cells
        inner join fct_kpi_traces as traces
            on
                cells.kpi_key = traces.kpi_key
                and cells.measure = traces.measure
                and cells.municipality_no in ('all', traces.municipality_no)
                and cells.category_key in ('all', traces.category_key)
                and cells.account_class in ('all', traces.account_class)
                and traces.spend_date between cells.period_start and cells.period_end
                and (
                    cells.workshop_org_no = 'all'
                    or traces.narrowed_by = 'none'
                    or (traces.narrowed_by = 'payee' and traces.workshop_org_no = cells.workshop_org_no)
                    or (traces.narrowed_by = 'reach' and list_contains(traces.reached_by, cells.workshop_org_no))
                )
        where traces.kpi_key = ? and traces.measure = ? and traces.part = ?
        group by all
        """,
        [declared["kpi_key"], declared["measure"], declared["part"]],
    ).fetchall()
    return [(tuple(key), value) for *key, value in rows]


def test_a_line_says_which_posting_and_which_invoice_line_it_is(warehouse: duckdb.DuckDBPyConnection) -> None:
    lines = warehouse.execute(
        "select evidence, count(*) filter (where _posting_file_sha256 is not null), count(*) from fct_purchases"
        " group by evidence order by evidence"
    ).fetchall()
    assert {evidence for evidence, *_ in lines} == {"difference", "ehf", "included_vat", "posting", "posting_and_ehf"}
    assert all(known == (0 if evidence == "ehf" else count) for evidence, known, count in lines)


def test_the_trace_names_no_payee_that_may_be_a_person(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert warehouse.execute(
        "select count(*) from fct_kpi_traces where (payee_name is not null or org_no is not null)"
        " and payee_kind not in ('legal_entity', 'public_body')"
    ).fetchall() == [(0,)]
