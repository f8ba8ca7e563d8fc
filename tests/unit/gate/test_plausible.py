"""Codes, dates, registers and sums that are unlikely are found; what is within the limit passes; too little is said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pipelines.gate.judge import judge
from tests.unit.gate.small_home import CLOCK, EXTRACT, OWN, SHARE, WORKSHOP, SmallHome, kpi, purchase
from tests.unit.gate.test_checks import ask

Change = Callable[[SmallHome], object]
WORKSHOPS, OWNERS = "workshops", "workshop_owners"


def lines(**values: Any) -> Change:
    """Change the purchase a1, NOK 100 of 810."""
    return lambda small: next(
        row for row in small.warehouse["fct_purchases"] if row["purchase_line_id"] == "a1"
    ).update(values)


def register(name: str, old: str, new: str) -> Change:
    """Change a register after the home is written."""

    def change(small: SmallHome) -> None:
        path = small.home.registers / f"{name}.csv"
        path.write_text(path.read_text().replace(old, new))

    return change


def months(*sums: str, **values: Any) -> Change:
    """Replace the purchases by one a month, the last in October 2026."""

    def change(small: SmallHome) -> None:
        last = 2026 * 12 + 9
        first = last - len(sums) + 1
        small.warehouse["fct_purchases"][:] = [
            purchase(
                f"m{n}", "320000006", amount, **values, period_month=f"{(first + n) // 12}-{(first + n) % 12 + 1:02d}"
            )
            for n, amount in enumerate(sums)
        ]

    return change


def many(count: int, **first: Any) -> Change:
    """Replace the purchases by many of different amounts."""

    def change(small: SmallHome) -> None:
        small.warehouse["fct_purchases"][:] = [
            purchase(f"m{n:03d}", f"32{n:07d}", f"{n + 1}.00", **(first if n == 0 else {})) for n in range(count)
        ]

    return change


FAULTS: list[tuple[str, Any, Change, str, str]] = [
    ("IN07", EXTRACT, lines(posting_date=date(2027, 2, 1)), "hold", "1 postings are dated outside their year"),
    ("IN07", EXTRACT, lines(posting_date=date(2025, 11, 30)), "hold", "1 postings"),
    ("IN07", EXTRACT, lines(invoice_date=date(2026, 11, 10)), "hold", "after they came"),
    ("IN09", EXTRACT, lines(payee_name="BodÃ¸ Bakeri AS"), "hold", "1 purchases have a damaged name"),
    ("IN09", EXTRACT, lines(payee_name="Bod\ufffd Bakeri AS"), "hold", "1 purchases"),
    ("IN09", EXTRACT, lines(local_account_text="M?tekost"), "hold", "1 purchases"),
    ("RF01", EXTRACT, lines(kostra_art="999"), "hold", "1 purchases of NOK 100.00 (of 810.00)"),
    ("RF01", EXTRACT, lines(kostra_art="270"), "warn", "does not hold in their year"),
    ("RF01", EXTRACT, lines(kostra_art="271", spend_date=date(2025, 12, 31)), "warn", "1 purchases"),
    ("RF02", EXTRACT, lines(kostra_function="254"), "warn", "1 purchases of NOK 100.00"),
    ("RF02", EXTRACT, lines(kostra_function="25"), "hold", "on a function"),
    ("RF03", EXTRACT, lines(kostra_art="280"), "warn", "does not belong"),
    ("RF03", EXTRACT, lines(kostra_art="110", account_class="investment"), "warn", "does not belong"),
    (
        "RF07",
        EXTRACT,
        lambda small: small.warehouse["dim_suppliers"][0].update(deleted_on=date(2026, 10, 4)),
        "warn",
        "deleted before the day",
    ),
    ("RF08", EXTRACT, lines(cpv_code="99000000"), "warn", "CPV code that does not exist"),
    ("RF08", EXTRACT, lines(cpv_code="1500000"), "warn", "1 lines"),
    ("RF09", EXTRACT, lines(contract_reference="K-7", contract_match="supplier"), "warn", "covers no such purchase"),
    ("RF11", EXTRACT, register(OWNERS, "9902,0.5", "9902,0.6"), "block", "1 workshops"),
    ("RF11", SHARE, register(OWNERS, "9902,0.5", "9902,0.6"), "block", "hold more than all"),
    (
        "RF11",
        SHARE,
        register(
            WORKSHOPS,
            "9901,2020-01-01,",
            f"9901,2020-01-01,2020-12-31\n{WORKSHOP},Fjordverk AS,9901,2021-01-02,",
        ),
        "block",
        "leave days out",
    ),
    ("RC02", EXTRACT, lambda s: s.warehouse["fct_kpis"].append(_filed("30")), "hold", "1 of 1 parts"),
    ("RC02", EXTRACT, lambda s: s.warehouse["fct_kpis"].append(_filed("-120")), "block", "1 of 1 parts"),
    ("RC03", EXTRACT, months(*["100.00"] * 12, *["151.00"] * 3), "hold", "NOK 453.00"),
    ("RC03", EXTRACT, months(*["100.00"] * 12, *["49.00"] * 3), "hold", "NOK 147.00"),
    ("RC04", EXTRACT, many(100, net_amount_nok=Decimal("5050.00")), "warn", "The 1 largest of 100 lines"),
    ("RC05", EXTRACT, lambda s: many(100)(s) or _repeat(s, 10), "warn", "1 amounts stand on 10 of 100 lines"),
    ("RC06", EXTRACT, lines(net_amount_nok=Decimal("1000.00")), "warn", "1 of 7 payees"),
    ("RC07", EXTRACT, lines(net_amount_nok=Decimal("-100.00")), "warn", "1 credits take back NOK 100.00 of 710.00"),
    (
        "RC08",
        EXTRACT,
        lambda s: months(*["1.00"] * 24)(s) or s.warehouse["fct_purchases"][11].update(category_key="laundry"),
        "warn",
        "1 of 2 categories",
    ),
    ("RC09", EXTRACT, lambda s: s.warehouse["fct_claims"].append(_claim("differs")), "info", "1 of 1 published claims"),
    ("RC09", SHARE, lambda s: s.warehouse["fct_claims"].append(_claim("differs")), "info", "1 of 1 published claims"),
]


def _filed(gap: str) -> dict[str, Any]:
    return kpi("K29", gap, measure="reconciliation_gap", denominator=Decimal(1000), account_class="operating")


def _claim(finding: str) -> dict[str, Any]:
    return {"claim_id": "c1", "measure": "m", "municipality_no": OWN, "workshop_org_no": WORKSHOP, "finding": finding}


def _repeat(small: SmallHome, count: int) -> None:
    for row in small.warehouse["fct_purchases"][:count]:
        row["net_amount_nok"] = Decimal("77.50")


@pytest.mark.parametrize(
    ("rule", "key", "change", "severity", "says"), FAULTS, ids=[f"{n:02d} {row[0]}" for n, row in enumerate(FAULTS)]
)
def test_what_is_unlikely_is_found(
    small: SmallHome, rule: str, key: Any, change: Change, severity: str, says: str
) -> None:
    assert ask(small, rule, key).status in ("passed", "not_applicable")
    change(small)
    small.write_warehouse()
    found = ask(small, rule, key)
    assert (found.status, found.severity) == ("failed", severity), found
    assert says in found.reason
    assert found.passed < found.applied
    assert found.examples


WITHIN: list[tuple[str, Any, Change]] = [
    ("IN07", EXTRACT, lines(posting_date=date(2025, 12, 1), invoice_date=date(2025, 6, 1))),
    ("IN09", EXTRACT, lines(payee_name="Hva er dette? Bodø Ånd AS")),
    ("RF01", EXTRACT, lines(kostra_art="271")),
    ("RF01", EXTRACT, lines(kostra_art="999", net_amount_nok=Decimal("3.00"))),
    ("RF02", EXTRACT, lines(kostra_function="254", spend_date=date(2023, 12, 31))),
    ("RF03", EXTRACT, lines(kostra_art="280", account_class="investment")),
    (
        "RF07",
        EXTRACT,
        lambda small: small.warehouse["dim_suppliers"][0].update(deleted_on=date(2026, 10, 5)),
    ),
    ("RF08", EXTRACT, lines(cpv_code="15000000-8")),
    ("RF09", EXTRACT, lines(contract_reference="K-7", contract_match="reference")),
    ("RF11", EXTRACT, lambda small: None),
    ("RF11", SHARE, lambda small: None),
    ("RC02", EXTRACT, lambda s: s.warehouse["fct_kpis"].append(_filed("20"))),
    ("RC03", EXTRACT, months(*["100.00"] * 12, *["150.00"] * 3)),
    ("RC04", EXTRACT, many(100)),
    ("RC05", EXTRACT, lambda s: many(100)(s) or _repeat(s, 9)),
    ("RC06", EXTRACT, lambda small: None),
    ("RC07", EXTRACT, lines(net_amount_nok=Decimal("-71.00"))),
    ("RC08", EXTRACT, months(*["1.00"] * 24)),
    ("RC09", EXTRACT, lambda s: s.warehouse["fct_claims"].append(_claim("agrees"))),
]


@pytest.mark.parametrize(("rule", "key", "change"), WITHIN, ids=[f"{n:02d} {row[0]}" for n, row in enumerate(WITHIN)])
def test_what_is_within_the_limit_passes(small: SmallHome, rule: str, key: Any, change: Change) -> None:
    change(small)
    small.write_warehouse()
    assert ask(small, rule, key).status == "passed"


def no_purchases(small: SmallHome) -> None:
    small.warehouse["fct_purchases"].clear()


NOTHING: list[tuple[str, Any, Change, str]] = [
    *(
        (rule, EXTRACT, no_purchases, says)
        for rule, says in (
            ("IN07", "No posting"),
            ("IN09", "No purchase"),
            ("RF01", "No purchase"),
            ("RF02", "No purchase"),
            ("RF03", "No purchase"),
            ("RF07", "No purchase"),
            ("RF08", "No purchase"),
            ("RF09", "No purchase"),
            ("RC03", "0 of the latest 15 months"),
            ("RC04", "0 lines"),
            ("RC05", "0 lines"),
            ("RC06", "No core purchase"),
            ("RC07", "Nothing was invoiced"),
            ("RC08", "0 of the latest 24 months"),
        )
    ),
    ("RF11", EXTRACT, register(WORKSHOPS, f"{WORKSHOP},Fjordverk AS,9901,2020-01-01,\n", ""), "No workshop"),
    ("RC02", EXTRACT, lambda small: None, "Of no whole year"),
    ("RC03", EXTRACT, months(*["1.00"] * 14), "14 of the latest 15 months"),
    ("RC08", EXTRACT, months(*["1.00"] * 23), "23 of the latest 24 months"),
    ("RC09", SHARE, lambda s: s.warehouse["fct_claims"].append(_claim("not_checkable")), "No published claim"),
]


@pytest.mark.parametrize(
    ("rule", "key", "change", "says"), NOTHING, ids=[f"{n:02d} {row[0]}" for n, row in enumerate(NOTHING)]
)
def test_too_little_to_tell_is_said(small: SmallHome, rule: str, key: Any, change: Change, says: str) -> None:
    change(small)
    small.write_warehouse()
    found = ask(small, rule, key)
    assert (found.status, found.applied) == ("not_applicable", 0)
    assert says in found.reason


def test_what_is_only_worth_a_look_goes_out_with_a_note(small: SmallHome) -> None:
    lines(cpv_code="99000000")(small)
    small.build_id = "c" * 16
    small.write()
    verdict = judge(small.home, EXTRACT, CLOCK)
    assert (verdict.state, verdict.failed_rules) == ("approved", ["RF08"])
