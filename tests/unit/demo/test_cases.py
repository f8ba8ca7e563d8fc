"""The cases of bookkeeping that are planted by hand are in the files, and the truth knows what they come to."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.demo.make import make_demo
from tests.unit.demo import reading

NUMBER = "9904"


@pytest.fixture(scope="module")
def rows(thin_home: Path) -> list[reading.Row]:
    return [row for path in reading.counting_ledgers(thin_home, NUMBER) for row in reading.rows_of(path)]


@pytest.fixture(scope="module")
def documents(thin_home: Path) -> list[reading.Document]:
    return reading.documents_of(thin_home, NUMBER)


def _art(home: Path, account: str) -> str:
    return next(
        row["kostra_art"]
        for row in reading.register(home, "charts_of_accounts")
        if (row["municipality_no"], row["local_account"]) == (NUMBER, account)
    )


def test_an_estimate_is_taken_back_in_the_next_month(rows: list[reading.Row]) -> None:
    pair = [row for row in rows if "vsetning" in row.text]
    assert [(row.month, row.amount, row.invoice_no) for row in pair] == [
        ("2026-09", Decimal(42_000), ""),
        ("2026-10", Decimal(-42_000), ""),
    ]
    assert len({(row.supplier, row.account, row.function) for row in pair}) == 1


def test_two_invoices_stand_in_one_voucher(rows: list[reading.Row], documents: list[reading.Document]) -> None:
    vouchers: dict[str, list[reading.Row]] = {}
    for row in rows:
        if row.text == "Bredbånd" and row.voucher[2:].startswith("99"):
            vouchers.setdefault(row.voucher, []).append(row)
    assert len(vouchers) == 2
    for booked in vouchers.values():
        sent = [one for one in documents if one.seller == booked[0].org_no]
        assert booked[0].amount == sum(one.net for one in sent) == Decimal(5_975)
        assert booked[0].invoice_no in ("", ", ".join(one.invoice_no for one in sent))
        assert len(sent) == 2
    assert {bool(booked[0].invoice_no) for booked in vouchers.values()} == {True, False}


def test_food_is_booked_with_its_vat(
    thin_home: Path, rows: list[reading.Row], documents: list[reading.Document]
) -> None:
    (row,) = (row for row in rows if row.text == "Lunsj til kommunestyret")
    (sent,) = (one for one in documents if (one.seller, one.invoice_no) == (row.org_no, row.invoice_no))
    assert (sent.net, row.amount) == (Decimal(1_600), Decimal(1_840))
    assert _art(thin_home, row.account) == "115"
    assert [other.account for other in rows if other.voucher == row.voucher] == [row.account]


def test_another_member_sells_on_its_own_art_and_on_a_wrong_one(thin_home: Path, rows: list[reading.Row]) -> None:
    own = {row["org_no"]: row["municipality_no"] for row in reading.register(thin_home, "member_org_nos")}
    sold = [(own[row.org_no], _art(thin_home, row.account), row.amount) for row in rows if row.org_no in own]
    assert sold == [("9901", "350", Decimal(36_000)), ("9901", "271", Decimal(21_500))]


def test_their_e_invoices_are_valid(documents: list[reading.Document]) -> None:
    from peppol import check_rules, validate_xsd

    planted = [one for one in documents if b"100SAK" in one.path.read_bytes()]
    assert len(planted) == 8
    for one in planted:
        raw = one.path.read_bytes()
        is_valid, errors = validate_xsd(raw)
        assert is_valid, errors
        assert [*errors, *map(str, check_rules(raw))] == [], one.path


def test_a_home_without_room_for_them_has_none(tmp_path: Path) -> None:
    """A home without room for the cases has none; one with room has the same truth everywhere else."""
    sums = {}
    for months in (3, 4):
        make_demo(tmp_path / str(months), municipalities=4, months=months, scale=0.01)
        texts = Counter(
            row.text
            for path in reading.counting_ledgers(tmp_path / str(months), NUMBER)
            for row in reading.rows_of(path)
        )
        sums[months] = texts["Lunsj til kommunestyret"]
        assert json.loads((tmp_path / str(months) / "truth.json").read_text())["rows"]
    assert sums == {3: 0, 4: 1}
