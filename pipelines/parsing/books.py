"""A source's books: which of its ledger deliveries counts in which fiscal period.

Belongs here: the order of receipt, and the states of periods as deliveries come in, as pure functions. Not here:
e-invoices and storing what is settled (settle.py, which has the rules by number), other members' ledgers
(shared_ledgers.py), what two sources share (repeated_ledgers.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from pipelines.home import Home
from pipelines.landing.decisions import ACCEPT, WITHDRAW, Decision
from pipelines.landing.store import Receipt
from pipelines.parsing import schema
from pipelines.parsing.store import table_path

LEAST_PERCENT_KEPT = 70  # whole numbers: exactly 70 % is enough, whatever the rows
ALL = "all"
LEDGERS = ("ledger", "saft")
Row = dict[str, Any]
Delivery = tuple[str, str]  # source name and delivery id
RowCounts = Mapping[Delivery, Mapping[str, int]]
Decisions = Mapping[tuple[str, str, str], Decision]


def in_order(receipts: Iterable[Receipt]) -> list[Receipt]:
    """Return receipts in the order in which they were received; those of one source by their number, whatever clock."""
    latest: dict[tuple[str, str], datetime] = {}
    keyed = []
    for receipt in sorted(receipts, key=lambda one: (one.owner, one.source_name, one.sequence)):
        source = (receipt.owner, receipt.source_name)
        latest[source] = max(latest.get(source, receipt.received_at), receipt.received_at)
        keyed.append(((latest[source], *source, receipt.sequence), receipt))
    return [receipt for _, receipt in sorted(keyed, key=lambda pair: pair[0])]


def counted_receipts(receipts: Iterable[Receipt], row_counts: RowCounts, decisions: Decisions) -> list[Receipt]:
    """Return the receipts of deliveries that could count, and of withdrawn ones, in the order of receipt.

    The same files from two sources of a kind are one delivery of the source that brought them first, or, where that
    one is withdrawn, of the next.
    """
    ordered = in_order(receipts)
    bringing: dict[Delivery, str] = {}
    for receipt in ordered:
        if not is_decided(WITHDRAW, receipt, decisions):
            bringing.setdefault((receipt.source, receipt.delivery_id), receipt.source_name)
    return [
        receipt
        for receipt in ordered
        if (receipt.source_name, receipt.delivery_id) in row_counts
        and (
            bringing.get((receipt.source, receipt.delivery_id)) == receipt.source_name
            or is_decided(WITHDRAW, receipt, decisions)
        )
    ]


def is_decided(action: str, receipt: Receipt, decisions: Decisions) -> bool:
    """Return whether the last decision on a delivery is this one."""
    decision = decisions.get((receipt.owner, receipt.source_name, receipt.delivery_id))
    return decision is not None and decision.action == action


def withdrawn(receipt: Receipt, decisions: Decisions) -> dict[str, str]:
    """Return what is said of each period of a withdrawn delivery."""
    decision = decisions[receipt.owner, receipt.source_name, receipt.delivery_id]
    return {"state": "withdrawn", "reason": f"Withdrawn on {decision.at:%Y-%m-%d}: {decision.reason}"}


def new_period(receipt: Receipt, fiscal_period: str, rows: int) -> Row:
    """Return the row of a delivery and fiscal period that nothing is wrong with."""
    return {
        "municipality_no": receipt.owner,
        "source": receipt.source,
        "source_name": receipt.source_name,
        "_delivery_id": receipt.delivery_id,
        "sequence": receipt.sequence,
        "fiscal_period": fiscal_period,
        "rows": rows,
        "state": "accepted",
        "superseded_by": None,
        "reason": None,
    }


class Books:
    """(1) One source's ledgers, period by period, as its deliveries come in."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions
        self._rows: dict[tuple[str, str], Row] = {}
        self._standing: dict[str, Row] = {}
        self._waiting: dict[str, list[Row]] = defaultdict(list)
        self._receipts: dict[int, Receipt] = {}
        # By number of receipt: the rows that it had held, with the rule, and the rows that it put back.
        self._held: dict[int, list[tuple[Row, str]]] = defaultdict(list)
        self._put_back: dict[int, list[Row]] = defaultdict(list)

    @property
    def rows(self) -> list[Row]:
        """Return a row for each delivery and period."""
        return list(self._rows.values())

    def periods_standing(self, delivery_id: str) -> set[str]:
        """Return the periods in which a delivery counts."""
        return {period for period, row in self._standing.items() if row["_delivery_id"] == delivery_id}

    def delivery_standing(self, fiscal_period: str) -> str | None:
        """Return the delivery that counts in a period."""
        row = self._standing.get(fiscal_period)
        return None if row is None else str(row["_delivery_id"])

    def receive(
        self,
        receipt: Receipt,
        row_counts: Mapping[str, int],
        shared: str | None,
        repeated: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Take the next delivery in.

        Args:
            receipt: What came.
            row_counts: Its rows by fiscal period.
            shared: Why all of it is held as another member's.
            repeated: By period, why it is held as what stands in another source.
        """
        self._receipts[receipt.sequence] = receipt
        for fiscal_period, rows in sorted(row_counts.items()):
            row = self._rows.setdefault((receipt.delivery_id, fiscal_period), new_period(receipt, fiscal_period, rows))
            if is_decided(WITHDRAW, receipt, self._decisions):
                row |= withdrawn(receipt, self._decisions)
            elif self._standing.get(fiscal_period) is not row:
                self._decide(receipt, row, shared, repeated.get(fiscal_period))

    def _decide(self, receipt: Receipt, row: Row, shared: str | None, repeated: str | None) -> None:
        before = self._standing.get(row["fiscal_period"])
        problems = (("RF10", shared), ("IN03", repeated), ("IN04", _shrunken(row, before)))
        rule, problem = next((one for one in problems if one[1]), ("", None))
        if problem and not is_decided(ACCEPT, receipt, self._decisions):
            row |= {"state": "held", "reason": problem, "superseded_by": None}
            if not any(row is waiting for waiting in self._waiting[row["fiscal_period"]]):
                self._waiting[row["fiscal_period"]].append(row)
            self._held[receipt.sequence].append((row, rule))
            return
        for replaced in [*([before] if before else []), *self._waiting.pop(row["fiscal_period"], [])]:
            replaced |= {"state": "superseded", "superseded_by": receipt.delivery_id}
        if row["state"] == "superseded":
            self._put_back[receipt.sequence].append(row)
        row |= {"state": "accepted", "superseded_by": None, "reason": None}
        self._standing[row["fiscal_period"]] = row

    def outcomes(self) -> list[Row]:
        """Return what is to be said of deliveries that are held, and of files that came again and count again."""
        return [outcome for number in sorted(self._receipts) if (outcome := self._outcome(self._receipts[number]))]

    def _outcome(self, receipt: Receipt) -> Row | None:
        held = [(row, rule) for row, rule in self._held[receipt.sequence] if row["state"] == "held"]
        if held:
            count = sum(row["rows"] for row, _ in held)
            by_rule: dict[str, list[Row]] = defaultdict(list)
            for row, rule in held:
                by_rule[rule].append(row)
            text = " ".join(f"Held for {_months(rows)}: {rows[0]['reason']}" for rows in by_rule.values())
            return settled_outcome(receipt, "held", held[0][1], count, 0, count, text)
        back = [row for row in self._put_back[receipt.sequence] if self._standing[row["fiscal_period"]] is row]
        if not back:
            return None
        count = sum(row["rows"] for row in back)
        text = f"These files had come before and count again for {_months(back)}."
        return settled_outcome(receipt, "ok", "IN03", count, count, 0, text)


def _months(rows: Iterable[Row]) -> str:
    return ", ".join(row["fiscal_period"] for row in rows)


def _shrunken(row: Row, before: Row | None) -> str | None:
    if before is None or 100 * row["rows"] >= LEAST_PERCENT_KEPT * before["rows"]:
        return None
    return (
        f"{row['rows']} rows would replace {before['rows']}: fewer than {LEAST_PERCENT_KEPT} %. Deliver the whole "
        "period again."
    )


def settled_outcome(
    receipt: Receipt, outcome: str, rule: str | None, rows_in: int, rows_out: int, rejects: int, text: str
) -> Row:
    """Return the outcome row of settling."""
    return {
        "municipality_no": receipt.owner,
        "source": receipt.source,
        "source_name": receipt.source_name,
        "_delivery_id": receipt.delivery_id,
        "sequence": receipt.sequence,
        "step": "settled",
        "outcome": outcome,
        "rule": rule,
        "files": len(receipt.files),
        "rows_in": rows_in,
        "rows_out": rows_out,
        "rejects": rejects,
        "issues": 0,
        "message": text,
        "received_at": receipt.received_at,
    }


def count_periods(home: Home, owner: str, name: str) -> dict[str, int]:
    """Return a parsed ledger's rows by fiscal period."""
    import pyarrow.parquet as pq

    path = table_path(home, schema.LEDGER_POSTINGS, owner, name)
    counted = pq.ParquetFile(path).read(columns=["fiscal_period"]).column(0).value_counts()
    periods, rows = counted.field("values").to_pylist(), counted.field("counts").to_pylist()
    return {str(period): int(count or 0) for period, count in zip(periods, rows, strict=True)}
