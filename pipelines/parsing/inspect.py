"""What is this file: its format, header facts, rows, sums and rejects, without changing anything.

Belongs here: recognising a format by its bytes, and the facts that ``samandel inspect --json`` promises. Not here: the
parsers themselves (ehf.py, ledger.py, notices.py, brreg.py).
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.landing.archives import RefusedArchive, is_archive, may_be_archive, open_archive, refusal_message
from pipelines.landing.no_links import open_regular
from pipelines.limits import DEFAULT_LIMITS
from pipelines.parsing.brreg import GZIP, is_csv
from pipelines.parsing.rejects import Reject

if TYPE_CHECKING:
    from pipelines.parsing.ehf import ParsedDocument
    from pipelines.parsing.ledger_profile import Profile

_HEAD = 64 * 2**10
# What only the company register says, in units, roles and links; a packed file does not show it.
_REGISTER_WORDS = re.compile(rb"organisasjonsnummer|rollegrupper|/enhetsregisteret/", re.IGNORECASE)
_SHEET_NAMES = "xl/workbook.xml"
_KNOWN_FORMATS = "Read are e-invoices, SAF-T, notices (XML), ledgers (CSV, TXT, XLSX, JSON) and the company register."
_TABLE_SUFFIXES = {".csv", ".txt", ".tsv", ".xlsx", ".xlsm"}
# The facts of each format; absent ones are null.
_UBL_FACTS = ("profile", "documents")
FACTS: dict[str, tuple[str, ...]] = {
    "ubl_invoice": _UBL_FACTS,
    "ubl_credit_note": _UBL_FACTS,
    "ubl_other": _UBL_FACTS,
    "ledger": (
        "profile",
        "profile_guessed",
        "encoding",
        "delimiter",
        "header_row",
        "columns",
        "rows",
        "amount_column",
        "amount_total",
    ),
    "saft": ("version", "suppliers", "transactions", "lines", "debit_total", "credit_total"),
    "notice": ("notice_id", "subtype", "lots", "bt71", "bt736", "cpv", "buyer_org_nos"),
    "brreg": ("units", "deleted", "sub_units"),
    "zip": ("members",),
    "unknown": (),
}


@dataclass(frozen=True)
class _File:
    """A file with its beginning read; the rest only where a parser needs it."""

    path: Path
    head: bytes
    size: int
    profile: Profile | None

    def read(self, kind: str) -> bytes:
        """Return all of it, read as a kind of source.

        Raises:
            _TooLarge: It is beyond the limit of its kind.
        """
        if problem := DEFAULT_LIMITS.too_large(kind, self.size):
            raise _TooLarge(problem)
        return self.path.read_bytes()


class _TooLarge(Exception):
    """The file is beyond the limit of its kind."""


def inspect_paths(paths: Iterable[Path], profile: str | None = None) -> Iterator[dict[str, Any]]:
    """Give the facts of each file, and of each file in each folder (sorted, hidden ones left out).

    Args:
        paths: Files and folders; ``file`` in the facts is the path as given, below a folder the path joined to it.
        profile: A ledger profile (shipped name or path) for files that are tables; else the best-fitting shipped one.

    Raises:
        ProblemsFound, ConfigurationError: The profile does not exist or has problems. Files never raise.
    """
    loaded = None
    if profile is not None:
        from pipelines.parsing.ledger_profile import load_profile

        loaded = load_profile(profile, None)
    for path in paths:
        for file in _files_in(Path(path)):
            yield _inspect_file(file, loaded)


def _files_in(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for file in sorted(path.rglob("*")):
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts):
            yield file


def _inspect_file(path: Path, profile: Profile | None) -> dict[str, Any]:
    try:
        # What is no regular file, such as a pipe, would keep us waiting for ever.
        with open_regular(path.resolve()) as stream:
            file = _File(path, stream.read(_HEAD), stream.seek(0, 2), profile)
        return _recognise(file)(file)
    except _TooLarge as problem:
        return _facts(path, "unknown", rejects=[Reject("IN01", str(problem))])
    except OSError as error:
        message = f"The file cannot be opened: {error.strerror or 'unknown reason'}. Check the path and its rights."
        return _facts(path, "unknown", rejects=[Reject("IN01", message)])
    except Exception as error:  # noqa: BLE001  a fault of ours in one file must not leave the others without an answer
        message = f"The file could not be read, which is a fault of this program ({type(error).__name__}). Report it."
        return _facts(path, "unknown", rejects=[Reject("IN01", message)])


def _facts(
    path: Path,
    kind: str,
    *,
    rejects: Iterable[Reject] = (),
    issues: Iterable[Reject] = (),
    **known: Any,
) -> dict[str, Any]:
    """Return the object of one file: every fact of its format, absent ones null."""
    return {
        "file": str(path),
        "format": kind,
        **{name: known.get(name) for name in FACTS[kind]},
        "rejects": [
            {
                "rule": reject.rule,
                "path": reject.path,
                "row": reject.row_no,
                "column": reject.column,
                "raw": reject.raw,
                "message": reject.message,
            }
            for reject in rejects
        ],
        "issues": [
            {"rule": issue.rule, "severity": "warning", "path": issue.path, "message": _with_row(issue)}
            for issue in issues
        ],
    }


def _with_row(issue: Reject) -> str:
    return issue.message if issue.row_no is None else f"Row {issue.row_no}, column {issue.column}: {issue.message}"


_Inspector = Callable[[_File], dict[str, Any]]


def _recognise(file: _File) -> _Inspector:
    """Return who inspects a file, judged by its first bytes; names only tell tables from other text."""
    start = file.head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not file.head:
        return _unknown("The file is empty. Have it exported again.")
    if file.head.startswith(b"PK"):
        return _inspect_archive if _is_zip(file) else _inspect_table
    if start.startswith((b"<", b"\xff\xfe<", b"\xfe\xff\x00<")):
        return _inspect_xml
    if start.startswith((b"{", b"[", GZIP)) or is_csv(file.head):
        return _inspect_units
    return _inspect_table


def _is_zip(file: _File) -> bool:
    with file.path.open("rb") as stream:
        return is_archive(stream)


def _inspect_archive(file: _File) -> dict[str, Any]:
    """Say what a run would make of an archive: a file for each member, or a reject."""
    members, left_out, reason = None, 0, f"a file named {file.path.suffix} is read as what it says it is"
    if may_be_archive(file.path.name):
        try:
            with file.path.open("rb") as stream, open_archive(stream, DEFAULT_LIMITS) as archive:
                archive.examine()
                members, left_out = len(archive.members), archive.left_out
        except RefusedArchive as refused:
            reason = str(refused)
    rejects = [] if members is not None else [Reject("IN01", refusal_message(reason))]
    issues = [Reject("IN01", f"{left_out} hidden files in the archive are left out.")] if left_out else []
    return _facts(file.path, "zip", rejects=rejects, issues=issues, members=members)


def _unknown(message: str) -> _Inspector:
    return lambda file: _facts(file.path, "unknown", rejects=[Reject("IN01", message)])


def _inspect_xml(file: _File) -> dict[str, Any]:
    from pipelines.parsing.hardened_xml import sniff_root

    namespace, _, local = (sniff_root(file.head) or "").rpartition("}")
    if local == "AuditFile":
        return _inspect_saft(file)
    from pipelines.parsing.notices import ROOTS, parse_notice

    if local in ROOTS:
        notice = parse_notice(file.read("notices"))
        return _facts(file.path, "notice", rejects=notice.rejects, issues=notice.issues, **notice.facts)
    from pipelines.parsing.ehf import parse_document

    parsed = parse_document(file.read("ehf"))
    kind = _ubl_kind(parsed.root or f"{namespace}}}{local}")
    if kind == "unknown" and parsed.root is not None:
        message = f"The XML root {local} is none that we know: deliver e-invoices, SAF-T or notices."
        return _facts(file.path, kind, rejects=[Reject("IN01", message, path=f"/{local}")])
    return _facts(
        file.path,
        kind,
        rejects=parsed.rejects,
        issues=parsed.issues,
        profile=parsed.profile_id,
        documents=[_document_facts(parsed)] if parsed.invoice is not None else [],
    )


def _inspect_saft(file: _File) -> dict[str, Any]:
    from pipelines.parsing.saft import Header, Part, Totals, UnreadableSaft, read_saft

    if problem := DEFAULT_LIMITS.too_large("saft", file.size):
        return _facts(file.path, "saft", rejects=[Reject("IN01", problem)])
    headers: list[Header] = []
    rejects: list[Reject] = []
    issues: list[Reject] = []

    def give(part: Header | Part) -> None:
        if isinstance(part, Header):
            headers.append(part)
        else:
            rejects.extend(part.rejects)
            issues.extend(part.issues)

    totals = Totals()
    try:
        with open_regular(file.path.resolve()) as stream:
            read_saft(stream, give, totals)
    except UnreadableSaft as refused:
        return _facts(file.path, "saft", rejects=[refused.reject], version=headers[0].version if headers else None)
    return _facts(
        file.path,
        "saft",
        rejects=rejects,
        issues=issues,
        version=headers[0].version,
        suppliers=totals.suppliers,
        transactions=totals.transactions,
        lines=totals.lines,
        debit_total=f"{totals.debit:.2f}",
        credit_total=f"{totals.credit:.2f}",
    )


def _ubl_kind(root: str) -> str:
    from pipelines.parsing.ubl import CREDIT_NOTE, INVOICE, SBDH, UBL

    if root == INVOICE:
        return "ubl_invoice"
    if root == CREDIT_NOTE:
        return "ubl_credit_note"
    return "ubl_other" if root.startswith("{" + UBL) or root == SBDH else "unknown"


def _document_facts(parsed: ParsedDocument) -> dict[str, Any]:
    invoice: dict[str, Any] = parsed.invoice or {}
    names = (
        "document_type",
        "invoice_no",
        "invoice_date",
        "currency",
        "seller_org_no",
        "seller_name",
        "buyer_org_no",
        "tax_exclusive_amount",
        "tax_amount",
        "payable_amount",
        "line_count",
        "line_extension_total",
        "contract_reference",
        "order_reference",
    )
    facts: dict[str, Any] = {name: invoice.get(name) for name in names} | parsed.stated
    facts["invoice_date"] = invoice["invoice_date"].isoformat()
    facts["line_extension_total"] = f"{invoice.get('line_extension_total', Decimal(0)):.2f}"
    return facts


def _inspect_units(file: _File) -> dict[str, Any]:
    """Units of the company register, counted piece by piece; or JSON or gzip that holds something else."""
    from pipelines.parsing.brreg import UnreadableUnits, read_units

    if not _REGISTER_WORDS.search(file.head) and (ledger := _json_ledger(file)) is not None:
        return ledger
    if problem := DEFAULT_LIMITS.too_large("brreg", file.size):
        raise _TooLarge(problem)
    counts: Counter[str] = Counter(units=0, deleted=0, sub_units=0)
    rejects: list[Reject] = []
    issues: list[Reject] = []
    try:
        with file.path.open("rb") as stream:
            for piece in read_units(stream):
                counts["units"] += len(piece.units)
                counts["deleted"] += sum(unit["deleted_on"] is not None for unit in piece.units)
                counts["sub_units"] += sum(unit["is_sub_unit"] is True for unit in piece.units)
                rejects += piece.rejects
                issues += piece.issues
    except UnreadableUnits as error:
        refused = [Reject("IN01", str(error))]
        return _facts(file.path, "brreg" if _REGISTER_WORDS.search(file.head) else "unknown", rejects=refused)
    return _facts(file.path, "brreg", rejects=rejects, issues=issues, **counts)


def _json_ledger(file: _File) -> dict[str, Any] | None:
    """Return the facts of a ledger in JSON: by the profile given, or by a shipped one whose keys it has."""
    from pipelines.parsing.ledger import best_shipped

    if file.head.startswith(GZIP) or DEFAULT_LIMITS.too_large("ledger", file.size):
        return None
    profile = file.profile if file.profile and file.profile.format == "json" else best_shipped(file.path)
    return None if profile is None else _inspect_ledger(file, profile)


def _inspect_table(file: _File) -> dict[str, Any]:
    from pipelines.parsing.ledger import best_shipped

    if problem := DEFAULT_LIMITS.too_large("ledger", file.size):
        raise _TooLarge(problem)
    profile = file.profile or best_shipped(file.path)
    if profile is not None:
        return _inspect_ledger(file, profile)
    if file.path.suffix.lower() not in _TABLE_SUFFIXES:
        return _unknown(f"The file is of no format that we know. {_KNOWN_FORMATS}")(file)
    if _is_register_form(file):
        message = "It is a register form: it is read where it is handed in, in its owner's inbox for registers."
        return _facts(file.path, "unknown", rejects=[Reject("IN01", message)])
    message = (
        "No shipped ledger profile fits the header: name a profile with --profile, or make one with 'samandel profile "
        "suggest'. "
    )
    return _facts(file.path, "unknown", rejects=[Reject("IN01", message + _first_row(file.path))])


def _is_register_form(file: _File) -> bool:
    """Return whether a workbook has the sheet that only our own forms have; what is no workbook has none."""
    from pipelines.register_forms import FACTS_SHEET

    try:
        with file.path.open("rb") as stream, zipfile.ZipFile(stream) as archive, archive.open(_SHEET_NAMES) as names:
            return FACTS_SHEET.encode() in names.read(_HEAD)
    except (OSError, KeyError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        return False


def _inspect_ledger(file: _File, profile: Profile) -> dict[str, Any]:
    from pipelines.parsing.ledger import Ledger, LedgerRefused

    known: dict[str, Any] = {"profile": profile.name, "profile_guessed": file.profile is None}
    rejects: list[Reject] = []
    issues = [Reject("IN01", f"The profile leaves something open: {one}") for one in profile.undecided]
    try:
        ledger = Ledger(file.path, profile, file.path.name)
        for name in ("encoding", "delimiter", "header_row", "columns", "amount_column"):
            known[name] = getattr(ledger, name)
        rows, total = 0, Decimal("0.00")
        for batch in ledger.batches():
            rows += batch.rows_out
            total += batch.amount_total()
            rejects += batch.rejects
            issues += batch.issues
    except LedgerRefused as refused:
        return _facts(file.path, "ledger", rejects=[refused.reject], **known)
    return _facts(file.path, "ledger", rejects=rejects, issues=issues, rows=rows, amount_total=f"{total:.2f}", **known)


def _first_row(path: Path) -> str:
    from pipelines.parsing.ledger import header_candidate

    names = header_candidate(path)
    return f"Its header seems to be: {', '.join(names)}." if names else "No row of its first 30 looks like a header."
