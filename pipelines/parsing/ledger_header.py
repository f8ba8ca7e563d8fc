"""The header of a ledger: which row it is, and where each named column stands in it.

Belongs here: comparing header texts, those cut short included. Not here: rows (ledger_rows.py), what to say of a file
without a fitting header (ledger.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipelines.parsing.ledger_profile import Profile
from pipelines.parsing.tabular import STRAY_MARKS, Cell, cell_text

_SHORTEST_CUT = 4  # characters of a header that was cut short; fewer say nothing


def folded(value: Cell) -> str:
    """Return a header text for comparison: body_name and Body Name are one header, a stray byte order mark is none."""
    return " ".join(_without_marks(cell_text(value)).replace("_", " ").split()).casefold()


def _without_marks(text: str) -> str:
    for mark in STRAY_MARKS:
        text = text.replace(mark, "")
    return text


def header_texts(cells: Sequence[Cell]) -> list[str]:
    """Return the texts of a header row without blank ones at its end."""
    texts = [_without_marks(cell_text(value)) for value in cells]
    while texts and not texts[-1]:
        texts.pop()
    return texts


class Header:
    """The texts of one header row, and finding columns in it by name."""

    def __init__(self, cells: Sequence[Cell], profile: Profile) -> None:
        self.texts = header_texts(cells)
        self.truncated = profile.truncated
        self._named = (
            {folded(name) for rule in profile.columns for name in rule.headers} if profile.truncated else set()
        )
        self._positions: dict[str, list[int]] = {}
        for index, text in enumerate(self.texts):
            self._positions.setdefault(folded(text), []).append(index)

    def index_of(self, names: Iterable[str], occurrence: int = 1) -> int | None:
        """Return where the first of the names stands that the header has, at its n-th occurrence."""
        for name in names:
            found = self._find(folded(name))
            if len(found) >= occurrence:
                return found[occurrence - 1]
        return None

    def has(self, name: str) -> bool:
        """Return whether a name stands in the header."""
        return bool(self._find(folded(name)))

    def _find(self, name: str) -> list[int]:
        if name in self._positions or not self.truncated:
            return self._positions.get(name, [])
        # A text that is a header's whole name is no longer one cut short.
        texts = (text for text in self._positions if len(text) >= _SHORTEST_CUT and text not in self._named)
        cuts = [text for text in texts if name.startswith(text)]
        return self._positions[max(cuts, key=len)] if cuts else []


def find_header(rows: Sequence[Sequence[Cell]], profile: Profile) -> int | None:
    """Return the index of the first row that has every header that must be there."""
    for index in range(profile.skip_leading, min(len(rows), profile.skip_leading + profile.search_rows)):
        header = Header(rows[index], profile)
        if all(any(header.has(name) for name in names) for names in profile.must_contain):
            return index
    return None
