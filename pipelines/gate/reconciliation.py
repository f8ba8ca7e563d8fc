"""RC01: the sums are those of the books.

Belongs here: holding the candidate's sums against the warehouse, in øre. Not here: any tolerance.
"""

from __future__ import annotations

from pipelines.gate.case import EXTRACT, MART, SHARE, Case, examples_of
from pipelines.gate.rules import Finding, combine
from pipelines.gate.tenancy import consenting_members


def extract_equals_books(case: Case) -> Finding:
    """RC01, own extract: return the periods whose postings are not all in the warehouse, and a differing sum."""
    return combine([_postings_equal_purchases(case), _extract_equals_warehouse(case)])


def _postings_equal_purchases(case: Case) -> Finding:
    periods = case.ask(
        """
        select
            period_month,
            coalesce(sum(amount_nok) filter (measure = 'ledger_postings'), 0) as posted,
            coalesce(sum(amount_nok) filter (measure = 'purchases_from_postings'), 0) as purchased
        from fct_reconciliation
        where municipality_no = $recipient and measure in ('ledger_postings', 'purchases_from_postings')
        group by all
        order by all
        """
    )
    if not periods:
        return Finding(0, reason="The municipality has no accepted ledger postings.")
    differing = [row for row in periods if row[1] != row[2]]
    reason = f"{len(differing)} periods differ between the ledger and the warehouse." if differing else ""
    return Finding(len(periods), len(differing), reason, examples_of(differing), "fct_reconciliation")


def _extract_equals_warehouse(case: Case) -> Finding:
    shown_rows, shown = case.ask_one(
        "select count(*), coalesce(sum(net_amount_nok), 0) from candidate_municipality_extract"
    )
    rows, total = case.ask_one(
        """
        select count(*), coalesce(sum(net_amount_nok), 0)
        from fct_purchases
        where municipality_no = $recipient and period_month in $window
        """
    )
    if (shown_rows, shown) == (rows, total):
        return Finding(rows, 0, "" if rows else "Neither the extract nor the warehouse has rows.", (), EXTRACT)
    reason = f"The extract holds {shown_rows} rows and NOK {shown}, the warehouse {rows} rows and NOK {total}."
    return Finding(max(rows, 1), 1, reason, (), f"{EXTRACT}.net_amount_nok")


def share_equals_books(case: Case) -> Finding:
    """RC01, workshop's share: return whether the workshop's own sales sum to what the warehouse holds for it."""
    shown_rows, shown = case.ask_one("select count(*), coalesce(sum(net_amount_nok), 0) from candidate_own_sales")
    rows, total = case.ask_one(
        """
        select count(*), coalesce(sum(net_amount_nok), 0)
        from fct_purchases
        where
            workshop_org_no = $recipient and stream = 'product' and period_month in $window
            and municipality_no in $members
        """,
        members=sorted(consenting_members(case)),
    )
    if shown == total:
        return Finding(rows, 0, "" if rows or shown_rows else "The workshop has no sales in the window.", (), SHARE)
    return Finding(
        max(rows, 1), 1, f"The share holds NOK {shown}, the warehouse NOK {total}.", (), "own_sales.net_amount_nok"
    )


def mart_equals_books(case: Case) -> Finding:
    """RC01, mart: return the months of members whose lines are not, to the øre, those of the warehouse."""
    rows = case.ask(
        """
        with
        shown as (
            select municipality_no, period_month, count(*) as lines, coalesce(sum(net_amount_nok), 0) as net_amount_nok
            from candidate_fct_purchases
            group by all
        ),
        books as (
            select municipality_no, period_month, count(*) as lines, coalesce(sum(net_amount_nok), 0) as net_amount_nok
            from fct_purchases
            where period_month in $window and municipality_no in $members
            group by all
        )
        select
            municipality_no,
            period_month,
            (shown.lines, shown.net_amount_nok) is distinct from (books.lines, books.net_amount_nok)
        from shown
        full join books using (municipality_no, period_month)
        order by all
        """,
        members=sorted(consenting_members(case)),
    )
    wrong = [row[:2] for row in rows if row[2]]
    reason = f"{len(wrong)} months of members hold other lines or sums than the warehouse." if wrong else ""
    where = f"{MART}: fct_purchases.net_amount_nok"
    return Finding(
        len(rows), len(wrong), reason if rows else "No member that agreed has purchases.", examples_of(wrong), where
    )
