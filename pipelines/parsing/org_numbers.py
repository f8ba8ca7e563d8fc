"""Norwegian organisation numbers: their check digit, and finding them in what a document states.

Belongs here: reading an identifier. Not here: whether the unit exists or what it is (the company register, in dbt).
"""

from __future__ import annotations

import re
from functools import lru_cache

_WEIGHTS = (3, 2, 7, 6, 5, 4, 3, 2)
_NORWEGIAN_FORM = re.compile(r"(NO)?([0-9]{9})(MVA)?")
_SEPARATORS = re.compile(r"[\s.\u00a0\u202f]+")
# ISO 6523 code of Enhetsregisteret, and its EHF 2 spellings.
NORWEGIAN_SCHEMES = frozenset({"0192", "9908", "NO:ORGNR", "NO:VAT"})
# How participant ids are written where only the number belongs.
_PARTICIPANT = re.compile(r"(?:ISO6523-ACTORID-UPIS::)?(?:([0-9]{4}|NO:ORGNR|NO:VAT):)?(.*)", re.DOTALL)
# Words that people write around a number.
_AROUND = re.compile(r"ORG(?:ANISASJONS)?(?:NUMMER|NUMBER|NR|NO)[:.]*|FORETAKSREGISTERET|[-:]")
_ICD = re.compile(r"[0-9]{4}")
_LONGEST_FAULTY = 10  # eleven digits may be a person's: never kept
_LONGEST_FOREIGN = 35
_FEWEST_DIGITS = 4
_PERSONAL = 11  # digits alone, of nobody knows what
_LENGTH = 9


@lru_cache(maxsize=1 << 14)
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


@lru_cache(maxsize=1 << 14)
def read_party_number(text: str, scheme: str | None, country: str | None) -> tuple[str | None, bool]:
    """Return a party's number as stored, and whether it is stated as Norwegian; None for what is no number.

    As read_identifier, and the scheme may stand before the number (``0192:…``), words such as Org.nr. around it. A
    Norwegian number of the wrong length is kept as stated unless it is long enough to be a person's; of foreign ones
    only what looks like an identifier is kept: never a name.
    """
    compact = _SEPARATORS.sub("", text).upper()
    participant = _PARTICIPANT.fullmatch(compact)
    if participant:
        scheme, compact = participant[1] or scheme, participant[2]
    bare = _AROUND.sub("", compact)
    number, is_norwegian = read_identifier(bare if _NORWEGIAN_FORM.fullmatch(bare) else compact, scheme, country)
    if len(number) == _LENGTH and number.isdigit() and number in bare:
        return number, is_norwegian
    if is_norwegian:
        return (compact if _is_faulty_number(compact) else None), True
    return (compact if _is_foreign(compact, scheme) else None), False


def _is_faulty_number(compact: str) -> bool:
    return compact.isascii() and compact.isdigit() and len(compact) <= _LONGEST_FAULTY


def _is_foreign(compact: str, scheme: str | None) -> bool:
    """Tell a foreign identifier from a name: mostly digits, or any with a registered scheme."""
    digits = sum(character.isdigit() for character in compact)
    letters = sum(character.isalpha() for character in compact)
    if (
        len(compact) > _LONGEST_FOREIGN
        or digits < _FEWEST_DIGITS
        or (digits == _PERSONAL == len(compact) and not scheme)
    ):
        return False
    return digits >= letters or bool(_ICD.fullmatch(scheme or ""))
