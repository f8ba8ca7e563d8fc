"""A cleaned e-invoice names nobody, carries nothing along, and states the same figures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.parsing.ehf import parse_document
from pipelines.preparing.documents import clean_document
from tests.unit.test_scanner import SYNTHETIC

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "ehf"
INVOICE = (GOLDEN / "comment_inside_values.xml").read_text(encoding="utf-8")
READABLE = sorted(path for path in GOLDEN.glob("*.xml") if parse_document(path.read_bytes()).invoice)
PLANTED = {
    "note": ("<cbc:DocumentCurrencyCode>", f"<cbc:Note>Gjelder {SYNTHETIC}</cbc:Note>"),
    "attachment": (
        "<cac:AccountingSupplierParty>",
        "<cac:AdditionalDocumentReference><cbc:ID>Vedtak Kari Nordmann.pdf</cbc:ID><cac:Attachment>"
        '<cbc:EmbeddedDocumentBinaryObject mimeCode="application/pdf" filename="Kari Nordmann.pdf">QUJD'
        "</cbc:EmbeddedDocumentBinaryObject></cac:Attachment></cac:AdditionalDocumentReference>",
    ),
    "delivery": (
        "<cac:TaxTotal>",
        "<cac:Delivery><cac:DeliveryLocation><cac:Address><cbc:StreetName>Hemmeligveien 1</cbc:StreetName>"
        "</cac:Address></cac:DeliveryLocation><cac:DeliveryParty><cac:PartyName><cbc:Name>Kari Nordmann</cbc:Name>"
        "</cac:PartyName></cac:DeliveryParty></cac:Delivery>",
    ),
}


def planted(name: str) -> bytes:
    before, added = PLANTED[name]
    assert before in INVOICE
    return INVOICE.replace(before, added + before, 1).encode()


@pytest.mark.parametrize("name", PLANTED)
def test_what_intake_never_reads_is_gone(name: str) -> None:
    cleaned = clean_document(planted(name))
    assert cleaned.raw is not None
    for secret in (SYNTHETIC, "Nordmann", "Hemmelig", "QUJD", "Kari"):
        assert secret.encode() not in cleaned.raw
    assert b"<cac:Delivery/>" not in cleaned.raw, "an element without content is no valid document"


def test_an_item_text_that_passes_is_kept_and_one_that_does_not_is_replaced() -> None:
    name = "<cbc:Name>"
    item = INVOICE.index(name, INVOICE.index("<cac:Item>"))
    kept = INVOICE[item + len(name) : INVOICE.index("</cbc:Name>", item)]
    assert kept.encode() in (clean_document(INVOICE.encode()).raw or b"")
    stopped = INVOICE[:item] + f"{name}Avlastning for Kari Nordmann " + INVOICE[item + len(name) :]
    cleaned = clean_document(stopped.encode())
    assert cleaned.removed["stopped_texts"] == 1
    assert b"Nordmann" not in (cleaned.raw or b"")
    assert b"<cbc:Name>(fjernet)</cbc:Name>" in (cleaned.raw or b"")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<cac:AccountingSupplierParty>", "<cac:OrderReference><cbc:ID>{}</cbc:ID></cac:OrderReference>"),
        (
            "<cac:AccountingSupplierParty>",
            "<cac:OrderReference><cbc:SalesOrderID>{}</cbc:SalesOrderID></cac:OrderReference>",
        ),
        (
            "<cac:AccountingSupplierParty>",
            "<cac:ContractDocumentReference><cbc:ID>{}</cbc:ID></cac:ContractDocumentReference>",
        ),
        ("<cac:AccountingSupplierParty>", "<cac:ProjectReference><cbc:ID>{}</cbc:ID></cac:ProjectReference>"),
        (
            "<cac:ClassifiedTaxCategory>",
            "<cac:BuyersItemIdentification><cbc:ID>{}</cbc:ID></cac:BuyersItemIdentification>",
        ),
        ("</cac:Item>", "<cac:AdditionalItemProperty><cbc:Name>{}</cbc:Name></cac:AdditionalItemProperty>"),
    ],
    ids=["order", "sales order", "contract", "project", "buyers item", "property"],
)
def test_a_name_in_a_reference_is_replaced(old: str, new: str) -> None:
    assert old in INVOICE
    cleaned = clean_document(INVOICE.replace(old, new.format("klient Kari Nordmann") + old, 1).encode())
    assert cleaned.removed["stopped_texts"] == 1
    assert b"Nordmann" not in (cleaned.raw or b"")


CODES = {
    "classification": (
        "<cac:ClassifiedTaxCategory>",
        "<cac:CommodityClassification><cbc:ItemClassificationCode>{}</cbc:ItemClassificationCode>"
        "</cac:CommodityClassification>",
    ),
    "document type": (
        "<cac:AccountingSupplierParty>",
        "<cac:ContractDocumentReference><cbc:ID>1</cbc:ID><cbc:DocumentTypeCode>{}</cbc:DocumentTypeCode>"
        "</cac:ContractDocumentReference>",
    ),
    "reason": (
        "<cac:TaxTotal>",
        "<cac:AllowanceCharge><cbc:ChargeIndicator>true</cbc:ChargeIndicator><cbc:AllowanceChargeReasonCode>{}"
        "</cbc:AllowanceChargeReasonCode><cbc:Amount>0.00</cbc:Amount></cac:AllowanceCharge>",
    ),
    "period": (
        "<cac:AccountingSupplierParty>",
        "<cac:InvoicePeriod><cbc:DescriptionCode>{}</cbc:DescriptionCode></cac:InvoicePeriod>",
    ),
    "version": ("<cbc:CustomizationID>", "<cbc:UBLVersionID>{}</cbc:UBLVersionID>"),
    "payee": (
        "<cac:TaxTotal>",
        "<cac:PayeeParty><cac:PartyLegalEntity><cbc:CompanyID>{}</cbc:CompanyID></cac:PartyLegalEntity></cac:PayeeParty>",
    ),
}


@pytest.mark.parametrize("text", ["Kari Nordmann", "klient K.N. f2012", "Kari.Nordmann", "Kåre", "2 Nordmann"])
@pytest.mark.parametrize("name", CODES)
def test_what_stands_for_a_code_and_is_none_is_replaced(name: str, text: str) -> None:
    before, added = CODES[name]
    assert before in INVOICE
    cleaned = clean_document(INVOICE.replace(before, added.format(text) + before, 1).encode())
    assert cleaned.raw is not None, cleaned.reason
    assert cleaned.removed["stopped_texts"] == 1
    assert text.encode() not in cleaned.raw


@pytest.mark.parametrize(
    "text", ["30192000-1", "10 15 20 00", "NO 310 028 142 MVA", "NO310028142MVA", "Foretaksregisteret"]
)
def test_a_code_stands(text: str) -> None:
    before, added = CODES["payee"]
    cleaned = clean_document(INVOICE.replace(before, added.format(text) + before, 1).encode())
    assert cleaned.raw is not None
    assert text.encode() in cleaned.raw


@pytest.mark.parametrize("text", [SYNTHETIC, f"{SYNTHETIC}.00", f"-0{SYNTHETIC}"])
@pytest.mark.parametrize("element", ["PriceAmount", "InvoicedQuantity"])
def test_a_personal_number_in_a_figure_is_not_kept(element: str, text: str) -> None:
    document = re.sub(rf"(<cbc:{element}[^>]*>)[^<]*<", rf"\g<1>{text}<", INVOICE)
    assert text in document
    cleaned = clean_document(document.encode())
    assert SYNTHETIC.encode() not in (cleaned.raw or b"")
    assert cleaned.removed["stopped_texts"] == (cleaned.raw is not None)


def test_the_buyers_name_goes_and_the_sellers_stays() -> None:
    document = INVOICE.replace("Eksempel kommune", "Eksempel kommune v/ Kåre Xyz").replace(
        "Eksempel Mat AS", "Kari Mat"
    )
    cleaned = clean_document(document.encode())
    assert "Kåre".encode() not in (cleaned.raw or b"")
    assert b"Kari Mat" in (cleaned.raw or b"")
    assert cleaned.removed["buyer_names"] == 2


def numbered(number: str) -> bytes:
    place = INVOICE.index("<cbc:ID>")
    return (INVOICE[: place + 8] + number + INVOICE[INVOICE.index("</cbc:ID>", place) :]).encode()


def test_two_invoices_whose_numbers_must_go_stay_two() -> None:
    cleaned = [clean_document(numbered(number)).raw for number in (SYNTHETIC, "1234.56.78903", "Kari Nordmann")]
    numbers = [(parse_document(raw or b"").invoice or {})["invoice_no"] for raw in cleaned]
    assert len(set(numbers)) == 3
    assert all(number.startswith("fjernet-") for number in numbers)
    assert clean_document(numbered(SYNTHETIC)).raw == cleaned[0]
    assert clean_document(cleaned[0] or b"").raw == cleaned[0]


def test_a_code_that_cannot_go_leaves_the_document_out() -> None:
    cleaned = clean_document(INVOICE.replace("Code>NOK<", "Code>ola@example.no<").encode())
    assert cleaned.raw is None
    assert cleaned.reason is not None


@pytest.mark.parametrize("path", READABLE, ids=lambda path: path.stem)
def test_figures_stand_and_cleaning_twice_changes_nothing(path: Path) -> None:
    cleaned = clean_document(path.read_bytes())
    assert cleaned.raw is not None
    before, after = parse_document(path.read_bytes()), parse_document(cleaned.raw)
    assert before.stated == after.stated
    assert before.invoice is not None
    assert after.invoice is not None
    assert before.invoice["seller_org_no"] == after.invoice["seller_org_no"]
    assert before.invoice["buyer_org_no"] == after.invoice["buyer_org_no"]
    assert clean_document(cleaned.raw).raw == cleaned.raw


def test_what_cannot_be_read_says_why() -> None:
    cleaned = clean_document(b"<Invoice")
    assert cleaned.raw is None
    assert cleaned.reason is not None
    assert "(IN01;" in cleaned.reason


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.integers(0, len(INVOICE)))
def test_any_bytes_end_as_a_document_or_a_reason(noise: bytes, place: int) -> None:
    raw = INVOICE.encode()
    cleaned = clean_document(raw[:place] + noise + raw[place:])
    assert (cleaned.raw is None) == (cleaned.reason is not None)


def test_every_real_invoice_keeps_its_figures(fixtures: Path) -> None:
    read = 0
    for path in sorted((fixtures / "ubl").rglob("*.xml")):
        cleaned = clean_document(path.read_bytes())
        read += cleaned.raw is not None
    assert read > 20
