"""Files to a sealed package: ledgers first, for they say whose invoices are clients', then documents one by one.

Belongs here: the order, the manifest, the zip's bytes, holding all sums against each other. Not here: what is removed
from one file (ledgers.py, documents.py), asking and showing (cli/prepare.py).

The same files give the same bytes: members are sorted, times are fixed. Nothing is written under its name before the
caller has seen what was removed.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import IO

from pipelines import __version__
from pipelines.errors import ConfigurationError, ProblemsFound
from pipelines.files import sha256_bytes, write_atomically
from pipelines.mask import mask_file_name
from pipelines.parsing.ledger import best_shipped
from pipelines.parsing.ledger_profile import Profile
from pipelines.parsing.rejects import Reject
from pipelines.prepared import BY_LEDGER, BY_SUPPLIER_LIST, MANIFEST, Manifest, PreparedFile
from pipelines.preparing.clients import Clients, SupplierList
from pipelines.preparing.documents import clean_document
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
    progress: Progress | None = None,
) -> Package:
    """Return the package of some files.

    Args:
        inputs: What to prepare.
        profile: The ledgers' profile; else for each the shipped one that fits best.
        suppliers: Suppliers whose invoices are clients'; None where no list was given.
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
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for done, (file, kept_name) in enumerate(_in_order(documents, names)):
            show("e-faktura", done, len(documents))
            files.append(_add_document(archive, file, kept_name, clients, left_out, has_ledger=bool(ledgers)))
        show("e-faktura", len(documents), max(1, len(documents)))
        if not ledgers and all(one.rows_removed for one in files):
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
        manifest = Manifest(f"samandel {__version__}", tuple(known_from), tuple(files))
        if problem := next((found for one in files if (found := one.problem())), None):
            raise AssertionError(f"a prepared file does not add up: {problem}")
        _add(archive, MANIFEST, manifest.as_bytes())
    return Package(manifest, tuple(left_out), without_function, stream)


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
        amount_elsewhere_ore=0,
        removed=dict(cleaned.removed),
        profile=opened.profile.name,
    )


def _add_document(
    archive: zipfile.ZipFile,
    file: InputFile,
    kept_name: str,
    clients: Clients,
    left_out: list[tuple[str, str]],
    *,
    has_ledger: bool,
) -> PreparedFile:
    raw = file.read()
    cleaned = clean_document(raw)
    invoice = cleaned.invoice
    if cleaned.raw is None or invoice is None:
        left_out.append((file.name, cleaned.reason or ""))
        return _document(file, raw, rows_removed=1, removed={"unreadable": 1})
    ore = _ore(invoice["tax_exclusive_amount"])
    if reason := clients.reason_for(invoice):
        return _document(
            file,
            raw,
            rows_aggregated=1,
            removed={reason: 1},
            currency=str(invoice["currency"]),
            amount_before_ore=ore,
            amount_elsewhere_ore=ore,
        )
    return _document(
        file,
        raw,
        kept_name=kept_name,
        kept_sha256=_add(archive, kept_name, cleaned.raw),
        rows_kept=1,
        removed=dict(cleaned.removed),
        currency=str(invoice["currency"]),
        amount_before_ore=ore,
        amount_after_ore=ore,
        unexplained=int(has_ledger and not clients.is_booked(invoice)),
    )


def _document(
    file: InputFile,
    raw: bytes,
    *,
    removed: dict[str, int],
    kept_name: str | None = None,
    kept_sha256: str | None = None,
    rows_kept: int = 0,
    rows_aggregated: int = 0,
    rows_removed: int = 0,
    currency: str = "",
    amount_before_ore: int = 0,
    amount_after_ore: int = 0,
    amount_elsewhere_ore: int = 0,
    unexplained: int = 0,
) -> PreparedFile:
    return PreparedFile(
        kind=EHF,
        original_name=mask_file_name(file.name),
        original_sha256=sha256_bytes(raw),
        kept_name=kept_name,
        kept_sha256=kept_sha256,
        rows_in=1,
        rows_kept=rows_kept,
        rows_aggregated=rows_aggregated,
        rows_removed=rows_removed,
        sums=0,
        currency=currency,
        amount_before_ore=amount_before_ore,
        amount_after_ore=amount_after_ore,
        amount_elsewhere_ore=amount_elsewhere_ore,
        removed=removed,
        unexplained=unexplained,
    )


def _ore(amount: Decimal) -> int:
    return int((amount * 100).to_integral_exact())
