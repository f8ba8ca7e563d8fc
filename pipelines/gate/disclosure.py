"""DC01, DC02: no cell of the market view lets a workshop read a competitor.

Belongs here: recomputing, from the warehouse alone, who stands behind each published cell. Not here: suppressing
(candidates/); nothing is shared with it, so that an error there is found here.

(1) A cell is a municipality, category and calendar year of addressable purchases: scope core or
    core_service_replacement, category of kind product, payee known, no natural person and not the buyer itself.
(2) Contributors are the payees other than the recipient, by organisation number, else by name; one that was credited in
    full hides nobody and is none.
(3) Magnitudes are absolute values: a credit note does not make a supplier small.
(4) A cell in which nobody else has any amount is shown as 0 and gives nobody away.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pipelines.gate.case import Case, examples_of
from pipelines.gate.rules import Finding

_FIELD = "market_view.other_nok_or_suppressed"
_HIDDEN_WITH_OTHER = ("addressable_nok", "other_nok_or_suppressed", "other_suppliers_band", "law_entry_headroom_band")


@dataclass(frozen=True)
class Cell:
    """A published cell of the market view, and what the warehouse says about it."""

    key: tuple[str, ...]
    is_suppressed: bool
    shows: tuple[str, ...]
    addressable: Decimal | None
    own: Decimal | None
    other: Decimal | None
    band: str | None
    contributors: int
    true_own: Decimal
    true_other: Decimal
    magnitude: Decimal
    largest: Decimal
    two_largest: Decimal


def cells(case: Case) -> list[Cell]:
    """Return every cell of the candidate's market view beside its recomputed contributors."""
    shown = " || ".join(f"case when view.{name} is null then '' else '{name},' end" for name in _HIDDEN_WITH_OTHER)
    rows = case.ask(
        rf"""
        with addressable as (
            select
                purchases.municipality_no,
                purchases.category_key,
                cast(purchases.period_month[1:4] as integer) as year,
                coalesce(
                    purchases.org_no,
                    upper(regexp_replace(purchases.payee_name, '[^\p{{L}}\p{{N}}]+', '', 'g')),
                    purchases.purchase_line_id
                ) as payee,
                purchases.org_no is not distinct from $recipient as is_own,
                purchases.net_amount_nok
            from fct_purchases as purchases
            inner join dim_categories as categories
                on categories.category_key = purchases.category_key and categories.kind = 'product'
            where purchases.scope in ('core', 'core_service_replacement')
                and purchases.payee_kind not in ('natural_person', 'unknown')
                and not purchases.is_internal
        ),
        contributions as (
            select
                municipality_no, category_key, year, payee, is_own,
                sum(net_amount_nok) as net, sum(abs(net_amount_nok)) as magnitude
            from addressable
            group by all
        ),
        others as (
            select
                municipality_no, category_key, year,
                count(*) filter (not is_own and net <> 0) as contributors,
                coalesce(sum(net) filter (is_own), 0) as own,
                coalesce(sum(net) filter (not is_own), 0) as other,
                coalesce(sum(magnitude) filter (not is_own), 0) as magnitude,
                coalesce(list_sort(list(magnitude) filter (not is_own), 'desc'), []) as ranked
            from contributions
            group by all
        )
        select
            cast(view.year as integer), view.municipality_no, view.spend_category,
            coalesce(view.suppression_code, ''), {shown},
            view.addressable_nok, view.own_nok, view.other_nok_or_suppressed, view.other_suppliers_band,
            coalesce(others.contributors, 0), coalesce(others.own, 0), coalesce(others.other, 0),
            coalesce(others.magnitude, 0), coalesce(others.ranked[1], 0),
            coalesce(others.ranked[1], 0) + coalesce(others.ranked[2], 0)
        from candidate_market_view as view
        left join others
            on others.municipality_no = view.municipality_no
            and others.category_key = view.spend_category
            and others.year = cast(view.year as integer)
        order by 1, 2, 3
        """  # noqa: S608  column names of this module
    )
    return [
        Cell(tuple(str(value) for value in row[:3]), row[3] != "", tuple(filter(None, row[4].split(","))), *row[5:])
        for row in rows
    ]


def contributors(case: Case) -> Finding:
    """DC01: return the cells that show others' spend with too few others behind it, or hide it only half."""
    fewest = int(case.rules["DC01"].parameter("min_contributors"))
    listed = cells(case)
    if not listed:
        return Finding(0, reason="The market view has no cells.")
    wrong = {cell.key: problem for cell in listed if (problem := _problem(cell, fewest))}
    reason = "; ".join(sorted(set(wrong.values())))
    suppressed = sum(cell.is_suppressed for cell in listed)
    if not wrong:
        reason = f"{suppressed} of {len(listed)} cells are suppressed."
    return Finding(len(listed), len(wrong), reason, examples_of(list(wrong)), _FIELD)


def _problem(cell: Cell, fewest: int) -> str:
    if cell.is_suppressed:
        return f"a suppressed cell still shows {', '.join(cell.shows)}" if cell.shows else ""
    if cell.magnitude > 0 and cell.contributors < fewest:
        return f"fewer than {fewest} others stand behind a visible cell"
    if (cell.own or Decimal(0), cell.other or Decimal(0)) != (cell.true_own, cell.true_other):
        # What stands behind another amount than the one shown cannot be counted.
        return "a visible cell is not what the warehouse holds"
    if cell.addressable is not None and cell.addressable != cell.true_own + cell.true_other:
        return "a visible cell's total is not the sum of its parts"
    return (
        "" if (cell.band or "0") == band(cell.contributors) else "a visible cell's band is not that of its contributors"
    )


def band(count: int) -> str:
    """Return the band in which a number of contributors is published."""
    if count == 0:
        return "0"
    for least, label in ((10, "10+"), (5, "5-9"), (3, "3-4")):
        if count >= least:
            return label
    return ""


def dominance(case: Case) -> Finding:
    """DC02: return the visible cells in which one or two others hold nearly everything."""
    rule = case.rules["DC02"]
    one, two = rule.parameter("max_largest_share"), rule.parameter("max_two_largest_share")
    visible = [cell for cell in cells(case) if not cell.is_suppressed and cell.magnitude > 0]
    if not visible:
        return Finding(0, reason="The market view shows no cell with others' spend.")
    wrong = [
        cell.key for cell in visible if cell.largest > one * cell.magnitude or cell.two_largest > two * cell.magnitude
    ]
    reason = f"{len(wrong)} visible cells are dominated by one or two others." if wrong else ""
    return Finding(len(visible), len(wrong), reason, examples_of(wrong), _FIELD)
