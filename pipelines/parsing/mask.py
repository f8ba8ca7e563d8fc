"""Raw values in rejects, logs and messages: their shape, not what they say.

Belongs here: the one mask. Not here: what is masked where.
"""

from __future__ import annotations

_LONGEST = 40
_SHOWN = 2


def mask(value: str) -> str:
    """Return a value's shape: beyond the first two characters letters are x and digits 9; at most 40 characters."""
    hidden = "".join(
        "9" if character.isnumeric() else "x" if character.isalpha() else character
        for character in value[_SHOWN:_LONGEST]
    )
    return value[:_SHOWN] + hidden
