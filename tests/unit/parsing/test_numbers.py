"""Amounts are read exactly as written, or refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.parsing.numbers import NumberStyle, float_to_money, limited, parse_xml_decimal, to_money

NORWEGIAN = NumberStyle()
BRITISH = NumberStyle(".", (",",))


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1234,50", "1234.50"),
        ("1 234,50", "1234.50"),
        ("1\u00a0234,50", "1234.50"),
        ("1\u202f234\u202f567,5", "1234567.5"),
        ("1.234.567,89", "1234567.89"),
        ("-1234,50", "-1234.50"),
        ("- 1234,50", "-1234.50"),
        ("\u22121234,50", "-1234.50"),
        ("1234,50-", "-1234.50"),
        ("1 234,50 -", "-1234.50"),
        ("(1 234,50)", "-1234.50"),
        ("( 12 )", "-12"),
        ("+12,00", "12.00"),
        (",50", "0.50"),
        ("12,", "12"),
        ("0", "0"),
    ],
)
def test_norwegian_amounts_are_read(text: str, amount: str) -> None:
    assert str(NORWEGIAN.parse(text)) == amount


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ",",
        "-",
        "()",
        "1.23",
        "1,234.50",
        "12 34,50",
        "1 234.567,00",
        "1 2345,00",
        "(12,00",
        "12,00)",
        "-(12,00)",
        "-12,00-",
        "+-1",
        "1e5",
        "1_000",
        "NaN",
        "kr 12",
        "\u0661\u0662",
        "1" * 41,
    ],
)
def test_other_texts_are_refused_instead_of_guessed(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number|parenthesis|sign"):
        NORWEGIAN.parse(text)


def test_negative_styles_that_a_profile_leaves_out_are_refused() -> None:
    style = NumberStyle(",", (), ("minus",))
    assert style.parse("-1") == -1
    with pytest.raises(ValueError, match="parentheses"):
        style.parse("(1)")
    with pytest.raises(ValueError, match="trailing minus"):
        style.parse("1-")


def _grouped(whole: int, separator: str) -> str:
    return f"{whole:,}".replace(",", separator)


@given(
    ore=st.integers(min_value=-(10**17), max_value=10**17),
    separator=st.sampled_from(["", " ", "\u00a0", "\u202f", "."]),
    negative=st.sampled_from(["-{}", "{}-", "({})"]),
)
def test_every_written_norwegian_amount_comes_back_exactly(ore: int, separator: str, negative: str) -> None:
    whole, part = divmod(abs(ore), 100)
    text = f"{_grouped(whole, separator)},{part:02d}"
    assert NORWEGIAN.parse(negative.format(text) if ore < 0 else text) == Decimal(ore).scaleb(-2)


@given(ore=st.integers(min_value=0, max_value=10**15))
def test_every_written_british_amount_comes_back_exactly(ore: int) -> None:
    whole, part = divmod(ore, 100)
    assert BRITISH.parse(f"{whole:,}.{part:02d}") == Decimal(ore).scaleb(-2)


@given(st.text(max_size=50))
def test_any_text_is_an_amount_or_a_value_error(text: str) -> None:
    for style in (NORWEGIAN, BRITISH):
        try:
            assert style.parse(text).is_finite()
        except ValueError as error:
            assert repr(text) not in str(error)


def test_money_is_rounded_half_away_from_zero_and_says_so() -> None:
    assert to_money(Decimal("1.005")) == (Decimal("1.01"), True)
    assert to_money(Decimal("-1.005")) == (Decimal("-1.01"), True)
    assert to_money(Decimal("1.500")) == (Decimal("1.50"), False)
    with pytest.raises(ValueError, match="16 digits"):
        to_money(Decimal("9999999999999999.995"))


def test_binary_noise_of_a_spreadsheet_is_not_a_third_decimal() -> None:
    assert float_to_money(0.1 + 0.2) == (Decimal("0.30"), False)
    assert float_to_money(1.005) == (Decimal("1.01"), True)
    with pytest.raises(ValueError, match="not a number"):
        float_to_money(float("nan"))


@pytest.mark.parametrize("text", ["", "1,0", "1e3", "1_0", "NaN", "Infinity", "--1", "0x1", "\u0661"])
def test_only_xml_decimals_are_xml_decimals(text: str) -> None:
    with pytest.raises(ValueError, match="decimal number"):
        parse_xml_decimal(text)


def test_limited_readers_keep_what_a_column_holds() -> None:
    read = limited(places=2, digits=3)
    assert str(read("999.994")) == "999.99"
    with pytest.raises(ValueError, match="3 digits"):
        read("999.995")
