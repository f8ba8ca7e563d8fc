"""Whether what stands in a ledger contradicts its profile: number style, date style, sign.

Belongs here: counting what amounts and dates say while a file is read, and the verdict on the whole file. Not here:
reading one row (ledger_rows.py), finding the style of an unknown file (ledger_suggest.py).

A profile that reads a file with the wrong decimal sign makes amounts a hundred or a thousand times too large, and
nothing in the single row shows it. So the whole file is refused where more amounts or dates speak against the profile
than for it, or where all of them could be read in two ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.parsing.dates import DateReader, formats_that_read
from pipelines.parsing.ledger_profile import Profile
from pipelines.parsing.numbers import EITHER, OTHER, OWN

_FEWEST_AMOUNTS = 10  # fewer may well be credit notes only
_SIGN_WORDS = {",": "comma", ".": "point"}


@dataclass
class Evidence:
    """What the amounts of a file say.

    Attributes:
        own: Amounts that only the profile's number style reads.
        other: Amounts that only the style with comma and point the other way round reads.
        either: Amounts that both read, differently.
        negative: Postings with a negative amount, after the profile's sign.
        positive: Postings with a positive one.
    """

    own: int = 0
    other: int = 0
    either: int = 0
    negative: int = 0
    positive: int = 0

    def note(self, speaks_for: str | None) -> None:
        """Count what one amount's text says."""
        if speaks_for == OWN:
            self.own += 1
        elif speaks_for == OTHER:
            self.other += 1
        elif speaks_for == EITHER:
            self.either += 1

    def add(self, more: Evidence) -> None:
        """Count what another part of the file says."""
        for name in ("own", "other", "either", "negative", "positive"):
            setattr(self, name, getattr(self, name) + getattr(more, name))


def contradiction(evidence: Evidence, dates: Mapping[str, DateReader], profile: Profile) -> str | None:
    """Return why a file contradicts its profile and what to do, or None; holds no value of the file.

    Args:
        evidence: What the amounts say.
        dates: By header, the reader of each date column, which has read the file.
        profile: The profile.
    """
    problem = _numbers(evidence, profile) or _signs(evidence, profile)
    if problem:
        return problem
    found = (_dates(header, reader, profile) for header, reader in dates.items())
    return next((text for text in found if text), None)


def _numbers(evidence: Evidence, profile: Profile) -> str | None:
    own, mirrored = profile.numbers.decimal, profile.numbers.mirrored().decimal
    if evidence.other > evidence.own:
        return (
            f"The amounts contradict the profile '{profile.name}': {evidence.other} are written with a decimal "
            f"{_SIGN_WORDS[mirrored]}, {evidence.own} with the decimal {_SIGN_WORDS[own]} that the profile names. "
            f'Set numbers.decimal: "{mirrored}" in a profile for this layout, or ask the member for the usual export.'
        )
    if evidence.either and not evidence.own and not profile.numbers.whole:
        shown = "1.234" if own == "," else "1,234"
        return (
            f"The amounts can be read in two ways: {evidence.either} are written like {shown}, and none shows which "
            f"sign is the decimal one. Set numbers.whole: true in the profile '{profile.name}' where amounts have no "
            f'decimals, or numbers.decimal: "{mirrored}" where they have three.'
        )
    return None


def _signs(evidence: Evidence, profile: Profile) -> str | None:
    amounts = evidence.negative + evidence.positive
    if profile.mostly_credits or amounts < _FEWEST_AMOUNTS or evidence.negative * 4 <= amounts * 3:
        return None
    return (
        f"The sign contradicts the profile '{profile.name}': {evidence.negative} of {amounts} amounts are negative "
        f"where expenses must be positive. Set sign: {-profile.sign} in a profile for this layout, or mostly_credits: "
        "true where its files really hold credit notes for the most part."
    )


def _dates(header: str, reader: DateReader, profile: Profile) -> str | None:
    if len(reader.refused) <= reader.read_texts:
        return None
    fitting = formats_that_read(reader.refused)
    if not fitting:
        return None
    return (
        f"The dates under '{header}' contradict the profile '{profile.name}': {len(reader.refused)} different ones are "
        f"not written {' or '.join(reader.formats)}, {reader.read_texts} are. They are written "
        f"{' or '.join(fitting)}: set dates in a profile for this layout to that, or ask the member for the usual "
        "export."
    )
