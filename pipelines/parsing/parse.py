"""Parse an owner's landed deliveries: typed rows, rejects and an outcome for each, whatever one of them holds.

Belongs here: which delivery must be parsed, whose document it is (RF10), and keeping count. Not here: the formats
(ehf.py, ledger.py, brreg.py), which of the parsed rows count in the end (settle.py).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.errors import ConfigurationError, SamandelError, UnreadableDelivery
from pipelines.files import canonical_json, sha256_bytes
from pipelines.home import Home, Source
from pipelines.landing.store import LandedFile, Receipt, read_file, read_receipts
from pipelines.municipalities import own_org_nos
from pipelines.parsing import brreg, ehf, ledger, schema
from pipelines.parsing.ledger_profile import Profile
from pipelines.parsing.rejects import Reject
from pipelines.parsing.store import Placed, Row, place_receipts, remove_leftovers, stored_key, write_table
from pipelines.tables import Table

Registers = Mapping[str, list[dict[str, Any]]]

_TABLES_OF_KIND: dict[str, tuple[Table, ...]] = {
    "ehf": (schema.EHF_INVOICES, schema.EHF_INVOICE_LINES, schema.EHF_ALLOWANCE_CHARGES),
    "ledger": (schema.LEDGER_POSTINGS,),
    "brreg": (schema.COMPANIES,),
}
_VERSIONS = {"ehf": ehf.PARSER_VERSION, "ledger": ledger.PARSER_VERSION, "brreg": brreg.PARSER_VERSION}
ORCHESTRATION_VERSION = "1"


@dataclass
class ParsedDelivery:
    """Everything that one delivery gave."""

    tables: dict[str, list[dict[str, Any]]]
    rejects: list[dict[str, Any]] = field(default_factory=list)
    rows_in: int = 0
    rows_out: int = 0
    months: set[str] = field(default_factory=set)

    def count(self, severity: str) -> int:
        """Return how many remarks of a severity there are."""
        return sum(1 for row in self.rejects if row["severity"] == severity)


def parse_owner(home: Home, owner: str, registers: Registers) -> list[dict[str, Any]]:
    """Parse every delivery of an owner that is not parsed yet, or was under another profile, version or membership.

    Returns:
        The outcome rows of what was parsed now. A delivery that cannot be parsed at all gives an outcome ``failed``
        and stops none of the others.
    """
    remove_leftovers(home, owner)
    profiles = _Profiles(home, owner)
    outcomes: list[dict[str, Any]] = []
    receipts = [receipt for receipt in read_receipts(home, owner) if receipt.source != "registers"]
    for placed in place_receipts(receipts):
        if placed.is_duplicate:
            outcomes += _note_duplicate(home, placed)
            continue
        try:
            outcomes += _parse_one(home, placed, profiles, registers)
        except Exception as error:  # noqa: BLE001  one delivery never stops the others; the outcome says what happened
            outcomes.append(_fail(home, placed, error))
    return outcomes


def _parse_one(home: Home, placed: Placed, profiles: _Profiles, registers: Registers) -> list[dict[str, Any]]:
    receipt = placed.receipt
    stored = stored_key(home, receipt.owner, placed.name)
    try:
        profile = profiles.of(receipt.source_name) if receipt.source == "ledger" else None
    except ConfigurationError:
        if stored is None:
            raise
        return []  # what was read while there was a profile stands
    key = _parse_key(receipt, profile, registers)
    if stored == key:
        return []
    parsed = _read_delivery(home, receipt, profile, registers)
    outcome = _outcome(receipt, "ok") | {
        "rows_in": parsed.rows_in,
        "rows_out": parsed.rows_out,
        "rejects": parsed.count("reject"),
        "issues": parsed.count("issue"),
        "covered_from": min(parsed.months, default=None),
        "covered_to": max(parsed.months, default=None),
    }
    outcome |= _verdict(parsed)
    for table in _TABLES_OF_KIND[receipt.source]:
        write_table(home, table, receipt.owner, placed.name, parsed.tables[table.name])
    write_table(home, schema.REJECTS, receipt.owner, placed.name, parsed.rejects)
    # Last: from now on the delivery is parsed.
    write_table(home, schema.OUTCOMES, receipt.owner, placed.name, [_landed(receipt), outcome], key=key)
    return [outcome]


def _read_delivery(home: Home, receipt: Receipt, profile: Profile | None, registers: Registers) -> ParsedDelivery:
    parse = _PARSERS.get(receipt.source)
    if parse is None:
        raise UnreadableDelivery(
            f"Deliveries of kind {receipt.source} cannot be read yet.", remedy="Deliver a ledger or e-invoices."
        )
    parsed = ParsedDelivery({table.name: [] for table in _TABLES_OF_KIND[receipt.source]})
    read: dict[str, LandedFile] = {}
    for file in receipt.files:
        if (same := read.setdefault(file.sha256, file)) is not file:
            # Two names, the same bytes: one of them counts.
            message = f"The delivery holds the same bytes as {same.name} already. They are counted once."
            parsed.rows_in += 1
            parsed.rejects.append(_remark(receipt, file, Reject("IN03", message), "reject"))
            continue
        parse(home, receipt, file, parsed, profile, registers)
    if parsed.rows_in != parsed.rows_out + parsed.count("reject"):
        raise AssertionError("rows were lost between the files and the parsed tables")
    return parsed


def _verdict(parsed: ParsedDelivery) -> dict[str, Any]:
    """Return what is to be said of a delivery of which nothing went on: it failed, unless it had sum rows only."""
    refused = [row for row in parsed.rejects if row["severity"] == "reject" and row["rule"] != "IN08"]
    if parsed.rows_out:
        return {}
    if not refused:
        return {"outcome": "empty"}
    return {"outcome": "failed", "rule": refused[0]["rule"], "message": refused[0]["message"]}


class _Profiles:
    """The ledger profiles of one owner's sources, each read once."""

    def __init__(self, home: Home, owner: str) -> None:
        self.home = home
        self.sources = {source.name: source for source in home.consortium.sources_of(owner)}
        self.loaded: dict[str, Profile] = {}

    def of(self, source_name: str) -> Profile:
        """Return a source's profile.

        Raises:
            ConfigurationError: The source is gone, or its profile is gone or has problems.
        """
        if source_name not in self.loaded:
            source: Source | None = self.sources.get(source_name)
            if source is None or source.profile is None:
                raise ConfigurationError(
                    "The delivery's source is no longer in consortium.yaml, so its layout is unknown.",
                    where=source_name,
                    remedy="Name the source again, with its profile.",
                )
            self.loaded[source_name] = ledger.load_profile(source.profile, self.home.path)
        return self.loaded[source_name]


def _parse_key(receipt: Receipt, profile: Profile | None, registers: Registers) -> str:
    # Only what decides: a new name or a row above must not have ten thousand documents read again.
    own_numbers = sorted(
        (row["org_no"], str(row["valid_from"]), str(row["valid_to"]))
        for row in registers["member_org_nos"]
        if receipt.source == "ehf" and row["municipality_no"] == receipt.owner
    )
    facts = [
        receipt.source,
        _VERSIONS.get(receipt.source),
        ORCHESTRATION_VERSION,
        [(table.name, table.column_names) for table in _TABLES_OF_KIND.get(receipt.source, ())],
        profile.digest if profile else None,
        own_numbers,
    ]
    return sha256_bytes(canonical_json(facts).encode())


def _lineage(receipt: Receipt, file: LandedFile) -> dict[str, Any]:
    return {
        "municipality_no": receipt.owner,
        "_delivery_id": receipt.delivery_id,
        "_file_sha256": file.sha256,
    }


def _remark(receipt: Receipt, file: LandedFile, reject: Reject, severity: str) -> dict[str, Any]:
    return _lineage(receipt, file) | {
        "source": receipt.source,
        "severity": severity,
        "rule": reject.rule,
        "file_name": file.name,
        "column_name": reject.column,
        "raw": reject.raw,
        "message": reject.message,
        "_row_no": reject.row_no,
        "_xpath": reject.path,
    }


def _parse_ehf(
    home: Home,
    receipt: Receipt,
    file: LandedFile,
    parsed: ParsedDelivery,
    profile: Profile | None,
    registers: Registers,
) -> None:
    document = ehf.parse_document(read_file(home, file))
    parsed.rows_in += 1
    invoice = document.invoice
    rejects = list(document.rejects)
    if invoice is not None and (wrong := _wrong_tenant(receipt, invoice, registers)):
        rejects = [wrong]
    if invoice is None or rejects:
        # One document, one reject: that is what is counted. What else was wrong with it is remarked on.
        first = rejects[0]
        parsed.rejects.append(_remark(receipt, file, first, "reject"))
        parsed.rejects += [_remark(receipt, file, other, "issue") for other in rejects[1:]]
        return
    parsed.rows_out += 1
    parsed.months.add(invoice["invoice_date"].strftime("%Y-%m"))
    lineage = _lineage(receipt, file)
    rows = {"ehf_invoices": [invoice], "ehf_invoice_lines": document.lines}
    for name, found in (rows | {"ehf_allowance_charges": document.allowance_charges}).items():
        parsed.tables[name] += [row | lineage for row in found]
    parsed.rejects += [_remark(receipt, file, issue, "issue") for issue in document.issues]


def _wrong_tenant(receipt: Receipt, invoice: Row, registers: Registers) -> Reject | None:
    """RF10: a document whose buyer is not one of the member's own numbers on its date is somebody else's."""
    own = own_org_nos(registers["member_org_nos"], receipt.owner, invoice["invoice_date"])
    if invoice["buyer_org_no"] in own:
        return None
    return Reject(
        "RF10",
        f"The buyer is not {receipt.owner} or one of its units on the date of issue. Pass the document on to whom it "
        "is addressed to, or add the number to registers/member_org_nos.csv.",
        path="cac:AccountingCustomerParty",
        raw=invoice["buyer_org_no"],
    )


def _parse_ledger(
    home: Home,
    receipt: Receipt,
    file: LandedFile,
    parsed: ParsedDelivery,
    profile: Profile | None,
    registers: Registers,
) -> None:
    if profile is None:
        raise AssertionError("a ledger is read by a profile")
    result = ledger.parse_ledger(read_file(home, file), profile, file.name)
    lineage = _lineage(receipt, file)
    fixed = {"_source": "ledger", "amount_kind": profile.amount_kind}
    parsed.rows_in += result.rows_in
    parsed.rows_out += len(result.postings)
    for posting in result.postings:
        parsed.tables["ledger_postings"].append(fixed | posting | lineage)
        if posting.get("fiscal_period"):
            parsed.months.add(_month(posting["fiscal_period"]))
    parsed.rejects += [_remark(receipt, file, reject, "reject") for reject in result.rejects]
    parsed.rejects += [_remark(receipt, file, issue, "issue") for issue in result.issues]


def _month(fiscal_period: str) -> str:
    # Period 13 is booked after the year's end and belongs to its last month.
    return f"{fiscal_period[:4]}-12" if fiscal_period[5:] > "12" else fiscal_period


def _parse_brreg(
    home: Home,
    receipt: Receipt,
    file: LandedFile,
    parsed: ParsedDelivery,
    profile: Profile | None,
    registers: Registers,
) -> None:
    result = brreg.parse_units(read_file(home, file))
    lineage = _lineage(receipt, file)
    parsed.rows_in += result.rows_in
    parsed.rows_out += len(result.units)
    parsed.tables["companies"] += [unit | lineage for unit in result.units]
    parsed.rejects += [_remark(receipt, file, reject, "reject") for reject in result.rejects]
    parsed.rejects += [_remark(receipt, file, issue, "issue") for issue in result.issues]


_Parser = Callable[[Home, Receipt, LandedFile, ParsedDelivery, Profile | None, Registers], None]
_PARSERS: dict[str, _Parser] = {"ehf": _parse_ehf, "ledger": _parse_ledger, "brreg": _parse_brreg}


def _outcome(receipt: Receipt, outcome: str, *, step: str = "parsed") -> dict[str, Any]:
    return {
        "municipality_no": receipt.owner,
        "source": receipt.source,
        "source_name": receipt.source_name,
        "_delivery_id": receipt.delivery_id,
        "sequence": receipt.sequence,
        "step": step,
        "outcome": outcome,
        "files": len(receipt.files),
        "message": "",
        "received_at": receipt.received_at,
    }


def _landed(receipt: Receipt) -> dict[str, Any]:
    return _outcome(receipt, "ok", step="landed")


def _note_duplicate(home: Home, placed: Placed) -> list[dict[str, Any]]:
    """IN03: the same files have been delivered before; nothing is parsed again."""
    receipt = placed.receipt
    if stored_key(home, receipt.owner, placed.name) == ORCHESTRATION_VERSION:
        return []
    outcome = _outcome(receipt, "duplicate", step="landed") | {
        "rule": "IN03",
        "message": f"The same files were delivered before ({receipt.delivery_id}); '{receipt.drop}' adds nothing.",
    }
    write_table(home, schema.OUTCOMES, receipt.owner, placed.name, [outcome], key=ORCHESTRATION_VERSION)
    return [outcome]


def _fail(home: Home, placed: Placed, error: Exception) -> dict[str, Any]:
    """Write an outcome ``failed`` without a parse key, so that the next run tries again."""
    receipt = placed.receipt
    # Only our own errors are sure to hold no data; of others the kind and the place in the code are enough.
    text = (
        str(error) if isinstance(error, SamandelError) else f"An unexpected {type(error).__name__} in {_place(error)}."
    )
    outcome = _outcome(receipt, "failed") | {"rule": "IN01", "message": text}
    for table in (*_TABLES_OF_KIND.get(receipt.source, ()), schema.REJECTS):
        write_table(home, table, receipt.owner, placed.name, [])
    write_table(home, schema.OUTCOMES, receipt.owner, placed.name, [_landed(receipt), outcome])
    return outcome


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else "an unknown place"
