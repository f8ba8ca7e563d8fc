"""What a person writes beside a decision: that something is written, and that it names nobody.

Belongs here: the one check that every recorded reason passes. Not here: where decisions are kept (landing/decisions.py,
proposals.py), who may decide.

A decision is never changed afterwards, and its reason goes into the warehouse: what gives a person away must not.
"""

from __future__ import annotations

from pipelines.errors import ConfigurationError
from pipelines.scanner import find_in_free_text


def require_reason(text: str) -> str:
    """Return a reason on one line.

    Raises:
        ConfigurationError: It is empty, or holds what gives a person away; the message says what kind, never the text.
    """
    reason = " ".join(text.split())
    if not reason:
        raise ConfigurationError("A decision needs a reason.", where="--reason", remedy="Say why, in a sentence.")
    if found := find_in_free_text(reason):
        raise ConfigurationError(
            f"The reason holds what gives a person away: {', '.join(found)}. It would be kept for good.",
            where="--reason",
            remedy="Say it without names, numbers and addresses of persons.",
        )
    return reason
