"""Competitions that the demo's members have announced, as national notices in eForms.

Belongs here: a handful of notices, and what stands where in one. Not here: contracts (contracting.py). Nothing is
drawn. Some have a lot that is reserved for workshops; one is of two members together; most members announce nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

from pipelines.demo.books import Books, MemberBooks

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_EFORMS = "http://data.europa.eu/p27/eforms-ubl-extension"
_SPECIFICATION = "eforms-sdk-1.13#extended#urn:fdc:anskaffelser.no:2026:eforms:national-e"
# Identifiers are made from this and the notice's place in the list.
_NAMESPACE = uuid.UUID("7b0f4c1e-5d1a-5c1e-9d5a-20261115aaaa")


@dataclass(frozen=True, slots=True)
class _Lot:
    title: str
    cpv_code: str
    value: int | None
    is_reserved: bool = False


@dataclass(frozen=True, slots=True)
class _Notice:
    """A competition: places of its buyers in the list of members, months before the window's last one, its lots."""

    buyers: tuple[int, ...]
    months_ago: int
    title: str
    lots: tuple[_Lot, ...]


_NOTICES = (
    _Notice((0,), 1, "Vaskeritjenester", (_Lot("Vask av tøy", "98310000", 1_800_000, is_reserved=True),)),
    _Notice((0,), 3, "Rehabilitering av skole", (_Lot("Byggearbeid", "45214200", 14_500_000),)),
    _Notice((0,), 6, "Skysstjenester", (_Lot("Nord", "60120000", 3_200_000), _Lot("Sør", "60120000", None))),
    _Notice(
        (1, 3),
        2,
        "Møtemat og pakking",
        (
            _Lot("Møtemat", "55520000", 900_000, is_reserved=True),
            _Lot("Pakking", "79920000", 400_000, is_reserved=True),
            _Lot("Dagligvarer", "15000000", 5_600_000),
        ),
    ),
    _Notice((5,), 4, "Vintervedlikehold", (_Lot("Brøyting", "90620000", 2_400_000),)),
)


def write_notices(books: Books) -> Iterator[tuple[str, bytes]]:
    """Give each notice's file name and bytes; what a smaller consortium has no buyers for is left out."""
    for number, notice in enumerate(_NOTICES, start=1):
        buyers = [books.members[place] for place in notice.buyers if place < len(books.members)]
        if buyers:
            month = books.months[-1 - notice.months_ago % len(books.months)]
            yield f"{month}-{number:02d}.xml", _write(notice, number, month, buyers).encode()


def _write(notice: _Notice, number: int, month: str, buyers: list[MemberBooks]) -> str:
    organisations = "".join(_organisation(place, buyer) for place, buyer in enumerate(buyers, start=1))
    parties = "".join(
        "<cac:ContractingParty><cac:Party><cac:PartyIdentification>"
        f'<cbc:ID schemeName="organization">ORG-{place:04d}</cbc:ID>'
        "</cac:PartyIdentification></cac:Party></cac:ContractingParty>\n"
        for place in range(1, len(buyers) + 1)
    )
    lots = "".join(_lot(place, lot) for place, lot in enumerate(notice.lots, start=1))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<ContractNotice xmlns="{_UBL}ContractNotice-2" xmlns:cac="{_UBL}CommonAggregateComponents-2"
 xmlns:cbc="{_UBL}CommonBasicComponents-2" xmlns:ext="{_UBL}CommonExtensionComponents-2"
 xmlns:efac="{_EFORMS}-aggregate-components/1" xmlns:efbc="{_EFORMS}-basic-components/1" xmlns:efext="{_EFORMS}s/1">
<ext:UBLExtensions><ext:UBLExtension><ext:ExtensionContent><efext:EformsExtension>
<efac:NoticeSubType><cbc:SubTypeCode listName="notice-subtype">E3</cbc:SubTypeCode></efac:NoticeSubType>
<efac:Organizations>{organisations}</efac:Organizations>
</efext:EformsExtension></ext:ExtensionContent></ext:UBLExtension></ext:UBLExtensions>
<cbc:CustomizationID>{_SPECIFICATION}</cbc:CustomizationID>
<cbc:ID schemeName="notice-id">{uuid.uuid5(_NAMESPACE, f"notice {number}")}</cbc:ID>
<cbc:ContractFolderID>{uuid.uuid5(_NAMESPACE, f"procedure {number}")}</cbc:ContractFolderID>
<cbc:IssueDate>{month}-14+01:00</cbc:IssueDate>
<cbc:VersionID>01</cbc:VersionID>
<cbc:RegulatoryDomain>other</cbc:RegulatoryDomain>
<cbc:NoticeTypeCode listName="competition">cn-standard</cbc:NoticeTypeCode>
<cbc:NoticeLanguageCode>NOR</cbc:NoticeLanguageCode>
{parties}<cac:TenderingProcess><cbc:ProcedureCode listName="procurement-procedure-type">open</cbc:ProcedureCode>\
</cac:TenderingProcess>
<cac:ProcurementProject>
<cbc:Name languageID="NOR">{escape(notice.title)}</cbc:Name>
<cac:MainCommodityClassification>\
<cbc:ItemClassificationCode listName="cpv">{notice.lots[0].cpv_code}</cbc:ItemClassificationCode>\
</cac:MainCommodityClassification>
</cac:ProcurementProject>
{lots}</ContractNotice>
"""


def _organisation(place: int, buyer: MemberBooks) -> str:
    org_no, _, name = buyer.org_nos[0]
    return f"""
<efac:Organization><efac:Company>
<cac:PartyIdentification><cbc:ID schemeName="organization">ORG-{place:04d}</cbc:ID></cac:PartyIdentification>
<cac:PartyName><cbc:Name languageID="NOR">{escape(name)}</cbc:Name></cac:PartyName>
<cac:PostalAddress><cac:Country><cbc:IdentificationCode listName="country">NOR</cbc:IdentificationCode></cac:Country>\
</cac:PostalAddress>
<cac:PartyLegalEntity><cbc:CompanyID>{org_no}</cbc:CompanyID></cac:PartyLegalEntity>
</efac:Company></efac:Organization>
"""


def _lot(place: int, lot: _Lot) -> str:
    reserved = "res-ws" if lot.is_reserved else "none"
    value = (
        '<cac:RequestedTenderTotal><cbc:EstimatedOverallContractAmount currencyID="NOK">'
        f"{lot.value}</cbc:EstimatedOverallContractAmount></cac:RequestedTenderTotal>\n"
        if lot.value
        else ""
    )
    return f"""<cac:ProcurementProjectLot>
<cbc:ID schemeName="Lot">LOT-{place:04d}</cbc:ID>
<cac:TenderingTerms><cac:TendererQualificationRequest><cac:SpecificTendererRequirement>\
<cbc:TendererRequirementTypeCode listName="reserved-procurement">{reserved}</cbc:TendererRequirementTypeCode>\
</cac:SpecificTendererRequirement></cac:TendererQualificationRequest></cac:TenderingTerms>
<cac:ProcurementProject>
<cbc:Name languageID="NOR">{escape(lot.title)}</cbc:Name>
{value}<cac:MainCommodityClassification>\
<cbc:ItemClassificationCode listName="cpv">{lot.cpv_code}</cbc:ItemClassificationCode>\
</cac:MainCommodityClassification>
</cac:ProcurementProject>
</cac:ProcurementProjectLot>
"""
