"""The demo's e-invoices pass the UBL 2.1 schema and the Peppol rules."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from tests.unit.demo import reading

# What makes a document a kind of its own, and how many of each are looked at.
_KINDS = {
    "credit note": b"<CreditNote ",
    "allowance or charge on the document": b"</cac:PaymentMeans>\n<cac:AllowanceCharge>",
    "allowance on a line": b"</cbc:LineExtensionAmount><cac:AllowanceCharge>",
    "outside VAT": b"<cbc:ID>O</cbc:ID>",
    "exempt from VAT": b"<cbc:ID>E</cbc:ID>",
    "zero rate": b"<cbc:ID>Z</cbc:ID>",
    "15 per cent": b"<cbc:Percent>15</cbc:Percent>",
    "12 per cent": b"<cbc:Percent>12</cbc:Percent>",
    "posting string of the document": b"</cbc:DocumentCurrencyCode>\n<cbc:AccountingCost>",
    "posting string of a line": b"</cbc:LineExtensionAmount><cbc:AccountingCost>",
    "contract reference": b"<cac:ContractDocumentReference>",
    "no order": b"<cbc:ID>NA</cbc:ID>",
    "without a contact": b"</cac:PartyLegalEntity></cac:Party></cac:AccountingSupplierParty>",
    "name that must be escaped": b"&amp;",
    "several rates": b"</cac:TaxSubtotal><cac:TaxSubtotal>",
    "three lines or more": b"<cbc:ID>3</cbc:ID>",
}
_OF_A_KIND = 15


@pytest.fixture(scope="module")
def sample(thin_home: Path) -> dict[str, list[Path]]:
    spoilt = {fault["file"] for fault in reading.planted(thin_home)}
    inbox = thin_home / "inbox"
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(inbox.glob("*/ehf/*/*.xml")):
        if path.relative_to(inbox).as_posix() in spoilt:
            continue
        raw = path.read_bytes()
        for kind, mark in _KINDS.items():
            if mark in raw and len(found[kind]) < _OF_A_KIND:
                found[kind].append(path)
    return found


def test_a_sample_over_all_kinds_is_valid(sample: dict[str, list[Path]]) -> None:
    from peppol import check_rules, validate_xsd

    assert {kind for kind in _KINDS if len(sample[kind]) < 3} == set()
    paths = sorted({path for paths in sample.values() for path in paths})
    assert len(paths) >= 150
    wrong = {}
    for path in paths:
        raw = path.read_bytes()
        is_valid, errors = validate_xsd(raw)
        found = [*errors, *map(str, check_rules(raw))]
        if found or not is_valid:
            wrong[str(path)] = found
    assert wrong == {}


def test_sums_of_every_document_agree(thin_home: Path) -> None:
    documents = [one for number in ("9901", "9903", "9912") for one in reading.documents_of(thin_home, number)]
    assert len(documents) > 500
    with_parts = [document for document in documents if document.net != document.line_sum]
    assert 0.01 < len(with_parts) / len(documents) < 0.1


def test_norwegian_sellers_say_that_they_are_registered(thin_home: Path) -> None:
    for document in reading.documents_of(thin_home, "9903"):
        text = document.path.read_text(encoding="utf-8")
        assert "<cbc:CompanyID>Foretaksregisteret</cbc:CompanyID>" in text
        has_vat_number = f"<cbc:CompanyID>NO{document.seller}MVA</cbc:CompanyID>" in text
        assert has_vat_number != ("<cbc:ID>O</cbc:ID>" in text)
        assert ("<cbc:BuyerReference>" in text) or ("<cac:OrderReference>" in text)
