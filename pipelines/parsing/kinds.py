"""The kinds of sources, and how a landed file of each becomes rows in the sink.

Belongs here: which format reads a kind, which tables it fills, whose books they are (RF10). Not here: the formats
themselves (ehf.py, ledger.py,
saft.py, notices.py, brreg.py), which deliveries are read (parse.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.contract_profile import ContractProfile
from pipelines.files import canonical_json
from pipelines.home import CONSORTIUM, Home
from pipelines.landing.store import LandedFile, Receipt, read_file, verified_path
from pipelines.limits import MIB
from pipelines.municipalities import own_org_nos
from pipelines.parsing import (
    brreg,
    contract_export,
    ehf,
    ehf_batch,
    ehf_workers,
    ledger,
    notices,
    register_form,
    saft,
    schema,
)
from pipelines.parsing.ledger_profile import Profile
from pipelines.parsing.ledger_rows import Batch
from pipelines.parsing.rejects import Reject
from pipelines.parsing.sink import RefusedLate, Sink
from pipelines.parsing.tabular import UnreadableTable
from pipelines.tables import Table

Registers = Mapping[str, list[dict[str, Any]]]

_WORKBOOKS = (b"PK", b"\xd0\xcf\x11\xe0")  # XLSX, and the old format


@dataclass(frozen=True)
class Delivered:
    """One delivery and what is needed to read it.

    Attributes:
        home: The home.
        receipt: What was received.
        profile: The profile of its source: a ledger's, or a contract export's; None for other kinds.
        registers: The registers in force.
    """

    home: Home
    receipt: Receipt
    profile: Profile | ContractProfile | None
    registers: Registers

    def bytes(self, file: LandedFile) -> bytes:
        """Return a file's bytes, held against its digest."""
        return read_file(self.home, file)

    def path(self, file: LandedFile) -> Path:
        """Return where a file lies."""
        return self.home.path / file.path


@dataclass(frozen=True)
class Kind:
    """How one kind of source is read.

    Attributes:
        name: One of ``home.SOURCE_KINDS``.
        version: Raised whenever the same bytes give other rows.
        tables: What its deliveries fill.
        read: Reads a delivery's files into the sink, in the order given. It counts rows_in and rows_out, and raises
            RefusedLate for a file that turns out unreadable after rows of it were added.
    """

    name: str
    version: str
    tables: tuple[Table, ...]
    read: Callable[[Delivered, Sequence[LandedFile], Sink], None]


def _one_by_one(
    read: Callable[[Delivered, LandedFile, Sink], None],
) -> Callable[[Delivered, Sequence[LandedFile], Sink], None]:
    def read_all(delivered: Delivered, files: Sequence[LandedFile], sink: Sink) -> None:
        for file in files:
            read(delivered, file, sink)

    return read_all


def _read_ehf(delivered: Delivered, files: Sequence[LandedFile], sink: Sink) -> None:
    owner = delivered.receipt.owner
    own = tuple(row for row in delivered.registers["member_org_nos"] if row["municipality_no"] == owner)
    buyer = ehf_batch.Buyer(owner, own, delivered.home.consortium.limits)
    for chunk, batch in ehf_workers.read_files(delivered.home, files, buyer):
        sink.rows_in += batch.documents
        for position, is_reject, note in batch.notes:
            (sink.reject if is_reject else sink.remark)(chunk[position], note)
        sink.rows_out += batch.documents - sum(is_reject for _, is_reject, _ in batch.notes)
        for month in sorted(batch.months):
            sink.cover(month)
        for table in schema.EHF_TABLES:
            sink.add_files(table, batch.tables[table.name])


def _read_ledger(delivered: Delivered, file: LandedFile, sink: Sink) -> None:
    profile = delivered.profile
    if not isinstance(profile, Profile):
        raise AssertionError("a ledger is read by a profile")
    try:
        path, limits = verified_path(delivered.home, file), delivered.home.consortium.limits
        for batch in ledger.Ledger(path, profile, file.name, limits=limits).batches():
            _take_postings(batch, file, sink)
    except ledger.LedgerRefused as refused:
        raise RefusedLate(file, refused.reject) from None


def _take_postings(batch: Batch, file: LandedFile, sink: Sink) -> None:
    sink.rows_in += batch.rows_in
    sink.rows_out += batch.rows_out
    if isinstance(batch.postings, list):
        sink.add(schema.LEDGER_POSTINGS, file, batch.postings)
    else:
        sink.add_arrow(schema.LEDGER_POSTINGS, file, batch.postings)
    for period in batch.periods():
        sink.cover(month_of(period))
    for reject in batch.rejects:
        sink.reject(file, reject)
    for issue in batch.issues:
        sink.remark(file, issue)


def month_of(fiscal_period: str) -> str:
    """Return the month of a fiscal period: period 13 is booked after the year's end and belongs to its last month."""
    return f"{fiscal_period[:4]}-12" if fiscal_period[5:] > "12" else fiscal_period


def _read_saft(delivered: Delivered, file: LandedFile, sink: Sink) -> None:
    def give(part: saft.Header | saft.Part) -> None:
        if isinstance(part, saft.Header):
            if wrong := _wrong_company(delivered, part):
                raise saft.UnreadableSaft(wrong)
            return
        sink.rows_in += part.lines
        sink.rows_out += part.lines - len(part.rejects)
        if part.table is not None and part.columns is not None:
            sink.add_arrow(part.table, file, part.columns)
        elif part.table is not None:
            sink.add(part.table, file, part.rows)
        for period in part.periods:
            sink.cover(month_of(period))
        for reject in part.rejects:
            sink.reject(file, reject)
        for issue in part.issues:
            sink.remark(file, issue)

    with verified_path(delivered.home, file).open("rb") as stream:
        try:
            saft.read_saft(stream, give, saft.Totals(), delivered.home.consortium.limits)
        except saft.UnreadableSaft as refused:
            raise RefusedLate(file, refused.reject) from None


def _wrong_company(delivered: Delivered, header: saft.Header) -> Reject | None:
    """RF10: the books of a company that is not the member, on the first and the last day of the file, are not its."""
    owner, numbers = delivered.receipt.owner, delivered.registers["member_org_nos"]
    if header.days and all(header.company_org_no in own_org_nos(numbers, owner, day) for day in header.days):
        return None
    return Reject(
        "RF10",
        f"The company whose books these are is not {owner} or one of its units on the days that the file covers. Have "
        "it delivered by whom it belongs to, or add the number to registers/member_org_nos.csv.",
        path="/AuditFile/Header/Company/RegistrationNumber",
        raw=header.company_org_no,
    )


def _read_brreg(delivered: Delivered, file: LandedFile, sink: Sink) -> None:
    unpacked = delivered.home.consortium.limits.brreg_unpacked_mib * MIB
    with verified_path(delivered.home, file).open("rb") as stream:
        try:
            for piece in brreg.read_units(stream, unpacked):
                sink.rows_in += piece.rows_in
                sink.rows_out += len(piece.units)
                sink.add(schema.COMPANIES, file, piece.units)
                for reject in piece.rejects:
                    sink.reject(file, reject)
                for issue in piece.issues:
                    sink.remark(file, issue)
        except brreg.UnreadableUnits as error:
            raise RefusedLate(file, Reject("IN01", str(error))) from error


def _read_notice(delivered: Delivered, file: LandedFile, sink: Sink) -> None:
    # Notices are public: whoever hands one in, its buyers say whose it is, and RF10 does not apply.
    notice = notices.parse_notice(delivered.bytes(file), delivered.home.consortium.limits)
    sink.rows_in += 1
    if notice.rejects:
        sink.reject(file, notice.rejects[0])
        return
    sink.rows_out += 1
    if issued := notice.lots[0].get("issue_date"):
        sink.cover(issued.strftime("%Y-%m"))
    sink.add(schema.NOTICES, file, notice.lots)
    sink.add(schema.NOTICE_BUYERS, file, notice.buyers)
    for issue in notice.issues:
        sink.remark(file, issue)


def _read_registers(delivered: Delivered, file: LandedFile, sink: Sink) -> None:
    receipt, profile, raw = delivered.receipt, delivered.profile, delivered.bytes(file)
    try:
        result = register_form.parse_form(raw, receipt.owner, delivered.registers)
        if result is None:
            raise UnreadableTable(register_form.NO_FORM)
    except UnreadableTable as error:
        # No form: an export of the contract system, where the source has a profile for one.
        if isinstance(profile, ContractProfile):
            result = _read_contracts(delivered, file, profile)
        else:
            # A ledger or an e-invoice that was dropped here is no damaged workbook.
            message = str(error) if raw.startswith(_WORKBOOKS) else register_form.NO_FORM
            result = register_form.refused_file(register_form.UNREADABLE, message)
    sink.rows_in += result.rows_in
    sink.rows_out += result.rows_out
    rows = [
        {
            "register": row.register,
            "fields": canonical_json(row.fields),
            "file_name": file.name,
            "prefilled": result.prefilled,
            "_row_no": row.row_no,
        }
        for row in result.rows
    ]
    sink.add(schema.PROPOSED_ROWS, file, rows)
    for reject in result.rejects:
        sink.reject(file, reject)
    for issue in result.issues:
        sink.remark(file, issue)


def _read_contracts(delivered: Delivered, file: LandedFile, profile: ContractProfile) -> register_form.ReadForm:
    owner = delivered.receipt.owner
    speaks_for_all = owner in (CONSORTIUM, delivered.home.consortium.host)
    try:
        return contract_export.parse_contracts(
            delivered.bytes(file), profile, owner, delivered.registers, may_speak_for_all=speaks_for_all
        )
    except UnreadableTable as error:
        return register_form.refused_file(register_form.UNREADABLE, str(error))


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("ehf", ehf.PARSER_VERSION, schema.EHF_TABLES, _read_ehf),
        Kind("ledger", ledger.PARSER_VERSION, (schema.LEDGER_POSTINGS,), _one_by_one(_read_ledger)),
        Kind(
            "saft",
            saft.PARSER_VERSION,
            (schema.LEDGER_POSTINGS, schema.SAFT_SUPPLIERS, schema.SAFT_ACCOUNTS, schema.SAFT_TAXES),
            _one_by_one(_read_saft),
        ),
        Kind("notices", notices.PARSER_VERSION, (schema.NOTICES, schema.NOTICE_BUYERS), _one_by_one(_read_notice)),
        Kind(
            "registers",
            f"{register_form.PARSER_VERSION} {contract_export.PARSER_VERSION}",
            (schema.PROPOSED_ROWS,),
            _one_by_one(_read_registers),
        ),
        Kind("brreg", brreg.PARSER_VERSION, (schema.COMPANIES,), _one_by_one(_read_brreg)),
    )
}
