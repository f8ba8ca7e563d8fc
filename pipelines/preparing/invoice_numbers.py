"""An invoice's number: as two systems would agree on it, and what stands for one that gives a person away.

Belongs here: comparing numbers, and replacing them. Not here: which numbers must go (ledgers.py, documents.py), whose
invoices they are (clients.py).

A number that must go is replaced by a short digest of itself, so that two invoices stay two, and ledger and e-invoice
still agree. There are few enough personal numbers to try them all: the digest is slow, so that nobody does in passing.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

_ROUNDS = 200_000
_BYTES = 4
_PREFIX = "fjernet-"
_REMEMBERED = 1 << 12


def comparable_number(number: str | None) -> str:
    """Return an invoice's number without what systems add and leave out."""
    return re.sub(r"[\W_]+", "", number or "").upper().lstrip("0")


def pseudonym(number: str) -> str:
    """Return what stands for an invoice's number that gives a person away; always the same for the same number."""
    return _pseudonym(comparable_number(number))


@lru_cache(maxsize=_REMEMBERED)
def _pseudonym(number: str) -> str:
    digest = hashlib.pbkdf2_hmac("sha256", number.encode(), b"samandel invoice number", _ROUNDS, _BYTES)
    return _PREFIX + digest.hex()
