"""RF06, PV07–PV10, DC07, TN04: names, small units, purposes, age, peers, ways out: found, passed, not applicable."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.candidates.products import PRODUCTS, CandidateKey
from pipelines.gate.judge import judge
from tests.unit.gate.small_home import CLOCK, EXTRACT, NEIGHBOUR, OWN, SHARE, WORKSHOP, SmallHome, kpi, purchase
from tests.unit.gate.test_checks import ask

Change = Callable[[SmallHome], object]
BAKER, OTHER = "320000006", "320000014"


def ledger(*rows: tuple[str | None, str | None, str], delivery: str = "d1", month: str = "2026-10") -> Change:
    """What was parsed of a ledger: number, name, amount."""

    def change(small: SmallHome) -> None:
        for row in small.warehouse["dim_suppliers"]:
            row["supplier_name"] = {BAKER: "Nordvik Bakeri AS", OTHER: "Østfoss Renhold AS"}.get(row["org_no"], "X")
        folder = small.home.parsed / "ledger_postings" / f"municipality_no={OWN}"
        folder.mkdir(parents=True)
        named = [
            {
                "supplier_org_no": org_no,
                "supplier_name": name,
                "amount": Decimal(amount),
                "fiscal_period": month,
                "_delivery_id": delivery,
            }
            for org_no, name, amount in rows
        ]
        pq.write_table(pa.Table.from_pylist(named), folder / f"{delivery}.parquet")

    return change


def title(text: str) -> Change:
    return lambda small: small.tables[SHARE]["contract_calendar"][0].update(contract_title=text)


def first_line(**values: Any) -> Change:
    return lambda small: small.tables[EXTRACT]["municipality_extract"][0].update(values)


def purchases(line: str, **values: Any) -> Change:
    def change(small: SmallHome) -> None:
        rows = [*small.warehouse["fct_purchases"], *small.tables[EXTRACT]["municipality_extract"]]
        for row in (row for row in rows if row["purchase_line_id"] == line):
            row.update({name: value for name, value in values.items() if name in row})

    return change


def foster_home(**values: Any) -> Change:
    """A unit that is paid on a client function which is not strict."""
    return lambda small: [
        purchases("s1", kostra_function="253", **values)(small),
        small.tables[EXTRACT]["municipality_extract"][-1].update(supplier_name="Fosterheim AS", org_no="340000005"),
        next(row for row in small.warehouse["dim_suppliers"] if row["org_no"] == "340000005").update(
            nace_code=values.get("nace_code", "87.909")
        ),
    ]


def beside_a_foster_home(text: str) -> Change:
    return lambda small: [foster_home()(small), title(text)(small)]


def recipients(*rows: str) -> Change:
    def change(small: SmallHome) -> None:
        header = "product,recipient,name,purpose,legal_basis,retention_months,valid_from,valid_to\n"
        (small.home.registers / "recipients.csv").write_text(header + "".join(f"{row}\n" for row in rows))

    return change


def place(value: str, others: int | None, numerator: str | None = None) -> Change:
    """A place among peers among the figures of the extract."""

    def change(small: SmallHome) -> None:
        row = {name: each for name, each in kpi("K23", "1").items() if name != "municipality_no"}
        row |= {"measure": "local_spend_ratio_in_size_group", "label_no": "Plass", "value": Decimal(value)}
        row |= {"denominator": None if others is None else Decimal(others)}
        row |= {"numerator": None if numerator is None else Decimal(numerator)}
        small.tables[EXTRACT]["kpi"].append(row)

    return change


ALL_OF_IT = f"workshop_release,{WORKSHOP},Fjordverk AS,Planlegge,Samtykke,36,2020-01-01,"

FAULTS: list[tuple[str, CandidateKey, Change, str, str]] = [
    (
        "RF06",
        EXTRACT,
        ledger((BAKER, "NORDVIK BAKERI", "94.00"), (OTHER, "Statkraft", "6.00")),
        "NOK 6.00 (of 100",
        OTHER,
    ),
    ("PV07", EXTRACT, first_line(supplier_name="Kari Oppdiktet"), "reads as a person", "supplier_name"),
    ("PV07", EXTRACT, first_line(local_account_text="Møte med Ola Funnet"), "reads as a person", "local_account_text"),
    ("PV07", SHARE, title("Rammeavtale med Kari Oppdiktet"), "reads as a person", "contract_title"),
    ("PV08", EXTRACT, foster_home(), "name a small unit", "s1"),
    ("PV08", EXTRACT, foster_home(nace_code=None), "name a small unit", "s1"),
    ("PV08", SHARE, beside_a_foster_home("Avtale med Fosterheim AS"), "name a small unit", "contract_title"),
    ("PV08", SHARE, beside_a_foster_home("Avtale med 340000005"), "name a small unit", "contract_title"),
    ("PV09", SHARE, recipients(ALL_OF_IT.replace(WORKSHOP, BAKER)), "No row of today", WORKSHOP),
    ("PV09", SHARE, recipients(f"{ALL_OF_IT}2026-11-14"), "No row of today", WORKSHOP),
    (
        "PV09",
        SHARE,
        recipients(f"{ALL_OF_IT}2026-11-14", ALL_OF_IT.replace(WORKSHOP, "*")),
        "No row of today",
        WORKSHOP,
    ),
    ("PV09", SHARE, recipients(ALL_OF_IT.replace(",36,", ",0,")), "retention_months", "retention_months"),
    ("PV10", EXTRACT, recipients("municipality_extract,*,A,B,C,1,2020-01-01,"), "1 months back", "2026-09-01"),
    ("PV10", SHARE, recipients(ALL_OF_IT.replace(",36,", ",0,")), "nothing may be kept", WORKSHOP),
    ("DC07", EXTRACT, place("0.335", 7), "fewer than 8", "local_spend_ratio_in_size_group"),
    ("DC07", EXTRACT, place("0.335", None), "fewer than 8", "kpi/"),
    ("DC07", EXTRACT, place("0.333333", 8), "not rounded", "kpi/"),
    ("DC07", EXTRACT, place("0.335", 8, "2.5"), "not rounded", "kpi/"),
]


def _named(rows: list[Any]) -> list[str]:
    return [f"{number:02d} {row[0]} {row[1].product}" for number, row in enumerate(rows)]


@pytest.mark.parametrize(("rule", "key", "change", "says", "example"), FAULTS, ids=_named(FAULTS))
def test_a_fault_is_found(
    small: SmallHome, rule: str, key: CandidateKey, change: Change, says: str, example: str
) -> None:
    change(small)
    small.write()
    found = ask(small, rule, key)
    assert found.status == "failed", found
    assert says in found.reason
    assert any(example in each for each in found.examples)
    assert not any(name in f"{found}" for name in ("Oppdiktet", "Fosterheim", "Statkraft")), "no name is told"


WITHIN: list[tuple[str, CandidateKey, Change]] = [
    ("RF06", EXTRACT, ledger((BAKER, "Bakeri, NORDVIK", "95"), (OTHER, "Statkraft", "5"))),
    ("PV07", EXTRACT, lambda small: None),
    ("PV07", SHARE, title("Avtale med Ola Funnet Snekker")),  # a registered unit: PV04's matter
    ("PV07", SHARE, title("Avtale med Kari Oppdiktet AS")),
    ("PV08", EXTRACT, foster_home(nace_code="47.110")),
    ("PV08", EXTRACT, foster_home(net_amount_nok=Decimal("2000000.01"))),
    ("PV08", SHARE, beside_a_foster_home("Avtale med Fosterheimen")),
    ("PV09", SHARE, lambda small: None),
    ("PV09", SHARE, recipients(ALL_OF_IT)),
    ("PV09", SHARE, recipients(ALL_OF_IT.replace(WORKSHOP, "*"))),
    ("PV09", SHARE, recipients(ALL_OF_IT.replace("workshop_release", "open_data"))),
    ("PV10", EXTRACT, recipients("municipality_extract,*,A,B,C,2,2020-01-01,")),
    ("PV10", SHARE, recipients(ALL_OF_IT.replace(",36,", ",2,"))),  # the year began to be bought in in September
    ("DC07", EXTRACT, place("0.335", 8)),
    ("TN04", EXTRACT, lambda small: None),
    ("TN04", SHARE, lambda small: None),
]


@pytest.mark.parametrize(("rule", "key", "change"), WITHIN, ids=_named(WITHIN))
def test_what_is_right_passes(small: SmallHome, rule: str, key: CandidateKey, change: Change) -> None:
    change(small)
    small.write()
    found = ask(small, rule, key)
    assert (found.status, found.applied > 0) == ("passed", True), found


NOTHING: list[tuple[str, CandidateKey, Change, str]] = [
    ("RF06", EXTRACT, lambda small: None, "No ledger of the window"),
    ("RF06", EXTRACT, ledger((BAKER, None, "5"), (None, "Statkraft", "5")), "No ledger of the window"),
    ("RF06", EXTRACT, ledger((BAKER, "Statkraft", "5"), delivery="d9"), "No ledger of the window"),  # not accepted
    ("RF06", EXTRACT, ledger((BAKER, "Statkraft", "5"), month="2026-08"), "No ledger of the window"),
    ("PV08", EXTRACT, purchases("s1", kostra_function="120"), "No row has a client function"),
    ("PV08", SHARE, purchases("s1", kostra_function="120"), "No small unit"),
    (
        "PV10",
        EXTRACT,
        lambda small: [rows.clear() for rows in small.tables[EXTRACT].values()],
        "No row of the candidate is dated",
    ),
    ("DC07", EXTRACT, lambda small: None, "compares its recipient with no group"),
    ("DC07", SHARE, lambda small: None, "compares its recipient with no group"),
]


@pytest.mark.parametrize(("rule", "key", "change", "says"), NOTHING, ids=_named(NOTHING))
def test_nothing_to_check_is_said(small: SmallHome, rule: str, key: CandidateKey, change: Change, says: str) -> None:
    change(small)
    small.write()
    found = ask(small, rule, key)
    assert (found.status, found.applied) == ("not_applicable", 0)
    assert says in found.reason


def test_texts_of_nobody_say_so(small: SmallHome) -> None:
    for path in small.folder(SHARE).iterdir():
        path.unlink()
    assert ask(small, "PV07", SHARE).reason == "The candidate holds no free text."


def test_a_table_that_counts_peers_needs_enough_of_them_and_rounded_figures(small: SmallHome) -> None:
    """No product has such a table yet: one that a later version adds is met."""
    for peers, quartile, status in ((8, "0.125", "passed"), (7, "0.125", "failed"), (8, "0.1234", "failed")):
        small.tables[SHARE]["dependency"] = [{"peers": str(peers), "quartile_1": quartile}]
        small.write_candidate(SHARE)
        assert ask(small, "DC07", SHARE).status == status


def _link(small: SmallHome) -> None:
    (small.folder(EXTRACT) / "more.csv").symlink_to(small.folder(SHARE) / "market_view.csv")


def _hard_link(small: SmallHome) -> None:
    os.link(small.folder(SHARE) / "market_view.csv", small.folder(EXTRACT) / "more.csv")


def _named_elsewhere(small: SmallHome) -> None:
    path = small.folder(EXTRACT) / "datapackage.json"
    path.write_text(path.read_text().replace('"kpi.csv"', f'"../{NEIGHBOUR}/kpi.csv"'))


def _address(small: SmallHome) -> None:
    first_line(local_account_text=f"se {small.home.path}/parsed")(small)
    small.write_candidate(EXTRACT)


def _database(small: SmallHome, sql: str) -> None:
    with duckdb.connect(str(small.folder(EXTRACT) / "all.duckdb")) as database:
        database.execute(sql)


def _view(small: SmallHome) -> None:
    _database(small, f"create view everything as select * from '{small.folder(SHARE)}/market_view.parquet'")


def _no_database(small: SmallHome) -> None:
    (small.folder(EXTRACT) / "all.duckdb").write_text("no database")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_link, "more.csv is a link"),
        (_hard_link, "more.csv is one file with another"),
        (_named_elsewhere, f"../{NEIGHBOUR}/kpi.csv is named by the data package"),
        (_address, "municipality_extract.local_account_text names a place"),
        (_view, "all.duckdb holds the view everything"),
        (_no_database, "all.duckdb is a database that cannot be read"),
    ],
    ids=["link", "hard link", "package", "text", "view", "no database"],
)
def test_a_way_out_of_a_release_is_blocked(small: SmallHome, change: Callable[[SmallHome], None], says: str) -> None:
    change(small)
    found = ask(small, "TN04", EXTRACT)
    assert found.status == "failed"
    assert says in found.reason
    assert "TN04" in judge(small.home, EXTRACT, CLOCK).failed_rules


def test_a_database_of_tables_leads_nowhere(small: SmallHome) -> None:
    _database(small, "create table a as select 1 as b")
    assert ask(small, "TN04", EXTRACT).status == "passed"


def test_a_small_unit_in_a_municipalitys_own_extract_is_told_and_goes_out(small: SmallHome) -> None:
    foster_home()(small)
    small.write()
    verdict = judge(small.home, EXTRACT, CLOCK)
    assert (verdict.state, verdict.failed_rules) == ("approved", ["PV08"])


def test_retention_counts_the_release_month_as_its_first(small: SmallHome) -> None:
    small.warehouse["fct_purchases"].append(purchase("old", BAKER, "1.00", period_month="2023-10"))
    small.tables[EXTRACT]["kpi"][0]["period_start"] = date(2023, 10, 1)
    small.write()
    recipients("municipality_extract,*,A,B,C,36,2020-01-01,")(small)
    assert ask(small, "PV10", EXTRACT).status == "failed"
    small.tables[EXTRACT]["kpi"][0]["period_start"] = date(2023, 11, 1)
    small.write_candidate(EXTRACT)
    assert ask(small, "PV10", EXTRACT).status == "passed"


def consents(*rows: str) -> Change:
    """Write the register after the home."""
    header = "subject,product,document_reference,valid_from,valid_to\n"
    return lambda small: (small.home.registers / "consents.csv").write_text(header + "".join(f"{r}\n" for r in rows))


BOTH = [f"{number},workshop_release,avtale,2020-01-01," for number in (OWN, NEIGHBOUR)]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (BOTH, ""),
        (
            [
                BOTH[0].replace("release,", "release@1,"),
                BOTH[1].replace("release,", f"release@{PRODUCTS['workshop_release'].version},"),
            ],
            "",
        ),
        ([BOTH[0].replace("release,", "release@2,"), BOTH[1]], "market_view.municipality_no/9901"),
        ([f"{BOTH[0]}2026-11-14", BOTH[1]], "owner_view.owner_municipality_no/9901"),
        ([BOTH[0].replace("2020-01-01", "2026-11-16"), BOTH[1]], "own_sales.municipality_no/9901"),
        ([BOTH[0].replace("workshop_release", "open_data"), BOTH[1]], "9901"),
        ([BOTH[0]], "datapackage.json/9902 is left out unsaid"),
        ([], "9901"),
    ],
    ids=["both", "by version", "another version", "withdrawn", "not yet", "another product", "unsaid", "nobody"],
)
def test_only_members_who_agreed_are_in_a_joint_product(small: SmallHome, rows: list[str], says: str) -> None:
    consents(*rows)(small)
    found = ask(small, "TN02", SHARE)
    assert found.status == ("failed" if says else "passed"), found
    assert any(says in example for example in found.examples) or not says


def test_a_member_that_is_left_out_and_said_to_be_is_told(small: SmallHome) -> None:
    consents(BOTH[0])(small)
    path = small.folder(SHARE) / "datapackage.json"
    package = json.loads(path.read_text())
    covered = [entry for entry in package["coverage"] if entry["municipality_no"] != NEIGHBOUR]
    path.write_text(json.dumps({**package, "without_consent": [NEIGHBOUR], "coverage": covered}))
    found = ask(small, "TN02", SHARE)
    assert (found.status, found.reason) == ("passed", f"Left out, for they have not agreed: {NEIGHBOUR}.")


def test_a_total_of_more_buyers_than_are_shown_fails(small: SmallHome) -> None:
    period = {"period_start": date(2026, 1, 1), "period_end": date(2026, 12, 31), "state": "ok"}
    rows = [{**period, "municipality_no": number, "sales_nok": Decimal("50")} for number in (OWN, "all")]
    small.tables[SHARE]["dependency"] = rows
    small.write_candidate(SHARE)
    assert ask(small, "TN02", SHARE).status == "passed"
    rows[1]["sales_nok"] = Decimal("50.01")
    small.write_candidate(SHARE)
    assert ask(small, "TN02", SHARE).status == "failed"


def test_a_share_of_nobody_has_no_consent_to_ask_for(small: SmallHome) -> None:
    for rows in small.tables[SHARE].values():
        rows.clear()
    small.write()
    path = small.folder(SHARE) / "datapackage.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "coverage": []}))
    assert ask(small, "TN02", SHARE).status == "not_applicable"


def logged(row: int, **values: Any) -> Change:
    return lambda small: small.tables[SHARE]["information_log"][row].update(values)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda small: None, ""),
        (lambda small: small.tables[SHARE]["contract_calendar"][0].update(notice_id="2026-1"), ""),
        (lambda small: small.tables[SHARE]["information_log"].pop(0), "1 facts of others are not in the log"),
        (lambda small: small.tables[SHARE]["information_log"].pop(1), "1 facts of others are not in the log"),
        (logged(0, municipality_no=NEIGHBOUR), "are not in the log"),
        (logged(0, is_open=True), "1 facts of others are said to be open and are not"),
    ],
    ids=["logged", "open", "cell", "contract", "another cell", "said open"],
)
def test_what_a_workshop_learns_is_open_or_logged(small: SmallHome, change: Change, says: str) -> None:
    change(small)
    small.write()
    found = ask(small, "DC11", SHARE)
    assert found.status == ("failed" if says else "passed"), found
    assert says in found.reason


@pytest.mark.parametrize("policy", ["require_open", "whatever"])
def test_the_stricter_policy_lets_only_open_facts_out(
    small: SmallHome, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.unit.gate import test_checks

    monkeypatch.setitem(
        test_checks.RULES, "DC11", dataclasses.replace(test_checks.RULES["DC11"], parameters={"policy": policy})
    )
    found = ask(small, "DC11", SHARE)
    assert (found.status, found.applied - found.passed) == ("failed", 2)


def test_a_share_that_tells_nothing_of_others_needs_no_log(small: SmallHome) -> None:
    for table in ("market_view", "contract_calendar", "information_log"):
        small.tables[SHARE][table].clear()
    small.write()
    assert ask(small, "DC11", SHARE).status == "not_applicable"
