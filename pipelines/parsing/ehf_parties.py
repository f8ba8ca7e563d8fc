"""Who sells, buys and is paid: the parties of an e-invoice.

Belongs here: which of a party's several numbers and names is taken. Not here: what a number looks like
(org_numbers.py). Contacts and addresses are never read; of an address only the country is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from pipelines.parsing.org_numbers import passes_mod11, read_party_number
from pipelines.parsing.ubl import CAC, CBC, child_text, text_of

if TYPE_CHECKING:
    from lxml import etree

_ID = CBC + "ID"
_COMPANY_ID = CBC + "CompanyID"
_NAME = CBC + "Name"
_REGISTRATION_NAME = CBC + "RegistrationName"
_COUNTRY = CAC + "Country"
_COUNTRY_CODE = CBC + "IdentificationCode"
_TAX_SCHEME = CAC + "TaxScheme"
# Where an endpoint or a further identifier is an organisation number.
_OWN_SCHEMES = ("0192", "9908", "NO:ORGNR")


@dataclass(slots=True)
class Party:
    """Who a party is.

    Attributes:
        org_no: The legal number; else the VAT number's, an identifier's or the endpoint's.
        is_norwegian: The number is stated as a Norwegian one.
        name: Registered name, else trading name.
        country: Two letters.
        vat_no: The VAT number (BT-31), compact.
        faulty: What is wrong with the stated numbers: (message, raw value).
    """

    org_no: str | None = None
    is_norwegian: bool = False
    name: str | None = None
    country: str | None = None
    vat_no: str | None = None
    faulty: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Stated:
    """What stands in the party's element; the first of each counts."""

    company: str | None = None
    company_scheme: str | None = None
    vat: str | None = None
    identifier: str | None = None
    endpoint: str | None = None
    registered: str | None = None
    trading: str | None = None
    country: str | None = None


def read_party(element: etree._Element) -> Party:
    """Return who a party is; its contact is not looked at."""
    stated = _Stated()
    for child in element:
        reader = _PARTS.get(child.tag)
        if reader is not None:
            reader(child, stated)
    party = Party(name=stated.registered or stated.trading, country=stated.country)
    if stated.vat is not None:
        party.vat_no = _vat_number(stated.vat, stated.country)
    _choose_number(stated, party)
    return party


def _choose_number(stated: _Stated, party: Party) -> None:
    for text, scheme, country in (
        (stated.company, stated.company_scheme, party.country),
        (stated.vat, None, party.country),
        (stated.identifier, "0192", party.country),
        (stated.endpoint, "0192", party.country),
    ):
        if text is None:
            continue
        party.org_no, party.is_norwegian = read_party_number(text, scheme, country)
        if party.org_no is not None:
            break
        party.faulty = [("field of the organisation number holds none", text)]  # said once, of the last
    if party.org_no is not None and party.is_norwegian and not passes_mod11(party.org_no):
        party.faulty.append(("organisation number fails its check digit", party.org_no))


@lru_cache(maxsize=1 << 12)
def _vat_number(text: str, country: str | None) -> str | None:
    number, is_norwegian = read_party_number(text, None, country)
    return f"NO{number}MVA" if is_norwegian and number else number


def _endpoint(element: etree._Element, stated: _Stated) -> None:
    if stated.endpoint is None and (element.get("schemeID") or "").upper() in _OWN_SCHEMES:
        stated.endpoint = text_of(element)


def _identification(element: etree._Element, stated: _Stated) -> None:
    for identifier in element:
        if identifier.tag == _ID and stated.identifier is None:
            _identifier(identifier, stated)


def _identifier(element: etree._Element, stated: _Stated) -> None:
    if (element.get("schemeID") or "").upper() in _OWN_SCHEMES:
        stated.identifier = text_of(element)


def _party_name(element: etree._Element, stated: _Stated) -> None:
    if stated.trading is None:
        stated.trading = child_text(element, _NAME)


def _address(element: etree._Element, stated: _Stated) -> None:
    # From the end: the country is the last that an address holds.
    for child in reversed(element):
        if child.tag == _COUNTRY:
            code = child_text(child, _COUNTRY_CODE)
            if stated.country is None and code is not None and len(code) == 2:
                stated.country = code.upper()
            return


def _tax_scheme(element: etree._Element, stated: _Stated) -> None:
    if stated.vat is not None:
        return
    company = scheme = None
    for child in element:
        tag = child.tag
        if tag == _COMPANY_ID:
            company = text_of(child)
        elif tag == _TAX_SCHEME:
            scheme = child_text(child, _ID)
    if scheme == "VAT":
        stated.vat = company


def _legal_entity(element: etree._Element, stated: _Stated) -> None:
    for child in element:
        tag = child.tag
        if tag == _REGISTRATION_NAME and stated.registered is None:
            stated.registered = text_of(child)
        elif tag == _COMPANY_ID and stated.company is None:
            stated.company, stated.company_scheme = text_of(child), child.get("schemeID")


_PARTS: dict[str, Callable[[etree._Element, _Stated], None]] = {
    CBC + "EndpointID": _endpoint,
    CAC + "PartyIdentification": _identification,
    CAC + "PartyName": _party_name,
    CAC + "PostalAddress": _address,
    CAC + "PartyTaxScheme": _tax_scheme,
    CAC + "PartyLegalEntity": _legal_entity,
}
