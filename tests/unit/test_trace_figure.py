"""Which figure is meant when a user says little, and when lines come to a number."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import duckdb
import pytest

from pipelines.errors import ConfigurationError
from pipelines.trace_figure import Figure, Part, Wanted, find_figure, read_period, trace_parts


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    """A figure of two parts, and three lines of which one is another month's."""
    connection = duckdb.connect()
    connection.execute(
        """
        create table kpi_parts as from (values
            ('K04', 'ratio', 'numerator', 'net_amount_nok', null),
            ('K04', 'ratio', 'denominator', 'invoices', null),
            ('K07', 'headroom', 'numerator', 'basis', 'The limit less the sum of these lines.'),
            ('K06', 'one', 'numerator', 'net_amount_nok', null),
            ('K06', 'two', 'numerator', 'net_amount_nok', null)
        ) as t(kpi_key, measure, part, quantity, explanation);
        create table fct_kpis as
        select *, 'all' as municipality_no, 'all' as workshop_org_no, 'all' as category_key, 'all' as account_class
        from (values
            ('K04', 'ratio', date '2026-09-01', date '2026-09-30', 10.00, 1.00),
            ('K04', 'ratio', date '2026-10-01', date '2026-10-31', 30.00, 2.00),
            ('K04', 'ratio', date '2026-01-01', date '2026-12-31', 40.00, 2.00),
            ('K07', 'headroom', date '2026-10-01', date '2026-10-31', 970.00, null)
        ) as t(kpi_key, measure, period_start, period_end, numerator, denominator);
        create table fct_kpi_traces as
        select kpi_key, measure, part, lines.*, '9901' as municipality_no, null as workshop_org_no,
            'none' as narrowed_by, 'food' as category_key, 'operating' as account_class, null::varchar[] as reached_by
        from kpi_parts cross join (values
            ('a', 10.00, date '2026-09-10'), ('b', 10.00, date '2026-10-10'), ('c', 20.00, date '2026-10-11')
        ) as lines(invoice_id, net_amount_nok, spend_date);
        """
    )
    return connection


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-02", date(2026, 2, 1), date(2026, 2, 28)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2025-11..2026-10", date(2025, 11, 1), date(2026, 10, 31)),
        ("2025-11-01..2026-10-31", date(2025, 11, 1), date(2026, 10, 31)),
    ],
)
def test_a_period_is_a_month_a_year_or_two_ends(text: str, first: date, last: date) -> None:
    assert read_period(text) == (first, last)


@pytest.mark.parametrize("text", ["oktober", "2026-13", "2026-10..2026-09", "", ".."])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a period"):
        read_period(text)


def test_without_a_period_a_longer_one_is_taken_before_a_month(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert find_figure(warehouse, Wanted("K04")).row["period_end"] == date(2026, 12, 31)
    assert find_figure(warehouse, Wanted("K07")).row["period_start"] == date(2026, 10, 1)


def test_lines_come_to_the_number_in_their_own_quantity(warehouse: duckdb.DuckDBPyConnection) -> None:
    figure = find_figure(warehouse, Wanted("K04", period=read_period("2026-10")))
    numerator, denominator = trace_parts(warehouse, figure)
    assert (numerator.found, numerator.lines, numerator.difference) == (Decimal("30.00"), 2, 0)
    assert (denominator.found, denominator.difference) == (Decimal(2), 0)


def test_a_number_that_is_no_sum_is_explained(warehouse: duckdb.DuckDBPyConnection) -> None:
    (part,) = trace_parts(warehouse, find_figure(warehouse, Wanted("K07")))
    assert (part.lines, part.found, part.difference) == (2, None, 0)
    assert part.explanation == "The limit less the sum of these lines."


def test_a_number_beyond_its_lines_shows(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute("update fct_kpis set numerator = numerator + 0.01")
    assert [part.difference for part in trace_parts(warehouse, find_figure(warehouse, Wanted("K04")))] == [
        Decimal("0.01"),
        Decimal(-1),  # three invoices in the year, two stated
    ]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted("K99"), "'K99' is no figure"),
        (Wanted("K06"), "K06 has 2 measures"),
        (Wanted("K04", measure="amount"), "holds no figure K04 amount"),
        (Wanted("K06", measure="one"), "holds no figure K06 one, for anybody"),
        (Wanted("K04", municipality_no="9999"), "is not made for 9999"),
        (Wanted("K04", period=read_period("2020-01")), "is not made for 2020-01-01..2020-01-31"),
    ],
    ids=["no figure", "which measure", "no such measure", "not made", "no such municipality", "no such period"],
)
def test_what_there_is_not_is_said_with_what_there_is(
    warehouse: duckdb.DuckDBPyConnection, wanted: Wanted, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said) as error:
        find_figure(warehouse, wanted)
    assert error.value.remedy
    assert error.value.where


def test_a_difference_needs_a_sum() -> None:
    assert Part("numerator", Decimal(5), "none", "From a register.", 0, None).difference == 0
    assert Part("numerator", None, "lines", "", 2, Decimal(2)).difference == -2
    assert (
        len(
            Figure(
                {name: None for name in ("kpi_key", "measure", "municipality_no", "workshop_org_no")}
                | dict.fromkeys(("category_key", "account_class", "period_start", "period_end"))
            ).key
        )
        == 10
    )
