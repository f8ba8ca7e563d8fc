"""May a drop be taken: prepared packages are held against their manifest, and agreements against what is dropped.

Belongs here: telling a prepared package from other archives, verifying it, what a member's agreement asks for, and
keeping a refused drop out of landing. Not here: what a manifest is (the root's prepared.py), making one (preparing/),
unpacking (archives.py), what a file is by its bytes (contents.py), which files make a drop (inbox.py).

A drop that is refused leaves a receipt with the reason and no bytes: they move to ``inbox/.refused``. A member without
an agreement on the day counts as one who may hand in prepared packages only; then no inbox of the member takes what it
does not recognise as its own kind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import BinaryIO

from pipelines.home import Home, Source
from pipelines.landing.archives import Archive, RefusedArchive, is_archive, may_be_archive, open_archive
from pipelines.landing.contents import is_of_its_kind
from pipelines.landing.no_links import open_regular
from pipelines.limits import Limits
from pipelines.municipalities import holds_on
from pipelines.prepared import (
    CLAIM,
    KINDS,
    LARGEST_MANIFEST,
    MANIFEST,
    Manifest,
    NotPrepared,
    hold_against_manifest,
    read_manifest,
)
from pipelines.registers import REGISTERS, read_register

RULE = "IN13"
_FREE_AGREEMENT = "unprepared"
# SAF-T cannot be prepared yet: where preparing is agreed, it is not taken at all.
_PERSONAL_KINDS = (*KINDS, "saft")
_WHAT = {
    "registers": "register form of ours, or an export of contracts as the source's profile has it",
    "notices": "notice in eForms",
    "brreg": "file of the company register",
}
_CHUNK = 2**20


def needs_preparing(home: Home, source: Source, day: date) -> bool:
    """Return whether a source's owner has agreed to hand in prepared packages only, or has no agreement on the day."""
    if not source.owner.isdigit():
        return False
    path = home.registers / "members.csv"
    rows = read_register(REGISTERS["members"], path.read_bytes(), file=f"registers/{path.name}").rows
    agreements = {row["agreement"] for row in rows if row["municipality_no"] == source.owner and holds_on(row, day)}
    return agreements != {_FREE_AGREEMENT}


def why_refused(home: Home, source: Source, files: Iterable[tuple[str, Path]], day: date) -> str | None:
    """Return why a drop is not taken, or None where it is.

    Args:
        home: The home.
        source: Where the drop lies.
        files: Its files by name.
        day: The day of receipt, on which the agreement must hold.
    """
    must_be_prepared: bool | None = None
    for name, path in files:
        try:
            manifest = _read_package(path, home.consortium.limits) if may_be_archive(name) else None
        except NotPrepared as reason:
            return f"The prepared package is not taken: {reason}. Prepare the files again and hand in that package."
        if manifest is not None and not manifest.names_of(source.kind):
            return (
                f"The prepared package holds nothing of the kind {source.kind}. Drop it in the inbox of what it holds."
            )
        if must_be_prepared is None:
            must_be_prepared = needs_preparing(home, source, day)
        if must_be_prepared and (problem := _problem(home, source, path, manifest)):
            return problem
    return None


def _problem(home: Home, source: Source, path: Path, manifest: Manifest | None) -> str | None:
    """Return why a file is not taken where preparing is agreed, whatever the inbox is for."""
    if source.kind in _PERSONAL_KINDS:
        return _unprepared(source, manifest)
    with open_regular(path) as stream:
        if is_of_its_kind(home, source, stream):
            return None
    return (
        f"This inbox takes nothing else than its own kind, and a file is no {_WHAT.get(source.kind, source.kind)}. "
        "Where the agreement allows prepared packages only, ledgers and e-invoices come as packages of "
        "'samandel prepare', in their own inboxes."
    )


def _unprepared(source: Source, manifest: Manifest | None) -> str | None:
    if manifest is None:
        how = "SAF-T cannot be prepared: deliver ledgers." if source.kind == "saft" else "Run 'samandel prepare' first."
        return f"The agreement allows prepared packages only, and this is none. {how}"
    if not manifest.clients_known_from:
        return (
            "The prepared package says that client invoices could not be recognised. Prepare ledger and e-invoices "
            "together, or with --supplier-list."
        )
    if manifest.unexplained:
        return (
            f"The prepared package keeps {manifest.unexplained} e-invoices that no posting explains: they may be "
            "clients'. Prepare again without --keep-unexplained."
        )
    return None


def _read_package(path: Path, limits: Limits) -> Manifest | None:
    with open_regular(path) as stream:
        return read_package(stream, limits) if is_archive(stream) else None


def read_package(stream: BinaryIO, limits: Limits) -> Manifest | None:
    """Return the manifest of a prepared package, every byte of which was held against it; None for other archives.

    Raises:
        NotPrepared: It claims to be one and is not what was sealed.
    """
    try:
        with open_archive(stream, limits) as archive:
            return verified_manifest(archive)
    except RefusedArchive:
        return None  # whoever takes it as one file says why


def verified_manifest(archive: Archive) -> Manifest | None:
    """Return the manifest of a prepared package, every byte of which was held against it; None for other archives.

    Raises:
        NotPrepared: It claims to be one and is not what was sealed.
        RefusedArchive: A member breaks a limit.
    """
    if MANIFEST not in archive.members:
        return None
    with archive.open(MANIFEST) as stream:
        raw = b""
        while len(raw) <= LARGEST_MANIFEST and (chunk := stream.read(_CHUNK)):
            raw += chunk
    if CLAIM not in raw:
        return None
    manifest = read_manifest(raw)
    if archive.left_out:
        raise NotPrepared(f"it holds {archive.left_out} hidden files")
    hold_against_manifest(manifest, {name: _digest(archive, name) for name in archive.members if name != MANIFEST})
    return manifest


def _digest(archive: Archive, name: str) -> str:
    with archive.open(name) as stream:
        return digest_of(stream)


def digest_of(stream: BinaryIO) -> str:
    """Return the SHA-256 of what a stream gives, read in pieces."""
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
