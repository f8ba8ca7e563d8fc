"""Trace a delivered file: where its rows went, from the receipt to the figures that they are in.

Belongs here: finding the file or delivery, counting its rows by what became of them in parsed tables and warehouse. Not
here: the way from a figure to its lines (trace_figure.py), deciding on a delivery (deliveries.py), printing
(cli/trace.py).

(1) What parsing read stands in the settled states: accepted, held, superseded, withdrawn, duplicate.
(2) An accepted posting is a purchase by itself, or its e-invoice's lines stand in its place: they carry the posting
    that they stand for. What of an accepted SAF-T file is no purchase is the rest.
(3) An accepted e-invoice is spend by itself where no ledger covers its month, explains postings where it is matched,
    and is unposted else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.deliveries import find_delivery, list_deliveries
from pipelines.errors import ConfigurationError
from pipelines.files import sha256_file
from pipelines.home import Home
from pipelines.landing.settings_delivery import is_settings
from pipelines.landing.store import LandedFile, Receipt, read_all_receipts
from pipelines.mask import mask_file_name
from pipelines.outcomes import read_outcomes
from pipelines.parsing import schema
from pipelines.parsing.store import SETTLED, table_path
from pipelines.tables import Table

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NOTHING = Decimal("0.00")


def find_files(home: Home, given: str, municipality_no: str | None = None) -> list[tuple[list[Receipt], list[str]]]:
    """Return the deliveries that are meant: the receipts of each, and which of its files (their digests).

    Args:
        home: The home.
        given: The path of a file, a file's SHA-256, or a delivery id or the beginning of one.
        municipality_no: Only this owner's.

    Raises:
        ConfigurationError: Nothing like it has been delivered.
    """
    path = Path(given)
    if path.is_dir():
        raise ConfigurationError("A folder is no file.", where=given, remedy="Name a file in it, or a delivery id.")
    if not path.is_file() and not _DIGEST.fullmatch(given.lower()):
        if not re.fullmatch(r"[0-9a-f]{4,16}", given.lower()):
            raise ConfigurationError(
                "There is no such file, and this is no digest or delivery id.",
                where=given,
                remedy="Name a figure (K01), a file, its SHA-256 or a delivery id ('samandel delivery list').",
            )
        receipts = find_delivery(home, given.lower(), municipality_no)
        return [(receipts, sorted({file.sha256 for file in receipts[0].files}))]
    digest = sha256_file(path) if path.is_file() else given.lower()
    found: dict[tuple[str, str, str], tuple[list[Receipt], list[str]]] = {}
    for receipt in read_all_receipts(home, municipality_no):
        if digests := _digests_in(receipt, digest):
            key = (receipt.owner, receipt.source_name, receipt.delivery_id)
            found.setdefault(key, ([], digests))[0].append(receipt)
    if not found:
        raise ConfigurationError(
            "No delivery has brought this file.",
            where=f"sha256 {digest}",
            remedy="Where it lies in an inbox, 'samandel run' takes it; 'samandel inspect' says what is in it.",
        )
    return list(found.values())


def _digests_in(receipt: Receipt, digest: str) -> list[str]:
    """Return the digests of a receipt's files that are this file, or came out of this archive."""
    for archive in receipt.archives:
        if archive.sha256 == digest:
            return sorted({file.sha256 for file in receipt.files if file.name.startswith(f"{archive.name}/")})
    return [digest] if any(file.sha256 == digest for file in receipt.files) else []


def trace_file(home: Home, receipts: Sequence[Receipt], digests: Sequence[str]) -> Row:
    """Return what became of some files of one delivery.

    Args:
        home: The home.
        receipts: The delivery's receipts, the first one first.
        digests: Which of its files.

    Returns:
        ``delivery_id, municipality_no, source, kind, state, receipts, files``; ``outcomes`` of the whole delivery;
        ``rejects`` by rule; ``is_built``: the warehouse knows these states; ``rows``: what became of the rows, with
        count and sum; ``figures``: the figures they are in; ``unaccounted_nok``: what of the accepted rows' sum is in
        no purchase line, which is zero for a ledger.
    """
    first = receipts[0]
    facts: Row = {
        "delivery_id": first.delivery_id,
        "municipality_no": first.owner,
        "source": first.source_name,
        "kind": first.source,
        "state": _state(home, first),
        "receipts": [
            {"sequence": one.sequence, "received_at": one.received_at, "refused": one.refused} for one in receipts
        ],
        "files": [_file(file) for file in first.files if file.sha256 in set(digests)],
        "outcomes": _outcomes(home, receipts),
        "rejects": _rejects(home, first, digests),
        "rows": [],
        "figures": [],
        "unaccounted_nok": _NOTHING,
    }
    with _Asked(home, first, digests) as asked:
        facts["is_built"] = asked.is_built
        if first.source in ("ledger", "saft"):
            _follow_postings(asked, facts)
        elif first.source == "ehf":
            _follow_documents(asked, facts)
        facts["figures"] = asked.figures()
    return facts


def _state(home: Home, receipt: Receipt) -> str:
    if is_settings(receipt):
        return "accepted"
    for row in list_deliveries(home, receipt.owner):
        if (row["source"], row["sequence"]) == (receipt.source_name, receipt.sequence):
            return str(row["state"])
    return ""


def _file(file: LandedFile) -> Row:
    return {"file": mask_file_name(file.name), "sha256": file.sha256, "bytes": file.size, "landed": file.path}


def _outcomes(home: Home, receipts: Sequence[Receipt]) -> list[Row]:
    first, sequences = receipts[0], {one.sequence for one in receipts}
    names = ("sequence", "step", "outcome", "rule", "rows_in", "rows_out", "rejects", "message")
    return [
        {name: row[name] for name in names}
        for row in read_outcomes(home)
        if (row["municipality_no"], row["source_name"]) == (first.owner, first.source_name)
        and row["sequence"] in sequences
    ]


def _rejects(home: Home, receipt: Receipt, digests: Sequence[str]) -> list[Row]:
    """Return refused rows and remarks by rule; those of settling (IN03) stand in a file of their own."""
    with _Asked(home, receipt, digests) as asked:
        return asked.rows(
            "select severity, rule, count(*) as rows from parsed_rejects"  # noqa: S608  ours
            f" where source = ? and {asked.mine()} group by all order by all",
            [receipt.source],
            schema.REJECTS,
        )


def _follow_postings(asked: _Asked, facts: Row) -> None:
    """(1, 2) Postings: settled by fiscal period, then purchases by themselves or through e-invoices."""
    settled = asked.rows(
        f"""
        select
            coalesce(periods.state, 'received') as went, parsed_ledger_postings.fiscal_period,
            count(*) as rows, coalesce(sum(amount) filter (where currency = 'NOK'), 0) as amount_nok
        from parsed_ledger_postings
        left join parsed_delivery_periods as periods
            on
                parsed_ledger_postings.fiscal_period is not distinct from periods.fiscal_period
                and parsed_ledger_postings._delivery_id = periods._delivery_id
                and periods.source_name = ?
        where {asked.mine("parsed_ledger_postings")}
        group by all
        order by all
        """,  # noqa: S608  ours
        [asked.receipt.source_name],
        schema.LEDGER_POSTINGS,
        schema.DELIVERY_PERIODS,
    )
    facts["rows"] += [_went(row["went"], row["rows"], row["amount_nok"], row["fiscal_period"]) for row in settled]
    accepted = _sum(row["amount_nok"] for row in settled if row["went"] == "accepted")
    purchases = asked.purchases("_posting_")
    facts["rows"] += purchases
    rest = accepted - _sum(row["amount_nok"] for row in purchases)
    if asked.receipt.source == "saft" and asked.is_built:
        own = sum(row["rows"] for row in purchases if row["went"].startswith("purchase"))
        accepted_rows = sum(row["rows"] for row in settled if row["went"] == "accepted")
        facts["rows"].append(_went("not a purchase: balance, income, payroll", max(0, accepted_rows - own), rest))
    elif asked.is_built:
        facts["unaccounted_nok"] = rest


def _follow_documents(asked: _Asked, facts: Row) -> None:
    """(1, 3) E-invoices: settled one by one, then spend, matched or unposted; and the lines that are purchases."""
    states = asked.rows(
        f"""
        select
            coalesce(states.state, 'received') as went, count(*) as rows,
            coalesce(sum(
                if(is_credit_note, -tax_exclusive_amount, tax_exclusive_amount)
            ) filter (where currency = 'NOK'), 0) as amount_nok
        from parsed_ehf_invoices
        left join parsed_document_states as states using (_delivery_id, _file_sha256, document_no)
        where {asked.mine("parsed_ehf_invoices")}
        group by all
        order by all
        """,  # noqa: S608  ours
        [],
        schema.EHF_INVOICES,
        schema.DOCUMENT_STATES,
    )
    facts["rows"] += [_went(f"{row['went']} e-invoice", row["rows"], row["amount_nok"]) for row in states]
    facts["rows"] += asked.treatments()
    facts["rows"] += asked.purchases("_")


def _went(went: str, rows: int, amount: Decimal | None, period: str = "") -> Row:
    return {"went": went, "period": period or "", "rows": rows, "amount_nok": _NOTHING if amount is None else amount}


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, _NOTHING)


class _Asked:
    """Questions about some files of one delivery, to its owner's parsed tables and to the warehouse."""

    def __init__(self, home: Home, receipt: Receipt, digests: Sequence[str]) -> None:
        self.home, self.receipt = home, receipt
        # Digests and ids are hexadecimal: checked when they were read, so they may stand in a text.
        self._digests = ", ".join(f"'{digest}'" for digest in digests) or "''"
        self._connection: duckdb.DuckDBPyConnection | None = None
        self.is_built = False

    def __enter__(self) -> _Asked:
        import duckdb

        self._connection = duckdb.connect()
        if self.home.warehouse_file.is_file():
            # Under its own name: its views name the catalogue that they were made in.
            path = str(self.home.warehouse_file).replace("'", "''")
            self._connection.execute(f"attach '{path}' as samandel (read_only)")
            self.is_built = self._settled_in_warehouse()
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def _settled_in_warehouse(self) -> bool:
        """Return whether the warehouse was built from the states in which the delivery is now."""
        columns, order = "fiscal_period, state, sequence, rows", "order by fiscal_period, sequence"
        values = [self.receipt.source_name, self.receipt.delivery_id, self.receipt.owner]
        settled, built = (
            self.rows(
                f"select {columns} from {table}"  # noqa: S608  ours
                f" where source_name = ? and _delivery_id = ? and municipality_no = ? {order}",
                values,
                *parsed,
            )
            for table, parsed in (
                ("parsed_delivery_periods", (schema.DELIVERY_PERIODS,)),
                ("samandel.fct_delivery_periods", ()),
            )
        )
        return settled == built

    def mine(self, relation: str = "", prefix: str = "_") -> str:
        """Return the condition that a row is of these files."""
        before = f"{relation}." if relation else ""
        return (
            f"{before}{prefix}delivery_id = '{self.receipt.delivery_id}'"
            f" and {before}{prefix}file_sha256 in ({self._digests})"
        )

    def rows(self, sql: str, values: Sequence[Any], *tables: Table) -> list[Row]:
        """Ask; each parsed table stands as ``parsed_<name>``, this owner's rows of it."""
        assert self._connection is not None  # noqa: S101  it is entered
        for table in tables:
            folder = table_path(self.home, table, self.receipt.owner, SETTLED).parent
            if not any(folder.glob("*.parquet")):
                return []
            pattern = str(folder / "*.parquet").replace("'", "''")
            self._connection.execute(
                f"create or replace view parsed_{table.name} as select *"  # noqa: S608  ours
                f" from read_parquet('{pattern}', union_by_name = true, hive_partitioning = false)"
            )
        cursor = self._connection.execute(sql, list(values))
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def purchases(self, prefix: str) -> list[Row]:
        """Return the purchase lines that come from these files, by what they are; ``prefix`` is of which lineage."""
        if not self.is_built:
            return []
        found = self.rows(
            f"""
            select
                if(purchases._file_sha256 in ({self._digests}), '', ', through the lines of its e-invoice') as way,
                case
                    when purchases.scope = 'vat' then 'VAT'
                    when purchases.net_amount_nok is null then 'currency not converted'
                    when purchases.is_internal then 'internal: paid to the buyer itself'
                    when purchases.payee_kind = 'natural_person' then 'paid to a natural person'
                    when purchases.scope = 'transfer' then 'transfer'
                    when lines.in_procurement then 'procurement (K01)'
                    when purchases.payee_kind = 'unknown' then 'payee unknown'
                    else 'scope ' || purchases.scope
                end as what,
                count(*) as rows,
                coalesce(sum(purchases.net_amount_nok), 0) as amount_nok
            from samandel.fct_purchases as purchases
            left join samandel.fct_kpi_lines as lines
                on
                    purchases.municipality_no = lines.municipality_no
                    and purchases.purchase_line_id = lines.purchase_line_id
            where purchases.municipality_no = ? and {self.mine("purchases", prefix)}
            group by all
            order by all
            """,  # noqa: S608  ours
            [self.receipt.owner],
        )
        return [_went(f"purchase: {row['what']}{row['way']}", row["rows"], row["amount_nok"]) for row in found]

    def treatments(self) -> list[Row]:
        """Return what the accepted e-invoices of these files are to the books."""
        if not self.is_built:
            return []
        words = {
            "ehf": "spend by itself: no ledger covers its month",
            "lines": "matched: its lines stand for the posting",
            "pairs": "matched: each line stands for a posting",
            "postings": "matched: the postings stand",
            "unposted": "not posted: no spend yet",
        }
        found = self.rows(
            f"""
            select treatment, count(*) as rows,
                coalesce(sum(content_amount) filter (where currency = 'NOK'), 0) as amount_nok
            from samandel.fct_invoices
            where municipality_no = ? and {self.mine()}
            group by all
            order by all
            """,  # noqa: S608  ours
            [self.receipt.owner],
        )
        return [
            _went(f"e-invoice {words.get(row['treatment'], row['treatment'])}", row["rows"], row["amount_nok"])
            for row in found
        ]

    def figures(self) -> list[Row]:
        """Return the figures that lines of these files are in, with how many and their sum."""
        if not self.is_built:
            return []
        return self.rows(
            f"""
            select
                kpi_key, measure, part, count(*) as lines, sum(net_amount_nok) as amount_nok,
                min(period_month) as first_month, max(period_month) as last_month
            from samandel.fct_kpi_traces
            where municipality_no = ? and ({self.mine()} or {self.mine(prefix="_posting_")})
            group by all
            order by all
            """,  # noqa: S608  ours
            [self.receipt.owner],
        )
