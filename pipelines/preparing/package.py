"""Files to a sealed package: ledgers first, for they say whose invoices are clients', then documents one by one.

Belongs here: the order, the manifest, the zip's bytes, holding all sums against each other. Not here: what is removed
from one file (ledgers.py, documents.py), asking and showing (cli/prepare.py).

The same files give the same bytes: members are sorted, times are fixed. Nothing is written under its name before the
caller has seen what was removed.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import IO, Any

from pipelines import __version__
from pipelines.errors import ConfigurationError, ProblemsFound
from pipelines.files import sha256_bytes, write_atomically
from pipelines.mask import mask_file_name
from pipelines.parsing.ledger import best_shipped
from pipelines.parsing.ledger_profile import Profile
from pipelines.parsing.rejects import Reject
from pipelines.prepared import (
    BY_LEDGER,
    BY_SUPPLIER_LIST,
    MANIFEST,
    UNEXPLAINED,
    UNREADABLE,
    Manifest,
    PreparedFile,
    TakenOut,
    combined_digest,
)
from pipelines.preparing.clients import Clients, SupplierList
from pipelines.preparing.documents import CleanedDocument, clean_document
from pipelines.preparing.inputs import EHF, LEDGER, InputFile
from pipelines.preparing.ledger_cells import OpenLedger, open_ledger
from pipelines.preparing.ledgers import CannotPrepare, clean_ledger
from pipelines.preparing.words import why_refused
from pipelines.reference import strict_functions

Progress = Callable[[str, int, int], None]
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_SPOOLED = 64 * 2**20
_CHUNK = 2**20
_SHOWN_ROWS = 20
_CURRENCY = re.compile("[A-Z]{3}")


@dataclass
class Package:
    """A package that is ready and not yet written.

    Attributes:
        manifest: What it holds and what was removed.
        left_out: Files of which nothing is in it, with the reason.
        without_function: Ledgers, masked, in which client invoices cannot be recognised: no row has a function.
        stream: Its bytes.
    """

    manifest: Manifest
    left_out: tuple[tuple[str, str], ...]
    without_function: tuple[str, ...]
    stream: IO[bytes]

    def write(self, path: Path) -> str:
        """Write the package whole or not at all; return its digest."""
        self.stream.seek(0)
        raw = self.stream.read()
        write_atomically(path, raw)
        return sha256_bytes(raw)


def prepare_package(
    inputs: Sequence[InputFile],
    *,
    profile: Profile | None = None,
    suppliers: SupplierList | None = None,
    keep_unexplained: bool = False,
    progress: Progress | None = None,
) -> Package:
    """Return the package of some files.

    Args:
        inputs: What to prepare.
        profile: The ledgers' profile; else for each the shipped one that fits best.
        suppliers: Suppliers whose invoices are clients'; None where no list was given.
        keep_unexplained: Keep e-invoices that no posting of the ledgers explains; else they are taken out, for
            nobody knows whose they are.
        progress: Called with step, done and total.

    Raises:
        ProblemsFound: A ledger cannot be read by a profile, or has rows that cannot; every such row.
        ConfigurationError: There is nothing to prepare.
    """
    show = progress or (lambda step, done, total: None)
    clients = Clients(strict_functions(), suppliers)
    ledgers = _open_ledgers([file for file in inputs if file.kind == LEDGER], profile)
    documents = [file for file in inputs if file.kind == EHF]
    if not ledgers and not documents:
        raise ConfigurationError(
            "Det er verken reskontro eller e-faktura blant filene.", remedy="Oppgi reskontrofiler eller EHF-filer."
        )
    # One ledger without functions may book the clients of all the others.
    without_function = tuple(mask_file_name(file.name) for file, _, opened in ledgers if not _has_functions(opened))
    known_from = [BY_LEDGER] if ledgers and not without_function else []
    known_from += [BY_SUPPLIER_LIST] if suppliers is not None else []
    marks = clients.mark([opened.postings for _, _, opened in ledgers])
    left_out = [(file.name, "Ukjent filtype.") for file in inputs if file.kind not in (LEDGER, EHF)]
    names = _Names()
    stream: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_SPOOLED)  # noqa: SIM115  the package keeps it
    files: list[PreparedFile] = []
    taken_out = _TakenOut()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for done, (file, kept_name) in enumerate(_in_order(documents, names)):
            show("e-faktura", done, len(documents))
            raw = file.read()
            cleaned = clean_document(raw)
            is_explained = not ledgers or (cleaned.invoice is not None and clients.is_booked(cleaned.invoice))
            if cleaned.raw is None:
                left_out.append((file.name, cleaned.reason or ""))
            reason = _why_out(cleaned, clients, may_stay=is_explained or keep_unexplained)
            if reason is not None:
                taken_out.add(raw, reason, cleaned.invoice)
                continue
            files.append(_add_document(archive, file, raw, cleaned, kept_name, unexplained=int(not is_explained)))
        show("e-faktura", len(documents), max(1, len(documents)))
        if not ledgers and len(taken_out.unreadable) == len(documents):
            _refuse_unreadable(left_out)
        problems: list[str] = []
        by_name = {id(file): (raw, opened, mark) for (file, raw, opened), mark in zip(ledgers, marks, strict=True)}
        for done, (file, kept_name) in enumerate(_in_order([file for file, _, _ in ledgers], names)):
            show("reskontro", done, len(ledgers))
            raw, opened, mark = by_name[id(file)]
            try:
                files.append(_add_ledger(archive, file, raw, opened, mark, kept_name))
            except CannotPrepare as reason:
                problems += [f"{mask_file_name(file.name)}{problem}" for problem in reason.problems]
        show("reskontro", len(ledgers), max(1, len(ledgers)))
        _refuse(problems)
        told = taken_out.told()
        manifest = Manifest(f"samandel {__version__}", tuple(known_from), tuple(files), told, taken_out.digest())
        if problem := manifest.problem():
            raise AssertionError(f"a prepared file does not add up: {problem}")
        _add(archive, MANIFEST, manifest.as_bytes())
    return Package(manifest, tuple(left_out), without_function, stream)


def _why_out(cleaned: CleanedDocument, clients: Clients, *, may_stay: bool) -> str | None:
    if cleaned.raw is None or cleaned.invoice is None:
        return UNREADABLE
    return clients.reason_for(cleaned.invoice) or (None if may_stay else UNEXPLAINED)


def _has_functions(ledger: OpenLedger) -> bool:
    return not ledger.postings or any(posting.get("kostra_function") for posting in ledger.postings)


def _refuse_unreadable(left_out: Sequence[tuple[str, str]]) -> None:
    shown = "; ".join(f"{mask_file_name(name)}: {reason}" for name, reason in left_out[:_SHOWN_ROWS])
    raise ConfigurationError(
        "Ingen av filene kan leses.", where=shown, remedy="Be om nye filer fra fagsystemet. Ingen pakke er skrevet."
    )


def _refuse(problems: list[str]) -> None:
    if problems:
        raise ProblemsFound(problems, remedy="Rett radene eller profilen, og kjør på nytt. Ingen pakke er skrevet.")


def _open_ledgers(files: Sequence[InputFile], profile: Profile | None) -> list[tuple[InputFile, bytes, OpenLedger]]:
    opened, problems = [], []
    for file in files:
        raw = file.read()
        fitting = profile or best_shipped(raw)
        name = mask_file_name(file.name)
        if fitting is None:
            problems.append(f"{name}: ingen av profilene som følger med, passer. Oppgi den rette med --profile.")
            continue
        ledger = open_ledger(raw, fitting, PurePosixPath(file.name).name)
        problems += [f"{name}{_place(reject)}: {why_refused(reject)}" for reject in ledger.unreadable[:_SHOWN_ROWS]]
        if len(ledger.unreadable) > _SHOWN_ROWS:
            problems.append(f"{name}: og {len(ledger.unreadable) - _SHOWN_ROWS} rader til.")
        opened.append((file, raw, ledger))
    _refuse(problems)
    return opened


def _place(reject: Reject) -> str:
    if reject.row_no is None:
        return ""
    return f", rad {reject.row_no}" + (f", kolonne {reject.column}" if reject.column else "")


class _Names:
    """Gives every kept file a name of its own that gives nobody away."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def give(self, kind: str, name: str) -> str:
        """Return a path in the package; of equal ones the later get a number."""
        masked = PurePosixPath(f"{kind}/{mask_file_name(name)}")
        path, number = masked, 1
        while str(path).casefold() in self._taken:
            number += 1
            path = masked.with_name(f"{masked.stem}-{number}{masked.suffix}")
        self._taken.add(str(path).casefold())
        return str(path)


def _in_order(files: Sequence[InputFile], names: _Names) -> Iterator[tuple[InputFile, str]]:
    named = [(names.give(file.kind, file.name), file) for file in files]
    yield from ((file, kept_name) for kept_name, file in sorted(named, key=lambda pair: pair[0]))


def _add(archive: zipfile.ZipFile, name: str, raw: bytes) -> str:
    member = zipfile.ZipInfo(name, _FIXED_TIME)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.create_system, member.external_attr = 3, 0o644 << 16
    archive.writestr(member, raw)
    return sha256_bytes(raw)


def _add_ledger(
    archive: zipfile.ZipFile, file: InputFile, raw: bytes, opened: OpenLedger, mark: list[bool], kept_name: str
) -> PreparedFile:
    cleaned = clean_ledger(opened, mark, PurePosixPath(kept_name).name)
    currencies = {posting["currency"] for posting in opened.postings} or {"NOK"}
    ore = _ore(cleaned.amount)
    return PreparedFile(
        kind=LEDGER,
        original_name=mask_file_name(file.name),
        original_sha256=sha256_bytes(raw),
        kept_name=kept_name,
        kept_sha256=_add(archive, kept_name, cleaned.raw),
        rows_in=cleaned.rows_in,
        rows_kept=cleaned.rows_kept,
        rows_aggregated=cleaned.rows_aggregated,
        rows_removed=cleaned.rows_removed,
        sums=cleaned.sums,
        currency=", ".join(sorted(str(currency) for currency in currencies)),
        amount_before_ore=ore,
        amount_after_ore=ore,
        removed=dict(cleaned.removed),
        profile=opened.profile.name,
    )


def _add_document(
    archive: zipfile.ZipFile, file: InputFile, raw: bytes, cleaned: CleanedDocument, kept_name: str, *, unexplained: int
) -> PreparedFile:
    if cleaned.raw is None or cleaned.invoice is None:
        raise AssertionError("only what was read is kept")
    ore = _ore(cleaned.invoice["tax_exclusive_amount"])
    return PreparedFile(
        kind=EHF,
        original_name=mask_file_name(file.name),
        original_sha256=sha256_bytes(raw),
        kept_name=kept_name,
        kept_sha256=_add(archive, kept_name, cleaned.raw),
        rows_in=1,
        rows_kept=1,
        rows_aggregated=0,
        rows_removed=0,
        sums=0,
        currency=str(cleaned.invoice["currency"]),
        amount_before_ore=ore,
        amount_after_ore=ore,
        removed=dict(cleaned.removed),
        unexplained=unexplained,
    )


class _TakenOut:
    """Adds up the documents of which nothing is kept: what is told of one of them could name a client."""

    def __init__(self) -> None:
        self._originals: list[tuple[str, str, str, int]] = []

    def add(self, raw: bytes, reason: str, invoice: Mapping[str, Any] | None = None) -> None:
        currency, ore = "", 0
        if invoice is not None:
            currency, ore = str(invoice["currency"]), _ore(invoice["tax_exclusive_amount"])
            currency = currency if _CURRENCY.fullmatch(currency) else ""  # whatever else stands there is a text
        self._originals.append((sha256_bytes(raw), reason, currency, ore))

    @property
    def unreadable(self) -> list[str]:
        """Return the digests of those that could not be read."""
        return [digest for digest, reason, _, _ in self._originals if reason == UNREADABLE]

    def told(self) -> tuple[TakenOut, ...]:
        """Return how many there are and what they come to, by reason and currency."""
        groups: dict[tuple[str, str], list[int]] = {}
        for _, reason, currency, ore in self._originals:
            groups.setdefault((reason, currency), []).append(ore)
        return tuple(TakenOut(*key, len(amounts), sum(amounts)) for key, amounts in sorted(groups.items()))

    def digest(self) -> str | None:
        """Return one digest over all of them."""
        return combined_digest(digest for digest, _, _, _ in self._originals)


def _ore(amount: Decimal) -> int:
    return int((amount * 100).to_integral_exact())
