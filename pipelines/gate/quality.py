"""RF04, RF05, RF12: the facts that the figures rest on: organisation numbers, the company register, streams.

Belongs here: what the warehouse could not make of what it was given. Not here: what was refused at intake (intake.py).
"""

from __future__ import annotations

from decimal import Decimal

from pipelines.gate.case import EXTRACT, Case, examples_of
from pipelines.gate.rules import Finding


def org_number_check_digits(case: Case) -> Finding:
    """RF04: return the purchases whose stated organisation number has a wrong check digit, by value.

    A purchase without any number is coverage (K27), not an error.
    """
    rows = case.ask(
        """
        select purchase_line_id, coalesce(abs(net_amount_nok), 0), list_contains(flags, 'org_no_invalid')
        from (
            select *, string_split(coalesce(quality_flags, ''), ';') as flags
            from fct_purchases
            where municipality_no = $recipient and period_month in $window and payee_kind <> 'foreign'
        )
        where not list_contains(flags, 'org_no_missing')
        order by all
        """
    )
    if not rows:
        return Finding(0, reason="No purchase in the window states an organisation number.")
    wrong = [row[:1] for row in rows if row[2]]
    total = sum((row[1] for row in rows), Decimal(0))
    wrong_value = sum((row[1] for row in rows if row[2]), Decimal(0))
    least = case.rules["RF04"].parameter("min_share")
    reason = ""
    if wrong:
        reason = (
            f"{len(wrong)} purchases of NOK {wrong_value} (of {total}) state an organisation number that cannot exist."
        )
    is_tolerated = wrong_value <= (1 - least) * total
    return Finding(len(rows), len(wrong), reason, examples_of(wrong), "fct_purchases.org_no", is_tolerated=is_tolerated)


def payees_registered(case: Case) -> Finding:
    """RF05: return the purchases whose organisation number no register knows, by value; and a register never delivered.

    Such a payee may be a person: it is in no figure on markets, and a market of such payees looks empty.
    """
    (registers,) = case.ask_one(
        "select count(*) from fct_delivery_periods where source = 'brreg' and state = 'accepted' and rows > 0"
    )
    if not registers:
        return Finding(
            1,
            1,
            "No delivery of the company register counts: no payee is known, so every market would look empty. Deliver "
            "the register (samandel brreg fetch, or a file), or accept its withdrawn delivery.",
            field="fct_delivery_periods",
        )
    buyers = "= $recipient" if case.key.product == EXTRACT else "in (select municipality_no from candidate_market_view)"
    rows = case.ask(
        f"""
        select purchase_line_id, coalesce(abs(net_amount_nok), 0), payee_kind = 'unknown'
        from fct_purchases
        where municipality_no {buyers} and period_month in $window and org_no is not null
        order by all
        """  # noqa: S608  one of two conditions
    )
    if not rows:
        return Finding(0, reason="No purchase in the window has an organisation number.")
    unknown = [row[:1] for row in rows if row[2]]
    total = sum((row[1] for row in rows), Decimal(0))
    unknown_value = sum((row[1] for row in rows if row[2]), Decimal(0))
    reason = ""
    if unknown:
        reason = f"{len(unknown)} purchases of NOK {unknown_value} (of {total}) are from payees that no register knows."
    is_tolerated = unknown_value <= (1 - case.rules["RF05"].parameter("min_share")) * total
    return Finding(
        len(rows), len(unknown), reason, examples_of(unknown), "fct_purchases.org_no", is_tolerated=is_tolerated
    )


def streams_decided(case: Case) -> Finding:
    """RF12: return the payments to workshops whose stream is not decided; VAT has none."""
    column = "municipality_no" if case.key.product == EXTRACT else "workshop_org_no"
    payments = case.ask(
        f"""
        select purchase_line_id, coalesce(stream, '') not in ('product', 'inclusion', 'transfer')
        from fct_purchases
        where {column} = $recipient and workshop_org_no is not null and scope <> 'vat' and period_month in $window
        order by all
        """  # noqa: S608  one of two column names
    )
    if not payments:
        return Finding(0, reason="No payment to a workshop lies in the window.")
    open_ones = [row[:1] for row in payments if row[1]]
    reason = f"{len(open_ones)} payments to workshops have no stream." if open_ones else ""
    return Finding(len(payments), len(open_ones), reason, examples_of(open_ones), "fct_purchases.stream")
