"""Norwegian organisation numbers: their check digit, and finding them in what a document states.

Belongs here: reading an identifier. Not here: whether the unit exists or what it is (the company register, in dbt).
"""

from __future__ import annotations

import re

_WEIGHTS = (3, 2, 7, 6, 5, 4, 3, 2)
_NORWEGIAN_FORM = re.compile(r"(NO)?([0-9]{9})(MVA)?")
_SEPARATORS = re.compile(r"[\s.\u00a0\u202f]+")
# ISO 6523 code of Enhetsregisteret, and its EHF 2 spellings.
NORWEGIAN_SCHEMES = frozenset({"0192", "9908", "NO:ORGNR", "NO:VAT"})


def passes_mod11(org_no: str) -> bool:
    """Return whether nine digits carry the right check digit."""
    if len(org_no) != 9 or not (org_no.isascii() and org_no.isdigit()):
        return False
    remainder = sum(int(digit) * weight for digit, weight in zip(org_no, _WEIGHTS, strict=False)) % 11
    return remainder != 1 and (11 - remainder) % 11 == int(org_no[8])


def plain_org_no(text: str) -> str | None:
    """Return an organisation number as ledgers write it, without spaces, NO and MVA; other text as it is, upper-case.

    Lost leading digits are not invented and nothing is checked: that is the warehouse's.
    """
    compact = _SEPARATORS.sub("", text).upper()
    found = _NORWEGIAN_FORM.fullmatch(compact)
    return found[2] if found else (compact or None)


def read_identifier(text: str, scheme: str | None, country: str | None) -> tuple[str, bool]:
    """Return an identifier as stored, and whether it is stated as a Norwegian organisation number.

    Norwegian: the scheme says so, or the number is written NO…MVA, or its holder's country is Norway. Nine digits of
    unknown origin are taken as they are and are not claimed to be Norwegian.
    """
    compact = _SEPARATORS.sub("", text).upper()
    found = _NORWEGIAN_FORM.fullmatch(compact)
    norwegian = (scheme or "").upper() in NORWEGIAN_SCHEMES or (
        bool(found and (found[1] or found[3])) or (country == "NO" and not scheme)
    )
    if found and (norwegian or not (found[1] or found[3])):
        return found[2], norwegian
    if norwegian:
        digits = "".join(character for character in compact if character in "0123456789")
        return (digits or compact), True
    return compact, False
