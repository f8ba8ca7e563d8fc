"""Units of the company register (Enhetsregisteret) to rows: JSON from its interface or its bulk file.

Belongs here: which field is which. Not here: history of a unit, and whether a number in an invoice is in the register
(dbt). Roles, and with them persons, are never read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pipelines.parsing.dates import parse_xml_date
from pipelines.parsing.org_numbers import passes_mod11
from pipelines.parsing.rejects import Reject

PARSER_VERSION = "1"


@dataclass
class ParsedUnits:
    """What a file holds; ``rows_in == len(units) + len(rejects)``.

    Attributes:
        rows_in: Units in the file; 1 where the file as a whole is refused.
        units: Rows of companies.
        rejects: Units that cannot be read, or one for the file.
        issues: Remarks on units that go on.
    """

    rows_in: int = 0
    units: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    issues: list[Reject] = field(default_factory=list)


def parse_units(raw: bytes) -> ParsedUnits:
    """Turn JSON into units: an array (bulk file), a search answer, or one unit; no input raises.

    A unit is refused without an organisation number of nine digits (IN01), with an unreadable date (IN06), or when the
    file already had its number (IN03).
    """
    try:
        units = find_units(json.loads(raw.decode("utf-8-sig")))
    except (ValueError, RecursionError):
        units = None
    if units is None:
        message = (
            "The file is not JSON with units of the company register. Deliver the answer of /enheter, or the bulk file "
            "unpacked."
        )
        return ParsedUnits(rows_in=1, rejects=[Reject("IN01", message)])
    parsed = ParsedUnits(rows_in=len(units))
    seen: set[str] = set()
    for row_no, unit in enumerate(units, start=1):
        result = _read_unit(unit, row_no, seen, parsed.issues)
        if isinstance(result, Reject):
            parsed.rejects.append(result)
        else:
            parsed.units.append(result)
    return parsed


def find_units(document: Any) -> list[Any] | None:
    """Return the units in a JSON document, or None where it is something else."""
    if isinstance(document, list):
        return document if all(isinstance(unit, Mapping) and _is_unit(unit) for unit in document[:1]) else None
    if not isinstance(document, Mapping):
        return None
    if _is_unit(document):
        return [document]
    embedded = document.get("_embedded")
    if isinstance(embedded, Mapping):
        found = [embedded[name] for name in ("enheter", "underenheter") if isinstance(embedded.get(name), list)]
        return sum(found, []) if found else None
    # A search without hits has a page and nothing else.
    return [] if isinstance(document.get("page"), Mapping) and "rollegrupper" not in document else None


def _is_unit(unit: Mapping[str, Any]) -> bool:
    return "organisasjonsnummer" in unit


def _read_unit(unit: Any, row_no: int, seen: set[str], issues: list[Reject]) -> dict[str, Any] | Reject:
    org_no = _text(unit, "organisasjonsnummer")
    if org_no is None or len(org_no) != 9 or not (org_no.isascii() and org_no.isdigit()):
        message = "The unit has no organisation number of nine digits. Fetch the register again."
        return Reject("IN01", message, row_no=row_no, column="organisasjonsnummer", raw=org_no)
    if org_no in seen:
        message = "The file has this organisation number twice; the first one counts."
        return Reject("IN03", message, row_no=row_no, column="organisasjonsnummer", raw=org_no)
    try:
        days = {
            column: _day(unit, name)
            for column, name in (("registered_on", "registreringsdatoEnhetsregisteret"), ("deleted_on", "slettedato"))
        }
    except ValueError as error:
        return Reject("IN06", f"A date of the unit {error}. Fetch the register again.", row_no=row_no)
    seen.add(org_no)
    if not passes_mod11(org_no):
        message = "The organisation number fails its check digit."
        issues.append(Reject("RF04", message, row_no=row_no, column="organisasjonsnummer", raw=org_no))
    return {
        "org_no": org_no,
        "name": _text(unit, "navn"),
        "legal_form": _text(unit, "organisasjonsform", "kode"),
        **days,
        "is_bankrupt": _flag(unit, "konkurs"),
        "is_vat_registered": _flag(unit, "registrertIMvaregisteret"),
        "business_municipality_no": _text(unit, "forretningsadresse", "kommunenummer")
        or _text(unit, "beliggenhetsadresse", "kommunenummer"),
        "nace_code": _text(unit, "naeringskode1", "kode"),
        "sector_code": _text(unit, "institusjonellSektorkode", "kode"),
        "employees": _count(unit, "antallAnsatte"),
        "parent_org_no": _text(unit, "overordnetEnhet"),
        "_row_no": row_no,
        "_xpath": None,
    }


def _text(value: Any, *names: str) -> str | None:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    if not isinstance(value, str):
        return None
    # JSON can spell half a character, which no other file can hold.
    return value.encode("utf-8", "replace").decode("utf-8").strip() or None


def _flag(unit: Mapping[str, Any], name: str) -> bool | None:
    value = unit.get(name)
    return value if isinstance(value, bool) else None


def _count(unit: Mapping[str, Any], name: str) -> int | None:
    value = unit.get(name)
    return value if type(value) is int and 0 <= value < 10**9 else None


def _day(unit: Mapping[str, Any], name: str) -> date | None:
    text = _text(unit, name)
    return None if text is None else parse_xml_date(text[:10])
