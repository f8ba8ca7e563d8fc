"""What a parser says about data that it refuses or remarks on.

Belongs here: the one type of a remark, masked as it is made. Not here: where remarks are stored (parse.py), what a
rule means (expectations/rules/<ID>.md).
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from pipelines.mask import mask, mask_message


@dataclass(frozen=True)
class Reject:
    """One remark: a reject (the row or document goes no further) or an issue (it does), by the list it stands in.

    Attributes:
        rule: Rule id, such as IN06.
        message: What is wrong and what to do; never holds the raw value. What in it gives a person away is masked.
        row_no: Row in the file, 1-based, where the file has rows.
        column: Header of the column, for tabular files.
        path: Where in an XML document.
        raw: The offending value; masked on the way in, whoever makes the remark.
        amount: What the refused row or document states, NOK without VAT, credit notes negative; where it can be read.
        day: The day that it states.
    """

    rule: str
    message: str
    row_no: int | None = None
    column: str | None = None
    path: str | None = None
    raw: str | None = None
    amount: Decimal | None = None
    day: date | None = None

    def __post_init__(self) -> None:
        """Mask the raw value, and what in the other texts gives a person away, so that nothing unmasked is stored."""
        for name in ("message", "column"):
            if text := getattr(self, name):
                object.__setattr__(self, name, mask_message(text))
        if self.raw is not None:
            object.__setattr__(self, "raw", mask(self.raw))

    def stating(self, amount: Any, day: Any, currency: Any = "NOK") -> Reject:
        """Return the reject with what the refused thing states of its amount (in kroner, else none) and its day."""
        stated = copy(self)
        is_nok = currency in (None, "NOK") and isinstance(amount, Decimal)
        object.__setattr__(stated, "amount", amount if is_nok else None)
        object.__setattr__(stated, "day", day if isinstance(day, date) else None)
        return stated
