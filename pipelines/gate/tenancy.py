"""TN01–TN03: nobody else's rows, only members who have agreed, and exactly the agreed columns and files.

Belongs here: following every row back to whose it is; the candidate's shape. Not here: what a cell may say.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from pipelines.candidates.products import PRODUCTS
from pipelines.gate.case import EXTRACT, MART, Case, examples_of, last_day
from pipelines.gate.rules import MAX_EXAMPLES, Finding, combine
from pipelines.municipalities import holds_on

_KPI_KEY = "kpi_key, measure, workshop_org_no, category_key, account_class, period_start, period_end"


def own_rows_only(case: Case) -> Finding:
    """TN01, own extract: return the rows that are not the recipient's, or that the warehouse does not know."""
    rows, unknown, foreign, doubled = case.ask_one(
        """
        select
            count(*),
            count(*) filter (purchases.purchase_line_id is null),
            count(*) filter (purchases.municipality_no is distinct from $recipient),
            count(*) - count(distinct rows.purchase_line_id)
        from candidate_municipality_extract as rows
        left join fct_purchases as purchases using (purchase_line_id)
        """
    )
    examples = case.ask(
        """
        select rows.purchase_line_id
        from candidate_municipality_extract as rows
        left join fct_purchases as purchases using (purchase_line_id)
        where purchases.municipality_no is distinct from $recipient
        order by all
        limit 20
        """
    )
    failed = foreign + doubled
    reason = (
        f"{foreign} rows are not the recipient's ({unknown} of them unknown to the warehouse), {doubled} stand twice."
        if failed
        else ""
    )
    extract = Finding(
        rows,
        failed,
        reason if rows else "The extract has no rows.",
        examples_of(examples),
        f"{EXTRACT}.purchase_line_id",
    )
    return combine([extract, _own_figures_only(case)])


def _own_figures_only(case: Case) -> Finding:
    rows, foreign = case.ask_one(
        f"""
        select count(*), count(*) filter (facts.kpi_key is null)
        from candidate_kpi as figures
        left join fct_kpis as facts
            on facts.municipality_no = $recipient
            and ({_qualified("figures")}) is not distinct from ({_qualified("facts")})
            and facts.numerator is not distinct from figures.numerator
            and facts.denominator is not distinct from figures.denominator
        """  # noqa: S608  column names of this module
    )
    reason = f"{foreign} figures are not the recipient's." if foreign else ""
    return Finding(rows, foreign, reason if rows else "The extract has no figures.", (), "kpi")


def _qualified(table: str) -> str:
    return ", ".join(f"{table}.{name}" for name in _KPI_KEY.split(", "))


def own_sales_only(case: Case) -> Finding:
    """TN01, workshop's share: return the sales that are not the recipient's, and owners it does not have."""
    sales = case.ask(
        """
        select
            own.month, own.municipality_no, own.spend_category,
            own.net_amount_nok is distinct from books.net_amount_nok
        from candidate_own_sales as own
        left join (
            select period_month, municipality_no, category_key, sum(net_amount_nok) as net_amount_nok
            from fct_purchases
            where workshop_org_no = $recipient and stream = 'product'
            group by all
        ) as books
            on books.period_month = own.month
            and books.municipality_no = own.municipality_no
            and books.category_key = own.spend_category
        order by all
        """
    )
    owners = {
        row["owner_municipality_no"]
        for row in case.registers["workshop_owners"]
        if row["workshop_org_no"] == case.recipient
    }
    stated = case.ask("select distinct owner_municipality_no from candidate_owner_view order by all")
    foreign = [row[:3] for row in sales if row[3]] + [row for row in stated if row[0] not in owners]
    applied = len(sales) + len(stated)
    reason = f"{len(foreign)} rows are not the recipient's." if foreign else ""
    return Finding(
        applied,
        len(foreign),
        reason if applied else "The share holds no sales and no owners.",
        examples_of(foreign),
        "own_sales, owner_view",
    )


_ALL = "all"
_NUMBERS = ("municipality_no", "municipalities")
_OF_OTHERS = ("supplier_municipality_no",)  # where a payee lies


def consenting_members(case: Case) -> set[str]:
    """Return who has agreed to the product in this version and has not withdrawn by the day of the judgement.

    Whoever has not is in no figure of a joint product; a consent without a version is one to every version.
    """
    version = PRODUCTS[case.key.product].version
    agreed = {case.key.product, *(f"{case.key.product}@{stated}" for stated in (version.split(".")[0], version))}
    return {
        str(row["subject"])
        for row in case.registers["consents"]
        if row["product"] in agreed and holds_on(row, case.today)
    }


def only_consenting_members(case: Case) -> Finding:
    """TN02: return where a joint product holds a member that has not agreed to it, or passes over one unsaid."""
    agreed = consenting_members(case)
    named = set(_municipalities_named(case))
    members = {
        str(row["municipality_no"]) for row in case.registers["members"] if holds_on(row, last_day(case.key.period))
    }
    stated = (case.files.package or {}).get("without_consent")
    unsaid = members - agreed - set(stated if isinstance(stated, list) else [])
    wrong = sorted((place, number) for place, number in named if number not in agreed)
    wrong += [("datapackage.json", f"{number} is left out unsaid") for number in sorted(unsaid)]
    wrong += _totals_of_more(case, is_whole=members <= agreed)
    if not named and not wrong:
        return Finding(0, reason="The product speaks of no municipality.")
    left_out = ", ".join(sorted(members - agreed))
    reason = f"Left out, for they have not agreed: {left_out}." if left_out else ""
    if wrong:
        reason = f"{len(wrong)} places hold, or pass over, members that have not agreed to the product."
    return Finding(max(len(named), len(wrong)), len(wrong), reason, examples_of(wrong), "registers/consents.csv")


def _municipalities_named(case: Case) -> Iterator[tuple[str, str]]:
    """Give place and number of every municipality that the product speaks of."""
    for table, rows in case.files.tables.items():
        for name in (name for name in rows.column_names if name.endswith(_NUMBERS) and name not in _OF_OTHERS):
            for value in rows[name].unique().to_pylist():
                numbers = str(value or "").split(";")
                yield from ((f"{table}.{name}", number) for number in numbers if number not in ("", _ALL))
    for covered in (case.files.package or {}).get("coverage") or []:
        yield "datapackage.json", str(covered.get("municipality_no"))


def _totals_of_more(case: Case, *, is_whole: bool) -> list[tuple[str, str]]:
    """Return the totals that hold others than are shown: a mart's where anybody is left out, else those that differ."""
    if case.key.product == MART:
        tables = (table for table, rows in case.files.tables.items() if "municipality_no" in rows.column_names)
        has_total = [name for name in tables if _ALL in case.files.tables[name]["municipality_no"].unique().to_pylist()]
        return [] if is_whole else [(name, "figures of all hold members that are left out") for name in has_total]
    rows = case.ask(
        """
        select concat(period_start, ' to ', period_end), municipality_no = $all, coalesce(sum(sales_nok), 0)
        from candidate_dependency
        group by all
        order by all
        """,
        all=_ALL,
    )
    parts = {end: amount for end, is_total, amount in rows if not is_total}
    wrong = [end for end, is_total, amount in rows if is_total and amount != parts.get(end, Decimal(0))]
    return [("dependency", f"all of {end} holds others than are shown") for end in wrong]


def agreed_shape(case: Case) -> Finding:
    """TN03: return the files that are missing or that nobody agreed on; the suites hold the columns."""
    files = case.files
    problems = [f"{name} is missing" for name in files.missing] + [f"{name} is not agreed" for name in files.extra]
    count = len(case.suite.files) + 1
    examples = tuple([*files.missing, *files.extra][:MAX_EXAMPLES])
    return Finding(count, len(problems), "; ".join(problems), examples, "the candidate's folder")
