"""Trace a figure: the purchase lines that its numbers are made of, and where each of them stands.

Belongs here: finding the one figure that is meant, its lines from the warehouse, and the files that they came in. Not
here: which lines a figure is made of (int_kpis__lines and kpi_parts.csv in dbt_project/), the way back from a file
(trace_file.py), printing (cli/trace.py).

For the coordinator: lines are those of all members. A payee that may be a person is named nowhere.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipelines.errors import ConfigurationError
from pipelines.home import Home
from pipelines.landing.store import read_receipts
from pipelines.mask import mask_file_name

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]
ALL = "all"
NUMERATOR, DENOMINATOR = "numerator", "denominator"
_FETCHED = 5000
# What of the lines makes the number; for the others (basis, none) kpi_parts says in words how it comes about.
_QUANTITIES = {
    "net_amount_nok": "coalesce(sum(net_amount_nok), 0)",
    "lines": "count(*)",
    "invoices": "count(distinct invoice_id)",
}
_KEY = ("municipality_no", "workshop_org_no", "category_key", "account_class")
_LINE = (
    *("municipality_no", "period_month", "net_amount_nok", "payee_name", "org_no", "payee_kind", "invoice_no"),
    *("voucher_no", "local_account", "category_key", "account_class", "scope", "workshop_org_no", "purchase_line_id"),
)
_PLACE = ("_source", "_delivery_id", "_file_sha256", "_row_no", "_xpath")
_POSTING = ("_posting_delivery_id", "_posting_file_sha256", "_posting_row_no", "_posting_xpath")


@dataclass(frozen=True)
class Wanted:
    """What a user asks for; None is whatever there is but one of, or the latest.

    Attributes:
        kpi_key: Such as K04.
        measure: Which of the key's measures.
        municipality_no: A municipality, or ALL.
        workshop_org_no: A workshop, or ALL.
        category_key: A category, or ALL.
        account_class: operating, investment or ALL.
        period: First and last day.
    """

    kpi_key: str
    measure: str | None = None
    municipality_no: str = ALL
    workshop_org_no: str = ALL
    category_key: str = ALL
    account_class: str = ALL
    period: tuple[date, date] | None = None


@dataclass(frozen=True)
class Figure:
    """One row of fct_kpis, by column."""

    row: Row

    @property
    def key(self) -> list[Any]:
        """Return what the lines are filtered by, in the order of the filter."""
        row = self.row
        workshop = row["workshop_org_no"]
        return [
            *(row["kpi_key"], row["measure"], row["municipality_no"], row["category_key"], row["account_class"]),
            *(row["period_start"], row["period_end"], workshop, workshop, workshop),
        ]


@dataclass(frozen=True)
class Part:
    """A numerator or a denominator, and what its lines come to.

    Attributes:
        part: NUMERATOR or DENOMINATOR.
        stated: The number in fct_kpis.
        quantity: What of the lines makes the number; ``basis`` and ``none`` are explained instead.
        explanation: How it comes about where it is not that.
        lines: How many lines there are.
        found: What the lines come to, or None where the number is no sum of them.
    """

    part: str
    stated: Decimal | None
    quantity: str
    explanation: str
    lines: int
    found: Decimal | None

    @property
    def difference(self) -> Decimal:
        """Return what the figure states beyond its lines; zero where the lines are no sum."""
        return Decimal(0) if self.found is None else (self.stated or Decimal(0)) - self.found


# What kpi_parts says, and the columns of the view that hold a figure's key.
_WHERE = """
    kpi_key = ? and measure = ? and part = '{part}'
    and ? in ('all', municipality_no) and ? in ('all', category_key) and ? in ('all', account_class)
    and spend_date between ? and ?
    and (
        ? = 'all' or narrowed_by = 'none'
        or (narrowed_by = 'payee' and workshop_org_no = ?) or (narrowed_by = 'reach' and list_contains(reached_by, ?))
    )
"""


def read_period(text: str) -> tuple[date, date]:
    """Return the first and last day of ``2026-10``, ``2026``, ``2026-01..2026-10`` or ``2026-01-01..2026-10-31``.

    Raises:
        ConfigurationError: It is none of these.
    """
    start, dots, end = text.partition("..")
    try:
        first, last = _days(start)[0], _days(end if dots else start)[1]
        if first <= last:
            return first, last
    except ValueError:
        pass
    raise ConfigurationError(
        f"'{text}' is not a period.",
        where="--period",
        remedy="Write a month (2026-10), a year (2026), or first and last day (2025-11-01..2026-10-31).",
    ) from None


def _days(text: str) -> tuple[date, date]:
    if re.fullmatch(r"\d{4}", text):
        return date(int(text), 1, 1), date(int(text), 12, 31)
    if re.fullmatch(r"\d{4}-\d{2}", text):
        first = date.fromisoformat(f"{text}-01")
        return first, first.replace(day=calendar.monthrange(first.year, first.month)[1])
    day = date.fromisoformat(text)
    return day, day


def find_figure(connection: duckdb.DuckDBPyConnection, wanted: Wanted) -> Figure:
    """Return the figure that is meant.

    Raises:
        ConfigurationError: There is no such figure, or several measures of that key.
    """
    measure = wanted.measure or _only_measure(connection, wanted.kpi_key)
    rows = _rows(
        connection,
        "select * from fct_kpis where kpi_key = ? and measure = ? and municipality_no = ? and workshop_org_no = ?"
        " and category_key = ? and account_class = ? order by period_start, period_end",
        [wanted.kpi_key, measure, *(getattr(wanted, name) for name in _KEY)],
    )
    if not rows:
        raise _no_figure(connection, wanted, measure)
    if wanted.period is None:
        return Figure(_latest(rows))
    for row in rows:
        if (row["period_start"], row["period_end"]) == wanted.period:
            return Figure(row)
    periods = [f"{row['period_start']}..{row['period_end']}" for row in rows]
    raise ConfigurationError(
        f"{wanted.kpi_key} {measure} is not made for {wanted.period[0]}..{wanted.period[1]}.",
        where="--period",
        remedy=f"There are: {', '.join(periods[-24:])}.",
    )


def _only_measure(connection: duckdb.DuckDBPyConnection, kpi_key: str) -> str:
    found = connection.execute("select distinct measure from kpi_parts where kpi_key = ? order by 1", [kpi_key])
    measures = [str(measure) for (measure,) in found.fetchall()]
    if len(measures) == 1:
        return measures[0]
    known = connection.execute("select distinct kpi_key from kpi_parts order by 1").fetchall()
    raise ConfigurationError(
        f"{kpi_key} has {len(measures)} measures." if measures else f"'{kpi_key}' is no figure.",
        where="--measure" if measures else "KPI",
        remedy=f"Name one of: {', '.join(measures)}." if measures else f"Known: {', '.join(key for (key,) in known)}.",
    )


def _no_figure(connection: duckdb.DuckDBPyConnection, wanted: Wanted, measure: str) -> ConfigurationError:
    """Say which part of the key has no figure of this measure."""
    made = connection.execute(
        "select kpi_parts.measure, count(fct_kpis.measure) > 0 from kpi_parts"
        " left join fct_kpis using (kpi_key, measure) where kpi_key = ? group by all order by all",
        [wanted.kpi_key],
    ).fetchall()
    if not dict(made).get(measure):
        return ConfigurationError(
            f"The warehouse holds no figure {wanted.kpi_key} {measure}, for anybody or any period.",
            where="--measure" if wanted.measure else "fct_kpis",
            remedy=f"Measures of {wanted.kpi_key}: {', '.join(name for name, _ in made) or 'none'}."
            f" docs/kpis/{wanted.kpi_key}.md says what they are made of; nothing of that may have been handed in.",
        )
    names = {"municipality_no": "--municipality", "workshop_org_no": "--workshop", "category_key": "--category"}
    for column, option in {**names, "account_class": "--account-class"}.items():
        known = connection.execute(
            f"select distinct {column} from fct_kpis where kpi_key = ? and measure = ? order by 1",  # noqa: S608  ours
            [wanted.kpi_key, measure],
        ).fetchall()
        values = [str(value) for (value,) in known]
        if values and getattr(wanted, column) not in values:
            return ConfigurationError(
                f"{wanted.kpi_key} {measure} is not made for {getattr(wanted, column)}.",
                where=option,
                remedy=f"There are: {', '.join(values[:40])}{', …' if len(values) > 40 else ''}.",  # noqa: PLR2004
            )
    return ConfigurationError(
        f"There is no figure {wanted.kpi_key} {measure} with this key.",
        where=", ".join(f"{name} {getattr(wanted, name)}" for name in _KEY),
        remedy="Leave an option out: without it the figure is over all.",
    )


def _latest(rows: list[Row]) -> Row:
    """Return the twelve months up to the last month that has a figure, else the last year, else that month."""
    months = [row for row in rows if _is_month(row["period_start"], row["period_end"])]
    longer = [row for row in rows if row not in months]
    last = max((row["period_end"] for row in months), default=date.max)
    ended = [row for row in longer if row["period_end"] <= last]
    return max(ended or longer or months, key=lambda row: (row["period_end"], row["period_start"]))


def _is_month(start: date, end: date) -> bool:
    return (start.year, start.month) == (end.year, end.month)


def trace_parts(connection: duckdb.DuckDBPyConnection, figure: Figure) -> list[Part]:
    """Return what the figure's numbers are made of; a number that is not stated has no part."""
    declared = {
        row["part"]: row
        for row in _rows(
            connection,
            "select part, quantity, explanation from kpi_parts where kpi_key = ? and measure = ?",
            [figure.row["kpi_key"], figure.row["measure"]],
        )
    }
    parts = []
    for name in (NUMERATOR, DENOMINATOR):
        said, stated = declared.get(name), figure.row[name]
        if said is None and stated is None:
            continue
        said = said or {"quantity": "none", "explanation": "kpi_parts.csv does not say which lines these are."}
        quantity = said["quantity"]
        (totals,) = _rows(
            connection,
            f"select count(*) as lines, {_QUANTITIES.get(quantity, 'null')} as found"  # noqa: S608  ours
            f" from fct_kpi_traces where {_WHERE.format(part=name)}",
            figure.key,
        )
        found = None if totals["found"] is None else Decimal(totals["found"])
        parts.append(Part(name, stated, quantity, said["explanation"] or "", totals["lines"], found))
    return parts


def trace_lines(
    connection: duckdb.DuckDBPyConnection, home: Home, figure: Figure, part: str, limit: int | None = None
) -> Iterator[Row]:
    """Yield a part's lines, largest amount first: the line, where it stands, and the posting behind it.

    Args:
        connection: To the warehouse.
        home: Its home, whose receipts tell file names.
        figure: Which figure.
        part: NUMERATOR or DENOMINATOR.
        limit: At most so many.
    """
    files = Files(home)
    cursor = connection.cursor().execute(
        f"select {', '.join((*_LINE, *_PLACE, *_POSTING))} from fct_kpi_traces"  # noqa: S608  ours
        f" where {_WHERE.format(part=part)}"
        " order by abs(net_amount_nok) desc, municipality_no, purchase_line_id"
        f"{'' if limit is None else f' limit {int(limit)}'}",
        figure.key,
    )
    names = [column[0] for column in cursor.description or []]
    while fetched := cursor.fetchmany(_FETCHED):
        for values in fetched:
            yield _with_files(dict(zip(names, values, strict=True)), files)


def _with_files(row: Row, files: Files) -> Row:
    owner = row["municipality_no"]
    posting = {name.removeprefix("_posting"): row.pop(name) for name in _POSTING}
    line = {name: row[name] for name in _LINE} | files.place(owner, {name: row[name] for name in _PLACE})
    is_elsewhere = posting["_file_sha256"] not in (None, row["_file_sha256"])
    return line | {"posting": files.place(owner, posting) if is_elsewhere else None}


class Files:
    """The names of delivered files, by owner; receipts are read once per owner."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._names: dict[str, dict[tuple[str, str], tuple[str, str, str]]] = {}

    def place(self, owner: str, row: Row) -> Row:
        """Return where a row stands in words: source, delivery, file, digest, landed path, row, XPath."""
        source, name, path = self._of(owner).get((row["_delivery_id"], row["_file_sha256"]), ("", "", ""))
        return {
            "source": source or row.get("_source", ""),
            "delivery_id": row["_delivery_id"],
            "file": name,
            "sha256": row["_file_sha256"],
            "landed": path,
            "row": row["_row_no"],
            "xpath": row["_xpath"],
        }

    def _of(self, owner: str) -> dict[tuple[str, str], tuple[str, str, str]]:
        if owner not in self._names:
            known = self._names.setdefault(owner, {})
            for receipt in read_receipts(self._home, owner):
                for file in receipt.files:
                    facts = (receipt.source_name, mask_file_name(file.name), file.path)
                    known.setdefault((receipt.delivery_id, file.sha256), facts)
        return self._names[owner]


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, values: list[Any]) -> list[Row]:
    cursor = connection.execute(sql, values)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
