"""A quality report to the sender for each delivery: what came in, what was refused and why, what it changes.

Belongs here: the facts of one delivery from its receipt and parsed tables, and writing its page when they changed. Not
here: the page (sender_page.py), its words (sender_texts.py), what counts (settle.py).

``reports/<owner>/<delivery>.html``, of every delivery of a member or workshop. A page holds the digest of what it was
made of, so that only pages whose facts changed are written again; else the first bytes of each are read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.files import canonical_json, sha256_bytes, write_atomically
from pipelines.home import CONSORTIUM, Home
from pipelines.landing.settings_delivery import is_settings
from pipelines.landing.store import Receipt, read_all_receipts
from pipelines.mask import mask_file_name
from pipelines.parsing import schema
from pipelines.parsing.books import LEDGERS
from pipelines.parsing.sender_page import PAGE_VERSION, Contents, PeriodFacts, Remark, ReportFacts, render_page
from pipelines.parsing.store import SETTLED, place_receipts, refused_name, stored_key, table_path
from pipelines.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa

_KEY_BEFORE = b'<meta name="samandel-report" content="'
_HEAD = 2048
_REPORT_VERSION = "2"
_COMPARED = ("ehf", "ledger", "saft")
# Of several forms in one delivery, what is said of all of it.
_DECIDED = ("waiting", "accepted", "overtaken", "refused")
_DOCUMENT_FACTS = ("invoice_date", "is_credit_note", "tax_exclusive_amount", "currency")
_DOCUMENT = ("_file_sha256", "document_no")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class _Reported:
    """A receipt, its name under ``parsed/``, and what is known of it without reading its tables."""

    receipt: Receipt
    name: str
    is_duplicate: bool
    previous: _Reported | None
    periods: tuple[Row, ...] = ()
    documents: Mapping[tuple[str, int], str] = field(default_factory=dict)
    settled_rejects: tuple[Row, ...] = ()
    decided: str = ""
    is_back: bool = False

    @property
    def not_counted(self) -> frozenset[tuple[str, int]]:
        """Return the e-invoices of the delivery that do not count."""
        return frozenset(document for document, state in self.documents.items() if state != "accepted")

    @property
    def has_counted(self) -> bool:
        """Return whether anything of it counts, or did until something took its place."""
        if self.receipt.source == "ehf":
            return bool({"accepted", "superseded"} & set(self.documents.values()))
        # What was held when something took its place has kept the reason.
        return any(
            row["state"] == "accepted" or (row["state"] == "superseded" and not row["reason"]) for row in self.periods
        )

    @property
    def rows_not_counted(self) -> int:
        """Return how many of its rows or documents were read and do not count."""
        if self.receipt.source == "ehf":
            return len(self.not_counted)
        return sum(row["rows"] for row in self.periods if row["state"] != "accepted")


def report_path(home: Home, owner: str, name: str) -> Path:
    """Return where the report on a delivery lies; ``name`` is that of its parsed files."""
    return home.reports / owner / f"{name}.html"


def reports_of(home: Home, receipts: Sequence[Receipt]) -> list[Path]:
    """Return the reports that lie there on some receipts of one owner, in their order."""
    wanted = {(receipt.source_name, receipt.sequence) for receipt in receipts}
    owners = {receipt.owner for receipt in receipts}
    found = [
        report_path(home, owner, reported.name)
        for owner in sorted(owners)
        for reported in _reported(home, owner)
        if (reported.receipt.source_name, reported.receipt.sequence) in wanted
    ]
    return [path for path in found if path.is_file()]


def write_reports(home: Home, owner: str, registers: Mapping[str, Sequence[Row]]) -> int:
    """Write the report of each of an owner's deliveries whose facts have changed; return how many.

    Joint deliveries have no sender who could mend anything, and no report.
    """
    if owner == CONSORTIUM:
        return 0
    written = 0
    for reported in _reported(home, owner):
        key = _key(home, reported, registers)
        path = report_path(home, owner, reported.name)
        if _key_of(path) != key:
            write_atomically(path, render_page(_facts(home, reported, registers, key)))
            written += 1
    return written


def _reported(home: Home, owner: str) -> list[_Reported]:
    receipts = [receipt for receipt in read_all_receipts(home, owner) if not is_settings(receipt)]
    placed = {id(one.receipt): one for one in place_receipts([r for r in receipts if r.refused is None])}
    periods, documents, rejects, back = _settled(home, owner)
    decided = _decisions(home, owner, receipts)
    before: dict[str, list[_Reported]] = defaultdict(list)
    found = []
    for receipt in receipts:  # by source and sequence
        one = placed.get(id(receipt))
        name = refused_name(receipt) if one is None else one.name
        key = (receipt.source_name, receipt.delivery_id)
        reported = _Reported(
            receipt,
            name,
            one is not None and one.is_duplicate,
            _previous(before[receipt.source_name], periods[key]),
            tuple(periods[key]),
            documents[receipt.delivery_id] if receipt.source == "ehf" else {},
            tuple(rejects[receipt.delivery_id]),
            decided.get(receipt.delivery_id, ""),
            (receipt.source_name, receipt.sequence) in back,
        )
        found.append(reported)
        if receipt.source in _COMPARED and one is not None and not one.is_duplicate and reported.has_counted:
            before[receipt.source_name].append(reported)
    return found


def _previous(before: Sequence[_Reported], periods: Iterable[Row]) -> _Reported | None:
    """Return what a delivery is held against: the last that counted in a period of its own, else the last at all."""
    own = {row["fiscal_period"] for row in periods}
    shared = [one for one in before if own & {row["fiscal_period"] for row in one.periods}]
    return next(reversed(shared or before), None)


def _decisions(home: Home, owner: str, receipts: Iterable[Receipt]) -> dict[str, str]:
    """Return what has been decided on register forms, by delivery."""
    if not any(receipt.source == "registers" for receipt in receipts):
        return {}
    from pipelines.proposals import list_proposals

    states: dict[str, set[str]] = defaultdict(set)
    for proposal in list_proposals(home):
        if proposal.owner == owner:
            states[proposal.delivery_id].add(proposal.state)
    return {delivery: min(found, key=_DECIDED.index) for delivery, found in states.items()}


def _settled(home: Home, owner: str) -> tuple[Any, Any, Any, set[tuple[str, int]]]:
    """Return what settling said, by delivery: periods, states of documents, rejects; which ledgers count again."""
    periods: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in _rows(home, schema.DELIVERY_PERIODS, owner, SETTLED):
        periods[row["source_name"], row["_delivery_id"]].append(row)
    documents: dict[str, dict[tuple[str, int], str]] = defaultdict(dict)
    for row in _rows(home, schema.DOCUMENT_STATES, owner, SETTLED, ["_delivery_id", "state", *_DOCUMENT]):
        documents[row["_delivery_id"]][row["_file_sha256"], row["document_no"]] = row["state"]
    rejects: dict[str, list[Row]] = defaultdict(list)
    for row in _rows(home, schema.REJECTS, owner, SETTLED):
        rejects[row["_delivery_id"]].append(row)
    back = {
        (row["source_name"], row["sequence"])
        for row in _rows(home, schema.OUTCOMES, owner, SETTLED)
        if row["source"] in LEDGERS and row["outcome"] == "ok"
    }
    return periods, documents, rejects, back


def _key(home: Home, reported: _Reported, registers: Mapping[str, Sequence[Row]]) -> str:
    receipt, previous = reported.receipt, reported.previous
    facts = [
        [_REPORT_VERSION, PAGE_VERSION, _municipality(receipt.owner, registers)],
        [receipt.source_name, receipt.sequence, str(receipt.received_at), receipt.refused],
        stored_key(home, receipt.owner, reported.name),
        [previous.name, stored_key(home, receipt.owner, previous.name), sorted(previous.not_counted)]
        if previous
        else None,
        [[row["fiscal_period"], row["state"], row["superseded_by"], row["reason"]] for row in reported.periods],
        sorted([*document, state] for document, state in reported.documents.items()),
        [reported.decided, reported.is_back],
        [[row["rule"], row["file_name"], row["_row_no"], row["message"]] for row in reported.settled_rejects],
    ]
    return sha256_bytes(canonical_json(facts).encode())


def _key_of(path: Path) -> str | None:
    """Return what the report that lies there was made of."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return None
    _, _, rest = head.partition(_KEY_BEFORE)
    return rest.partition(b'"')[0].decode("ascii", "replace") or None


def _municipality(owner: str, registers: Mapping[str, Sequence[Row]]) -> str:
    named = [row["name"] for row in registers.get("members", ()) if row["municipality_no"] == owner]
    if not named:
        number = owner.removeprefix("_workshop_")
        named = [row["name"] for row in registers.get("workshops", ()) if row["org_no"] == number]
        return f"{named[-1]} ({number})" if named else number
    return f"{named[-1]} ({owner})"


def _facts(home: Home, reported: _Reported, registers: Mapping[str, Sequence[Row]], key: str) -> ReportFacts:
    receipt = reported.receipt
    outcomes = _rows(home, schema.OUTCOMES, receipt.owner, reported.name)
    last = outcomes[-1] if outcomes else {}
    remarks = [*_rows(home, schema.REJECTS, receipt.owner, reported.name), *reported.settled_rejects]
    contents, previous = _compared(home, reported)
    return ReportFacts(
        municipality=_municipality(receipt.owner, registers),
        source=receipt.source,
        source_name=receipt.source_name,
        delivery_id=receipt.delivery_id,
        state=_state(reported, last, remarks),
        files=tuple((mask_file_name(file.name), file.size) for file in receipt.files),
        is_prepared=receipt.is_prepared,
        rows_in=last.get("rows_in") or 0,
        rows_out=last.get("rows_out") or 0,
        rejects=last.get("rejects") or 0,
        not_counted=0 if reported.is_duplicate else reported.rows_not_counted,
        message=last.get("message") or "",
        contents=contents,
        previous=previous,
        remarks=tuple(_remark(row) for row in remarks),
        superseded_by=tuple(sorted({str(row["superseded_by"]) for row in reported.periods if row["superseded_by"]})),
        key=key,
    )


def _needs_mending(remarks: Iterable[Row]) -> bool:
    return any(row["severity"] == "reject" and row["rule"] not in ("IN08", "IN03") for row in remarks)


def _state(reported: _Reported, last: Row, remarks: Sequence[Row]) -> str:
    """Return the key of STATES that says how a delivery stands."""
    outcome = str(last.get("outcome") or "failed")
    if outcome == "failed" and not any(row["severity"] == "reject" for row in remarks):
        return "stuck"  # nothing of it was refused: what went wrong is not the sender's
    if outcome in ("refused", "duplicate", "failed", "empty"):
        return "duplicate_back" if reported.is_back and outcome == "duplicate" else outcome
    needs_mending = _needs_mending(remarks)
    if reported.receipt.source == "registers":
        return _state_of_form(reported, needs_mending=needs_mending)
    if standing := _standing(reported):
        return standing
    if needs_mending:
        return "accepted_with_rejects"
    has_come_before = any(row["severity"] == "reject" and row["rule"] == "IN03" for row in remarks)
    return "accepted_partly" if reported.not_counted or has_come_before else "accepted"


def _state_of_form(reported: _Reported, *, needs_mending: bool) -> str:
    if reported.decided in ("", "waiting"):
        return "proposed_with_rejects" if needs_mending else "proposed"
    return f"proposal_{reported.decided}"


def _standing(reported: _Reported) -> str:
    """Return what keeps a delivery, or a part of it that is told of before all else, from counting."""
    states = {str(row["state"]) for row in reported.periods}
    for state in ("held", "withdrawn", "superseded"):
        if state in states:
            return state
    documents = set(reported.documents.values())
    if not documents or "accepted" in documents:
        return ""
    return next((state for state in ("held", "superseded") if state in documents), "none_count")


def _remark(row: Row) -> Remark:
    return Remark(
        rule=str(row["rule"]),
        severity=str(row["severity"]),
        file_name=row["file_name"] or "",
        row_no=row["_row_no"] if row["source"] != "ehf" else None,
        column=row["column_name"],
        raw=row["raw"],
        message=row["message"] or "",
    )


def _compared(home: Home, reported: _Reported) -> tuple[Contents, Contents | None]:
    """Return what the delivery and the one before it hold, with suppliers counted against each other."""
    ours, our_suppliers = _contents(home, reported)
    if reported.previous is None:
        return ours, None
    theirs, their_suppliers = _contents(home, reported.previous)
    return (
        Contents(
            **{
                **vars(ours),
                "new_suppliers": len(our_suppliers - their_suppliers),
                "gone_suppliers": len(their_suppliers - our_suppliers),
            }
        ),
        theirs,
    )


def _contents(home: Home, reported: _Reported) -> tuple[Contents, set[str]]:
    receipt = reported.receipt
    received, foreign = receipt.received_at.strftime("%d.%m.%Y"), 0
    table = schema.EHF_INVOICES if receipt.source == "ehf" else schema.LEDGER_POSTINGS
    if receipt.source not in ("ehf", "ledger", "saft") or reported.is_duplicate:
        return Contents(received, 0, ()), set()
    if receipt.source == "ehf":
        wanted = [*_DOCUMENT, *_DOCUMENT_FACTS, "seller_org_no", "seller_name"]
        rows = _read(home, table, receipt.owner, reported.name, wanted)
        periods, foreign = _sum_documents(rows, reported.not_counted)
        suppliers, accounts = _distinct(rows, "seller_org_no", "seller_name"), frozenset[str]()
    else:
        wanted = ["fiscal_period", "amount", "local_account", "supplier_org_no", "supplier_name"]
        rows = _read(home, table, receipt.owner, reported.name, wanted)
        rows = _debit_only(rows) if receipt.source == "saft" else rows
        states = {str(row["fiscal_period"]): row for row in reported.periods}
        periods = _sum_postings(rows, states)
        suppliers = _distinct(rows, "supplier_org_no", "supplier_name")
        accounts = frozenset(_distinct(rows, "local_account"))
    count = sum(period.rows for period in periods)
    contents = Contents(received, count, tuple(periods), accounts, len(suppliers), in_other_currencies=foreign)
    return contents, suppliers


def _debit_only(rows: pa.Table | None) -> pa.Table | None:
    """Return postings of whole books with credits as nothing: debit and credit together are nothing at all."""
    if rows is None:
        return None
    import pyarrow as pa
    import pyarrow.compute as pc

    amount = rows.column("amount")
    nothing = pa.scalar(Decimal(0), amount.type)
    debit: Any = pc.if_else(pc.greater(amount, nothing), amount, nothing)
    return rows.set_column(rows.schema.get_field_index("amount"), "amount", debit)


def _sum_postings(rows: pa.Table | None, states: Mapping[str, Row]) -> list[PeriodFacts]:
    if rows is None:
        return []
    grouped = rows.group_by("fiscal_period").aggregate([("amount", "sum"), ("amount", "count")]).to_pylist()
    return sorted(
        (
            PeriodFacts(
                str(row["fiscal_period"]),
                row["amount_count"],
                row["amount_sum"] or Decimal(0),
                str(states.get(str(row["fiscal_period"]), {}).get("state", "accepted")),
                states.get(str(row["fiscal_period"]), {}).get("reason"),
            )
            for row in grouped
        ),
        key=lambda period: period.period,
    )


def _sum_documents(rows: pa.Table | None, not_counted: frozenset[tuple[str, int]]) -> tuple[list[PeriodFacts], int]:
    """Return documents that count by month of issue, credit notes negative; and how many are not in NOK."""
    if rows is None:
        return [], 0
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    counts: Counter[str] = Counter()
    foreign = 0
    columns = (rows.column(name).to_pylist() for name in (*_DOCUMENT, *_DOCUMENT_FACTS))
    for sha256, number, day, is_credit, amount, currency in zip(*columns, strict=True):
        if (sha256, number) in not_counted:
            continue
        month = day.strftime("%Y-%m")
        counts[month] += 1
        if currency == "NOK":
            amounts[month] += -amount if is_credit else amount
        else:
            foreign += 1
    return [PeriodFacts(month, counts[month], amounts[month]) for month in sorted(counts)], foreign


def _distinct(rows: pa.Table | None, *names: str) -> set[str]:
    """Return the distinct values of the first column, where it is null of the next."""
    if rows is None:
        return set()
    import pyarrow.compute as pc

    column: Any = pc.coalesce(*(rows.column(name) for name in names))
    return {str(value) for value in column.unique().to_pylist() if value}


def _read(home: Home, table: Table, owner: str, name: str, columns: list[str]) -> pa.Table | None:
    import pyarrow.parquet as pq

    path = table_path(home, table, owner, name)
    return pq.ParquetFile(path).read(columns=columns) if path.is_file() else None


def _rows(home: Home, table: Table, owner: str, name: str, columns: list[str] | None = None) -> list[dict[str, Any]]:
    rows = _read(home, table, owner, name, columns or list(table.column_names))
    found: list[dict[str, Any]] = [] if rows is None else rows.to_pylist()
    return found
