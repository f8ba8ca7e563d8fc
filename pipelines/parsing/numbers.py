"""Amounts as people and systems write them, read exactly or refused.

Belongs here: text to Decimal by a stated number style. Not here: which style a file uses (ledger profiles).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

NEGATIVE_STYLES = ("minus", "trailing_minus", "parentheses")
_MINUS_SIGNS = "\u2212\u2013-"  # the hyphen last: it stands in character classes
_LONGEST = 40  # characters; longer text is not an amount
_LARGEST = Decimal(10) ** 16  # DECIMAL(18,2) holds less than this
_ORE = Decimal("0.01")
_PLAIN = re.compile(r"[-+]?[0-9]*")
OWN, OTHER, EITHER = "own", "other", "either"
_XML_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")


@dataclass(frozen=True)
class NumberStyle:
    """How a layout writes numbers.

    Attributes:
        decimal: The decimal sign, comma or point.
        thousands: What may stand between groups of three digits; within one number it is always the same.
        negative: Any of NEGATIVE_STYLES.
        whole: Amounts have no decimals in this layout, so that 12.500 can only be twelve thousand five hundred.
    """

    decimal: str = ","
    thousands: tuple[str, ...] = (" ", "\u00a0", "\u202f", ".")
    negative: tuple[str, ...] = NEGATIVE_STYLES
    whole: bool = False
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile the style once."""
        separators = "".join(re.escape(sign) for sign in self.thousands)
        grouped = rf"[1-9][0-9]{{0,2}}(?P<sep>[{separators}])[0-9]{{3}}(?:(?P=sep)[0-9]{{3}})*|" if separators else ""
        body = rf"(?P<whole>{grouped}[0-9]+)?(?:{re.escape(self.decimal)}(?P<part>[0-9]+)?)?"
        pattern = (
            rf"(?P<open>\(\s*)?(?P<lead>[+{_MINUS_SIGNS}])?\s*{body}\s*(?P<trail>[{_MINUS_SIGNS}])?(?P<close>\s*\))?"
        )
        object.__setattr__(self, "_pattern", re.compile(pattern))

    def parse(self, text: str) -> Decimal:
        """Return the amount that a text states, with its own number of decimals.

        Raises:
            ValueError: The text is not a number in this style; separators in other places than between groups of
                three count as that (``1.23`` is not 123). The message says why, without the text.
        """
        found = self._pattern.fullmatch(text.strip()) if len(text) <= _LONGEST else None
        if found is None or (found["whole"] is None and found["part"] is None) or (self.whole and found["part"]):
            raise ValueError(f"is not a number written as {self.describe()}")
        whole = found["whole"] or "0"
        if found.groupdict().get("sep"):
            whole = whole.replace(found["sep"], "")
        amount = Decimal(f"{whole}.{found['part']}" if found["part"] else whole)
        return -amount if self._is_negative(found) else amount

    def read(self, text: str) -> Decimal | None:
        """Return the amount that a text states, or None where it is none in this style."""
        try:
            return self.parse(text)
        except ValueError:
            return None

    def mirrored(self) -> NumberStyle:
        """Return the style that has comma and point the other way round."""
        return NumberStyle(
            "." if self.decimal == "," else ",", (" ", "\u00a0", "\u202f", "'", self.decimal), self.negative
        )

    def speaks_for(self, text: str) -> str | None:
        """Return what a text says about a file's style.

        OWN: only this style reads it. OTHER: only the mirrored one does. EITHER: both do, to different amounts (1.234).
        None: neither does, or both to the same amount (1 234).
        """
        if _PLAIN.fullmatch(text):
            return None
        own, other = self.read(text), _mirror_of(self).read(text)
        if own == other:
            return None
        if own is not None and other is not None:
            return OWN if self.whole else EITHER
        return OTHER if own is None else OWN

    def _is_negative(self, found: re.Match[str]) -> bool:
        signs = {
            "minus": found["lead"] is not None and found["lead"] != "+",
            "trailing_minus": found["trail"] is not None,
            "parentheses": found["open"] is not None,
        }
        if (found["open"] is None) != (found["close"] is None):
            raise ValueError("has a parenthesis that is not closed or not opened")
        given = [name for name, stands in signs.items() if stands]
        if len(given) + (found["lead"] == "+") > 1:
            raise ValueError("has more than one sign")
        if given and given[0] not in self.negative:
            raise ValueError(f"is negative by {given[0].replace('_', ' ')}, which the profile does not allow")
        return bool(given)

    def describe(self) -> str:
        """Return the style in words, for messages."""
        names = {
            " ": "space",
            "\u00a0": "no-break space",
            "\u202f": "narrow no-break space",
            ".": "point",
            ",": "comma",
        }
        between = ", ".join(names.get(sign, sign) for sign in self.thousands) or "nothing"
        shown = "1234" if self.whole else f"1234{self.decimal}50"
        return f"{shown} (thousands: {between}; negative: {', '.join(self.negative)})"


@lru_cache(maxsize=64)
def _mirror_of(style: NumberStyle) -> NumberStyle:
    return style.mirrored()


def to_money(amount: Decimal) -> tuple[Decimal, bool]:
    """Return an amount in whole øre (half away from zero), and whether that changed it.

    Raises:
        ValueError: It has more than 16 digits before the decimal sign.
    """
    if not -_LARGEST < amount < _LARGEST:
        raise ValueError("has more than 16 digits before the decimal sign")
    rounded = amount.quantize(_ORE, ROUND_HALF_UP)
    if abs(rounded) >= _LARGEST:
        raise ValueError("has more than 16 digits before the decimal sign")
    return rounded, rounded != amount


def float_to_money(value: float) -> tuple[Decimal, bool]:
    """Return a spreadsheet's binary number in whole øre, and whether it stated more than whole øre.

    Raises:
        ValueError: It is not finite, or has more than 16 digits before the decimal sign.
    """
    amount = Decimal(repr(value))
    if not amount.is_finite():
        raise ValueError("is not a number")
    rounded, _ = to_money(amount)
    # Binary noise (1234.5600000000001) is not a statement of more decimals.
    return rounded, abs(rounded - amount) > Decimal("0.000001")


def parse_xml_decimal(text: str) -> Decimal:
    """Return the value of an ``xs:decimal``, with the decimals stated.

    Raises:
        ValueError: The text is anything else: an exponent, NaN, a decimal comma, an empty element.
    """
    compact = text.strip()
    if len(compact) > _LONGEST or _XML_DECIMAL.fullmatch(compact) is None:
        raise ValueError("is not a decimal number with a point")
    return Decimal(compact)


def limited(places: int, digits: int) -> Callable[[str], Decimal]:
    """Return a reader of XML decimals: at most ``places`` decimals are kept, more than ``digits`` digits refused."""
    quantum, bound = Decimal(1).scaleb(-places), Decimal(10) ** digits

    def read(text: str) -> Decimal:
        amount = parse_xml_decimal(text)
        if amount.as_tuple().exponent < -places:  # type: ignore[operator]
            amount = amount.quantize(quantum, ROUND_HALF_UP)
        if not -bound < amount < bound:
            raise ValueError(f"has more than {digits} digits before the decimal sign")
        return amount

    return read
