"""Make the demo home: books first, then what they say must be found, then the files.

Belongs here: the order, and writing to disk. Not here: any content. The same arguments make the same bytes, except for
the gate's key beside the home, which is random, and what is marked with it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from pipelines.demo.approvers import write_approvers
from pipelines.demo.books import Books, MemberBooks
from pipelines.demo.brreg import write_units
from pipelines.demo.faults import Plan, first_draft, ledger_file, plan_faults, spoilt_documents
from pipelines.demo.ledgers import entries_of, write_ledger
from pipelines.demo.notices import write_notices
from pipelines.demo.registers import write_registers
from pipelines.demo.trading import keep_books
from pipelines.demo.truth import tell_truth
from pipelines.demo.ubl import DocumentWriter
from pipelines.errors import ConfigurationError
from pipelines.files import folder_in_place, pretty_json, write_atomically

DEFAULT_SCALE = 0.05
_KEY_BYTES = 32
_BEGAN = "2020-01-01"

Progress = Callable[[str, int, int], None]


def make_demo(
    home: Path,
    *,
    municipalities: int = 20,
    months: int = 12,
    scale: float = DEFAULT_SCALE,
    seed: int = 2026,
    progress: Progress | None = None,
    decide: Callable[[Path, Path], None] | None = None,
) -> None:
    """Make a demo home, and the keys of its gate and its approvers beside it.

    Args:
        home: A folder that does not exist or is empty.
        municipalities: How many members, 1 to 20.
        months: How many months, 1 to 12, the last one 2026-10.
        scale: 1 is the real size; less thins the invoices, not the members.
        seed: What everything is drawn from.
        progress: Called with step, done and total.
        decide: Called with the home, whole but not yet in place, and the folder of its keys: what the approvers decide.

    Raises:
        ConfigurationError: The folder holds something.
    """
    home = home.resolve()
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise ConfigurationError(
            "The folder for the new home is not empty.",
            where=str(home),
            remedy="Name a folder that does not exist yet.",
        )
    progress = progress or _silent
    books = keep_books(municipalities=municipalities, months=months, scale=scale, seed=seed, progress=progress)
    plan = plan_faults(books)
    truth = tell_truth(books)
    with folder_in_place(home) as folder:
        _write(folder / "truth.json", pretty_json(truth).encode())
        for name, raw in write_registers(books).items():
            _write(folder / "registers" / name, raw)
        _write_inbox(folder / "inbox", books, plan, progress)
        _write(folder / "planted.json", pretty_json(plan.planted).encode())
        _write(folder / "consortium.yaml", _settings(home, books).encode())
        keys = home.parent / f"{home.name}-keys"
        _make_key(keys)
        _write(folder / "registers" / "approvers.csv", write_approvers(keys, seed, _BEGAN))
        if decide is not None:
            decide(folder, keys)


def _silent(step: str, done: int, total: int) -> None:
    return None


def _write(path: Path, raw: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)


def _write_inbox(inbox: Path, books: Books, plan: Plan, progress: Progress) -> None:
    _write(inbox / "_consortium" / "brreg" / "enheter.json", write_units(books))
    for name, raw in write_notices(books):
        _write(inbox / "_consortium" / "notices" / name, raw)
    writer = DocumentWriter()
    for done, member_books in enumerate(books.members):
        progress("files", done, len(books.members))
        for path, raw in _files_of(books, member_books, plan, writer):
            _write(inbox / path, raw)
    for path, raw in spoilt_documents(books, plan, writer):
        _write(inbox / path, raw)
    progress("files", len(books.members), len(books.members))


def _files_of(
    books: Books, member_books: MemberBooks, plan: Plan, writer: DocumentWriter
) -> Iterator[tuple[str, bytes]]:
    """Give a member's files as path below the inbox and bytes."""
    if member_books.member.has_ledger:
        yield from _ledgers_of(books, member_books, plan)
    if member_books.member.has_ehf:
        yield from _documents_of(member_books, writer)


def _ledgers_of(books: Books, member_books: MemberBooks, plan: Plan) -> Iterator[tuple[str, bytes]]:
    number = member_books.member.municipality_no
    for period in books.months:
        if period in member_books.missing_periods:
            continue
        entries = entries_of(member_books, period)
        raw = write_ledger(member_books, entries, has_sum_row=plan.sum_rows.get(number) == period)
        if plan.corrected.get(number) == period:
            yield ledger_file(member_books, period), write_ledger(member_books, first_draft(entries))
            yield ledger_file(member_books, period, "_korrigert"), raw
            continue
        yield ledger_file(member_books, period), raw
        if plan.repeated.get(number) == period:
            yield ledger_file(member_books, period, "_igjen"), raw


def _documents_of(member_books: MemberBooks, writer: DocumentWriter) -> Iterator[tuple[str, bytes]]:
    number = member_books.member.municipality_no
    sent: dict[str, int] = {}
    for invoice in member_books.invoices:
        if not invoice.is_electronic:
            continue
        month = f"{invoice.issued_on:%Y-%m}"
        sent[month] = sent.get(month, 0) + 1
        invoice.file = f"{number}/ehf/{month}/{sent[month]:05d}.xml"
        yield invoice.file, writer.write(member_books, invoice)


def _make_key(keys: Path) -> None:
    """Make the gate's key beside the home, unless there is one: what was signed with it must stay valid."""
    path = keys / "gate_hmac.key"
    if not path.exists():
        write_atomically(path, f"{secrets.token_hex(_KEY_BYTES)}\n".encode(), mode=0o600)


def _settings(home: Path, books: Books) -> str:
    lines = [
        "# The demo consortium. Every name and number is invented.",
        "name: Innkjøpssamarbeidet Demo",
        f"host: '{books.members[0].member.municipality_no}'",
        "currency: NOK",
        "as_of: 2026-11-15          # the demo's clock stands still",
        "publication:",
        f"  window_months: {len(books.months)}        # how many months a release looks back on",
        "keys:",
        f"  gate_hmac: {json.dumps(f'file:../{home.name}-keys/gate_hmac.key', ensure_ascii=False)}",
        "members:",
    ]
    for one in books.members:
        member = one.member
        lines += [f"  '{member.municipality_no}':         # {member.name}", "    sources:"]
        if member.has_ledger:
            lines.append(f"      - {{kind: ledger, profile: {member.layout}, settle_seconds: 0}}")
        if member.has_ehf:
            lines.append("      - {kind: ehf, settle_seconds: 0}")
    lines += ["joint_sources:", *(f"  - {{kind: {kind}, settle_seconds: 0}}" for kind in ("brreg", "notices")), ""]
    return "\n".join(lines)
