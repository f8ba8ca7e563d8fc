"""Whether an e-invoice's own figures agree: the arithmetic of EN 16931, each fault an issue (IN11).

Belongs here: sums, rates and prices, with the tolerances of the official rules, whose ids stand in the messages. Not
here: reading the figures (ehf.py); a document whose figures do not agree counts as it states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pipelines.parsing.rejects import Reject

_Row = Mapping[str, Any]
_ZERO = Decimal("0.00")
_KRONE = Decimal("1.00")  # BR-CO-17 and BR-x-08 allow less than one unit of the currency
_TWO_ORE = Decimal("0.02")  # Peppol's slack where a price or a rate is multiplied out
_HUNDRED = Decimal(100)
# VAT category and the name of its rules.
_CATEGORIES = {"S": "S", "Z": "Z", "E": "E", "AE": "AE", "K": "IC", "G": "G", "O": "O", "L": "IG", "M": "IP"}
_RATED = {"S", "L", "M"}


def figure_issues(
    header: _Row,
    lines: Sequence[_Row],
    allowance_charges: Sequence[_Row],
    tax_subtotals: Sequence[_Row],
    path: str,
    *,
    is_ehf2: bool,
    is_plain: bool,
) -> list[Reject]:
    """Return an issue for each figure that does not follow from the others; what is not stated is not checked.

    Plain EN 16931 has no rule for a line's price, and its official examples do not follow one.
    """
    issues: list[Reject] = []
    _check_sums(issues, header, lines, allowance_charges, path)
    _check_taxes(issues, header, tax_subtotals, path)
    _check_due(issues, header, path, is_ehf2=is_ehf2)
    _check_tax_bases(issues, lines, allowance_charges, tax_subtotals)
    if not is_plain:
        _check_prices(issues, lines, allowance_charges)
    return issues


def figure_issue(rule: str, how: str, computed: Decimal, stated: Decimal, path: str) -> Reject:
    """Return the issue of one figure that does not follow from the others, by an official rule's id."""
    message = (
        f"{how} is {computed:.2f}, but the document states {stated:.2f} (difference {stated - computed:.2f}; {rule}). "
        "Compare the document with the order, and ask the supplier for a correction."
    )
    return Reject("IN11", message, path=path)


def _check_sums(
    issues: list[Reject], header: _Row, lines: Sequence[_Row], allowance_charges: Sequence[_Row], path: str
) -> None:
    totals = "/cac:LegalMonetaryTotal/cbc:"
    summed = _ZERO
    for line in lines:
        if "line_extension_amount" in line:
            summed += line["line_extension_amount"]
    stated = header.get("line_extension_amount")
    if stated is not None and stated != summed:
        issues.append(
            figure_issue("BR-CO-10", "The sum of the lines", summed, stated, f"{path}{totals}LineExtensionAmount")
        )
    net = summed if stated is None else stated
    for is_charge, column, rule, what in _DOCUMENT_SUMS:
        amounts = [
            row["amount"]
            for row in allowance_charges
            if row["level"] == "document" and row.get("is_charge") is is_charge and "amount" in row
        ]
        stated = header.get(column)
        if amounts or stated is not None:
            charged, stated = sum(amounts, _ZERO), stated or _ZERO
            if charged != stated:
                name = "ChargeTotalAmount" if is_charge else "AllowanceTotalAmount"
                how = f"The sum of the document's {what}"
                issues.append(figure_issue(rule, how, charged, stated, f"{path}{totals}{name}"))
            net += stated if is_charge else -stated
    stated = header.get("tax_exclusive_amount")
    if stated is not None and stated != net:
        how = "Lines minus allowances plus charges"
        issues.append(figure_issue("BR-CO-13", how, net, stated, f"{path}{totals}TaxExclusiveAmount"))


_DOCUMENT_SUMS = (
    (False, "allowance_total_amount", "BR-CO-11", "allowances"),
    (True, "charge_total_amount", "BR-CO-12", "charges"),
)


def _check_taxes(issues: list[Reject], header: _Row, tax_subtotals: Sequence[_Row], path: str) -> None:
    amounts = []
    for row in tax_subtotals:
        base, rate, stated = row.get("taxable_amount"), row.get("vat_rate"), row.get("tax_amount")
        if stated is None:
            continue
        amounts.append(stated)
        if base is None or rate is None:
            continue
        tax = base * rate / _HUNDRED
        if abs(tax - stated) >= _KRONE:
            how = "The taxable amount times the rate"
            issues.append(figure_issue("BR-CO-17", how, tax, stated, row["_xpath"]))
    total = header.get("tax_amount")
    if amounts and total is not None:
        summed = amounts[0] if len(amounts) == 1 else sum(amounts, _ZERO)
        if summed != total:
            how = "The sum of VAT by category"
            issues.append(figure_issue("BR-CO-14", how, summed, total, f"{path}/cac:TaxTotal/cbc:TaxAmount"))


def _check_due(issues: list[Reject], header: _Row, path: str, *, is_ehf2: bool) -> None:
    totals = "/cac:LegalMonetaryTotal/cbc:"
    net, gross = header.get("tax_exclusive_amount"), header.get("tax_inclusive_amount")
    rounding = header.get("rounding_amount")
    if net is not None:
        taxed = net + header.get("tax_amount", _ZERO)
        if gross is None:
            gross = taxed
        elif is_ehf2 and rounding and gross == taxed + rounding:
            rounding = None  # there the rounding may stand in the total with VAT already
        elif gross != taxed:
            how = "Total without VAT plus VAT"
            issues.append(figure_issue("BR-CO-15", how, taxed, gross, f"{path}{totals}TaxInclusiveAmount"))
    payable = header.get("payable_amount")
    if gross is None or payable is None:
        return
    prepaid = header.get("prepaid_amount")
    due = gross if prepaid is None else gross - prepaid
    if rounding is not None:
        due += rounding
    if due != payable:
        how = "Total with VAT minus what is prepaid plus rounding"
        issues.append(figure_issue("BR-CO-16", how, due, payable, f"{path}{totals}PayableAmount"))


def _check_tax_bases(
    issues: list[Reject], lines: Sequence[_Row], allowance_charges: Sequence[_Row], tax_subtotals: Sequence[_Row]
) -> None:
    """Compare each VAT category's base with the lines, allowances and charges of that category."""
    bases: dict[tuple[str, Decimal | None], Decimal] = {}
    for row in (*lines, *allowance_charges):
        level = row.get("level")
        if level == "line":
            continue
        amount = row.get("amount" if level else "line_extension_amount")
        if amount is None or "vat_category" not in row:
            return
        if level and not row.get("is_charge"):
            amount = -amount
        category = _category_of(row)
        bases[category] = bases[category] + amount if category in bases else amount
    for row in tax_subtotals:
        stated, name = row.get("taxable_amount"), _CATEGORIES.get(row.get("vat_category", ""))
        if stated is None or name is None:
            continue
        base = bases.get(_category_of(row), _ZERO)
        if base != stated and abs(base - stated) >= _KRONE:
            how = "The sum of what is taxed in this category"
            issues.append(figure_issue(f"BR-{name}-08", how, base, stated, row["_xpath"]))


def _category_of(row: _Row) -> tuple[str, Decimal | None]:
    category = row["vat_category"]
    return category, (row.get("vat_rate") if category in _RATED else None)


def _check_prices(issues: list[Reject], lines: Sequence[_Row], allowance_charges: Sequence[_Row]) -> None:
    charged: dict[int, Decimal] = {}
    for row in allowance_charges:
        amount, base, percentage = row.get("amount"), row.get("base_amount"), row.get("percentage")
        if amount is None:
            continue
        if row["level"] == "line":
            so_far = charged.get(row["line_row_no"], _ZERO)
            charged[row["line_row_no"]] = so_far + (amount if row.get("is_charge") else -amount)
        if base is not None and percentage is not None:
            computed = base * percentage / _HUNDRED
            if abs(computed - amount) > _TWO_ORE:
                how = "The base amount times the percentage"
                issues.append(figure_issue("PEPPOL-EN16931-R040", how, computed, amount, row["_xpath"]))
    for line in lines:
        net = _line_net(line)
        amount = line.get("line_extension_amount")
        if net is None or amount is None:
            continue
        if charged:
            net += charged.get(line["_row_no"], _ZERO)
        if net != amount and abs(net - amount) > _TWO_ORE:
            how = "Quantity times price with the line's charges"
            issues.append(figure_issue("PEPPOL-EN16931-R120", how, net, amount, line["_xpath"]))


def _line_net(line: _Row) -> Decimal | None:
    price, quantity, base = line.get("price_amount"), line.get("quantity"), line.get("base_quantity")
    if price is None or quantity is None:
        return None
    if base is None:
        return quantity * price  # type: ignore[no-any-return]
    return quantity * price / base if base else None
