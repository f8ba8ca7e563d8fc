"""Lines of a SAF-T file to postings and taxes, column by column, a batch at a time.

Belongs here: what a line's fields mean as rows, and which lines are refused. Not here: the rest of the file, its
control totals and the numbered rules cited here (saft.py), XML (saft_records.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from pipelines.parsing import schema
from pipelines.parsing.columns import Typed, compute, date_column, decimal_column, text_column
from pipelines.parsing.dates import make_period, parse_xml_date
from pipelines.parsing.rejects import Reject
from pipelines.parsing.saft_parts import Give, Part, Remarks, Totals
from pipelines.parsing.saft_records import LINE_FIELDS, MORE_COLUMNS, TAX_FIELDS, LinePlan, Record

PATH = "/AuditFile/GeneralLedgerEntries"
_LINES_AT_ONCE = 1 << 15
_MOST_KNOWN = 100_000  # values remembered between lines
_WIDTH = len(LINE_FIELDS) + MORE_COLUMNS
_Triple = tuple[str | None, str | None, str | None]
_NOTHING: _Triple = (None, None, None)


class Masters(Protocol):
    """What the file says of suppliers, accounts, tax codes and types of analysis."""

    dimension_of: dict[str, int]

    def look_up(self, what: str, keys: Any) -> list[Any]:
        """Return columns of what is known of each key."""


@dataclass
class _Transactions:
    """The transactions that a batch's lines belong to, column by column."""

    voucher_no: list[str | None] = field(default_factory=list)
    voucher_type: list[str | None] = field(default_factory=list)
    fiscal_period: list[str | None] = field(default_factory=list)
    posting_date: list[date | None] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    problem: list[Reject | None] = field(default_factory=list)
    first: list[int] = field(default_factory=list)  # position of its first line in the batch
    before: list[int] = field(default_factory=list)  # lines of it in earlier batches
    is_whole: list[bool] = field(default_factory=list)


class Postings:
    """Lines to postings and taxes, a batch at a time."""

    def __init__(self, masters: Masters, remarks: Remarks, give: Give, totals: Totals) -> None:
        self.masters, self.remarks, self.give, self.totals = masters, remarks, give, totals
        self.currency = "NOK"
        self.journal: Record | None = None
        self.journal_no = self.transaction_no = 0
        self.earlier = 0  # lines of an open transaction that went out in an earlier batch
        self.transaction: Record | None = None
        self.carried = 0  # øre of the lines of an open transaction that went out in an earlier batch
        self.triples: dict[tuple[str | None, ...], _Triple] = {}
        self.periods: dict[tuple[str | None, str | None], str | None] = {}
        self.days: dict[str | None, date | None] = {}
        self._start_batch()

    def _start_batch(self) -> None:
        self.flat: list[str | None] = []
        self.count = 0
        self.tax_flat: list[str | None] = []
        self.tax_line_of: list[int] = []
        self.tax_no_of: list[int] = []
        self.transactions = _Transactions()
        self.current: int | None = None  # where the open transaction stands in this batch

    def begin_journal(self, record: Record, number: int) -> None:
        """Note the journal that transactions are in from now on."""
        self.journal, self.journal_no, self.transaction_no = record, number, 0

    def begin_transaction(self, record: Record) -> None:
        """Note the transaction that lines are of from now on."""
        self.transaction, self.current = record, None
        self.transaction_no += 1
        self.earlier = 0
        self.totals.transactions += 1

    def end_transaction(self, record: Record) -> None:
        """Note that no more lines of the transaction come."""
        if self.current is not None:
            self.transactions.is_whole[self.current] = True
        elif self.carried:
            self._remark_balance(self.carried, self._path())
        if self.current is None:
            self.carried = 0
        self.transaction = self.current = None

    def add(self, plan: LinePlan, pieces: list[Any]) -> None:
        """Take a line."""
        if self.current is None:
            self._note_transaction()
        if plan.is_simple:
            self.flat.extend(plan.values(pieces))
        else:
            triple = self._triple(plan.analyses(pieces)) if plan.analyses else _NOTHING
            codes = self._taxes(plan, pieces) if plan.taxes else None
            self.flat.extend((*plan.values(pieces), *triple, codes))
        self.count += 1
        if self.count >= _LINES_AT_ONCE:
            self.flush()

    def _taxes(self, plan: LinePlan, pieces: list[Any]) -> str | None:
        """Keep the line's tax informations; return its tax codes, each once."""
        codes: list[str] = []
        for number, take in enumerate(plan.taxes, start=1):
            values = take(pieces)
            self.tax_flat.extend(values)
            self.tax_line_of.append(self.count)
            self.tax_no_of.append(number)
            code = (values[1] or "").strip()
            if code and code not in codes:
                codes.append(code)
        return ";".join(codes) or None

    def _triple(self, key: tuple[str | None, ...]) -> _Triple:
        known = self.triples.get(key)
        if known is not None:
            return known
        triple: list[str | None] = [None, None, None]
        for kind, code in zip(key[::2], key[1::2], strict=True):
            column = self.masters.dimension_of.get((kind or "").strip())
            if column is not None and triple[column] is None:
                triple[column] = code
        if len(self.triples) >= _MOST_KNOWN:
            self.triples.clear()
        found = self.triples[key] = (triple[0], triple[1], triple[2])
        return found

    def _path(self) -> str:
        return f"{PATH}/Journal[{self.journal_no}]/Transaction[{self.transaction_no}]"

    def _note_transaction(self) -> None:
        """Begin the open transaction in this batch."""
        record = self.transaction or Record("Transaction", is_closed=False)
        fields = dict(reversed(record.fields))  # the first of two counts
        period = (fields.get(("PeriodYear",)), fields.get(("Period",)))
        day = fields.get(("TransactionDate",))
        columns = self.transactions
        columns.voucher_no.append(fields.get(("TransactionID",)))
        columns.voucher_type.append(fields.get(("VoucherType",)) or self._journal_type())
        columns.fiscal_period.append(self._period(period))
        columns.posting_date.append(self._posting_date(day))
        columns.path.append(self._path())
        columns.problem.append(None)
        if columns.fiscal_period[-1] is None:
            columns.problem[-1] = _unreadable(
                "Period", "is no period 1 to 13 of a year", " ".join(filter(None, period))
            )
        elif columns.posting_date[-1] is None:
            columns.problem[-1] = _unreadable("TransactionDate", "is not a date written yyyy-mm-dd", day)
        columns.first.append(self.count)
        columns.before.append(self.earlier)
        columns.is_whole.append(False)
        self.current = len(columns.path) - 1

    def _journal_type(self) -> str | None:
        return (self.journal.text("Type") or self.journal.text("JournalID")) if self.journal else None

    def _period(self, stated: tuple[str | None, str | None]) -> str | None:
        if stated not in self.periods:
            if len(self.periods) >= _MOST_KNOWN:
                self.periods.clear()
            try:
                self.periods[stated] = make_period(*stated)
            except ValueError:
                self.periods[stated] = None
        return self.periods[stated]

    def _posting_date(self, stated: str | None) -> date | None:
        if stated not in self.days:
            if len(self.days) >= _MOST_KNOWN:
                self.days.clear()
            self.days[stated] = _read_day(stated)
        return self.days[stated]

    def flush(self) -> None:
        """Give the batch, and begin another."""
        if self.count:
            self.totals.lines += self.count
            batch = _Batch(self)
            self.totals.debit += batch.debit_total
            self.totals.credit += batch.credit_total
            self._check_balances(batch)
            for part in batch.parts():
                self.give(part)
            if self.current is not None:
                self.earlier = batch.last_within
        self._start_batch()

    def _check_balances(self, batch: _Batch) -> None:
        """(2) Remark on transactions whose debit and credit differ."""
        balances = batch.balances()
        balances[0] = self.carried + int(balances[0])
        columns = self.transactions
        self.carried = 0 if columns.is_whole[-1] else balances[-1]
        for balance, is_whole, path in zip(balances, columns.is_whole, columns.path, strict=True):
            if balance and is_whole:
                self._remark_balance(balance, path)

    def _remark_balance(self, balance: int, path: str) -> None:
        amount = Decimal(balance).scaleb(-2)
        text = f"Debit and credit of the transaction differ by {amount}. It is kept as it stands."
        self.remarks.add("IN05 transactions that do not balance", Reject("IN05", text, path=path))


def _unreadable(column: str, why: str, raw: str | None) -> Reject:
    return Reject("IN06", f"The {column} {why}. Mend it in the system and export again.", column=column, raw=raw)


class _Batch:
    """Typed columns of a batch of lines."""

    def __init__(self, postings: Postings) -> None:
        import numpy as np
        import pyarrow as pa

        pc = compute()

        self.postings = postings
        flat = postings.flat
        names = [*(path[-1] if len(path) == 1 else "".join(path) for path in LINE_FIELDS), *_EXTRA]
        self.texts = {name: text_column(flat[at::_WIDTH]) for at, name in enumerate(names)}
        self.count = postings.count
        self.line_no = postings.totals.lines - self.count + 1  # of the first one
        self.first = np.array(postings.transactions.first)
        lines = np.arange(self.count)
        self.transaction_of = np.searchsorted(self.first, lines, side="right") - 1
        before = np.array(postings.transactions.before)
        within = lines + (before - self.first)[self.transaction_of] + 1
        self.last_within = int(within[-1])
        self.of: Any = pa.array(self.transaction_of)
        self.debit = decimal_column(self.texts["DebitAmountAmount"])
        self.credit = decimal_column(self.texts["CreditAmountAmount"])
        self.debit_total: Decimal = pc.sum(self.debit.values).as_py() or Decimal("0.00")
        self.credit_total: Decimal = pc.sum(self.credit.values).as_py() or Decimal("0.00")
        zero = pa.scalar(Decimal("0.00"), pa.decimal128(18, 2))
        self.difference = pc.subtract(pc.fill_null(self.debit.values, zero), pc.fill_null(self.credit.values, zero))
        columns = postings.transactions
        paths = compute().take(pa.array(columns.path, pa.string()), self.of)
        self.paths = pc.binary_join_element_wise(paths, "/Line[", pa.array(within).cast(pa.string()), "]", "")

    def balances(self) -> list[int]:
        """Return debit less credit of each of the batch's transactions, in øre."""
        import numpy as np

        # The low half of a 128-bit decimal is the whole of it at this size.
        amounts = np.frombuffer(self.difference.buffers()[1], dtype="<i8")[::2][: self.count]
        return [int(balance) for balance in np.add.reduceat(amounts, self.first)]

    def parts(self) -> list[Part]:
        """Return the postings and the taxes, with what was refused or remarked on."""
        import pyarrow as pa

        pc = compute()

        rows, problems = self._rows()
        issues = self.postings.remarks
        for name, typed in (("DebitAmountAmount", self.debit), ("CreditAmountAmount", self.credit)):
            for at in typed.rounded:
                text = "The amount has more than two decimals; it was rounded to whole øre."
                issues.add("IN06 decimals", self._remark("IN06", text, at, name))
        rejects = [problems[at] for at in sorted(problems)]
        if problems:
            keep = [at not in problems for at in range(self.count)]
            rows = rows.filter(pa.array(keep, pa.bool_()))
        parts = [
            Part(
                schema.LEDGER_POSTINGS,
                columns=rows,
                lines=self.count,
                rejects=rejects,
                periods=set(pc.unique(rows.column("fiscal_period")).to_pylist()),
            )
        ]
        taxes = self._tax_rows(problems)
        if taxes.num_rows:
            parts.append(Part(schema.SAFT_TAXES, columns=taxes))
        remarks = issues.take()
        if remarks:
            parts.append(Part(issues=remarks))
        return parts

    def _remark(self, rule: str, text: str, at: int, name: str) -> Reject:
        raw = self.texts[name][at].as_py()
        return Reject(rule, text, row_no=self.line_no + at, column=name, path=self.paths[at].as_py(), raw=raw)

    def _rows(self) -> tuple[Any, dict[int, Reject]]:
        import pyarrow as pa

        pc = compute()

        texts, columns = self.texts, self.postings.transactions
        names, org_nos = self.postings.masters.look_up("supplier_rows", texts["SupplierID"])
        due = self._optional(date_column(texts["DueDate"]), "DueDate")
        too_large = pc.greater_equal(pc.abs(self.difference), Decimal(10) ** 16)
        amounts = pc.if_else(too_large, _none_like(self.difference), self.difference).cast(pa.decimal128(18, 2))
        problems = self._problems(too_large)
        of = self.of
        rows = {
            "fiscal_period": pa.array(columns.fiscal_period, pa.string()).take(of),
            "voucher_type": text_column(columns.voucher_type).take(of),
            "voucher_no": text_column(columns.voucher_no).take(of),
            "line_no": texts["RecordID"],
            "posting_date": pa.array(columns.posting_date, pa.date32()).take(of),
            "due_date": due,
            "invoice_no": texts["ReferenceNumber"],
            "source_document_no": texts["SourceDocumentID"],
            "supplier_ledger_code": texts["SupplierID"],
            "supplier_name": names,
            "supplier_org_no": org_nos,
            "local_account": texts["AccountID"],
            "local_account_text": self.postings.masters.look_up("account_texts", texts["AccountID"])[0],
            "kostra_function": texts["function"],
            "cost_centre": texts["cost_centre"],
            "project_code": texts["project"],
            "vat_code": texts["vat_code"],
            "posting_text": texts["Description"],
            "amount": amounts,
            "amount_kind": _constant("net", self.count),
            "currency": _constant(self.postings.currency, self.count),
            "_source": _constant("saft", self.count),
            "_row_no": pa.array(range(self.line_no, self.line_no + self.count), pa.int64()),
            "_xpath": self.paths,
        } | self._foreign()
        return pa.table(rows), problems

    def _problems(self, too_large: Any) -> dict[int, Reject]:
        """(1) Return why lines are refused, by position."""
        pc = compute()

        problems: dict[int, Reject] = {}
        for at in pc.indices_nonzero(pc.is_null(self.texts["AccountID"])).to_pylist():
            problems[at] = self._remark("IN06", "The line has no AccountID.", at, "AccountID")
        both = pc.and_(pc.is_null(self.texts["DebitAmountAmount"]), pc.is_null(self.texts["CreditAmountAmount"]))
        for at in pc.indices_nonzero(both).to_pylist():
            problems[at] = self._remark("IN06", "The line has neither debit nor credit.", at, "DebitAmountAmount")
        for at in pc.indices_nonzero(too_large).to_pylist():
            text = "The amount has more than 16 digits before the decimal sign."
            problems[at] = self._remark("IN06", text, at, "DebitAmountAmount")
        for name, typed in (("DebitAmountAmount", self.debit), ("CreditAmountAmount", self.credit)):
            for at in typed.unreadable:
                text = "The amount is not a decimal number with a point, of at most 16 digits before it."
                problems[at] = self._remark("IN06", text, at, name)
        refused = self.postings.transactions.problem
        if any(refused):
            for at, transaction in enumerate(self.transaction_of.tolist()):
                problem = refused[transaction]
                if problem is not None:
                    problems[at] = Reject(
                        problem.rule,
                        problem.message,
                        row_no=self.line_no + at,
                        column=problem.column,
                        path=self.paths[at].as_py(),
                        raw=problem.raw,
                    )
        return problems

    def _optional(self, typed: Typed, name: str, *, line_of: list[int] | None = None) -> Any:
        """Return a column whose unreadable values are left out, and remark on them."""
        for at in typed.unreadable:
            line = line_of[at] if line_of else at
            text = f"{name} cannot be read; it is left out."
            remark = Reject("IN06", text, row_no=self.line_no + line, column=name, path=self.paths[line].as_py())
            self.postings.remarks.add(f"IN06 {name}", remark)
        return typed.values

    def _foreign(self) -> dict[str, Any]:
        """Return the amount in another currency, if stated: debit positive."""
        import pyarrow as pa

        pc = compute()

        texts = self.texts
        code = pc.coalesce(texts["DebitAmountCurrencyCode"], texts["CreditAmountCurrencyCode"])
        if code.null_count == self.count:
            return {}
        debit = self._optional(decimal_column(texts["DebitAmountCurrencyAmount"]), "CurrencyAmount")
        credit = self._optional(decimal_column(texts["CreditAmountCurrencyAmount"]), "CurrencyAmount")
        amount = pc.coalesce(debit, pc.negate(credit))
        is_foreign = pc.and_(pc.not_equal(pc.utf8_upper(code), self.postings.currency), pc.is_valid(amount))
        return {
            "foreign_currency": pc.if_else(is_foreign, pc.utf8_upper(code), pa.scalar(None, pa.string())),
            "foreign_amount": pc.if_else(is_foreign, amount, pa.scalar(None, pa.decimal128(18, 2))),
        }

    def _tax_rows(self, refused: dict[int, Reject]) -> Any:
        import pyarrow as pa

        pc = compute()

        width, lines = len(TAX_FIELDS), self.postings.tax_line_of
        names = ("type", "code", "percentage", "base", "amount", "debit", "credit")
        texts = {name: text_column(self.postings.tax_flat[at::width]) for at, name in enumerate(names)}
        typed = {
            name: self._optional(decimal_column(texts[name]), "TaxAmount", line_of=lines)
            for name in ("amount", "debit", "credit")
        }
        of: Any = pa.array(lines, pa.int64())
        rows = pa.table(
            {
                "tax_no": pa.array(self.postings.tax_no_of, pa.int64()),
                "tax_type": texts["type"],
                "tax_code": texts["code"],
                "standard_tax_code": self.postings.masters.look_up("standard_tax_codes", texts["code"])[0],
                "tax_percentage": self._optional(
                    decimal_column(texts["percentage"], digits=3, places=6), "TaxPercentage", line_of=lines
                ),
                "tax_base": self._optional(
                    decimal_column(texts["base"], digits=16, places=8), "TaxBase", line_of=lines
                ),
                "tax_amount": pc.coalesce(typed["amount"], typed["debit"], pc.negate(typed["credit"])),
                "_row_no": pc.add(of, self.line_no),
                "_xpath": self.paths.take(of),
            }
        )
        return rows.filter(pa.array([line not in refused for line in lines], pa.bool_())) if refused else rows


_EXTRA = ("cost_centre", "project", "function", "vat_code")


def _none_like(column: Any) -> Any:
    import pyarrow as pa

    return pa.scalar(None, column.type)


def _constant(text: str, count: int) -> Any:
    import pyarrow as pa

    return pa.repeat(pa.scalar(text, pa.string()), count)


def _read_day(text: str | None) -> date | None:
    try:
        return parse_xml_date(text) if text else None
    except ValueError:
        return None
