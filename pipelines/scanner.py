"""The privacy scanner: personal numbers, contact data and names of persons in text.

Belongs here: pure functions from a text to what it gives away. Not here: which texts are read and how strictly
(gate/privacy.py, preparing/), what is shown instead (mask.py). Nothing here knows where a text came from.

(1) Texts are read as people would: compatibility forms folded, invisible characters dropped, every kind of space and
    digit the same. (2) A personal number is eleven digits, in one piece or in the usual groups, with a possible day and
    month and both check digits right; D-numbers (day + 40) and the synthetic series (month + 40, + 65, + 80) count.
    (3) A hexadecimal digest is no text, alone or within one: its digits mean nothing.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from pipelines.person_names import find_person_names

PERSONAL_NUMBER, EMAIL, PHONE, BANK_ACCOUNT = "personal number", "e-mail address", "telephone number", "bank account"
PERSON_NAME = "name of a person"

_ELEVEN = re.compile(r"(?<!\d)(\d{2})[ ./-]?(\d{2})[ ./-]?(\d{2})[ ./-]{0,2}(\d{3})[ ./-]?(\d{2})(?!\d)")
_DIGEST = re.compile(
    r"(?<![0-9A-Za-z])(?=[0-9a-f]*[a-f])(?:[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})(?![0-9A-Za-z])"
)
_SHORTEST_DIGEST = 16
_REMEMBERED = 1 << 15  # ledgers and invoices say the same things over and over
_EMAIL = re.compile(r"[^\s@<>,;:/\"'()]+@[^\s@<>,;:/\"'()]+\.[A-Za-z]{2,}")
_PHONE_WITH_COUNTRY = re.compile(r"(?<![\d+])(?:\+|00)47[ .-]?(?:\d[ .-]?){7}\d(?!\d)")
_PHONE_IN_TEXT = re.compile(
    r"(?<![\d.,-])(?:"
    r"[2-9]\d(?: \d\d){3}"  # 22 33 44 55
    r"|[49]\d\d \d\d \d{3}"  # 912 34 567
    r"|[49]\d{7}"  # 91234567
    r")(?![\d,-]|\.\d)"
)
_PHONE_NAMED = re.compile(r"\b(?:tlf|tel|telefon|mob|mobil|phone)\b[.: ]*(?:\d[ .-]?){7}\d(?!\d)", re.IGNORECASE)
_ACCOUNT_GROUPED = re.compile(r"(?<!\d)(\d{4})([. ])(\d{2})\2(\d{5})(?!\d)")
_ACCOUNT_PLAIN = re.compile(r"(?<!\d)\d{11}(?!\d)")

_FIRST_WEIGHTS = (3, 7, 6, 1, 8, 9, 4, 5, 2)
_SECOND_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
_MONTH_SERIES = (0, 40, 65, 80)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def fold(text: str) -> str:
    """Return a text with compatibility forms folded, invisible characters dropped, ASCII digits, and no digests."""
    plain = _plain(text)
    return _DIGEST.sub(" ", plain) if len(plain) >= _SHORTEST_DIGEST else plain


def _plain(text: str) -> str:
    if text.isascii():
        return text
    folded = unicodedata.normalize("NFKC", text)
    return "".join(
        str(unicodedata.digit(character)) if character.isdigit() else " " if character.isspace() else character
        for character in folded
        if unicodedata.category(character) != "Cf"
    )


def is_personal_number(digits: str) -> bool:
    """Return whether eleven digits are a possible personal number, D-numbers and synthetic series included."""
    day, month = int(digits[:2]), int(digits[2:4])
    day -= 40 if day > 40 else 0
    series = [month - offset for offset in _MONTH_SERIES if 1 <= month - offset <= 12]
    if not any(1 <= day <= _DAYS[possible - 1] for possible in series):
        return False
    return _check_digit(digits, _FIRST_WEIGHTS) == int(digits[9]) and _passes_second(digits)


def _check_digit(digits: str, weights: tuple[int, ...]) -> int:
    remainder = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False)) % 11
    return (11 - remainder) % 11


def _passes_second(digits: str) -> bool:
    return _check_digit(digits, _SECOND_WEIGHTS) == int(digits[10])


def find_personal_numbers(text: str) -> list[str]:
    """Return what in a text could be a personal number, as eleven digits; a digest holds none."""
    found = ("".join(match.groups()) for match in _ELEVEN.finditer(fold(text)))
    return [digits for digits in found if is_personal_number(digits)]


def find_contacts(text: str, *, is_free_text: bool) -> list[str]:
    """Return the kinds of contact data in a text.

    Args:
        text: Any cell.
        is_free_text: The cell holds names or words: eight and eleven digits are then read as telephone and account
            numbers; in a column of codes they may be a voucher number, and only written forms count.
    """
    read = fold(text)
    found = []
    if _EMAIL.search(read):
        found.append(EMAIL)
    if _PHONE_WITH_COUNTRY.search(read) or _PHONE_NAMED.search(read) or (is_free_text and _PHONE_IN_TEXT.search(read)):
        found.append(PHONE)
    accounts = ["".join(match.group(1, 3, 4)) for match in _ACCOUNT_GROUPED.finditer(read)]
    if is_free_text:
        accounts += _ACCOUNT_PLAIN.findall(read)
    if any(_passes_second(digits) for digits in accounts):
        found.append(BANK_ACCOUNT)
    return found


@lru_cache(maxsize=_REMEMBERED)
def find_in_free_text(text: str) -> tuple[str, ...]:
    """Return every kind of thing in a free text that gives a person away; none where the text may go on."""
    found = [PERSONAL_NUMBER] if find_personal_numbers(text) else []
    found += find_contacts(text, is_free_text=True)
    return (*found, PERSON_NAME) if find_person_names(fold(text)) else tuple(found)


@lru_cache(maxsize=_REMEMBERED)
def find_in_codes(text: str) -> tuple[str, ...]:
    """Return what gives a person away in a cell of codes or a registered name, where eight digits may be a number."""
    found = [PERSONAL_NUMBER] if find_personal_numbers(text) else []
    return (*found, *find_contacts(text, is_free_text=False))


@lru_cache(maxsize=_REMEMBERED)
def find_in_references(text: str) -> tuple[str, ...]:
    """Return what gives a person away in a reference or number, which somebody may have written a name into."""
    found = find_in_codes(text)
    return (*found, PERSON_NAME) if find_person_names(fold(text)) else found


def recognised_spans(text: str, *, is_file_name: bool = False) -> tuple[str, list[tuple[int, int]]]:
    """Return a text as people would read it, and where in it something gives a person away.

    Stricter than the finders: eleven digits in one piece count whatever their check digits, for a misread number is a
    number still. Digests are left alone.

    Args:
        text: A file's name, or a message.
        is_file_name: Names of persons count without capitals, and with any sign between.
    """
    plain = _plain(text)
    # Of the same length, so that places agree: what is a digest, and in names of files what joins words.
    read = _DIGEST.sub(lambda found: "\n" * len(found[0]), plain)
    if is_file_name:
        read = read.replace("_", " ")
    patterns = (_EMAIL, _PHONE_WITH_COUNTRY, _PHONE_NAMED, _ACCOUNT_GROUPED, _ACCOUNT_PLAIN)
    spans = [found.span() for pattern in patterns for found in pattern.finditer(read)]
    # In groups only what passes its checks: 2026-10/00001 is a day and a number.
    spans += [found.span() for found in _ELEVEN.finditer(read) if is_personal_number("".join(found.groups()))]
    spans += find_person_names(read, any_case=is_file_name)
    return plain, sorted(spans)
