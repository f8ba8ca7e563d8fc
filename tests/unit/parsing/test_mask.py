"""A masked value shows its shape and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.parsing.mask import mask


@pytest.mark.parametrize(
    ("value", "masked"),
    [("1 234,50", "1 999,99"), ("Kari Nordmann", "Kaxx xxxxxxxx"), ("", ""), ("01", "01"), ("x" * 100, "x" * 40)],
    ids=["amount", "name", "nothing", "short", "long"],
)
def test_shape_is_kept(value: str, masked: str) -> None:
    assert mask(value) == masked


@given(st.text())
def test_beyond_two_characters_no_letter_or_digit_survives(value: str) -> None:
    masked = mask(value)
    assert len(masked) == min(len(value), 40)
    assert all(character in "x9" for character in masked[2:] if character.isalnum())
