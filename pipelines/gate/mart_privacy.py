"""PV03–PV05 of the consortium's mart: no line leads to a person, and no text names one.

Belongs here: holding the mart's lines, suppliers and contracts against the payees in the warehouse. Not here: the other
products (privacy.py), cutting the mart (candidates/mart.py).

(1) A number leads to its payee wherever it stands. (2) A text that is, whole, a registered unit's name names that unit;
any other is searched for persons' names. (3) A cell of codes is one number or none: only one of several words is read
word by word.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.gate.case import Case, examples_of
from pipelines.gate.privacy import is_named, payees_of, plain, strict_functions, texts
from pipelines.gate.rules import Finding, combine
from pipelines.mask import mask


def persons_in_mart(case: Case) -> Finding:
    """PV03: return the lines and texts that lead to a natural person, or to a payee nobody knows."""
    return _payees(case, ("natural_person", "unknown"), "a natural person or an unknown payee")


def sole_proprietors_in_mart(case: Case) -> Finding:
    """PV04: return the lines and texts that lead to a sole proprietor."""
    return _payees(case, ("sole_proprietor",), "a sole proprietor")


def _payees(case: Case, kinds: tuple[str, ...], whom: str) -> Finding:
    names, org_nos, count = payees_of(case, kinds)
    if not count:
        return Finding(0, reason=f"No purchase has {whom} as payee.")
    lines, shown = case.ask_one(
        """
        select count(*), count(*) filter (shown.org_no is not null or shown.workshop_org_no is not null)
        from candidate_fct_purchases as shown
        left join fct_purchases as purchases using (municipality_no, purchase_line_id)
        where coalesce(purchases.payee_kind, 'unknown') in $kinds
        """,
        kinds=list(kinds),
    )
    of_lines = Finding(
        lines,
        shown,
        f"{shown} lines show the number of {whom}." if shown else f"{lines} lines show no number.",
        field="fct_purchases.org_no",
    )
    hits = sorted(set(_naming(case, names, org_nos)))
    reason = f"{len(hits)} texts name {whom}." if hits else f"None of {count} payees is named."
    of_texts = Finding(count, len(hits), reason, examples_of(hits), ", ".join(sorted({place for place, _ in hits})))
    return combine([of_lines, of_texts])


def _naming(case: Case, names: set[str], org_nos: set[str]) -> Iterator[tuple[str, str]]:
    units = {
        plain(str(name))
        for number, name in case.ask("select org_no, supplier_name from dim_suppliers where is_registered")
        if name and number not in org_nos
    }
    longest = max((len(name.split()) for name in names), default=0)
    for place, is_free, text in texts(case):
        if text in org_nos:  # (1)
            yield place, mask(text)
            continue
        is_read = (is_free or " " in text) and plain(text) not in units  # (2, 3)
        if is_read and is_named(text, is_free, names, org_nos, longest):
            yield place, mask(text)


def strict_functions_in_mart(case: Case) -> Finding:
    """PV05: return the lines of strict client functions that lead to a payee who is not a public body."""
    rows = case.ask(
        """
        with
        lines as (
            select
                shown.purchase_line_id,
                purchases.municipality_no,
                purchases.invoice_id,
                coalesce(purchases.payee_kind, 'unknown') != 'public_body' as is_private,
                purchases.kostra_function in $strict or shown.kostra_function in $strict as is_strict,
                -- The contract's supplier is the payee.
                coalesce(shown.org_no, shown.workshop_org_no, shown.contract_id) is not null as is_shown,
                -- Other lines of the invoice have its payee, and what is left of it is the client's.
                coalesce(shown.invoice_id, shown._xpath) is not null as is_of_invoice
            from candidate_fct_purchases as shown
            left join fct_purchases as purchases using (municipality_no, purchase_line_id)
        ),

        invoices as (
            select
                municipality_no,
                invoice_id,
                bool_or(is_of_invoice) as is_told
            from lines
            group by municipality_no, invoice_id
        )

        select
            lines.purchase_line_id,
            lines.is_private
            and (
                lines.is_shown or lines.is_of_invoice or coalesce(invoices.is_told, false)
                or figures.workshop_org_no is not null
            )
        from lines
        left join invoices using (municipality_no, invoice_id)
        left join candidate_fct_kpi_lines as figures using (purchase_line_id)
        where lines.is_strict
        order by all
        """,
        strict=strict_functions(case),
    )
    if not rows:
        return Finding(0, reason="No line has a strict client function.")
    shown = [row[:1] for row in rows if row[1]]
    reason = f"{len(shown)} lines of strict client functions show their payee." if shown else f"{len(rows)} do not."
    return Finding(len(rows), len(shown), reason, examples_of(shown), "fct_purchases, fct_kpi_lines")
