"""What can go wrong, in the words of the domain.

Belongs here: exceptions that a user may see, each with what happened, where, and what to do. Not here: rejects
(a bad row or document is data, not an exception: parsing/).
"""

from __future__ import annotations

import traceback


class SamandelError(Exception):
    """A failure that a user can act on.

    Args:
        what: What happened, one sentence.
        where: Municipality, delivery, file, row or key.
        remedy: What to do next.
    """

    exit_code = 3

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = what, where, remedy
        super().__init__(what)

    def __str__(self) -> str:
        """All three parts on separate lines."""
        lines = [self.what]
        if self.where:
            lines.append(f"  where:  {self.where}")
        if self.remedy:
            lines.append(f"  remedy: {self.remedy}")
        return "\n".join(lines)


class ConfigurationError(SamandelError):
    """The home, a register, consortium.yaml or an argument is wrong (exit 2)."""

    exit_code = 2


class ProblemsFound(ConfigurationError):
    """Several things are wrong at once; all of them are listed."""

    def __init__(self, problems: list[str], *, remedy: str = "") -> None:
        self.problems = problems
        count = len(problems)
        super().__init__(
            f"{count} problem{'s' if count != 1 else ''} found:\n" + "\n".join(f"  - {text}" for text in problems),
            remedy=remedy,
        )


class UnreadableDelivery(SamandelError):
    """A delivery's files cannot be read at all."""


class SourceUnreachable(SamandelError):
    """A source's server cannot be reached, is not the one it should be, or does not let us in."""


class WarehouseBusy(SamandelError):
    """Another process is building the warehouse."""


class BuildFailed(SamandelError):
    """The warehouse could not be built; the last good one stands."""


class VerdictMissing(SamandelError):
    """There is no valid green verdict for exactly these bytes: nothing is published."""


class ReleaseDamaged(SamandelError):
    """A release's bytes are not those that were published."""


class UnexpectedFailure(SamandelError):
    """Something that nobody foresaw; the message says where, and holds nothing of what was at work."""


def describe_unexpected(error: BaseException) -> str:
    """Return an unforeseen error's kind and its way through the code, of causes too; never its text.

    The text may hold a value of a row: a name, a number, an account.
    """
    parts: list[str] = []
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        frames = "".join(traceback.format_list(traceback.extract_tb(found.__traceback__)))
        parts.insert(0, f"{type(found).__module__}.{type(found).__qualname__} (its text is left out)\n{frames}")
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
    return "\nwhich led to:\n\n".join(parts)
