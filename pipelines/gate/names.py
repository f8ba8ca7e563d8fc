"""RF06, PV07, PV08: whose name stands where: in ledger and register, in texts, on lines of client functions.

Belongs here: holding names against the company register. Not here: payees whose kind is known to be a person's or a
sole proprietor's (privacy.py), scoring names in order to find a number (matching/).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pipelines.gate.case import EXTRACT, Case, examples_of
from pipelines.gate.privacy import MASKED_NAME, plain, texts, texts_naming
from pipelines.gate.rules import Finding
from pipelines.mask import mask
from pipelines.person_names import find_person_names
from pipelines.scanner import fold

_LEGAL_FORMS = frozenset(["AS", "ASA", "SA", "ANS", "DA", "ENK", "NUF", "KF", "KS", "IKS", "BA", "STI", "ORGL"])


def names_agree(case: Case) -> Finding:
    """RF06: return the numbers that a ledger states beside another name than the register's, by value.

    The name in the warehouse is the register's; the ledger's own stands in what was parsed of accepted deliveries.
    """
    registered = dict(
        case.ask("select org_no, supplier_name from dim_suppliers where is_registered and supplier_name is not null")
    )
    stated = [row for row in _names_in_ledgers(case) if row[0] in registered]
    if not stated:
        return Finding(0, reason="No ledger of the window states both a name and a registered organisation number.")
    least = float(case.rules["RF06"].parameter("min_similarity"))
    wrong = [row for row in stated if _similarity(row[1], registered[row[0]]) < least]
    total, value = (sum((row[2] for row in rows), Decimal(0)) for rows in (stated, wrong))
    reason = f"{len(wrong)} of {len(stated)} names on NOK {value} (of {total}) are not the register's." if wrong else ""
    is_tolerated = value <= (1 - case.rules["RF06"].parameter("min_share")) * total
    # Only the number: a name may be a person's.
    examples = examples_of([row[:1] for row in wrong])
    return Finding(
        len(stated), len(wrong), reason, examples, "ledger_postings.supplier_name", is_tolerated=is_tolerated
    )


def _names_in_ledgers(case: Case) -> list[tuple[str, str, Decimal]]:
    """Return number, name and absolute value of what the member's accepted ledgers state in the window."""
    folder = case.home.parsed / "ledger_postings" / f"municipality_no={case.recipient}"
    files = sorted(str(path) for path in folder.glob("*.parquet"))
    if not files:
        return []
    return case.ask(
        """
        select supplier_org_no, supplier_name, coalesce(sum(abs(amount)), 0)
        from read_parquet($files, union_by_name = true, hive_partitioning = false)
        where
            supplier_org_no is not null and supplier_name is not null and fiscal_period in $window
            and (_delivery_id, fiscal_period) in (
                select (_delivery_id, fiscal_period)
                from fct_delivery_periods
                where municipality_no = $recipient and state = 'accepted'
            )
        group by all
        order by all
        """,
        files=files,
    )


def _similarity(left: str, right: str) -> float:
    """Return how alike two names are, 0 to 1; legal forms and the order of words say nothing."""
    from rapidfuzz.fuzz import token_set_ratio

    return float(token_set_ratio(_without_form(left), _without_form(right))) / 100


def _without_form(name: str) -> str:
    return " ".join(word for word in plain(name).split() if word not in _LEGAL_FORMS)


def persons_in_texts(case: Case) -> Finding:
    """PV07: return the free texts with a given name beside a surname that are no registered unit's name."""
    units = _registered_names(case)
    applied, hits = 0, []
    for place, is_free, text in texts(case):
        if not is_free or text == MASKED_NAME:
            continue
        applied += 1
        spans = [] if plain(text) in units else find_person_names(fold(text))
        if any(not _is_of_a_unit(text, span, units) for span in spans):
            hits.append((place, mask(text)))
    if not applied:
        return Finding(0, reason="The candidate holds no free text.")
    reason = f"{len(hits)} texts hold what reads as a person's name and is no registered unit's." if hits else ""
    return Finding(applied, len(hits), reason, examples_of(hits), ", ".join(sorted({place for place, _ in hits})))


def _registered_names(case: Case) -> set[str]:
    """Return the names, plain, of units that a register knows: they may be named as PV04 allows."""
    known = {str(row[0]) for row in case.ask("select supplier_name from dim_suppliers where is_registered") if row[0]}
    known |= {str(row["name"]) for name in ("members", "workshops") for row in case.registers[name]}
    return {plain(name) for name in known}


def _is_of_a_unit(text: str, span: tuple[int, int], units: set[str]) -> bool:
    """Return whether the name found is part of a registered unit's whole name in the text."""
    words, name = f" {plain(text)} ", plain(fold(text)[slice(*span)])
    return any(name in unit and f" {unit} " in words for unit in units)


_SMALL = """
    select org_no, any_value(payee_name) as payee_name
    from fct_purchases
    left join dim_suppliers using (org_no)
    where
        org_no is not null and payee_kind in ('legal_entity', 'foreign') and workshop_org_no is null
        and coalesce(left(dim_suppliers.nace_code, 2) in $divisions, true)
        and org_no in (
            select org_no from fct_purchases
            where kostra_function in (select kostra_function from kostra_sensitive_functions
                                      where privacy_class in ('client', 'client_strict'))
        )
        and period_month in $window
    group by org_no
    having sum(abs(net_amount_nok)) <= $most
"""


def small_entities_in_extract(case: Case) -> Finding:
    """PV08, own extract: return the rows of client functions that name a small unit."""
    rows = case.ask(
        f"""
        select
            shown.purchase_line_id,
            small.org_no is not null
            and (coalesce(shown.supplier_name, '') not in ('', $masked) or shown.org_no is not null)
        from candidate_municipality_extract as shown
        inner join fct_purchases as purchases using (purchase_line_id)
        left join ({_SMALL}) as small on purchases.org_no = small.org_no
        where purchases.kostra_function in (
            select kostra_function from kostra_sensitive_functions where privacy_class in ('client', 'client_strict')
        )
        order by all
        """,  # noqa: S608  a query of this module
        masked=MASKED_NAME,
        **_limits(case),
    )
    if not rows:
        return Finding(0, reason="No row has a client function.")
    named = [row[:1] for row in rows if row[1]]
    reason = f"{len(named)} rows of client functions name a small unit." if named else ""
    return Finding(len(rows), len(named), reason, examples_of(named), f"{EXTRACT}.supplier_name")


def small_entities_in_share(case: Case) -> Finding:
    """PV08, workshop's share: return the texts that name a small unit that serves clients."""
    small = case.ask(f"{_SMALL} order by org_no", **_limits(case))
    if not small:
        return Finding(0, reason="No small unit is paid on a client function in the window.")
    hits = texts_naming(case, {plain(name) for _, name in small if name}, {org_no for org_no, _ in small})
    reason = f"{len(hits)} texts name a small unit that serves clients." if hits else ""
    return Finding(len(small), len(hits), reason, examples_of(hits), ", ".join(sorted({place for place, _ in hits})))


def small_entities_in_mart(case: Case) -> Finding:
    """PV08, mart: return the lines of client functions that show a small unit's number."""
    rows = case.ask(
        f"""
        select shown.purchase_line_id, small.org_no is not null and shown.org_no is not null
        from candidate_fct_purchases as shown
        inner join fct_purchases as purchases using (municipality_no, purchase_line_id)
        left join ({_SMALL}) as small on purchases.org_no = small.org_no
        where purchases.kostra_function in (
            select kostra_function from kostra_sensitive_functions where privacy_class in ('client', 'client_strict')
        )
        order by all
        """,  # noqa: S608  a query of this module
        **_limits(case),
    )
    if not rows:
        return Finding(0, reason="No line has a client function.")
    named = [row[:1] for row in rows if row[1]]
    reason = f"{len(named)} lines of client functions show a small unit." if named else ""
    return Finding(len(rows), len(named), reason, examples_of(named), "fct_purchases.org_no")


def _limits(case: Case) -> dict[str, Any]:
    rule = case.rules["PV08"]
    return {"divisions": rule.parameters["nace_divisions"].split(), "most": rule.parameter("max_sales_nok")}
