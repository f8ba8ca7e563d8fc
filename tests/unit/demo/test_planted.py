"""The planted faults are there, where planted.json says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.unit.demo import reading


def _planted(home: Path, kind: str) -> list[dict[str, str]]:
    return [fault for fault in reading.planted(home) if fault["kind"] == kind]


def test_every_kind_is_planted_and_named_once(thin_home: Path) -> None:
    faults = reading.planted(thin_home)
    assert {(fault["kind"], fault["expected_rule"], fault["expected_where"]) for fault in faults} == {
        ("duplicate_delivery", "IN03", "outcomes"),
        ("same_invoice_in_two_files", "IN03", "rejects"),
        ("truncated_document", "IN01", "rejects"),
        ("other_municipality", "RF10", "rejects"),
        ("sum_row_and_parentheses", "IN08", "rejects"),
        ("private_persons", "PV03", "gate"),
        ("sole_proprietors", "PV04", "gate"),
        ("missing_month", "IN02", "gate"),
        ("missing_month_with_ehf", "IN02", "gate"),
    }
    assert len({fault["id"] for fault in faults}) == len(faults)
    assert all(fault["file"].startswith(f"{fault['municipality_no']}/") for fault in faults)


def test_missing_months_are_missing_and_nothing_else_is(thin_home: Path) -> None:
    inbox = thin_home / "inbox"
    for fault in reading.planted(thin_home):
        assert (inbox / fault["file"]).exists() == (fault["expected_rule"] != "IN02"), fault
    months = Counter(path.parent.parent.name for path in inbox.glob("*/ledger/*") if len(path.stem) == 7)
    lacking = {number for number, count in months.items() if count != 12}
    assert lacking == {
        fault["municipality_no"] for fault in reading.planted(thin_home) if fault["expected_rule"] == "IN02"
    }


def test_the_second_delivery_has_the_same_bytes_and_comes_after(thin_home: Path) -> None:
    (fault,) = _planted(thin_home, "duplicate_delivery")
    again = thin_home / "inbox" / fault["file"]
    first = again.with_name(again.name.replace("_igjen", ""))
    assert again.read_bytes() == first.read_bytes()
    assert sorted([again.name, first.name])[1] == again.name


def test_the_corrected_ledger_comes_after_and_has_most_of_the_rows(thin_home: Path) -> None:
    (corrected,) = (thin_home / "inbox").glob("*/ledger/*_korrigert.*")
    first = corrected.with_name(corrected.name.replace("_korrigert", ""))
    assert first.name < corrected.name
    before, after = reading.rows_of(first), reading.rows_of(corrected)
    assert len(after) >= 0.7 * len(before)
    assert sum(row.amount for row in before) != sum(row.amount for row in after)
    assert set(before) - set(after), "one amount was wrong"


def test_the_sum_row_ends_a_ledger_with_parentheses(thin_home: Path) -> None:
    (fault,) = _planted(thin_home, "sum_row_and_parentheses")
    lines = (thin_home / "inbox" / fault["file"]).read_text("cp1252").splitlines()
    assert ";Sum;" in lines[-1]
    assert lines[-1].startswith(";;")
    assert any(";(" in line for line in lines[2:-1])


def test_the_truncated_document_is_no_xml_and_came_whole_as_well(thin_home: Path) -> None:
    (fault,) = _planted(thin_home, "truncated_document")
    raw = (thin_home / "inbox" / fault["file"]).read_bytes()
    with pytest.raises(ElementTree.ParseError):
        ElementTree.fromstring(raw)
    siblings = (thin_home / "inbox" / fault["file"]).parent.glob("0*.xml")
    assert any(path.read_bytes().startswith(raw) for path in siblings)


def test_another_municipalitys_invoice_names_another_buyer(thin_home: Path) -> None:
    (fault,) = _planted(thin_home, "other_municipality")
    buyer = reading.read_document(thin_home / "inbox" / fault["file"]).buyer
    owners = {row["org_no"]: row["municipality_no"] for row in reading.register(thin_home, "member_org_nos")}
    assert owners[buyer] != fault["municipality_no"]


def test_the_same_invoice_comes_three_times_and_the_planted_ones_last(thin_home: Path) -> None:
    faults = _planted(thin_home, "same_invoice_in_two_files")
    again = [reading.read_document(thin_home / "inbox" / fault["file"]) for fault in faults]
    number = faults[0]["municipality_no"]
    (first,) = [
        document
        for document in reading.documents_of(thin_home, number)
        if (document.seller, document.invoice_no) == (again[0].seller, again[0].invoice_no)
    ]
    assert [(one.net, one.line_sum) for one in again] == [(first.net, first.line_sum)] * 2
    assert all(first.path < one.path for one in again)
    assert again[0].path.read_bytes() == first.path.read_bytes()
    assert again[1].path.read_bytes() != first.path.read_bytes()


def test_persons_are_in_no_register(thin_home: Path) -> None:
    import json

    units = json.loads((thin_home / "inbox/_consortium/brreg/enheter.json").read_text())
    names = {unit["navn"] for unit in units}
    (fault,) = _planted(thin_home, "private_persons")
    persons = {
        row.supplier
        for row in reading.rows_of(thin_home / "inbox" / fault["file"])
        if not row.org_no and not row.invoice_no
    }
    assert persons
    assert not {person.upper() for person in persons} & names


def test_no_two_documents_share_a_key(thin_home: Path) -> None:
    for number in ("9901", "9903", "9904"):
        keys = Counter(
            (document.seller, document.kind, reading.plain(document.invoice_no))
            for document in reading.documents_of(thin_home, number)
        )
        assert max(keys.values()) == 1
