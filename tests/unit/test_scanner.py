"""What the privacy scanner finds, and what it must leave alone. All numbers are invented: month + 80 or + 65."""

from __future__ import annotations

import pytest

from pipelines.scanner import (
    BANK_ACCOUNT,
    EMAIL,
    PERSON_NAME,
    PHONE,
    find_contacts,
    find_in_free_text,
    find_personal_numbers,
    fold,
    is_personal_number,
)

FIRST = (3, 7, 6, 1, 8, 9, 4, 5, 2)
SECOND = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


def with_check_digits(nine: str) -> str | None:
    digits = nine
    for weights in (FIRST, SECOND):
        check = -sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 11
        if check == 10:
            return None
        digits += str(check)
    return digits


def personal_number(day: int, month: int) -> str:
    """A number of a series with right check digits: the first individual number that has them."""
    return next(
        number for individual in range(500, 999) if (number := with_check_digits(f"{day:02d}{month:02d}85{individual}"))
    )


SYNTHETIC = personal_number(17, 5 + 80)


@pytest.mark.parametrize(
    ("day", "month"),
    [(17, 5), (57, 5), (17, 45), (17, 70), (17, 85), (57, 85), (29, 2), (31, 92)],
    ids=[
        "ordinary",
        "D-number",
        "month + 40",
        "month + 65",
        "month + 80",
        "D-number + 80",
        "leap day",
        "December + 80",
    ],
)
def test_every_series_is_recognised(day: int, month: int) -> None:
    assert is_personal_number(personal_number(day, month))


@pytest.mark.parametrize(
    ("day", "month"), [(0, 5), (32, 5), (40, 5), (72, 5), (17, 0), (17, 13), (17, 40), (17, 60), (17, 93), (31, 84)]
)
def test_impossible_dates_are_not_persons(day: int, month: int) -> None:
    assert not is_personal_number(personal_number(day, month))


@pytest.mark.parametrize("position", [9, 10])
def test_a_wrong_check_digit_is_not_a_person(position: int) -> None:
    digits = SYNTHETIC[:position] + str((int(SYNTHETIC[position]) + 1) % 10) + SYNTHETIC[position + 1 :]
    assert not is_personal_number(digits)


@pytest.mark.parametrize(
    "text",
    [
        SYNTHETIC,
        f"Refusjon {SYNTHETIC}, mars",
        f"fnr{SYNTHETIC}x",
        f"{SYNTHETIC[:6]} {SYNTHETIC[6:]}",
        f"{SYNTHETIC[:6]}-{SYNTHETIC[6:]}",
        f"{SYNTHETIC[:2]}.{SYNTHETIC[2:4]}.{SYNTHETIC[4:6]} {SYNTHETIC[6:]}",
        f"{SYNTHETIC[:6]} {SYNTHETIC[6:9]} {SYNTHETIC[9:]}",
        f"{SYNTHETIC[:6]}\u00a0{SYNTHETIC[6:]}",
        f"{SYNTHETIC[:6]}\u200b{SYNTHETIC[6:]}",
        "".join(chr(0xFF10 + int(digit)) for digit in SYNTHETIC),
    ],
    ids=["alone", "in words", "glued", "6+5", "hyphen", "dotted", "6+3+2", "hard space", "invisible", "full width"],
)
def test_it_is_found_however_it_is_written(text: str) -> None:
    assert find_personal_numbers(text) == [SYNTHETIC]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Kontorrekvisita",
        f"1{SYNTHETIC}",
        f"{SYNTHETIC}0",
        "12345678901",
        f"abcde{SYNTHETIC}",
        f"{'ab' * 20}{SYNTHETIC}{'c' * 13}",
        f"sha256:{'ab' * 20}{SYNTHETIC}{'c' * 13}",
        f"før abcde{SYNTHETIC}",
    ],
    ids=["empty", "words", "twelve before", "twelve after", "wrong checks", "16 hex", "64 hex", "named", "within"],
)
def test_other_digits_are_left_alone(text: str) -> None:
    assert find_personal_numbers(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ta kontakt med post@eksempel.no", [EMAIL]),
        ("ring +47 912 34 567", [PHONE]),
        ("004722334455", [PHONE]),
        ("Tlf: 22 33 44 55", [PHONE]),
        ("mob. 91234567", [PHONE]),
        ("konto 1234.56.78903", [BANK_ACCOUNT]),
    ],
)
def test_written_contacts_are_found_in_every_column(text: str, found: list[str]) -> None:
    assert find_contacts(text, is_free_text=False) == found
    assert find_contacts(text, is_free_text=True) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("91234567", [PHONE]),
        ("22 33 44 55", [PHONE]),
        ("912 34 567", [PHONE]),
        ("12345678903", [BANK_ACCOUNT]),
    ],
)
def test_bare_numbers_are_contacts_in_free_text_only(text: str, found: list[str]) -> None:
    assert find_contacts(text, is_free_text=True) == found
    assert find_contacts(text, is_free_text=False) == []


@pytest.mark.parametrize(
    "text",
    [
        "Kopipapir A4",
        "2026-10",
        "31987654",
        "12345678901",
        "100 000,50",
        "9876543210",
        f"sha256:{'a9' * 10}b91234567b{'c' * 34}",
    ],
)
def test_ordinary_texts_hold_no_contacts(text: str) -> None:
    assert find_contacts(text, is_free_text=True) == []


def test_folding_keeps_norwegian_letters() -> None:
    assert fold("Blåbær\u00a0og\u00ad rømme") == "Blåbær og rømme"


@pytest.mark.parametrize(
    "text",
    ["Støttekontakt Kari Nordmann, mars", "NORDMANN, KARI", "Gjelder Anne-Lise Fjell", "Kari Nordmann ENK", "Per Dal"],
)
def test_a_persons_name_in_free_text_is_found(text: str) -> None:
    assert PERSON_NAME in find_in_free_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "Brød og rundstykker, 40 stk",
        "Pris Per Stk",
        "Eksempel Bakeri AS",
        "Kari Nordmann Bygg AS",
        "Møtemat til formannskapet 12. mars",
        "Marie kjeks 200 g",
        "LEIE AV LIFT",
    ],
)
def test_an_item_or_a_firm_is_no_person(text: str) -> None:
    assert find_in_free_text(text) == ()
