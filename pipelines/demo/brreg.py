"""The company register's units for everybody in the demo who has an organisation number.

Belongs here: Enhetsregisteret's field names. Not here: roles and persons, which the demo has none of.
"""

from __future__ import annotations

import json
import random
from typing import Any

from pipelines.demo.books import Books, Supplier
from pipelines.demo.cast import Member

_FORM_TEXTS = {
    "AS": "Aksjeselskap",
    "ASA": "Allmennaksjeselskap",
    "SA": "Samvirkeforetak",
    "ENK": "Enkeltpersonforetak",
    "STI": "Stiftelse",
    "IKS": "Interkommunalt selskap",
    "KF": "Kommunalt foretak",
    "KOMM": "Kommune",
    "FYLK": "Fylkeskommune",
    "ORGL": "Organisasjonsledd",
}
_SECTORS = {"KOMM": "6500", "FYLK": "6500", "ORGL": "6100", "KF": "1520", "IKS": "1510", "ENK": "8200", "STI": "7000"}


def write_units(books: Books) -> bytes:
    """Return enheter.json: an array of units, by organisation number."""
    rng = random.Random(f"{books.seed}:register")
    suppliers = [supplier for supplier in books.suppliers if supplier.org_no and not supplier.is_member]
    units = [_unit(supplier, rng) for supplier in suppliers]
    units += [
        _own_unit(member_books.member, org_no, role, name, parent=member_books.org_nos[0][0])
        for member_books in books.members
        for org_no, role, name in member_books.org_nos
    ]
    units.sort(key=lambda unit: str(unit["organisasjonsnummer"]))
    return (json.dumps(units, ensure_ascii=False, indent=1) + "\n").encode()


def _base(org_no: str, name: str, legal_form: str, registered_on: str) -> dict[str, Any]:
    return {
        "organisasjonsnummer": org_no,
        "navn": name.upper(),
        "organisasjonsform": {"kode": legal_form, "beskrivelse": _FORM_TEXTS[legal_form]},
        "registreringsdatoEnhetsregisteret": registered_on,
        "institusjonellSektorkode": {"kode": _SECTORS.get(legal_form, "2100")},
        "konkurs": False,
        "underAvvikling": False,
    }


def _address(street: str, post_code: str, city: str, municipality_no: str) -> dict[str, Any]:
    return {
        "adresse": [street],
        "postnummer": post_code,
        "poststed": city.upper(),
        "kommunenummer": municipality_no,
        "kommune": city.upper(),
        "landkode": "NO",
        "land": "Norge",
    }


def _unit(supplier: Supplier, rng: random.Random) -> dict[str, Any]:
    registered_on = f"{rng.randint(1995, 2023)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    unit = _base(supplier.org_no, supplier.name, supplier.legal_form, registered_on)
    unit |= {
        "registrertIMvaregisteret": supplier.is_vat_registered,
        "registrertIForetaksregisteret": supplier.legal_form not in ("KOMM", "FYLK", "ORGL"),
        "registrertIStiftelsesregisteret": supplier.legal_form == "STI",
        "registrertIFrivillighetsregisteret": False,
        "antallAnsatte": 0 if supplier.legal_form == "ENK" else rng.choice((0, 3, 7, 12, 25, 60, 140)),
        "forretningsadresse": _address(supplier.street, supplier.post_code, supplier.city, supplier.municipality_no),
        "naeringskode1": {"kode": supplier.nace},
    }
    drawn = rng.random()
    if supplier.trade != "workshop" and drawn < 0.004:
        unit["konkurs"] = True
    elif supplier.trade != "workshop" and drawn < 0.008:
        unit["slettedato"] = f"2026-{rng.randint(5, 10):02d}-15"
    return unit


def _own_unit(member: Member, org_no: str, role: str, name: str, *, parent: str) -> dict[str, Any]:
    legal_form = {"municipality": "KOMM", "enterprise": "KF"}.get(role, "ORGL")
    unit = _base(org_no, name, legal_form, "1995-02-19")
    unit |= {
        "registrertIMvaregisteret": True,
        "registrertIForetaksregisteret": role == "enterprise",
        "antallAnsatte": max(5, member.inhabitants // (12 if role == "municipality" else 90)),
        "forretningsadresse": _address("Rådhusplassen 1", member.post_code, member.name, member.municipality_no),
        "naeringskode1": {"kode": "84.110"},
    }
    if role == "sub-unit":
        unit["overordnetEnhet"] = parent
    return unit
