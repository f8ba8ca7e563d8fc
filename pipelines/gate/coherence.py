"""IN07, IN09, RF01–RF03, RF07–RF09, RF11: whether what was delivered fits calendars, code lists and registers.

Belongs here: lines held against what others say of their dates, codes, names and payees. Not here: what was refused at
intake (intake.py), organisation numbers and streams (quality.py), whether sums are likely (plausibility.py).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from pipelines.gate.case import SHARE, Case, examples_of
from pipelines.gate.rules import Finding
from pipelines.municipalities import holds_on

_BOOKED = "evidence in ('posting', 'posting_and_ehf', 'difference') and fiscal_period is not null"


def dates_in_their_year(case: Case) -> Finding:
    """IN07: return the postings dated more than a month outside their fiscal year, or after they were received."""
    rows = case.ask(
        f"""
        with received as (
            select municipality_no, _delivery_id, max(cast(received_at as date)) as received_on
            from fct_outcomes
            group by all
        ),
        dated as (
            select *, make_date(cast(left(fiscal_period, 4) as integer), 1, 1) as year_start
            from fct_purchases
            where municipality_no = $recipient and period_month in $window and {_BOOKED}
        )
        select
            dated.purchase_line_id,
            coalesce(
                dated.posting_date not between dated.year_start - interval 1 month
                and dated.year_start + interval 13 month - interval 1 day,
                false
            )
            or coalesce(greatest(dated.posting_date, dated.invoice_date) > received.received_on, false) as is_wrong
        from dated
        left join received
            on
                dated.municipality_no = received.municipality_no
                and coalesce(dated._posting_delivery_id, dated._delivery_id) = received._delivery_id
        where dated.posting_date is not null or dated.invoice_date is not null
        order by all
        """  # noqa: S608  a constant
    )
    if not rows:
        return Finding(0, reason="No posting in the window has a date.")
    wrong = [row[:1] for row in rows if row[1]]
    return _by_count(case, "IN07", len(rows), wrong, "postings are dated outside their year, or after they came")


def encoding_intact(case: Case) -> Finding:
    """IN09: return the lines whose names or account texts were read in another encoding than they were written in."""
    rows = case.ask(
        r"""
        select
            purchase_line_id,
            regexp_matches(
                concat_ws(' | ', payee_name, local_account_text),
                '[ÃÂ][\x{0080}-\x{00BF}\x{2010}-\x{2030}\x{20AC}\x{02C6}\x{02DC}]|\x{FFFD}|[[:alpha:]]\?[[:alpha:]]'
            ) as is_damaged
        from fct_purchases
        where
            municipality_no = $recipient and period_month in $window
            and (payee_name is not null or local_account_text is not null)
        order by all
        """
    )
    if not rows:
        return Finding(0, reason="No purchase in the window has a name or a text.")
    wrong = [row[:1] for row in rows if row[1]]
    return _by_count(case, "IN09", len(rows), wrong, "purchases have a damaged name or account text")


def arts_of_their_year(case: Case) -> Finding:
    """RF01: return the purchases whose KOSTRA art does not hold in the year; a retired art is only a warning."""
    rows = case.ask(
        """
        select
            purchases.purchase_line_id,
            abs(purchases.net_amount_nok),
            bool_or(
                arts.kostra_art is not null
                and coalesce(arts.valid_from_year, 0) <= year(purchases.spend_date)
                and coalesce(arts.valid_to_year, 9999) >= year(purchases.spend_date)
                and not coalesce(arts.is_retired and arts.valid_to_year is null, false)
            ) is not true as is_wrong,
            bool_or(arts.kostra_art is not null) as is_known
        from fct_purchases as purchases
        left join kostra_arts as arts on purchases.kostra_art = arts.kostra_art
        where
            purchases.municipality_no = $recipient and purchases.period_month in $window
            and purchases.kostra_art is not null and purchases.net_amount_nok is not null
        group by purchases.purchase_line_id, purchases.net_amount_nok
        order by all
        """
    )
    if not rows:
        return Finding(0, reason="No purchase in the window has a KOSTRA art.")
    found = _by_value(case, "RF01", rows, "have a KOSTRA art that does not hold in their year", "kostra_art")
    only_retired = all(row[3] for row in rows if row[2])
    return _milder(found, "warn") if found.failed and only_retired else found


def functions_of_their_year(case: Case) -> Finding:
    """RF02: return the purchases on a function that was replaced before their year, or that is no function code."""
    rows = case.ask(
        """
        with replaced as (
            select old_code, min(valid_from_year) as replaced_from
            from kostra_crosswalk
            where code_kind = 'function'
            group by old_code
        )
        select
            purchases.purchase_line_id,
            abs(purchases.net_amount_nok),
            not regexp_full_match(purchases.kostra_function, '[1-9][0-9]{2}')
            or coalesce(year(purchases.spend_date) >= replaced.replaced_from, false) as is_wrong,
            replaced.old_code is not null as is_retired
        from fct_purchases as purchases
        left join replaced on purchases.kostra_function = replaced.old_code
        where
            purchases.municipality_no = $recipient and purchases.period_month in $window
            and purchases.kostra_function is not null and purchases.net_amount_nok is not null
        order by all
        """
    )
    if not rows:
        return Finding(0, reason="No purchase in the window has a function.")
    found = _by_value(case, "RF02", rows, "are on a function that does not hold in their year", "kostra_function")
    only_retired = all(row[3] for row in rows if row[2])
    return _milder(found, "warn") if found.failed and only_retired else found


def arts_of_their_class(case: Case) -> Finding:
    """RF03: return the purchases whose art does not belong in their account class."""
    rows = case.ask(
        """
        select
            purchase_line_id,
            abs(net_amount_nok),
            (account_class = 'investment' and kostra_art in ('110', '114', '240'))
            or (account_class = 'operating' and kostra_art = '280') as is_wrong
        from fct_purchases
        where
            municipality_no = $recipient and period_month in $window and kostra_art is not null
            and account_class in ('operating', 'investment') and net_amount_nok is not null
        order by all
        """
    )
    if not rows:
        return Finding(0, reason="No purchase in the window has both an art and an account class.")
    return _by_value(case, "RF03", rows, "have an art that does not belong in their account class", "kostra_art")


def payees_still_there(case: Case) -> Finding:
    """RF07: return the purchases from a company that was deleted from the register before the day."""
    rows = case.ask(
        """
        select
            purchases.purchase_line_id,
            coalesce(suppliers.deleted_on < purchases.spend_date, false) as is_wrong
        from fct_purchases as purchases
        inner join dim_suppliers as suppliers on purchases.org_no = suppliers.org_no
        where
            purchases.municipality_no = $recipient and purchases.period_month in $window
            and suppliers.is_registered
        order by all
        """
    )
    if not rows:
        return Finding(0, reason="No purchase in the window is from a registered payee.")
    wrong = [row[:1] for row in rows if row[1]]
    return _by_count(case, "RF07", len(rows), wrong, "purchases are from companies that were deleted before the day")


def cpv_codes_valid(case: Case) -> Finding:
    """RF08: return the lines whose CPV code is not eight digits in a known division."""
    rows = case.ask(
        """
        select
            purchases.purchase_line_id,
            not regexp_full_match(purchases.cpv_code, '[0-9]{8}(-[0-9])?') or divisions.cpv_division is null
        from fct_purchases as purchases
        left join cpv_divisions as divisions on left(purchases.cpv_code, 2) = divisions.cpv_division
        where
            purchases.municipality_no = $recipient and purchases.period_month in $window
            and purchases.cpv_code is not null
        order by all
        """
    )
    if not rows:
        return Finding(0, reason="No purchase in the window states a CPV code.")
    wrong = [row[:1] for row in rows if row[1]]
    return _by_count(case, "RF08", len(rows), wrong, "lines state a CPV code that does not exist")


def contracts_resolve(case: Case) -> Finding:
    """RF09: return the lines that state a contract which no register row covers for the member on the day."""
    rows = case.ask(
        """
        select purchase_line_id, contract_match is distinct from 'reference'
        from fct_purchases
        where municipality_no = $recipient and period_month in $window and contract_reference is not null
        order by all
        """
    )
    if not rows:
        return Finding(0, reason="No purchase in the window states a contract.")
    wrong = [row[:1] for row in rows if row[1]]
    return _by_count(case, "RF09", len(rows), wrong, "lines state a contract that covers no such purchase on the day")


def workshop_register_whole(case: Case) -> Finding:
    """RF11: return workshops whose register rows leave days out, and those whose owners hold more than the whole.

    Rows that overlap stop a run when the registers are read.
    """
    workshops = _by_workshop(case, "workshops", "org_no")
    owners = _by_workshop(case, "workshop_owners", "workshop_org_no")
    if not workshops:
        return Finding(0, reason="No workshop stands in the register.")
    problems = {(org_no, f"has no row from {day}") for org_no, rows in workshops.items() for day in _gaps(rows)}
    problems |= {
        (org_no, f"owners hold {held} from {day}")
        for org_no, rows in owners.items()
        for day, held in _held(rows).items()
        if held > 1
    }
    wrong = {org_no for org_no, _ in problems}
    reason = f"{len(wrong)} workshops have rows that leave days out, or owners who hold more than all." if wrong else ""
    applied = len(workshops.keys() | wrong)
    return Finding(applied, len(wrong), reason, examples_of(sorted(problems)), "workshops, workshop_owners")


def _by_workshop(case: Case, register: str, key: str) -> dict[str, list[dict[str, Any]]]:
    """Return a register's rows by workshop; of a workshop's share only its own."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in case.registers[register]:
        if case.key.product != SHARE or row[key] == case.recipient:
            found[row[key]].append(row)
    return found


def _gaps(rows: list[dict[str, Any]]) -> list[date]:
    """Return the first of the days between dated rows that none of them holds on."""
    dated = sorted(rows, key=lambda row: row["valid_from"])
    after = [(row["valid_to"] or date.max - timedelta(days=1)) + timedelta(days=1) for row in dated]
    return [day for day, following in zip(after, dated[1:], strict=False) if following["valid_from"] > day]


def _held(rows: list[dict[str, Any]]) -> dict[date, Decimal]:
    """Return what owners hold together on each day from which one of their rows holds."""
    return {
        day: sum((Decimal(str(row["ownership_fraction"])) for row in rows if holds_on(row, day)), Decimal(0))
        for day in {row["valid_from"] for row in rows}
    }


def _by_count(case: Case, rule: str, looked_at: int, wrong: list[tuple[Any, ...]], what: str) -> Finding:
    """Return a finding whose limit is a share of the lines."""
    reason = f"{len(wrong)} {what}." if wrong else ""
    is_tolerated = len(wrong) <= case.rules[rule].parameter("max_share") * looked_at
    return Finding(looked_at, len(wrong), reason, examples_of(wrong), "fct_purchases", is_tolerated=is_tolerated)


def _by_value(case: Case, rule: str, rows: list[tuple[Any, ...]], what: str, column: str) -> Finding:
    """Return a finding whose limit is a share of the value; of a row the first three are key, value, whether wrong."""
    wrong = [row[:1] for row in rows if row[2]]
    total = sum((row[1] for row in rows), Decimal(0))
    value = sum((row[1] for row in rows if row[2]), Decimal(0))
    reason = f"{len(wrong)} purchases of NOK {value} (of {total}) {what}." if wrong else ""
    is_tolerated = value <= case.rules[rule].parameter("max_share") * total
    return Finding(
        len(rows), len(wrong), reason, examples_of(wrong), f"fct_purchases.{column}", is_tolerated=is_tolerated
    )


def _milder(found: Finding, severity: str) -> Finding:
    return replace(found, severity=severity)
