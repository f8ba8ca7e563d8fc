"""What a recipient already holds of the market: its earlier releases, and who stood behind their cells.

Belongs here: reading them, remembering contributors, what a cell's change since then says. Not here: what is published
now (suppress.py), publishing (publishing/). Releases that were superseded or recalled count: whoever got one has it.

(1) A cell is a municipality, category and year, covered to the release's month: next month's is another cell.
(2) A cell that was hidden stays hidden in every later release of the same months. One that was shown cannot be hidden
    in them; it can be left out.
    One that was told in a sum, or ranked, stays hidden in later months of its year too: what it has grown by is less
    than it is.
(3) Where a cell was shown with another amount, of the same months or fewer, the difference is a cell too: whoever
    changed since must be enough.
(4) Contributors of what was shown are remembered by the candidate's digest, beside the candidates, and never leave the
    house. Where they are not remembered, a changed cell is hidden.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipelines.candidates.products import CandidateKey
from pipelines.candidates.sensitivity import Contributor
from pipelines.files import pretty_json, write_atomically
from pipelines.home import Home

CellKey = tuple[int, str, str]
_KEY = ("year", "municipality_no", "spend_category")
_MARKET_VIEW = "market_view.parquet"


@dataclass(frozen=True)
class Shown:
    """A cell as an earlier release showed it.

    Attributes:
        covered_to: The last month in it, ``YYYY-MM``.
        other_nok: Others' sales.
        contributions: Who stood behind it; None where that is not remembered.
    """

    covered_to: str
    other_nok: Decimal | None
    contributions: str | None


@dataclass(frozen=True)
class Earlier:
    """What a recipient holds.

    Attributes:
        period: The month that is published now.
        hidden: Cells that some release hid, and the last month in them.
        told_of: Cells that some release hid, and told in a sum or ranked.
        shown: Cells that releases showed, each as often as it was shown.
    """

    period: str = ""
    hidden: frozenset[tuple[CellKey, str]] = frozenset()
    shown: Mapping[CellKey, tuple[Shown, ...]] = field(default_factory=dict)
    told_of: frozenset[CellKey] = frozenset()

    def was_hidden(self, key: CellKey) -> bool:
        """Return whether a release of the same months hid a cell."""
        return (key, covered_to(key, self.period)) in self.hidden

    def was_shown(self, key: CellKey) -> bool:
        """Return whether a release of the same months showed a cell."""
        months = covered_to(key, self.period)
        return any(shown.covered_to == months for shown in self.shown.get(key, ()))

    def is_known(self, key: CellKey, other_nok: Decimal | None) -> bool:
        """Return whether hiding a cell now would hide nothing, or is too late."""
        return self.was_shown(key) or any(shown.other_nok == other_nok for shown in self.shown.get(key, ()))


NOTHING = Earlier()


def covered_to(key: CellKey, period: str) -> str:
    """Return the last month of a cell's year that a release of a period covers."""
    return min(period, f"{key[0]:04d}-12")


def key_of(row: Mapping[str, Any]) -> CellKey:
    """Return which cell of the market view a row is."""
    return (int(row["year"]), str(row["municipality_no"]), str(row["spend_category"]))


def earlier_digests(home: Home, key: CandidateKey, without: str = "") -> list[str]:
    """Return the digests of the releases with a market view that a recipient holds, sorted.

    Args:
        home: The home.
        key: Product and recipient.
        without: A candidate's own digest: what it is published as is no earlier release.
    """
    return sorted({digest for digest, _ in _releases(home, key) if digest != without})


def read_earlier(home: Home, key: CandidateKey) -> Earlier:
    """Return what a recipient holds, published for any month."""
    import pyarrow.parquet as pq

    hidden: set[tuple[CellKey, str]] = set()
    told_of: set[CellKey] = set()
    shown: dict[CellKey, list[Shown]] = {}
    for digest, folder in _releases(home, key):
        remembered = _remembered(home, key, digest)
        for row in pq.read_table(folder / _MARKET_VIEW).to_pylist():
            cell = key_of(row)
            months = covered_to(cell, folder.parent.name)
            if row["suppression_code"]:
                hidden.add((cell, months))
                # Releases of version 1.1 told no sums and ranked nothing.
                told_of |= {cell} if row.get("told_at") or row.get("rank") else set()
            else:
                stood = Shown(months, row["other_nok_or_suppressed"], remembered.get("/".join(map(str, cell))))
                shown.setdefault(cell, []).append(stood)
    stood_by_cell = {cell: tuple(stood) for cell, stood in shown.items()}
    return Earlier(key.period, frozenset(hidden), stood_by_cell, frozenset(told_of))


def remember(home: Home, key: CandidateKey, digest: str, cells: Iterable[Mapping[str, Any]]) -> None:
    """Note who stands behind a candidate's cells, and forget candidates that never left."""
    folder = _memory(home, key)
    released = {released for released, _ in _releases(home, key)}
    for path in sorted(folder.glob("*.json")):
        if path.stem not in released:
            path.unlink()
    stated = {"/".join(map(str, key_of(cell))): cell["contributions"] for cell in cells}
    write_atomically(folder / f"{digest}.json", pretty_json(stated).encode())


def changed_contributors(now: Iterable[Contributor], then: Iterable[Contributor]) -> list[Contributor]:
    """Return who changed between two states of a cell, each by how much: the contributors of the difference."""
    before = {one.payee: one for one in then}
    after = {one.payee: one for one in now}
    changed = []
    for payee in sorted(before.keys() | after.keys()):
        nothing = Contributor(payee, 0, 0)
        first, second = before.get(payee, nothing), after.get(payee, nothing)
        net = second.net - first.net
        magnitude = max(abs(net), abs(second.magnitude - first.magnitude))
        if magnitude:
            changed.append(Contributor(payee, net, magnitude))
    return changed


def _releases(home: Home, key: CandidateKey) -> list[tuple[str, Path]]:
    """Return the digest and folder of every release with a market view, oldest period and revision first."""
    places = (home.releases, home.recalled)
    folders = [
        path.parent for place in places for path in (place / key.product / key.recipient).glob(f"*/r*/{_MARKET_VIEW}")
    ]
    ordered = sorted(folders, key=lambda path: (path.parent.name, len(path.name), path.name))
    return [(_digest_of(folder), folder) for folder in ordered]


def _digest_of(folder: Path) -> str:
    stated = _read(folder / "manifest.json").get("digest")
    return stated if isinstance(stated, str) else f"without a manifest: {folder.parent.name}/{folder.name}"


def _memory(home: Home, key: CandidateKey) -> Path:
    return home.candidates / key.product / f"{key.recipient}.contributors"


def _remembered(home: Home, key: CandidateKey, digest: str) -> dict[str, str]:
    return _read(_memory(home, key) / f"{digest}.json") if digest.isalnum() else {}


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
