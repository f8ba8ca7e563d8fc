"""RC02–RC09: whether sums are likely, held against filed accounts, earlier quarters, themselves and what was claimed.

Belongs here: statistics of a member's own purchases. Not here: sums that must be equal (reconciliation.py). What is
unlikely may be true: these rules ask for a look, and none of them changes a figure.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pipelines.gate.case import SHARE, Case, examples_of, window_of
from pipelines.gate.rules import Finding

_FIELD = "fct_purchases.net_amount_nok"
_QUARTER = 3
_YEAR = 12


def filed_accounts(case: Case) -> Finding:
    """RC02: return the parts of the accounts that differ from what was filed as KOSTRA."""
    rows = case.ask(
        """
        select account_class, category_key, period_start, abs(numerator), denominator
        from fct_kpis
        where
            kpi_key = 'K29' and municipality_no = $recipient and state = 'ok'
        order by all
        """
    )
    if not rows:
        return Finding(0, reason="Of no whole year both the ledger and what was filed in KOSTRA are known.")
    rule = case.rules["RC02"]
    wrong = [row for row in rows if row[3] > rule.parameter("hold_above") * row[4]]
    graver = [row for row in rows if row[3] > rule.parameter("block_above") * row[4]]
    reason = f"{len(wrong)} of {len(rows)} parts of the accounts differ from what was filed." if wrong else ""
    severity = "block" if graver else None
    return Finding(len(rows), len(wrong), reason, examples_of([row[:3] for row in wrong]), "K29", severity=severity)


def own_quarters(case: Case) -> Finding:
    """RC03: return the latest quarter where it is far from the mean of the four before it; operating accounts only."""
    months = window_of(case.key.period, 5 * _QUARTER)
    sums = dict(
        case.ask(
            """
            select period_month, sum(net_amount_nok)
            from fct_purchases
            where
                municipality_no = $recipient and period_month in $months and scope <> 'vat'
                and account_class = 'operating'
            group by period_month
            having sum(net_amount_nok) is not null
            """,
            months=list(months),
        )
    )
    if len(sums) < len(months):
        return Finding(
            0, reason=f"There are purchases in {len(sums)} of the latest 15 months; five quarters are needed."
        )
    latest = sum((sums[month] for month in months[-_QUARTER:]), Decimal(0))
    mean = sum((sums[month] for month in months[:-_QUARTER]), Decimal(0)) / 4
    if abs(latest - mean) <= case.rules["RC03"].parameter("max_change") * abs(mean):
        return Finding(1)
    reason = f"The latest three months come to NOK {latest:.2f}, a quarter of the year before to NOK {mean:.2f}."
    return Finding(1, 1, reason, (f"{months[-_QUARTER]}/{months[-1]}",), _FIELD)


def largest_lines(case: Case) -> Finding:
    """RC04: return the largest hundredth of the lines where it holds most of the value."""
    rows = _lines(case)
    least = case.rules["RC04"].parameter("least_lines")
    if len(rows) < least:
        return _too_few(rows, least)
    largest = sorted(rows, key=lambda row: (-abs(row[1]), row[0]))[: len(rows) // 100]
    part = sum((abs(row[1]) for row in largest), Decimal(0))
    total = sum((abs(row[1]) for row in rows), Decimal(0))
    if part < case.rules["RC04"].parameter("max_share") * total:
        return Finding(len(rows))
    reason = f"The {len(largest)} largest of {len(rows)} lines hold NOK {part} of {total}."
    return Finding(len(rows), len(largest), reason, examples_of([row[:1] for row in largest]), _FIELD)


def common_amounts(case: Case) -> Finding:
    """RC05: return the most common amounts that stand on too many lines."""
    rows = [row for row in _lines(case) if row[1]]
    least = case.rules["RC05"].parameter("least_lines")
    if len(rows) < least:
        return _too_few(rows, least)
    counted: dict[Decimal, int] = {}
    for _, amount, *_ in rows:
        counted[amount] = counted.get(amount, 0) + 1
    common = sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:3]
    wrong = [item for item in common if item[1] >= case.rules["RC05"].parameter("max_share") * len(rows)]
    failed = sum(count for _, count in wrong)
    reason = f"{len(wrong)} amounts stand on {failed} of {len(rows)} lines." if wrong else ""
    return Finding(len(rows), failed, reason, examples_of(wrong), _FIELD)


def largest_supplier(case: Case) -> Finding:
    """RC06: return the payees that hold a large part of core purchases."""
    rows = case.ask(
        """
        select org_no, sum(net_amount_nok)
        from fct_purchases
        where
            municipality_no = $recipient and period_month in $window and scope = 'core' and not is_internal
            and org_no is not null and net_amount_nok is not null
        group by org_no
        having sum(net_amount_nok) > 0
        order by all
        """
    )
    if not rows:
        return Finding(0, reason="No core purchase in the window is from a payee with a number.")
    total = sum((row[1] for row in rows), Decimal(0))
    wrong = [row for row in rows if row[1] > case.rules["RC06"].parameter("max_share") * total]
    reason = f"{len(wrong)} of {len(rows)} payees hold NOK {sum(row[1] for row in wrong)} of {total}." if wrong else ""
    # Only the number of the payee: a name may be a person's.
    return Finding(len(rows), len(wrong), reason, examples_of([row[:1] for row in wrong]), "fct_purchases.org_no")


def credit_notes(case: Case) -> Finding:
    """RC07: return the credit notes where they take back much of what was invoiced."""
    rows = _lines(case)
    invoiced = sum((row[1] for row in rows if row[1] > 0), Decimal(0))
    if not invoiced:
        return Finding(0, reason="Nothing was invoiced in the window.")
    credited = [row for row in rows if row[1] < 0]
    value = -sum((row[1] for row in credited), Decimal(0))
    if value <= case.rules["RC07"].parameter("max_share") * invoiced:
        return Finding(len(rows))
    reason = f"{len(credited)} credits take back NOK {value} of {invoiced}."
    return Finding(len(rows), len(credited), reason, examples_of([row[:1] for row in credited]), _FIELD)


def categories_gone(case: Case) -> Finding:
    """RC08: return the categories with purchases in the year before the latest twelve months, and none since."""
    months = window_of(case.key.period, 2 * _YEAR)
    rows = case.ask(
        """
        select category_key, period_month
        from fct_purchases
        where
            municipality_no = $recipient and period_month in $months and category_key is not null
            and scope <> 'vat'
        group by all
        order by all
        """,
        months=list(months),
    )
    delivered = {month for _, month in rows}
    if len(delivered) < len(months):
        return Finding(0, reason=f"There are purchases in {len(delivered)} of the latest 24 months; all are needed.")
    before = {category for category, month in rows if month in months[:_YEAR]}
    since = {category for category, month in rows if month in months[_YEAR:]}
    gone = sorted(before - since)
    reason = f"Nothing was bought for twelve months in {len(gone)} of {len(before)} categories." if gone else ""
    return Finding(len(before), len(gone), reason, examples_of([(key,) for key in gone]), "fct_purchases.category_key")


def claims(case: Case) -> Finding:
    """RC09: return the published claims about the recipient that its figures do not bear out."""
    about = "workshop_org_no" if case.key.product == SHARE else "municipality_no"
    rows = case.ask(
        f"""
        select claim_id, measure, finding
        from fct_claims
        where {about} = $recipient and finding <> 'not_checkable'
        order by all
        """  # noqa: S608  one of two columns
    )
    if not rows:
        return Finding(0, reason="No published claim about the recipient can be held against a figure.")
    wrong = [row[:2] for row in rows if row[2] == "differs"]
    reason = f"{len(wrong)} of {len(rows)} published claims differ from the figures." if wrong else ""
    return Finding(len(rows), len(wrong), reason, examples_of(wrong), "fct_claims")


def _lines(case: Case) -> list[tuple[Any, ...]]:
    """Return key and amount of every purchase in the window that is not VAT."""
    return case.ask(
        """
        select purchase_line_id, net_amount_nok
        from fct_purchases
        where
            municipality_no = $recipient and period_month in $window and scope <> 'vat'
            and net_amount_nok is not null
        order by all
        """
    )


def _too_few(rows: list[tuple[Any, ...]], least: Decimal) -> Finding:
    return Finding(0, reason=f"The window has {len(rows)} lines; fewer than {least} say nothing about how they spread.")
