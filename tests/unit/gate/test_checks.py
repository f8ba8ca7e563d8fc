"""Every rule finds what is wrong, passes what is right, and says so where there is nothing to check."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines import settings
from pipelines.candidates.products import CandidateKey
from pipelines.errors import ConfigurationError
from pipelines.gate.candidate_files import read_candidate
from pipelines.gate.case import Case, window_of
from pipelines.gate.checks import CHECKS
from pipelines.gate.intake import _named_months
from pipelines.gate.judge import judge
from pipelines.gate.rules import RuleResult, answer, read_rules
from pipelines.gate.suites import read_suite
from pipelines.warehouse.read import connect
from tests.signing import with_four_eyes
from tests.unit.gate.small_home import (
    CLOCK,
    COMPANY_REGISTER,
    EXTRACT,
    NEIGHBOUR,
    OWN,
    SHARE,
    WORKSHOP,
    SmallHome,
    accepted,
    extract_row,
    kpi,
    outcome,
    purchase,
    reject,
)
from tests.unit.test_scanner import SYNTHETIC

RULES = read_rules(settings.EXPECTATIONS / "rules")
Change = Callable[[SmallHome], None]


def ask(small: SmallHome, rule: str, key: CandidateKey) -> RuleResult:
    """What one rule's check says about a candidate, without the suites."""
    suite = read_suite(settings.EXPECTATIONS, key.product)
    files = read_candidate(small.folder(key), suite)
    home = small.home
    with connect(home) as warehouse:
        for name, rows in files.tables.items():
            warehouse.register(f"candidate_{name}", rows)
        case = Case(
            home,
            key,
            window_of(key.period, home.consortium.window_months),
            files,
            suite,
            RULES,
            home.read_registers(),
            warehouse,
            CLOCK.as_of,
        )
        return answer(RULES[rule], RULES[rule].severity, CHECKS[rule, key.product](case))


@dataclass(frozen=True)
class Fault:
    """Something wrong, and what must be said about it."""

    rule: str
    key: CandidateKey
    change: Change
    failed: int
    says: str
    example: str = ""


def _warehouse(table: str, *rows: dict) -> Change:
    return lambda small: small.warehouse[table].extend(rows)


def _emptied(*tables: str) -> Change:
    return lambda small: [small.warehouse[table].clear() for table in tables]


def _cell(table: str, column: str, value: object, row: int = 0, key: CandidateKey = EXTRACT) -> Change:
    def change(small: SmallHome) -> None:
        small.tables[key][table][row][column] = value

    return change


def _row_of(line: str, **values: object) -> Change:
    def change(small: SmallHome) -> None:
        for row in small.tables[EXTRACT]["municipality_extract"]:
            if row["purchase_line_id"] == line:
                row.update(values)

    return change


def _lines(line: str, **values: object) -> Change:
    """Change purchases in the warehouse."""

    def change(small: SmallHome) -> None:
        for row in small.warehouse["fct_purchases"]:
            if row["purchase_line_id"] == line:
                row.update(values)

    return change


def _all(*changes: Change) -> Change:
    def change(small: SmallHome) -> None:
        for each in changes:
            each(small)

    return change


def _view(**values: object) -> Change:
    def change(small: SmallHome) -> None:
        small.tables[SHARE]["market_view"][0].update(values)

    return change


def _nothing_delivered(small: SmallHome) -> None:
    small.warehouse["fct_delivery_periods"][:] = [dict(COMPANY_REGISTER)]
    rows = small.warehouse["fct_reconciliation"]
    rows[:] = [row for row in rows if row["measure"] != "ehf_documents"]


def _no_share(small: SmallHome) -> None:
    """Nobody delivered anything, and the share speaks of nobody."""
    _nothing_delivered(small)
    for table in ("own_sales", "market_view"):
        small.tables[SHARE][table].clear()


HIDDEN = {
    "addressable_nok": None,
    "other_nok_or_suppressed": None,
    "other_suppliers_band": None,
    "law_entry_headroom_band": None,
    "suppression_code": "p",
}
FEW = _all(*(_lines(line, category_key="cpv_45") for line in ("a1", "a2")))
CLOSE = _lines("a1", net_amount_nok=Decimal("2401.00"))  # the others have 360.00: 14.99 %
LARGE = _all(
    _lines("a4", net_amount_nok=Decimal("9000.00")),
    _view(other_nok_or_suppressed=Decimal("9330.00"), addressable_nok=Decimal("9380.00")),
)
CREDITED = _all(
    _lines("a4", net_amount_nok=Decimal("-9000.00")),
    _view(other_nok_or_suppressed=Decimal("-8670.00"), addressable_nok=Decimal("-8620.00")),
)
FOREIGN_ROW = extract_row(purchase("n1", "320000006", "500.00"))

FAULTS = [
    Fault(
        "IN01",
        EXTRACT,
        _warehouse("fct_rejects", reject("IN01", file_name="cut.xml")),
        1,
        "could not be read",
        "cut.xml",
    ),
    Fault(
        "IN01",
        EXTRACT,
        _warehouse("fct_outcomes", outcome("ledger", "d9", 0, outcome="failed", rule="IN01")),
        1,
        "could not be read",
        "d9",
    ),
    Fault(
        "IN02", EXTRACT, lambda s: s.warehouse["fct_delivery_periods"].pop(1), 1, "1 of 2 expected months", "2026-10"
    ),
    Fault(
        "IN02",
        EXTRACT,
        lambda s: s.warehouse["fct_delivery_periods"][0].update(state="superseded"),
        1,
        "1 of 2 expected months",
        "9901/ledger/2026-09",
    ),
    Fault("IN02", EXTRACT, _warehouse("fct_delivery_periods", accepted(None)), 1, "rows of no period"),
    Fault("IN02", SHARE, lambda s: s.warehouse["fct_delivery_periods"].clear(), 2, "2 of 4 expected months"),
    Fault("IN02", SHARE, _no_share, 4, "Nobody has delivered 2026-10. 4 of 4 expected months", "9902/ehf/2026-10"),
    Fault(
        "IN03",
        EXTRACT,
        _warehouse("fct_outcomes", outcome("ledger", "d1", 0, outcome="duplicate", rule="IN03", sequence=2)),
        1,
        "1 deliveries",
    ),
    Fault("IN03", EXTRACT, _warehouse("fct_rejects", reject("IN03", source="ehf", _row_no=None)), 1, "1 documents"),
    Fault(
        "IN04",
        EXTRACT,
        _warehouse("fct_delivery_periods", accepted("2026-10", state="held")),
        1,
        "earlier delivery stands",
    ),
    Fault(
        "IN03",
        EXTRACT,
        _warehouse("fct_outcomes", outcome("saft", "d3", 0, outcome="held", rule="IN03", step="settled")),
        1,
        "1 deliveries",
    ),
    Fault(
        "IN06",
        EXTRACT,
        _warehouse("fct_rejects", *[reject("IN06", _row_no=n) for n in (3, 4)]),
        2,
        "cannot be read",
        "/3",
    ),
    Fault("IN08", EXTRACT, _warehouse("fct_rejects", reject("IN08")), 1, "sums or repeated headers", "2026-10.csv/7"),
    Fault("IN10", EXTRACT, _row_of("a1", local_account="9999"), 1, "1 of 2 accounts", "9999"),
    Fault(
        "IN11",
        EXTRACT,
        _warehouse("fct_rejects", *[reject("IN11", severity="issue", source="ehf", _row_no=n) for n in (1, 2)]),
        1,  # one document with two remarks
        "do not add up",
    ),
    Fault("IN13", EXTRACT, _warehouse("fct_rejects", reject("IN13")), 1, "agreement does not allow", "2026-10.csv"),
    Fault("RF04", EXTRACT, _lines("a1", quality_flags="invoice_date_missing;org_no_invalid"), 1, "cannot exist", "a1"),
    *(
        Fault("RF05", key, _lines("a4", payee_kind="unknown"), 1, "NOK 130.00 (of 660.00)", "a4")
        for key in (EXTRACT, SHARE)
    ),
    *(
        Fault("RF05", key, change, 1, "No delivery of the company register counts")
        for key in (EXTRACT, SHARE)
        for change in (
            lambda s: s.warehouse["fct_delivery_periods"].pop(2),
            lambda s: s.warehouse["fct_delivery_periods"][2].update(state="withdrawn"),
            lambda s: s.warehouse["fct_delivery_periods"][2].update(rows=0),
        )
    ),
    Fault(
        "RF10",
        EXTRACT,
        _warehouse("fct_rejects", reject("RF10", source="ehf", file_name="8.xml")),
        1,
        "somebody else",
        "8.xml",
    ),
    Fault(
        "RF10",
        EXTRACT,
        _warehouse("fct_outcomes", outcome("ledger", "d9", 0, outcome="held", rule="RF10")),
        1,
        "1 ledgers share their postings",
        "ledger/d9",
    ),
    Fault("RF12", EXTRACT, _lines("w1", stream="none"), 1, "no stream", "w1"),
    Fault("RF12", SHARE, _lines("w1", stream=None), 1, "no stream", "w1"),
    Fault(
        "RC01",
        EXTRACT,
        lambda s: s.warehouse["fct_reconciliation"][1].update(amount_nok=Decimal("119.99")),
        1,
        "1 periods differ",
        "2026-09/120.00/119.99",
    ),
    Fault(
        "RC01",
        EXTRACT,
        _row_of("a1", net_amount_nok=Decimal("100.01")),
        1,
        "NOK 810.01, the warehouse 9 rows and NOK 810.00",
    ),
    Fault("RC01", EXTRACT, lambda s: s.tables[EXTRACT]["municipality_extract"].pop(), 1, "8 rows"),
    Fault("RC01", SHARE, _cell("own_sales", "net_amount_nok", Decimal("50.01"), key=SHARE), 1, "NOK 50.01"),
    Fault("PV01", EXTRACT, _row_of("a1", voucher_no=SYNTHETIC), 1, "personal number", "voucher_no/9999"),
    Fault("PV01", SHARE, _cell("contract_calendar", "notice_id", f"x {SYNTHETIC}", key=SHARE), 1, "personal number"),
    Fault("PV02", EXTRACT, _row_of("a1", supplier_name="Snekker 912 34 567"), 1, "telephone number", "supplier_name"),
    Fault(
        "PV02", SHARE, _cell("contract_calendar", "contract_title", "a@b.no", key=SHARE), 1, "e-mail", "contract_title"
    ),
    Fault("PV03", EXTRACT, _row_of("p1", supplier_name="Kari Oppdiktet"), 1, "name a natural person", "p1"),
    Fault("PV03", EXTRACT, _row_of("u1", org_no="360000009"), 1, "unknown payee", "u1"),
    Fault("PV03", EXTRACT, _row_of("p1", supplier_ledger_code="17850"), 1, "name a natural person", "p1"),
    Fault("PV03", EXTRACT, _row_of("p1", purchase_line_id="x", supplier_name="Kari"), 1, "unknown payee", "x"),
    Fault(
        "PV03",
        SHARE,
        _cell("contract_calendar", "contract_title", "Avtale, KARI OPPDIKTET!", key=SHARE),
        1,
        "1 texts name",
    ),
    Fault(
        "PV03",
        SHARE,
        _all(_lines("u1", org_no="360000009"), _cell("contract_calendar", "notice_id", "360000009", key=SHARE)),
        1,
        "1 texts name",
        "notice_id",
    ),
    Fault(
        "PV04",
        SHARE,
        _cell("contract_calendar", "contract_title", "Ola Funnet Snekker", key=SHARE),
        1,
        "sole proprietor",
    ),
    Fault("PV04", EXTRACT, _lines("e1", municipality_no=NEIGHBOUR), 1, "another municipality's", "e1"),
    Fault("PV05", EXTRACT, _row_of("s1", supplier_name="Fosterheim AS"), 1, "name their payee", "s1"),
    Fault(
        "PV05",
        EXTRACT,
        _row_of("s1", supplier_name="Fosterheim AS", kostra_function="120"),
        1,
        "name their payee",
        "s1",
    ),
    Fault("PV06", SHARE, _cell("contract_calendar", "posting_text", "noe", key=SHARE), 1, "free text", "posting_text"),
    Fault("DC01", SHARE, FEW, 1, "fewer than 3 others", "2026/9901/meeting_food"),
    Fault("DC01", SHARE, _view(**{**HIDDEN, "addressable_nok": Decimal("510.00")}), 1, "still shows addressable_nok"),
    Fault("DC01", SHARE, _view(**{**HIDDEN, "other_suppliers_band": "3-4"}), 1, "still shows other_suppliers_band"),
    Fault("DC01", SHARE, _view(other_nok_or_suppressed=Decimal("459.99")), 1, "not what the warehouse holds"),
    Fault("DC01", SHARE, _view(addressable_nok=Decimal("511.00")), 1, "not the sum of its parts"),
    Fault("DC01", SHARE, _view(other_suppliers_band="5-9"), 1, "band"),
    Fault("DC02", SHARE, LARGE, 1, "dominated"),
    Fault("DC02", SHARE, CREDITED, 1, "dominated"),
    Fault("DC03", SHARE, CLOSE, 1, "within 15%", "2026/9901/meeting_food"),
    Fault("DC08", SHARE, FEW, 1, "count under 3", "2026/9901/meeting_food"),
    Fault("DC09", SHARE, _view(**HIDDEN), 1, "100.0% of the addressable value is withheld, over 40%"),
    Fault("DC10", SHARE, _view(**HIDDEN), 1, "made again", "2026/9901/meeting_food"),
    Fault(
        "TN01",
        EXTRACT,
        lambda s: s.tables[EXTRACT]["municipality_extract"].append(FOREIGN_ROW),
        1,
        "not the recipient's",
        "n1",
    ),
    Fault("TN01", EXTRACT, _row_of("a1", purchase_line_id="nowhere"), 1, "1 of them unknown", "nowhere"),
    Fault("TN01", EXTRACT, _row_of("a1", purchase_line_id="a2"), 1, "1 stand twice"),
    Fault("TN01", EXTRACT, _cell("kpi", "numerator", Decimal("500")), 1, "1 figures are not the recipient's"),
    Fault(
        "TN01", SHARE, _cell("own_sales", "municipality_no", NEIGHBOUR, key=SHARE), 1, "not the recipient's", NEIGHBOUR
    ),
    Fault(
        "TN01", SHARE, _cell("owner_view", "owner_municipality_no", "9909", key=SHARE), 1, "not the recipient's", "9909"
    ),
]


@pytest.mark.parametrize("fault", FAULTS, ids=[f"{n:02d} {fault.rule} {fault.says}" for n, fault in enumerate(FAULTS)])
def test_a_fault_is_found_by_its_rule(small: SmallHome, fault: Fault) -> None:
    assert ask(small, fault.rule, fault.key).status == "passed"
    fault.change(small)
    small.write()
    found = ask(small, fault.rule, fault.key)
    assert found.status == "failed", found
    assert found.applied - found.passed == fault.failed
    assert fault.says in found.reason
    assert any(fault.example in example for example in found.examples) or not fault.example


NO_PERSONS = _all(
    *(_all(_lines(line, payee_kind="legal_entity"), _row_of(line, payee_kind="legal_entity")) for line in ("p1", "u1"))
)
NOTHING = [
    ("IN01", EXTRACT, _emptied("fct_outcomes"), "delivered nothing"),
    ("IN03", EXTRACT, _emptied("fct_outcomes"), "delivered nothing"),
    ("IN04", EXTRACT, _emptied("fct_delivery_periods"), "no ledger period"),
    ("IN05", EXTRACT, lambda s: None, "no saf-t"),
    ("IN06", EXTRACT, _emptied("fct_outcomes"), "delivered nothing"),
    ("IN08", EXTRACT, lambda s: s.warehouse["fct_outcomes"].pop(0), "no ledger"),
    ("IN13", EXTRACT, _emptied("fct_outcomes"), "delivered nothing"),
    ("IN11", EXTRACT, lambda s: s.warehouse["fct_outcomes"].pop(1), "no e-invoices"),
    (
        "IN10",
        EXTRACT,
        lambda s: [row.pop("local_account") for row in s.tables[EXTRACT]["municipality_extract"]],
        "no row",
    ),
    (
        "RF04",
        EXTRACT,
        lambda s: [row.update(quality_flags="org_no_missing") for row in s.warehouse["fct_purchases"]],
        "no purchase",
    ),
    ("RF05", SHARE, lambda s: s.tables[SHARE]["market_view"].clear(), "no purchase"),
    ("RF10", EXTRACT, _emptied("fct_outcomes", "fct_purchases"), "delivered nothing"),
    ("RF12", EXTRACT, _lines("w1", scope="vat", stream="none"), "no payment"),
    ("RF12", SHARE, _lines("w1", period_month="2020-01"), "no payment"),
    (
        "RC01",
        EXTRACT,
        _all(
            _emptied("fct_purchases", "fct_reconciliation"), lambda s: s.tables[EXTRACT]["municipality_extract"].clear()
        ),
        "neither",
    ),
    ("RC01", SHARE, _all(_emptied("fct_purchases"), lambda s: s.tables[SHARE]["own_sales"].clear()), "no sales"),
    ("PV03", EXTRACT, NO_PERSONS, "no row"),
    ("PV03", SHARE, NO_PERSONS, "no purchase"),
    ("PV04", EXTRACT, _lines("e1", payee_kind="legal_entity"), "no row"),
    ("PV04", SHARE, _lines("e1", payee_kind="legal_entity"), "no purchase"),
    ("PV05", EXTRACT, _emptied("kostra_sensitive_functions"), "no row"),
    ("DC01", SHARE, lambda s: s.tables[SHARE]["market_view"].clear(), "no cells"),
    ("DC02", SHARE, _view(**HIDDEN), "no cell"),
    ("DC03", SHARE, _view(**HIDDEN), "no cell"),
    ("DC04", SHARE, lambda s: s.tables[SHARE]["market_view"].clear(), "no cell is hidden"),
    ("DC08", SHARE, _view(**HIDDEN), "no count"),
    ("DC09", SHARE, lambda s: s.tables[SHARE]["market_view"].clear(), "no value"),
    (
        "DC10",
        SHARE,
        _all(_emptied("products.product_workshop_market_view"), lambda s: s.tables[SHARE]["market_view"].clear()),
        "no cells",
    ),
    (
        "TN01",
        EXTRACT,
        lambda s: [s.tables[EXTRACT][table].clear() for table in ("municipality_extract", "kpi")],
        "no rows",
    ),
    ("TN01", SHARE, lambda s: [s.tables[SHARE][table].clear() for table in ("own_sales", "owner_view")], "no sales"),
]


@pytest.mark.parametrize(
    ("rule", "key", "change", "says"), NOTHING, ids=[f"{row[0]} {row[1].product}" for row in NOTHING]
)
def test_nothing_to_check_is_said(small: SmallHome, rule: str, key: CandidateKey, change: Change, says: str) -> None:
    change(small)
    small.write()
    found = ask(small, rule, key)
    assert (found.status, found.applied) == ("not_applicable", 0)
    assert says in found.reason.lower()


def test_a_member_with_whom_no_source_is_agreed_lacks_every_month(small: SmallHome) -> None:
    small.warehouse["fct_delivery_periods"].clear()
    small.write(sources="[]")
    found = ask(small, "IN02", EXTRACT)
    assert (found.status, found.applied, found.passed) == ("failed", 2, 0)


def _without_a_month(
    small: SmallHome, policy: str, monkeypatch: pytest.MonkeyPatch, *, is_signed: bool = True
) -> SmallHome:
    """Have a member's last month missing, and a policy signed for it."""
    expectations = small.root / "expectations"
    shutil.copytree(settings.EXPECTATIONS, expectations)
    suite = expectations / f"{SHARE.product}.yml"
    signed = suite.read_text()
    assert "when_a_month_is_missing: last_good\n" in signed
    suite.write_text(signed.replace("missing: last_good\n", f"missing: {policy}\n"))
    monkeypatch.setattr(settings, "EXPECTATIONS", expectations)
    del small.warehouse["fct_delivery_periods"][1]
    small.write()
    if is_signed:
        with_four_eyes(small.home, CLOCK)
    return small


def test_by_policy_a_member_stays_in_a_share_with_its_last_good_month(
    small: SmallHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = judge(_without_a_month(small, "last_good", monkeypatch).home, SHARE, CLOCK)
    assert (verdict.state, verdict.failed_rules) == ("approved", ["IN02"])
    (found,) = [result for result in verdict.results if result.rule == "IN02"]
    assert (found.severity, found.examples) == ("warn", ("9901/ledger/2026-10",))


def test_by_policy_a_share_waits_for_every_member(small: SmallHome, monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = judge(_without_a_month(small, "none", monkeypatch).home, SHARE, CLOCK)
    assert (verdict.state, verdict.failed_rules) == ("blocked", ["IN02"])
    del small.tables[SHARE]["own_sales"][:], small.tables[SHARE]["market_view"][:]
    small.write()
    assert ask(small, "IN02", SHARE).severity == "block", "a member that it does not speak of was to be in it"


def test_changing_the_policy_takes_four_eyes(small: SmallHome, monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = judge(_without_a_month(small, "none", monkeypatch, is_signed=False).home, SHARE, CLOCK)
    (found,) = [result for result in verdict.results if result.rule == "PB04"]
    assert found.reason == "Changed since it was approved: the product's suite: 2 of 2 approvals are missing."


@pytest.mark.parametrize(
    ("product", "policy"), [(SHARE.product, ""), (SHARE.product, "some"), (EXTRACT.product, "none")]
)
def test_a_policy_is_stated_for_joint_products_and_no_other(tmp_path: Path, product: str, policy: str) -> None:
    text = (settings.EXPECTATIONS / f"{product}.yml").read_text().replace("when_a_month_is_missing: last_good\n", "")
    stated = f"when_a_month_is_missing: {policy}\n" if policy else ""
    (tmp_path / f"{product}.yml").write_text(text.replace("\ntables:\n", f"\n{stated}tables:\n", 1))
    with pytest.raises(ConfigurationError, match="when a month is missing is stated as"):
        read_suite(tmp_path, product)


def test_whatever_the_policy_a_share_waits_where_nobody_has_delivered_its_month(small: SmallHome) -> None:
    small.warehouse["fct_delivery_periods"][:] = [accepted("2026-09"), dict(COMPANY_REGISTER)]
    small.warehouse["fct_reconciliation"][:] = [
        row for row in small.warehouse["fct_reconciliation"] if row["period_month"] == "2026-09"
    ]
    small.write()
    verdict = judge(small.home, SHARE, CLOCK)
    assert (verdict.state, ask(small, "IN02", SHARE).severity) == ("blocked", "block")


def test_a_package_that_does_not_say_which_months_lack_is_incomplete(small: SmallHome) -> None:
    for key, owner in ((SHARE, NEIGHBOUR), (EXTRACT, OWN)):
        package = small.folder(key) / "datapackage.json"
        stated = json.loads(package.read_text())
        (one,) = [one for one in stated["coverage"] if one["municipality_no"] == owner]
        one["not_delivered"] = ["2026-10"]
        package.write_text(json.dumps(stated))
        small.write_inputs(key)
        found = ask(small, "PB02", key)
        assert (found.status, found.examples) == (
            "failed",
            (f"the coverage of {owner} does not say which months have not come",),
        )


def test_a_share_without_the_company_register_is_held(small: SmallHome) -> None:
    small.warehouse["fct_delivery_periods"].remove(COMPANY_REGISTER)
    small.write()
    verdict = judge(small.home, SHARE, CLOCK)
    assert (verdict.state, verdict.failed_rules) == ("held", ["RF05"])


def test_a_small_value_from_payees_that_no_register_knows_is_within_the_limit(small: SmallHome) -> None:
    small.warehouse["fct_purchases"].append(purchase("t1", "360000009", "1.00", payee_kind="unknown"))
    small.write()
    assert ask(small, "RF05", SHARE).status == "passed"


def test_an_extract_of_months_before_the_membership_fails(small: SmallHome) -> None:
    members = small.home.registers / "members.csv"
    members.write_text(members.read_text().replace("4000,unprepared,2020-01-01", "4000,unprepared,2026-11-01"))
    assert ask(small, "IN02", EXTRACT).status == "failed"


def test_a_member_without_a_ledger_must_have_e_invoices_each_month(small: SmallHome) -> None:
    small.write(sources="[{kind: ehf, folder: inbox/9901/ehf}]")
    assert ask(small, "IN02", EXTRACT).applied - ask(small, "IN02", EXTRACT).passed == 2
    small.warehouse["fct_reconciliation"] += [
        {"municipality_no": OWN, "period_month": month, "measure": "ehf_documents", "amount_nok": 1, "row_count": 3}
        for month in ("2026-09", "2026-10")
    ]
    small.write(sources="[{kind: ehf, folder: inbox/9901/ehf}]")
    assert ask(small, "IN02", EXTRACT).status == "passed"


def test_each_ledger_of_a_member_must_be_complete(small: SmallHome) -> None:
    two = "[{kind: ledger, folder: a, profile: unit4}, {kind: ledger, name: school, folder: b, profile: unit4}]"
    small.write(sources=two)
    found = ask(small, "IN02", EXTRACT)
    assert found.status == "failed"
    assert found.examples == ("9901/school/2026-09", "9901/school/2026-10")
    assert "9901 school 2026-09 to 2026-10." in found.reason, "the reason names the months, not only how many"


def test_missing_months_are_named_in_runs_and_not_without_end() -> None:
    months = ["2026-02", "2025-12", "2026-01", "2026-05"]
    missing = [("9901", f"ledger{number}", month) for number in range(8) for month in months]
    reason = _named_months(missing, 96)
    assert reason.startswith(
        "32 of 96 expected months have not been delivered: 9901 ledger0 2025-12 to 2026-02, 2026-05;"
    )
    assert reason.endswith("9901 ledger5 2025-12 to 2026-02, 2026-05; and 2 more sources.")


def test_months_before_the_membership_are_neither_expected_nor_allowed(small: SmallHome) -> None:
    members = small.home.registers / "members.csv"
    members.write_text(
        members.read_text().replace(
            "9901,Fjordvik,4000,unprepared,2020-01-01", "9901,Fjordvik,4000,unprepared,2026-10-01"
        )
    )
    assert ask(small, "IN02", EXTRACT).applied == 1
    outside = ask(small, "RF10", EXTRACT)
    assert outside.status == "failed"
    assert outside.examples == ("2026-09",)


def test_a_few_unreadable_rows_are_within_the_limit(small: SmallHome) -> None:
    small.warehouse["fct_rejects"].append(reject("IN06"))
    small.write()
    found = ask(small, "IN06", EXTRACT)
    assert (found.status, found.applied - found.passed) == ("passed", 1)


def test_a_small_value_with_an_impossible_number_is_within_the_limit(small: SmallHome) -> None:
    small.warehouse["fct_purchases"].append(purchase("t1", None, "1.00", quality_flags="org_no_invalid"))
    small.write()
    assert ask(small, "RF04", EXTRACT).status == "passed"


def test_a_public_body_is_named_on_a_strict_function(small: SmallHome) -> None:
    _all(
        _lines("s1", payee_kind="public_body"),
        _row_of("s1", payee_kind="public_body", supplier_name="Fjelldal kommune"),
    )(small)
    small.write()
    assert ask(small, "PV05", EXTRACT).status == "passed"


@pytest.mark.parametrize("name", ["Fjordverk AS", "Fjelldal"], ids=["the workshop", "a member"])
def test_a_registered_name_that_a_ledger_spells_without_number_is_no_person(small: SmallHome, name: str) -> None:
    _lines("u1", payee_name=name)(small)
    small.tables[SHARE]["contract_calendar"][0]["contract_title"] = f"Avtale med {name}"
    small.write()
    assert ask(small, "PV03", SHARE).status == "passed"


def test_a_word_in_a_code_is_no_person(small: SmallHome) -> None:
    _lines("u1", payee_name="Meeting")(small)
    small.tables[SHARE]["contract_calendar"][0]["notice_id"] = "MEETING"
    small.write()
    assert ask(small, "PV03", SHARE).status == "passed"


def test_a_digest_is_no_personal_number(small: SmallHome) -> None:
    _row_of("a1", file_sha256=f"{'ab' * 20}{SYNTHETIC}{'c' * 13}")(small)
    small.write()
    assert ask(small, "PV01", EXTRACT).status == "passed"


def test_a_column_name_and_the_package_are_read_as_well(small: SmallHome) -> None:
    package = small.folder(SHARE) / "datapackage.json"
    package.write_text(package.read_text().replace("Hva det er.", f"Se {SYNTHETIC}.", 1))
    found = ask(small, "PV01", SHARE)
    assert (found.status, found.field) == ("failed", "datapackage.json")
    assert SYNTHETIC not in str(found)


@pytest.mark.parametrize("number", [SYNTHETIC, f"{SYNTHETIC}.0"], ids=["whole", "with a point"])
def test_a_number_of_the_package_is_read_as_well(small: SmallHome, number: str) -> None:
    package = small.folder(SHARE) / "datapackage.json"
    package.write_text(package.read_text().replace('"name": ', f'"bytes": {number}, "name": ', 1))
    assert ask(small, "PV01", SHARE).field == "datapackage.json"


def test_a_suppressed_cell_is_no_leak_whoever_stands_behind_it(small: SmallHome) -> None:
    _all(FEW, _view(**HIDDEN))(small)
    small.write()
    assert ask(small, "DC01", SHARE).status == "passed"


def test_a_cell_without_others_is_shown_as_zero(small: SmallHome) -> None:
    _all(*(_lines(line, category_key="cpv_45") for line in ("a1", "a2", "a3", "a4", "u1", "p1")))(small)
    _view(other_nok_or_suppressed=Decimal("0.00"), addressable_nok=Decimal("50.00"), other_suppliers_band="0")(small)
    small.write()
    assert ask(small, "DC01", SHARE).status == "passed"


def test_suppliers_that_cancel_out_are_contributors_all_the_same(small: SmallHome) -> None:
    _all(FEW, _lines("a3", net_amount_nok=Decimal("-130.00")))(small)
    _view(other_nok_or_suppressed=Decimal("0.00"), addressable_nok=Decimal("50.00"), other_suppliers_band="0")(small)
    small.write()
    assert "fewer than 3 others" in ask(small, "DC01", SHARE).reason


def test_a_supplier_credited_in_full_hides_nobody(small: SmallHome) -> None:
    small.warehouse["fct_purchases"].append(purchase("a1c", "320000006", "-100.00"))
    _view(other_nok_or_suppressed=Decimal("360.00"), addressable_nok=Decimal("410.00"))(small)
    small.write()
    assert ask(small, "DC01", SHARE).status == "passed"
    _lines("a2", category_key="cpv_45")(small)
    small.write()
    assert "fewer than 3 others" in ask(small, "DC01", SHARE).reason


def test_persons_and_the_buyers_own_units_are_no_contributors(small: SmallHome) -> None:
    assert ask(small, "DC01", SHARE).status == "passed"
    for line in ("a1", "a2"):
        _lines(line, is_internal=True)(small)
    small.write()
    assert "fewer than 3 others" in ask(small, "DC01", SHARE).reason


def test_the_limits_are_those_of_the_pages(small: SmallHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RULES, "DC01", replace(RULES["DC01"], parameters={"min_contributors": "5"}))
    assert "fewer than 5 others" in ask(small, "DC01", SHARE).reason


def test_another_workshops_figures_are_not_this_ones(small: SmallHome) -> None:
    small.warehouse["fct_kpis"].append(kpi("K03", "5.00", municipality_no=NEIGHBOUR, workshop_org_no=WORKSHOP))
    small.tables[EXTRACT]["kpi"].append({**kpi("K03", "5.00", workshop_org_no=WORKSHOP), "state": "ok"})
    small.tables[EXTRACT]["kpi"][1].pop("municipality_no")
    small.write()
    assert ask(small, "TN01", EXTRACT).applied - ask(small, "TN01", EXTRACT).passed == 1


def test_a_saft_file_with_other_totals_than_its_lines_is_found(small: SmallHome) -> None:
    small.warehouse["fct_outcomes"].append(outcome("saft", "d9", 3, files=2))
    small.write()
    assert ask(small, "IN05", EXTRACT).status == "passed"
    small.warehouse["fct_rejects"].append(reject("IN05", source="saft", file_name="books.xml", _row_no=None))
    small.write()
    found = ask(small, "IN05", EXTRACT)
    assert (found.status, found.applied, found.passed) == ("failed", 2, 1)


def test_a_ledger_held_as_another_members_is_no_shrunken_delivery(small: SmallHome) -> None:
    small.warehouse["fct_delivery_periods"].append(accepted("2026-10", state="held", _delivery_id="d9"))
    small.warehouse["fct_outcomes"].append(outcome("ledger", "d9", 0, outcome="held", rule="RF10"))
    assert ask(small, "IN04", EXTRACT).status == "passed"


def _register(small: SmallHome, name: str, header: str, *rows: str) -> None:
    (small.root / "home" / "registers" / f"{name}.csv").write_text("\n".join([header, *rows, ""]))


OWNERS = "workshop_org_no,owner_municipality_no,ownership_fraction,valid_from,valid_to"
SHELTERED = ("320000006", "320000014", "320000022")  # three of the four others


@pytest.mark.parametrize(
    ("owned", "status"),
    [
        (SHELTERED[:2], "passed"),
        (SHELTERED, "failed"),
        ((WORKSHOP, SHELTERED[0]), "passed"),
        ((WORKSHOP, *SHELTERED[:2]), "failed"),
    ],
    ids=["two of one owner", "three of one owner", "one of the recipient's owner", "two of the recipient's owner"],
)
def test_workshops_of_one_majority_owner_count_as_one(small: SmallHome, owned: tuple[str, ...], status: str) -> None:
    small.tables[SHARE]["market_view"][0]["other_suppliers_band"] = "3-4"
    small.write()
    _register(small, "workshop_owners", OWNERS, *(f"{org_no},9901,0.6,2020-01-01," for org_no in owned))
    assert ask(small, "DC01", SHARE).status == status


@pytest.mark.parametrize(
    ("since", "status"), [("2026-10-31", "failed"), ("2026-11-01", "passed")], ids=["in the window", "after it"]
)
def test_who_publishes_its_own_sales_protects_nobody(small: SmallHome, since: str, status: str) -> None:
    small.write()
    rows = [f"{org_no},workshop_sales,a paper,{since}," for org_no in SHELTERED[:2]]
    _register(small, "consents", "subject,product,document_reference,valid_from,valid_to", *rows)
    assert ask(small, "DC01", SHARE).status == status


def test_a_share_that_withholds_less_than_its_limit_passes_and_says_how_much(small: SmallHome) -> None:
    small.write()
    found = ask(small, "DC09", SHARE)
    assert (found.status, found.reason) == ("passed", "0.0% of the addressable value is withheld.")
