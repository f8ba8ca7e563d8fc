"""What a proposed profile leaves for a person to decide: the mark in its text, found again, and how each is answered.

Belongs here: the mark and its meaning. Not here: what is left open and why (ledger_suggest.py), the proposal's text
(ledger_draft.py), the keys of a profile (ledger_profile.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MARK = "DECIDE"
_MARKED = re.compile(rf"\s*#\s*{MARK}\b[:\s]*(?P<question>.*)")
_COMMENTED_KEY = re.compile(r"(?P<indent>\s*)#\s*(?P<key>[a-z_]+):(\s|$)")
# What is to be written, and what is taken until then; a column is none until then.
_ANSWERS = {
    "amount_kind": ("net or gross", "net"),
    "sign": ("1 where expenses are positive in the file, -1 where they are negative", "1"),
    "dates": ("[dd/mm/yyyy] or [mm/dd/yyyy]", "[dd.mm.yyyy, yyyy-mm-dd]"),
    "numbers": ('{decimal: ","} or {decimal: "."}', 'a decimal comma, {decimal: ","}'),
    "constants": ("{currency: NOK}, or another code", "NOK"),
    "period": ("{column: …, style: …}, {from: a date column} or {from_file_name: …}", ""),
}
REQUIRED = ("columns.amount", "period")


@dataclass(frozen=True)
class Undecided:
    """One key that is still to be decided.

    Attributes:
        key: The profile's key, such as amount_kind or columns.amount.
        question: What a person must say, in the proposal's words.
    """

    key: str
    question: str

    @property
    def how(self) -> str:
        """Return how it is answered, and what counts until then."""
        name = self.key.removeprefix("columns.")
        answer, meanwhile = _ANSWERS.get(self.key, ("the header of the column", ""))
        if self.key in REQUIRED:
            until = "until then the profile is refused"
        elif self.key.startswith("columns."):
            until = "until then the column stays empty"
        else:
            until = f"until then: {meanwhile}"
        return f"Take the # away before '{name}:' and write {answer}; {until}."

    def __str__(self) -> str:
        """Key, question and answer in one line."""
        return f"{self.key} is to be decided: {self.question} {self.how}"


def find_undecided(text: str) -> tuple[Undecided, ...]:
    """Return what a profile's text still leaves open: each mark whose key stands below it as a comment."""
    return tuple(_find(text.splitlines()))


def _find(lines: list[str]) -> Iterator[Undecided]:
    for number, line in enumerate(lines):
        marked = _MARKED.match(line)
        if marked is None:
            continue
        for below in lines[number + 1 :]:
            if (key := _COMMENTED_KEY.match(below)) is not None:
                prefix = "columns." if key["indent"] else ""
                yield Undecided(prefix + key["key"], marked["question"].strip())
            elif below.lstrip().startswith("#"):
                continue
            break
