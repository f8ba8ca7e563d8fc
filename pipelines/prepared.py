"""A prepared package: what ``samandel prepare`` seals at the municipality, and what landing holds a package against.

Belongs here: the manifest, its seal, and saying why a package is none. Not here: making one (preparing/), unpacking and
taking one (landing/). Pure: bytes and digests in, a manifest or a reason out.

A package is a zip of ``manifest.json`` and the kept files, each in a folder named by its kind of source (``ehf/``,
``ledger/``). The manifest has, for every file of which something is kept, the digests of the original and of what is
kept, rows and øre before and after, and how much of what was removed. Of documents of which nothing is kept it has no
name, number, amount or digest of one: only how many there are and what they come to, by reason and currency, and one
digest over the sorted digests of them all. The seal is a digest over all of that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pipelines.files import canonical_json, pretty_json, sha256_bytes

FORMAT = "samandel-prepared/2"
MANIFEST = "manifest.json"
# What a manifest says of itself, whatever else is wrong with it.
CLAIM = b"samandel-prepared/"
LARGEST_MANIFEST = 64 * 2**20
# The kinds of source that hold what must be prepared; registers of companies and notices are public.
KINDS = ("ehf", "ledger")
BY_LEDGER, BY_SUPPLIER_LIST = "ledger", "supplier_list"
# Why nothing of a document is kept: a client's (listed, found in the ledger, possibly), not found, not readable.
LISTED, MATCHED, POSSIBLE = "client_listed", "client_matched", "client_possible"
UNEXPLAINED, UNREADABLE = "unexplained", "unreadable"
REASONS = (LISTED, MATCHED, POSSIBLE, UNEXPLAINED, UNREADABLE)
_DIGEST = re.compile(r"[0-9a-f]{64}")


class NotPrepared(ValueError):
    """The package is not what it says, or says nothing; the message says why, and holds nothing from its files."""


@dataclass(frozen=True)
class PreparedFile:
    """What became of one file of which something is kept.

    Attributes:
        kind: One of KINDS.
        original_name: As it was called, masked.
        original_sha256: Of the bytes that were read.
        kept_name: Its path in the package.
        kept_sha256: Of what is kept.
        rows_in: Rows of a ledger; 1 for a document.
        rows_kept: Of these, how many are kept as rows of their own.
        rows_aggregated: Of these, how many went into sums.
        rows_removed: Of these, how many were no data: sums, notes, repeated headers.
        sums: How many rows of sums stand in their place.
        currency: Of the amounts.
        amount_before_ore: Sum of the amounts read.
        amount_after_ore: Sum of the amounts kept, sums included.
        removed: How much of each kind was removed.
        profile: The ledger's profile, or None.
        unexplained: 1 for a document that is kept and that no posting of the ledgers beside it explains.
    """

    kind: str
    original_name: str
    original_sha256: str
    kept_name: str
    kept_sha256: str
    rows_in: int
    rows_kept: int
    rows_aggregated: int
    rows_removed: int
    sums: int
    currency: str
    amount_before_ore: int
    amount_after_ore: int
    removed: Mapping[str, int] = field(default_factory=dict)
    profile: str | None = None
    unexplained: int = 0

    def problem(self) -> str | None:
        """Return what does not add up, or None."""
        if self.rows_in != self.rows_kept + self.rows_aggregated + self.rows_removed:
            return "rows are missing"
        if self.amount_before_ore != self.amount_after_ore:
            return "amounts before and after differ"
        return None if self.kept_name and self.kept_sha256 else "a file that is not kept has an entry of its own"


@dataclass(frozen=True, order=True)
class TakenOut:
    """Documents of which nothing is kept, told together so that none of them can be told.

    Attributes:
        reason: One of REASONS.
        currency: Of the amount; empty where it cannot be read.
        documents: How many they are.
        amount_ore: What they come to.
    """

    reason: str
    currency: str
    documents: int
    amount_ore: int

    def problem(self) -> str | None:
        """Return what is wrong, or None: a manifest has no room for texts."""
        is_currency = self.currency == "" or re.fullmatch("[A-Z]{3}", self.currency)
        are_counts = type(self.documents) is int and type(self.amount_ore) is int and self.documents > 0
        return None if self.reason in REASONS and is_currency and are_counts else "documents taken out are not told so"


@dataclass(frozen=True)
class Manifest:
    """What a package holds and what was removed.

    Attributes:
        tool: Name and version of what made it.
        clients_known_from: How client invoices were recognised: BY_LEDGER, BY_SUPPLIER_LIST, both or nothing.
        files: Every file of which something is kept, by kind and name.
        taken_out: Documents of which nothing is kept, by reason and currency.
        taken_out_sha256: One digest over all their originals (combined_digest); None where there are none.
    """

    tool: str
    clients_known_from: tuple[str, ...]
    files: tuple[PreparedFile, ...]
    taken_out: tuple[TakenOut, ...] = ()
    taken_out_sha256: str | None = None

    @property
    def kept(self) -> dict[str, str]:
        """Return the digests of the kept files by their paths."""
        return {file.kept_name: file.kept_sha256 for file in self.files}

    @property
    def unexplained(self) -> int:
        """Return how many documents are kept though no posting of the ledgers beside them explains them."""
        return sum(file.unexplained for file in self.files)

    def problem(self) -> str | None:
        """Return what does not add up, or None."""
        problems = [*(file.problem() for file in self.files), *(one.problem() for one in self.taken_out)]
        found = next(filter(None, problems), None)
        if found is None and bool(self.taken_out) != bool(_DIGEST.fullmatch(self.taken_out_sha256 or "")):
            return "documents taken out lack their digest"
        return found

    def names_of(self, kind: str) -> list[str]:
        """Return the paths of the kept files of a kind."""
        return sorted(file.kept_name for file in self.files if file.kind == kind)

    def document(self) -> dict[str, Any]:
        """Return the manifest as plain values, sealed."""
        body = {
            "format": FORMAT,
            "tool": self.tool,
            "clients_known_from": list(self.clients_known_from),
            "files": [{**asdict(file), "removed": dict(sorted(file.removed.items()))} for file in self.files],
            "taken_out": [asdict(one) for one in self.taken_out],
            "taken_out_sha256": self.taken_out_sha256,
        }
        return {**body, "seal": _seal(body)}

    def as_bytes(self) -> bytes:
        """Return the manifest's file."""
        return pretty_json(self.document()).encode()


def combined_digest(digests: Iterable[str]) -> str | None:
    """Return one digest that stands for many files and tells of none of them; None for no files."""
    listed = sorted(digests)
    return sha256_bytes("\n".join(listed).encode()) if listed else None


def _seal(body: Mapping[str, Any]) -> str:
    return sha256_bytes(canonical_json(body).encode())


def read_manifest(raw: bytes) -> Manifest:
    """Return a manifest whose seal and sums hold.

    Raises:
        NotPrepared: It is no manifest, has another format, or was changed after it was sealed.
    """
    if len(raw) > LARGEST_MANIFEST:
        raise NotPrepared(f"its {MANIFEST} is larger than {LARGEST_MANIFEST // 2**20} MiB")
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise NotPrepared(f"its {MANIFEST} cannot be read") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise NotPrepared(f"its {MANIFEST} is not of the format {FORMAT}")
    body = {name: value for name, value in document.items() if name != "seal"}
    if document.get("seal") != _seal(body):
        raise NotPrepared(f"its {MANIFEST} was changed after it was sealed")
    try:
        files = tuple(PreparedFile(**file) for file in body["files"])
        taken_out = tuple(TakenOut(**one) for one in body["taken_out"])
        known_from = tuple(map(str, body["clients_known_from"]))
        manifest = Manifest(str(body["tool"]), known_from, files, taken_out, body["taken_out_sha256"])
        problem = manifest.problem()
    except (KeyError, TypeError):
        raise NotPrepared(f"its {MANIFEST} lacks what it must hold") from None
    if problem is not None:
        raise NotPrepared(f"its {MANIFEST} does not add up: {problem}")
    if not set(manifest.clients_known_from) <= {BY_LEDGER, BY_SUPPLIER_LIST}:
        raise NotPrepared(f"its {MANIFEST} says in unknown words how client invoices were recognised")
    if any(file.kind not in KINDS for file in files):
        raise NotPrepared(f"its {MANIFEST} names a kind of file that is never prepared")
    return manifest


def hold_against_manifest(manifest: Manifest, digests: Mapping[str, str]) -> None:
    """Hold a package's other files against its manifest.

    Args:
        manifest: The package's manifest.
        digests: SHA-256 by path of every other file in the package.

    Raises:
        NotPrepared: A file is missing, is not named, or has other bytes than were sealed.
    """
    kept = manifest.kept
    if missing := len(kept.keys() - digests.keys()):
        raise NotPrepared(f"{missing} of its files are missing")
    if unknown := len(digests.keys() - kept.keys()):
        raise NotPrepared(f"it holds {unknown} files that its {MANIFEST} does not name")
    if changed := sum(1 for name, digest in kept.items() if digests[name] != digest):
        raise NotPrepared(f"{changed} of its files were changed after it was sealed")
