"""A host pays for others: its number may stand on their invoices, and an invoice that both deliver counts once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.assets.parsed import _settle
from pipelines.errors import ProblemsFound
from pipelines.home import Home
from pipelines.landing.decisions import ACCEPT, WITHDRAW, write_decision
from pipelines.landing.inbox import pull_source
from pipelines.landing.store import read_receipts
from pipelines.parsing.host_documents import claimants_of, document_key, settling_order
from pipelines.parsing.parse import parse_owner
from pipelines.session import Session
from tests.unit.dropped import (
    BUYER,
    CLOCK,
    CONSORTIUM_YAML,
    MEMBER_ORG_NOS,
    MEMBERS,
    NEIGHBOUR,
    OTHER_BUYER,
    OWN,
    drop,
    invoice,
    make_home,
    rows_of,
)

HOST, GUEST, THIRD = OWN, NEIGHBOUR, "9903"
EHF = "      - {kind: ehf, settle_seconds: 0}\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """9901 is the host of 9902: its number stands under both."""
    text = CONSORTIUM_YAML.replace("joint_sources:", f'{EHF}  "9903":\n    sources:\n{EHF}joint_sources:')
    home = make_home(tmp_path / "home", text)
    write_numbers(home, f"9902,{BUYER},host,2020-01-01,\n9903,310000078,municipality,2020-01-01,\n")
    (home.registers / "members.csv").write_text(MEMBERS + "9903,Tredje kommune,100,unprepared,2020-01-01,\n")
    return home


def write_numbers(home: Home, more: str) -> None:
    (home.registers / "member_org_nos.csv").write_text(MEMBER_ORG_NOS + more, encoding="utf-8")


def run(home: Home, *owners: str) -> None:
    """Take, parse and settle as a run does for the owners that are due."""
    session = Session(Home(home.path), CLOCK, "2026-10")
    for owner in owners:
        for source in session.home.consortium.sources_of(owner):
            pull_source(session.home, source, CLOCK)
        parse_owner(session.home, owner, session.registers)
    _settle(session, list(owners))
    assert session.failures == []


def states(home: Home, owner: str) -> list[str]:
    return [row["state"] for row in rows_of(home, "document_states", owner)]


def said(home: Home, owner: str) -> list[tuple[str, str]]:
    return [(row["rule"], row["message"]) for row in rows_of(home, "rejects", owner)]


def decide(home: Home, owner: str, action: str) -> None:
    (receipt,) = read_receipts(home, owner, "ehf")
    write_decision(home, receipt, action, at=CLOCK.now, by="kari", reason="avtalt")


def test_a_member_may_deliver_what_is_addressed_to_its_host(home: Home) -> None:
    drop(home, "1.xml", invoice(buyer=BUYER), "ehf", GUEST)
    run(home, GUEST)
    assert (states(home, GUEST), said(home, GUEST)) == (["accepted"], [])


def test_a_host_may_not_deliver_what_is_addressed_to_the_member(home: Home) -> None:
    drop(home, "1.xml", invoice(buyer=OTHER_BUYER), "ehf", HOST)
    run(home, HOST)
    assert [rule for rule, _ in said(home, HOST)] == ["RF10"]


def test_nor_may_it_on_a_day_when_it_was_not_its_host(home: Home) -> None:
    write_numbers(home, f"9902,{BUYER},host,2026-07-01,\n9903,310000078,municipality,2020-01-01,\n")
    drop(home, "1.xml", invoice(day="2026-06-14"), "ehf", GUEST)
    run(home, GUEST)
    assert [rule for rule, _ in said(home, GUEST)] == ["RF10"]


@pytest.mark.parametrize("order", [(HOST, GUEST), (GUEST, HOST)], ids=["host first", "member first"])
def test_what_both_deliver_counts_at_the_host_whoever_was_first(home: Home, order: tuple[str, str]) -> None:
    for owner in order:
        # Not the same bytes: each has its own copy.
        drop(home, "1.xml", invoice() + ("\n" if owner == GUEST else ""), "ehf", owner)
        run(home, owner)
    assert (states(home, HOST), states(home, GUEST)) == (["accepted"], ["held"])
    ((rule, message),) = said(home, GUEST)
    assert rule == "IN03"
    assert message.startswith("9901 has delivered the same invoice")
    assert said(home, HOST) == []
    (outcome,) = [row for row in rows_of(home, "outcomes", GUEST) if row["step"] == "settled"]
    assert (outcome["rule"], outcome["rows_in"], outcome["rows_out"], outcome["rejects"]) == ("IN03", 1, 0, 1)


def test_in_one_run_it_is_the_same(home: Home) -> None:
    for owner in (GUEST, HOST):
        drop(home, "1.xml", invoice(), "ehf", owner)
    run(home, GUEST, HOST)
    assert (states(home, HOST), states(home, GUEST)) == (["accepted"], ["held"])


def test_other_invoices_of_both_count_for_each(home: Home) -> None:
    drop(home, "1.xml", invoice("F-1"), "ehf", HOST)
    drop(home, "2.xml", invoice("F-2"), "ehf", GUEST)
    drop(home, "3.xml", invoice("F-1", buyer=OTHER_BUYER, day="2026-06-15"), "ehf", GUEST)
    run(home, HOST, GUEST)
    assert states(home, GUEST) == ["accepted", "accepted"]


def test_a_person_decides_otherwise(home: Home) -> None:
    for owner in (HOST, GUEST):
        drop(home, "1.xml", invoice(), "ehf", owner)
    run(home, HOST, GUEST)
    decide(home, HOST, WITHDRAW)
    run(home, HOST)  # the member is not due, and gets its invoice back all the same
    assert (states(home, HOST), states(home, GUEST)) == (["withdrawn"], ["accepted"])


def test_accepted_at_the_member_it_counts_there_knowingly(home: Home) -> None:
    for owner in (HOST, GUEST):
        drop(home, "1.xml", invoice(), "ehf", owner)
    run(home, HOST, GUEST)
    decide(home, GUEST, ACCEPT)
    run(home, GUEST)
    assert states(home, GUEST) == ["accepted"]


def test_of_a_host_that_is_no_member_the_first_member_counts(home: Home) -> None:
    joint = "310000086"
    write_numbers(home, f"9902,{joint},host,2020-01-01,\n9903,{joint},host,2020-01-01,\n")
    for owner in (THIRD, GUEST):
        drop(home, "1.xml", invoice(buyer=joint), "ehf", owner)
        run(home, owner)
    assert (states(home, GUEST), states(home, THIRD)) == (["accepted"], ["held"])


def test_two_that_are_each_others_hosts_count_each_invoice_once(home: Home) -> None:
    write_numbers(home, f"9902,{BUYER},host,2020-01-01,\n9901,{OTHER_BUYER},host,2020-01-01,\n")
    for owner in (HOST, GUEST):
        drop(home, "a/1.xml", invoice("F-1", buyer=BUYER), "ehf", owner)
        drop(home, "a/2.xml", invoice("F-2", buyer=OTHER_BUYER), "ehf", owner)
    run(home, HOST, GUEST)
    count = states(home, HOST) + states(home, GUEST)
    assert sorted(count) == ["accepted", "accepted", "held", "held"]


def test_settling_again_changes_nothing(home: Home) -> None:
    for owner in (HOST, GUEST):
        drop(home, "1.xml", invoice(), "ehf", owner)
    run(home, HOST, GUEST)
    path = home.parsed / "document_states" / f"municipality_no={GUEST}" / "settled.parquet"
    before = path.stat().st_mtime_ns
    run(home, HOST, GUEST)
    assert path.stat().st_mtime_ns == before


def numbers(*rows: tuple[str, str, str]) -> list[dict[str, Any]]:
    return [{"municipality_no": owner, "org_no": org_no, "role": role} for owner, org_no, role in rows]


def test_the_number_s_own_member_comes_first_then_the_others_by_number() -> None:
    rows = numbers(("1", "A", "host"), ("3", "A", "municipality"), ("2", "A", "host"), ("1", "B", "municipality"))
    assert claimants_of(rows) == {"A": ["3", "1", "2"]}
    assert settling_order(["1", "3", "4"], rows) == ["3", "4", "1", "2", "1", "2"]
    assert settling_order(["1", "3"], numbers(("1", "A", "municipality"))) == ["1", "3"]


def test_a_document_is_known_by_its_seller_type_number_and_date() -> None:
    document = {"seller_org_no": None, "seller_name": " Ola's ", "document_type": "380", "invoice_no": "f-1"}
    other = document | {"seller_name": "OLA'S", "invoice_no": "F-1 ", "invoice_date": None}
    assert document_key(document | {"invoice_date": None}) == document_key(other)


@pytest.mark.parametrize("here", [None, "310028142"])
@pytest.mark.parametrize("there", [None, "310028142"])
def test_an_invoice_that_counts_elsewhere_is_known_by_name_where_one_copy_has_no_number(
    home: Home, here: str | None, there: str | None
) -> None:
    seller = '<cbc:CompanyID schemeID="0192">310028142</cbc:CompanyID>'
    for owner, number in ((HOST, there), (GUEST, here)):
        text = invoice(buyer=BUYER)
        if number is None:
            text = text.replace(seller, "").replace("NO310028142MVA", "").replace('schemeID="0192">310028142<', ">x<")
        drop(home, "1.xml", text, "ehf", owner)
    run(home, HOST, GUEST)
    assert [row["seller_org_no"] for row in rows_of(home, "ehf_invoices", GUEST)] == [here]
    assert (states(home, HOST), states(home, GUEST)) == (["accepted"], ["held"])


@pytest.mark.parametrize(
    ("more", "is_wrong"),
    [
        (f"9902,{BUYER},host,2020-01-01,\n", False),
        (f"9902,{BUYER},sub-unit,2020-01-01,\n", True),
        (f"9902,{BUYER},enterprise,2019-01-01,2019-12-31\n", False),
        (f"9902,{BUYER},enterprise,2019-01-01,2020-01-01\n", True),
    ],
    ids=["host", "two members", "one after the other", "one day"],
)
def test_a_number_belongs_to_one_member_at_a_time(tmp_path: Path, more: str, is_wrong: bool) -> None:
    home = make_home(tmp_path / "home")
    write_numbers(home, more)
    if not is_wrong:
        home.check()
        return
    with pytest.raises(ProblemsFound, match="role host"):
        home.check()
