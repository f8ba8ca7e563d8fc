"""Whole columns of text to typed columns at once, by the same rules as single values (numbers.py, dates.py).

Belongs here: the fast way for what is written plainly, the exact way for the rest, and saying which values are
unreadable. Not here: which column a format has, what becomes of a row with an unreadable value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from pipelines.parsing.dates import parse_xml_date
from pipelines.parsing.numbers import parse_xml_decimal


def compute() -> Any:
    """Return Arrow's compute functions, whose declared types are narrower than what they take."""
    import pyarrow.compute as pc

    return pc


@dataclass(frozen=True)
class Typed:
    """A typed column.

    Attributes:
        values: An Arrow array, as many as there were texts; null where the text is null or unreadable.
        unreadable: Positions of the texts that are no such value, ascending.
        rounded: Positions of the texts that stated more decimals than are kept, ascending.
    """

    values: Any
    unreadable: tuple[int, ...] = ()
    rounded: tuple[int, ...] = ()


def text_column(values: Sequence[str | None]) -> Any:
    """Return texts without surrounding space; empty ones are null."""
    import pyarrow as pa

    pc = compute()

    trimmed = pc.utf8_trim_whitespace(pa.array(values, pa.string()))
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def decimal_column(texts: Any, *, digits: int = 16, places: int = 2) -> Typed:
    """Return ``xs:decimal`` texts as decimals, half away from zero where they state more than ``places`` decimals.

    Args:
        texts: Trimmed texts.
        digits: Most digits before the decimal sign; more is unreadable.
        places: Decimals kept.
    """
    import pyarrow as pa

    pc = compute()

    kind: Any = pa.decimal128(digits + places, places)
    pattern = rf"^-?[0-9]{{1,{digits}}}(\.[0-9]{{1,{places}}})?$"
    is_plain = pc.match_substring_regex(texts, pattern)
    values = pc.if_else(is_plain, texts, pa.scalar(None, pa.string())).cast(kind)
    others = pc.indices_nonzero(pc.fill_null(pc.invert(is_plain), False)).to_pylist()
    if not others:
        return Typed(values)
    found: list[Decimal | None] = []
    unreadable, rounded = [], []
    for position in others:
        value, is_rounded = _exact(texts[position].as_py(), digits, places)
        found.append(value)
        if value is None:
            unreadable.append(position)
        elif is_rounded:
            rounded.append(position)
    mask = pc.fill_null(pc.invert(is_plain), False)
    return Typed(pc.replace_with_mask(values, mask, pa.array(found, kind)), tuple(unreadable), tuple(rounded))


def _exact(text: str, digits: int, places: int) -> tuple[Decimal | None, bool]:
    try:
        stated = parse_xml_decimal(text)
    except ValueError:
        return None, False
    if abs(stated) >= Decimal(10) ** digits:
        return None, False
    value = stated.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return (None, False) if abs(value) >= Decimal(10) ** digits else (value, value != stated)


def date_column(texts: Any) -> Typed:
    """Return ``xs:date`` texts as days."""
    import pyarrow as pa

    pc = compute()

    encoded = texts.dictionary_encode()
    days: list[date | None] = [_day(text) for text in encoded.dictionary.to_pylist()]
    values = pa.array(days, pa.date32()).take(encoded.indices)
    if None not in days:
        return Typed(values)
    unreadable = pc.indices_nonzero(pc.and_(pc.is_valid(texts), pc.is_null(values))).to_pylist()
    return Typed(values, tuple(unreadable))


def _day(text: Any) -> date | None:
    try:
        return parse_xml_date(text)
    except ValueError:
        return None
