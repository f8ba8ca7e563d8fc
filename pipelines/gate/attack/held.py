"""The releases that a recipient holds, as files: everything that was ever put in its folder, the current one or not.

Belongs here: finding and reading them. Not here: what they say (market_view.py, coalition.py). A release that was
superseded or recalled is still held: nobody forgets a figure.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.candidates.products import CandidateKey
from pipelines.files import canonical_json, folder_digest, sha256_bytes
from pipelines.home import Home

if TYPE_CHECKING:
    import pyarrow as pa

_PERIOD = re.compile(r"\d{4}-\d{2}")
_REVISION = re.compile(r"r([1-9]\d*)")


@dataclass(frozen=True)
class Held:
    """A release as its recipient has it.

    Attributes:
        product: The product.
        period: Its month, ``YYYY-MM``.
        revision: 1 for the first of the month.
        folder: Where its files lie.
    """

    product: str
    period: str
    revision: int
    folder: Path

    @property
    def release_id(self) -> str:
        """Return ``<period>-r<revision>``."""
        return f"{self.period}-r{self.revision}"

    @property
    def digest(self) -> str:
        """Return what its manifest states as the digest of its files; empty where it states none."""
        try:
            stated = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""
        return str(stated.get("digest", "")) if isinstance(stated, dict) else ""

    def table(self, name: str) -> pa.Table | None:
        """Return a table's rows; None where the file cannot be read."""
        return read_parquet(self.folder / f"{name}.parquet")


def releases_held(home: Home, recipient: str) -> list[Held]:
    """Return every release of every product that a recipient has, oldest first."""
    found = []
    kept = {folder.relative_to(home.recalled): folder for folder in home.recalled.glob(f"*/{recipient}/*/*")}
    there = {folder.relative_to(home.releases): folder for folder in home.releases.glob(f"*/{recipient}/*/*")}
    for folder in (there | kept).values():  # of one that was recalled a tombstone is left
        revision = _REVISION.fullmatch(folder.name)
        if revision and folder.is_dir() and _PERIOD.fullmatch(folder.parent.name):
            found.append(Held(folder.parts[-4], folder.parent.name, int(revision.group(1)), folder))
    return sorted(found, key=lambda held: (held.product, held.period, held.revision))


def held_beside(home: Home, key: CandidateKey) -> list[Held]:
    """Return the releases that a candidate's recipient has beside the candidate; one of the same files is the same."""
    candidate = home.candidates / key.product / key.recipient
    own = folder_digest(candidate) if candidate.is_dir() else ""
    return [held for held in releases_held(home, key.recipient) if held.digest != own]


def held_digest(home: Home, key: CandidateKey) -> str:
    """Return a digest of what the recipient holds beside the candidate: when it grows, a verdict no longer stands."""
    return sha256_bytes(canonical_json([_identity(held) for held in held_beside(home, key)]).encode())


def _identity(held: Held) -> list[Any]:
    return [held.product, held.release_id, held.digest]


def read_parquet(path: Path) -> pa.Table | None:
    """Return a Parquet file's rows; None where it is absent or cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(pa.BufferReader(path.read_bytes()))
    except (pa.ArrowException, OSError):
        return None
