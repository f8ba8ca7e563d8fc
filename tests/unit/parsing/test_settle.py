"""What counts: the latest whole ledger of a period, and the first document of a key."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.home import Home
from pipelines.landing.decisions import ACCEPT, Decision
from pipelines.landing.store import LandedFile, Receipt
from pipelines.parsing.books import ALL
from pipelines.parsing.settle import Settlement, settle, settle_deliveries
from pipelines.settings import Clock
from tests.unit.dropped import OWN, drop, ingest, invoice, ledger, make_home, rows_of

NOW = Clock.pinned(date(2026, 11, 15)).now


def receipt(sequence: int, source: str = "ledger", *, files: int = 1, source_name: str | None = None) -> Receipt:
    landed = tuple(LandedFile(f"sha{sequence}-{number}", 1, f"{number}.xml", "x") for number in range(files))
    name = source_name or source
    return Receipt(f"{name}-{sequence}", OWN, source, name, sequence, NOW, "drop", None, landed)


def settle_ledgers(*deliveries: dict[str, int]) -> Settlement:
    receipts = [receipt(sequence) for sequence in range(1, len(deliveries) + 1)]
    counts = {("ledger", one.delivery_id): rows for one, rows in zip(receipts, deliveries, strict=True)}
    return settle_deliveries(receipts, counts, [])


def states(settlement: Settlement) -> list[tuple[int, str, str]]:
    return [(row["sequence"], row["fiscal_period"], row["state"]) for row in settlement.delivery_periods]


def document(delivery: int = 1, file: int = 0, **facts: Any) -> dict[str, Any]:
    return {
        "_delivery_id": f"ehf-{delivery}",
        "_file_sha256": f"sha{delivery}-{file}",
        "_xpath": "/Invoice",
        "document_no": 1,
        "seller_org_no": "310028142",
        "seller_name": "Eksempel Mat AS",
        "document_type": "380",
        "invoice_no": "F-1",
        "invoice_date": date(2026, 6, 14),
        "payable_amount": Decimal("125.00"),
        "tax_exclusive_amount": Decimal("100.00"),
        "currency": "NOK",
        "line_extension_total": Decimal("100.00"),
        "line_count": 1,
    } | facts


def settle_documents(*documents: dict[str, Any]) -> Settlement:
    receipts = [receipt(sequence, "ehf", files=9) for sequence in range(1, 10)]
    return settle_deliveries(receipts, {("ehf", one.delivery_id): {ALL: 9} for one in receipts}, documents)


def document_states(settlement: Settlement) -> dict[tuple[str, str], str]:
    return {(row["_delivery_id"], row["_file_sha256"]): row["state"] for row in settlement.document_states}


def test_a_later_ledger_supersedes_by_period() -> None:
    settled = settle_ledgers({"2026-09": 10, "2026-10": 10}, {"2026-10": 12})
    assert states(settled) == [
        (1, "2026-09", "accepted"),
        (1, "2026-10", "superseded"),
        (2, "2026-10", "accepted"),
    ]
    assert settled.delivery_periods[1]["superseded_by"] == "ledger-2"
    assert settled.outcomes == []


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [(10, 7, "accepted"), (10, 6, "held"), (1, 1, "accepted"), (3, 2, "held"), (90, 63, "accepted"), (90, 62, "held")],
)
def test_seventy_percent_of_the_rows_are_enough(before: int, after: int, state: str) -> None:
    settled = settle_ledgers({"2026-10": before}, {"2026-10": after})
    assert states(settled)[1] == (2, "2026-10", state)
    assert states(settled)[0][2] == ("accepted" if state == "held" else "superseded")


def test_a_held_period_is_an_outcome_with_its_rule() -> None:
    settled = settle_ledgers({"2026-09": 10, "2026-10": 10}, {"2026-09": 9, "2026-10": 2})
    (outcome,) = settled.outcomes
    assert (outcome["outcome"], outcome["rule"], outcome["sequence"]) == ("held", "IN04", 2)
    assert (outcome["rows_in"], outcome["rows_out"], outcome["rejects"]) == (2, 0, 2)
    assert "2026-10" in outcome["message"]


def test_a_whole_ledger_settles_what_was_held() -> None:
    settled = settle_ledgers({"2026-10": 10}, {"2026-10": 2}, {"2026-10": 11})
    assert [state for _, _, state in states(settled)] == ["superseded", "superseded", "accepted"]
    assert settled.outcomes == []


def test_sources_of_a_member_do_not_supersede_each_other() -> None:
    receipts = [receipt(1, source_name="old"), receipt(1, source_name="new")]
    counts = {("old", "old-1"): {"2026-10": 10}, ("new", "new-1"): {"2026-10": 1}}
    assert {row["state"] for row in settle_deliveries(receipts, counts, []).delivery_periods} == {"accepted"}


def test_other_kinds_are_one_period_with_their_rows() -> None:
    settled = settle_deliveries([receipt(1, "brreg")], {("brreg", "brreg-1"): {ALL: 5}}, [])
    assert [(row["fiscal_period"], row["rows"], row["state"]) for row in settled.delivery_periods] == [
        ("all", 5, "accepted")
    ]


def test_the_same_document_again_is_a_duplicate() -> None:
    settled = settle_documents(document(1), document(2))
    assert document_states(settled) == {("ehf-1", "sha1-0"): "accepted", ("ehf-2", "sha2-0"): "duplicate"}
    assert [(row["rule"], row["_file_sha256"], row["file_name"]) for row in settled.rejects] == [
        ("IN03", "sha2-0", "0.xml")
    ]
    assert settled.document_states[1]["first_file_sha256"] == "sha1-0"


@pytest.mark.parametrize(
    "fact",
    [
        {"payable_amount": Decimal("126.00")},
        {"tax_exclusive_amount": Decimal("99.00")},
        {"currency": "EUR"},
        {"line_extension_total": Decimal("99.00")},
        {"line_count": 2},
    ],
    ids=lambda fact: next(iter(fact)),
)
def test_the_same_key_with_other_facts_is_held(fact: dict[str, Any]) -> None:
    settled = settle_documents(document(1), document(2, **fact))
    assert document_states(settled)["ehf-2", "sha2-0"] == "held"
    (reject,) = settled.rejects
    assert (reject["rule"], reject["severity"]) == ("IN03", "reject")
    assert "other amounts" in reject["message"]


@pytest.mark.parametrize(
    "other",
    [
        {"seller_org_no": "310000019"},
        {"document_type": "381"},
        {"invoice_no": "F-2"},
        {"invoice_date": date(2026, 6, 15)},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_key_is_another_document(other: dict[str, Any]) -> None:
    assert set(document_states(settle_documents(document(1), document(2, **other))).values()) == {"accepted"}


def test_case_and_blanks_of_the_number_do_not_make_another_document() -> None:
    settled = settle_documents(document(1, invoice_no=" f-1 "), document(2))
    assert document_states(settled)["ehf-2", "sha2-0"] == "duplicate"


def test_sellers_without_a_number_are_told_apart_by_name() -> None:
    nameless = {"seller_org_no": None}
    settled = settle_documents(
        document(1, **nameless), document(2, seller_name="Annen AS", **nameless), document(3, **nameless)
    )
    assert list(document_states(settled).values()) == ["accepted", "accepted", "duplicate"]


@pytest.mark.parametrize("nameless_first", [True, False])
@pytest.mark.parametrize(("amount", "state"), [("125.00", "duplicate"), ("126.00", "held")])
def test_a_copy_without_the_sellers_number_is_the_same_invoice(nameless_first: bool, amount: str, state: str) -> None:
    copies = [{"seller_org_no": None, "seller_name": " eksempel  mat as"}, {}]
    first, second = copies if nameless_first else reversed(copies)
    settled = settle_documents(document(1, **first), document(2, payable_amount=Decimal(amount), **second))
    assert list(document_states(settled).values()) == ["accepted", state]
    assert [reject["rule"] for reject in settled.rejects] == ["IN03"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_copy_without_a_number_stands_for_one_seller_of_that_name_only(order: tuple[int, ...]) -> None:
    copies = [{}, {"seller_org_no": "310000019"}, {"seller_org_no": None}]
    settled = settle_documents(*(document(number, **copies[which]) for number, which in enumerate(order, start=1)))
    assert sorted(document_states(settled).values()) == ["accepted", "accepted", "duplicate"]
    assert document_states(settled)[f"ehf-{order.index(0) + 1}", f"sha{order.index(0) + 1}-0"] == "accepted"


@pytest.mark.parametrize(
    "other", [{"seller_name": "Annen AS"}, {"invoice_no": "F-2"}, {"document_type": "381"}, {"invoice_date": None}]
)
def test_without_a_number_another_name_or_number_is_another_invoice(other: dict[str, Any]) -> None:
    settled = settle_documents(document(1), document(2, seller_org_no=None, **other))
    assert set(document_states(settled).values()) == {"accepted"}


_PERIODS = st.sampled_from(["2026-08", "2026-09", "2026-10"])
_DELIVERIES = st.lists(st.dictionaries(_PERIODS, st.integers(1, 40), max_size=3), max_size=8)


@given(_DELIVERIES)
def test_every_delivered_period_has_one_delivery_that_counts(deliveries: list[dict[str, int]]) -> None:
    settled = settle_ledgers(*deliveries)
    assert len(settled.delivery_periods) == sum(len(rows) for rows in deliveries)
    accepted = Counter(row["fiscal_period"] for row in settled.delivery_periods if row["state"] == "accepted")
    assert accepted == Counter({period for rows in deliveries for period in rows})
    for row in settled.delivery_periods:
        assert (row["superseded_by"] is not None) == (row["state"] == "superseded")
        assert (row["reason"] is not None) == (row["state"] == "held") or row["state"] == "superseded"
    held = {row["sequence"] for row in settled.delivery_periods if row["state"] == "held"}
    assert {row["sequence"] for row in settled.outcomes} == held


_DOCUMENTS = st.lists(
    st.builds(
        lambda delivery, file, number, amount: document(
            delivery, file, invoice_no=number, payable_amount=Decimal(amount)
        ),
        st.integers(1, 9),
        st.integers(0, 8),
        st.sampled_from(["F-1", "f-1", "F-2"]),
        st.integers(1, 2),
    ),
    max_size=12,
    unique_by=lambda row: (row["_delivery_id"], row["_file_sha256"]),
)


@given(_DOCUMENTS, st.randoms())
def test_settling_does_not_depend_on_the_order_of_rows(documents: list[dict[str, Any]], random: Any) -> None:
    settled = settle_documents(*documents)
    shuffled = list(documents)
    random.shuffle(shuffled)
    assert settle_documents(*shuffled) == settled


@given(_DOCUMENTS)
def test_every_key_counts_exactly_once_and_nothing_disappears(documents: list[dict[str, Any]]) -> None:
    settled = settle_documents(*documents)
    found = document_states(settled)
    assert len(found) == len(documents)
    accepted = Counter(
        row["invoice_no"].upper() for row in documents if found[row["_delivery_id"], row["_file_sha256"]] == "accepted"
    )
    assert accepted == Counter({row["invoice_no"].upper() for row in documents})
    assert len(settled.rejects) == sum(state != "accepted" for state in found.values())
    for outcome in settled.outcomes:
        assert outcome["rows_in"] == outcome["rows_out"] + outcome["rejects"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home")


def test_a_corrected_ledger_takes_over(home: Home) -> None:
    drop(home, "2026-10.csv", ledger(amounts=["1,00", "2,00"]))
    ingest(home)
    drop(home, "2026-10 corrected.csv", ledger(amounts=["1,00", "3,00"]))
    ingest(home)
    assert [(row["sequence"], row["rows"], row["state"]) for row in rows_of(home, "delivery_periods")] == [
        (1, 2, "superseded"),
        (2, 2, "accepted"),
    ]


def test_an_invoice_in_two_files_is_refused_once(home: Home) -> None:
    drop(home, "2026-06/1.xml", invoice("F-1"), "ehf")
    drop(home, "2026-06/1 again.xml", invoice("F-1") + "\n", "ehf")
    drop(home, "2026-06/2.xml", invoice("F-2"), "ehf")
    ingest(home)
    assert [row["state"] for row in rows_of(home, "document_states")] == ["accepted", "duplicate", "accepted"]
    assert [(row["rule"], row["file_name"]) for row in rows_of(home, "rejects")] == [("IN03", "1.xml")]
    (outcome,) = [row for row in rows_of(home, "outcomes") if row["step"] == "settled"]
    assert (outcome["rows_in"], outcome["rows_out"], outcome["rejects"]) == (3, 2, 1)


def test_settling_is_left_out_when_nothing_is_new(home: Home) -> None:
    drop(home, "2026-10.csv", ledger())
    ingest(home)
    before = {path: path.stat().st_mtime_ns for path in home.parsed.rglob("settled.parquet")}
    assert len(before) == 4
    settle(home, OWN)
    assert {path: path.stat().st_mtime_ns for path in home.parsed.rglob("settled.parquet")} == before


def test_what_failed_to_parse_counts_nowhere(home: Home) -> None:
    drop(home, "2026-10.csv", "Something;else\n1;2\n")
    ingest(home)
    assert rows_of(home, "delivery_periods") == []


def test_an_owner_without_deliveries_has_empty_tables(home: Home) -> None:
    settle(home, OWN)
    assert rows_of(home, "document_states") == []
    assert (home.parsed / "outcomes" / f"municipality_no={OWN}" / "settled.parquet").is_file()


def settle_both(*, decided: bool = False) -> Settlement:
    """A ledger of September and October; SAF-T of October and November."""
    receipts = [receipt(1), receipt(1, "saft")]
    counts = {("ledger", "ledger-1"): {"2026-09": 5, "2026-10": 5}, ("saft", "saft-1"): {"2026-10": 9, "2026-11": 9}}
    at = datetime(2026, 11, 14, tzinfo=UTC)
    decision = Decision(1, ACCEPT, OWN, "saft", "saft-1", at, "Kari Prøve", "The books are right.")
    return settle_deliveries(receipts, counts, [], {(OWN, "saft", "saft-1"): decision} if decided else {})


def test_saft_is_held_for_a_period_that_a_ledger_covers() -> None:
    settled = settle_both()
    assert [(row["source"], row["fiscal_period"], row["state"]) for row in settled.delivery_periods] == [
        ("ledger", "2026-09", "accepted"),
        ("ledger", "2026-10", "accepted"),
        ("saft", "2026-10", "held"),
        ("saft", "2026-11", "accepted"),
    ]
    (outcome,) = settled.outcomes
    assert (outcome["outcome"], outcome["rule"], outcome["rejects"]) == ("held", "IN03", 9)
    assert "2026-10" in outcome["message"]


def test_saft_that_the_coordinator_accepts_takes_the_ledgers_place() -> None:
    settled = settle_both(decided=True)
    assert [(row["source"], row["fiscal_period"], row["state"]) for row in settled.delivery_periods] == [
        ("ledger", "2026-09", "accepted"),
        ("ledger", "2026-10", "superseded"),
        ("saft", "2026-10", "accepted"),
        ("saft", "2026-11", "accepted"),
    ]
    assert settled.outcomes == []
