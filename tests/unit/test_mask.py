"""A masked value shows its shape and nothing else; a masked name hides what gives a person away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.mask import mask, mask_file_name, mask_message
from tests.unit.test_scanner import SYNTHETIC


@pytest.mark.parametrize(
    ("value", "masked"),
    [("1 234,50", "9 999,99"), ("Kari Nordmann", "xxxx xxxxxxxx"), ("", ""), ("01", "99"), ("x" * 100, "x" * 40)],
    ids=["amount", "name", "nothing", "short", "long"],
)
def test_shape_is_kept(value: str, masked: str) -> None:
    assert mask(value) == masked


@given(st.text())
def test_no_letter_or_digit_survives(value: str) -> None:
    masked = mask(value)
    assert len(masked) == min(len(value), 40)
    assert all(character in "x9" for character in masked if character.isalnum())


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        (f"klient {SYNTHETIC}.csv", "klient 99999999999.csv"),
        (f"{SYNTHETIC[:6]}-{SYNTHETIC[6:]}_mars.xml", "999999-99999_mars.xml"),
        ("kari_nordmann_faktura.xml", "xxxx_xxxxxxxx_xxxxxxx.xml"),
        ("NORDMANN, KARI.xml", "xxxxxxxx, xxxx.xml"),
        ("svar til ola.fjell@post.example.csv", "xxxx xxx xxx.xxxxx@xxxx.xxxxxxx.csv"),
        ("konto 1234.56.78903.csv", "konto 9999.99.99999.csv"),
        ("tlf_22334455.txt", "xxx_99999999.txt"),
    ],
    ids=["personal number", "grouped number", "name", "surname first", "e-mail", "account", "telephone"],
)
def test_a_file_name_hides_what_gives_a_person_away(name: str, masked: str) -> None:
    assert mask_file_name(name) == masked


@pytest.mark.parametrize(
    "name",
    [
        "2026-10.csv",
        "9901/ledger/2026-10_korrigert.xlsx",
        "leverandørreskontro mars 2026.csv",
        "invoice 40012345.xml",
        "Eksempel Bakeri AS.xml",
        f"{'0123456789abcdef' * 4}.xml",
        "uk_darlington-2013-04.csv",
        "99001.xml",
        "ehf/2026-10/00001.xml",
        "ExampleFileTaxFree_v1.30.xml",
    ],
)
def test_an_ordinary_file_name_stands(name: str) -> None:
    assert mask_file_name(name) == name


def test_a_message_keeps_its_words() -> None:
    message = (
        "The value is not a date. Have the row corrected, and the file delivered again (delivery 0a1b2c3d4e5f6071)."
    )
    assert mask_message(message) == message
    assert SYNTHETIC not in mask_message(f"The file {SYNTHETIC} cannot be opened.")
