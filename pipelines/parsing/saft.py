"""SAF-T Financial NO (1.10, 1.20, 1.30): suppliers, accounts, postings and tax, in batches of bounded size.

Belongs here: what the fields of a file mean as rows of the parsed tables, and its own control totals. Not here: XML
(saft_records.py), typed columns (columns.py), which postings are purchases (dbt).

(1) A row is refused (IN06) where its amount, account, date or period cannot be read. Nothing is taken for granted:
    a period that is not stated is not made from a date.
(2) TotalDebit and TotalCredit must equal the sum of the lines, to the øre: otherwise the file is refused (IN05). Lines
    that were refused for another reason count, if their amounts can be read. A NumberOfEntries that differs while both
    sums hold is remarked on (IN05): systems count lines there. So are a file without totals and a transaction whose
    debit and credit differ.
(3) An impossible organisation number is remarked on (RF04), never refused. Eleven digits, as personal numbers have, are
    not kept.
(4) Contacts, addresses, bank accounts and who entered a transaction are never read into a row.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO

from pipelines.limits import DEFAULT_LIMITS, Limits
from pipelines.parsing import schema
from pipelines.parsing.columns import Typed, date_column, decimal_column, text_column
from pipelines.parsing.dates import make_period, parse_xml_date
from pipelines.parsing.numbers import parse_xml_decimal, to_money
from pipelines.parsing.org_numbers import passes_mod11, plain_org_no
from pipelines.parsing.rejects import Reject
from pipelines.parsing.saft_records import (
    LINE_FIELDS,
    MORE_COLUMNS,
    TAX_FIELDS,
    LinePlan,
    Record,
    UnreadableSaft,
    read_records,
    refuse,
)
from pipelines.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["PARSER_VERSION", "Header", "Part", "Totals", "UnreadableSaft", "read_saft"]

PARSER_VERSION = "1"
# As files state it; the official example for 1.10 says 1.0.
VERSIONS = ("1.0", "1.00", "1.1", "1.10", "1.2", "1.20", "1.3", "1.30")
_LINES_AT_ONCE = 1 << 15
_RECORDS_AT_ONCE = 5_000
_MOST_REMARKS = 100  # of one rule and kind; the rest are counted
_MOST_SUPPLIERS = 500_000
_MOST_CODES = 100_000
_PATH = "/AuditFile/GeneralLedgerEntries"
_WIDTH = len(LINE_FIELDS) + MORE_COLUMNS
# What a type of analysis is called in AnalysisTypeTable, folded, and the column that it fills.
_DIMENSIONS = {
    "ansvar": 0,
    "ansvarssted": 0,
    "avdeling": 0,
    "koststed": 0,
    "kostnadssted": 0,
    "kostnadsbærer": 0,
    "department": 0,
    "cost centre": 0,
    "cost center": 0,
    "prosjekt": 1,
    "project": 1,
    "funksjon": 2,
    "kostra-funksjon": 2,
    "tjeneste": 2,
    "function": 2,
}
_SHORT_VERSION = re.compile(r"[0-9.]{1,8}")
_Triple = tuple[str | None, str | None, str | None]
_NOTHING: _Triple = (None, None, None)


@dataclass(frozen=True)
class Header:
    """Whose books these are, and for which days.

    Attributes:
        version: AuditFileVersion as stated.
        company_org_no: Digits of the company's registration number, or what stands there.
        currency: The currency of all amounts.
        days: First and last day that the file says it covers; the day it was made where it does not say.
    """

    version: str
    company_org_no: str | None
    currency: str
    days: tuple[date, ...]


@dataclass
class Part:
    """Some rows of a table and what was refused or remarked on with them.

    Attributes:
        table: The table of the rows; None where there are remarks only.
        rows: Typed columns, or rows as mappings.
        lines: Lines of the file that were read for these rows; ``lines == rows + rejects`` for postings, else 0.
        rejects: Refused lines.
        issues: Remarks.
        periods: Fiscal periods of the rows.
    """

    table: Table | None = None
    rows: pa.Table | list[dict[str, Any]] = field(default_factory=list)
    lines: int = 0
    rejects: list[Reject] = field(default_factory=list)
    issues: list[Reject] = field(default_factory=list)
    periods: set[str] = field(default_factory=set)


@dataclass
class Totals:
    """What the file came to."""

    suppliers: int = 0
    transactions: int = 0
    lines: int = 0
    debit: Decimal = Decimal("0.00")
    credit: Decimal = Decimal("0.00")


Give = Callable[[Header | Part], None]


def read_saft(stream: BinaryIO, give: Give, totals: Totals, limits: Limits = DEFAULT_LIMITS) -> None:
    """Read a file; any bytes end as rows, rejects or a refusal.

    Args:
        stream: The file, from its beginning.
        give: Takes the header first, then the parts in the order of the file. It may raise UnreadableSaft.
        totals: Is kept up to date while reading, so that it says how far a refused file was read.
        limits: What is still read.

    Raises:
        UnreadableSaft: The file is refused as a whole; what was given before must not count.
    """
    reader = _Reader(give, totals)
    for record in read_records(stream, reader.postings.add, limits):
        reader.take(record)
    reader.finish()


class _Remarks:
    """Keeps the first remarks of a kind and counts the others."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.waiting: list[Reject] = []

    def add(self, kind: str, remark: Reject) -> None:
        self.counts[kind] += 1
        if self.counts[kind] <= _MOST_REMARKS:
            self.waiting.append(remark)

    def take(self) -> list[Reject]:
        waiting, self.waiting = self.waiting, []
        return waiting

    def rest(self) -> list[Reject]:
        return [
            Reject(kind.split()[0], f"{count - _MOST_REMARKS} more remarks of this kind: {kind.split(maxsplit=1)[1]}.")
            for kind, count in sorted(self.counts.items())
            if count > _MOST_REMARKS
        ]


class _Reader:
    """Follows the records of a file."""

    def __init__(self, give: Give, totals: Totals) -> None:
        self.give, self.totals = give, totals
        self.remarks = _Remarks()
        self.header: Header | None = None
        self.masters = _Masters(self.remarks)
        self.postings = _Postings(self.masters, self.remarks, give, totals)
        self.has_entries = False
        self.journals = 0
        self.closed: dict[str, Callable[[Record], None]] = {
            "Header": self._end_header,
            "Account": self._account,
            "Supplier": self._supplier,
            "TaxCodeDetails": self.masters.add_tax_code,
            "AnalysisTypeTableEntry": self.masters.add_analysis_type,
            "GeneralLedgerEntries": self._end_entries,
            "Transaction": self.postings.end_transaction,
        }
        self.opened: dict[str, Callable[[Record], None]] = {
            "GeneralLedgerEntries": self._begin_entries,
            "Journal": self._begin_journal,
            "Transaction": self.postings.begin_transaction,
        }
        self.accounts: list[dict[str, Any]] = []
        self.suppliers: list[dict[str, Any]] = []

    def take(self, record: Record) -> None:
        """Take a record that has begun or ended."""
        act = (self.closed if record.is_closed else self.opened).get(record.name)
        if act is not None:
            act(record)

    def finish(self) -> None:
        """Give what is left.

        Raises:
            UnreadableSaft: The file has no header.
        """
        if self.header is None:
            raise refuse("The file has no Header, so nobody knows whose books it holds.", path="/AuditFile")
        self._give_masters()
        self.give(Part(issues=[*self.remarks.take(), *self.remarks.rest()]))

    def _end_header(self, record: Record) -> None:
        if self.header is not None:
            raise refuse("The file has two Headers.", path="/AuditFile/Header")
        version = record.text("AuditFileVersion")
        if version not in VERSIONS:
            named = f"version {version}" if version and _SHORT_VERSION.fullmatch(version) else "an unknown version"
            raise refuse(
                f"The file is SAF-T Financial {named}; read are 1.10, 1.20 and 1.30. Export it in one of these.",
                path="/AuditFile/Header/AuditFileVersion",
                raw=version,
            )
        stated = record.text("Company", "RegistrationNumber")
        org_no = plain_org_no(stated) if stated else None
        if org_no is None or not passes_mod11(org_no):
            text = "The company's registration number is no organisation number (check digit)."
            self.remarks.add("RF04 company", Reject("RF04", text, path=_COMPANY, raw=stated))
        currency = (record.text("DefaultCurrencyCode") or "NOK").upper()
        self.header = Header(version, org_no, currency, _days(record))
        self.postings.currency = currency
        self.give(self.header)

    def _begin_entries(self, record: Record) -> None:
        if self.header is None:
            raise refuse("Entries stand before the Header. SAF-T Financial begins with it.", path=_PATH)
        if self.has_entries:
            raise refuse("The file has two GeneralLedgerEntries.", path=_PATH)
        self.has_entries = True
        self._give_masters()

    def _begin_journal(self, record: Record) -> None:
        self.journals += 1
        self.postings.begin_journal(record, self.journals)

    def _end_entries(self, record: Record) -> None:
        self.postings.flush()
        problem = _check_totals(record, self.totals, self.remarks)
        if problem is not None:
            raise UnreadableSaft(problem)

    def _account(self, record: Record) -> None:
        account = self.masters.account(record)
        if account is not None:
            self.accounts.append(account)
            if len(self.accounts) >= _RECORDS_AT_ONCE:
                self._give_masters()

    def _supplier(self, record: Record) -> None:
        self.totals.suppliers += 1
        supplier = self.masters.supplier(record, self.totals.suppliers)
        if supplier is not None:
            self.suppliers.append(supplier)
            if len(self.suppliers) >= _RECORDS_AT_ONCE:
                self._give_masters()

    def _give_masters(self) -> None:
        issues = self.remarks.take()
        for table, rows in ((schema.SAFT_ACCOUNTS, self.accounts), (schema.SAFT_SUPPLIERS, self.suppliers)):
            if rows:
                self.give(Part(table, rows))
        if issues:
            self.give(Part(issues=issues))
        self.accounts, self.suppliers = [], []


_COMPANY = "/AuditFile/Header/Company/RegistrationNumber"


def _days(header: Record) -> tuple[date, ...]:
    """Return the first and last day of the selection by dates or periods, else the day on which the file was made."""
    selection = "SelectionCriteria"
    days = [
        _day(header.text(selection, "SelectionStartDate"))
        or _first_day(header.text(selection, "PeriodStartYear"), header.text(selection, "PeriodStart")),
        _day(header.text(selection, "SelectionEndDate"))
        or _last_day(header.text(selection, "PeriodEndYear"), header.text(selection, "PeriodEnd")),
    ]
    stated = tuple(day for day in days if day is not None)
    made = _day(header.text("AuditFileDateCreated"))
    return stated or ((made,) if made else ())


def _day(text: str | None) -> date | None:
    try:
        return parse_xml_date(text) if text else None
    except ValueError:
        return None


def _first_day(year: str | None, period: str | None) -> date | None:
    try:
        made = make_period(year, period)
        return date(int(made[:4]), min(int(made[5:]), 12), 1)
    except ValueError:
        return None


def _last_day(year: str | None, period: str | None) -> date | None:
    first = _first_day(year, period)
    if first is None or first.year >= date.max.year:
        return None
    return date(first.year + first.month // 12, first.month % 12 + 1, 1) - timedelta(days=1)


def _check_totals(entries: Record, totals: Totals, remarks: _Remarks) -> Reject | None:
    """(2) Return why the file is refused, or None where its control totals hold."""
    missing = []
    for name, found in (("TotalDebit", totals.debit), ("TotalCredit", totals.credit)):
        stated = entries.text(name)
        if stated is None:
            missing.append(name)
            continue
        try:
            holds = parse_xml_decimal(stated) == found
        except ValueError:
            holds = False
        if not holds:
            text = f"{name} is not the sum of the lines, which is {found}. The file is not whole: export it again."
            return Reject("IN05", text, path=f"{_PATH}/{name}", raw=stated)
    number = entries.text("NumberOfEntries")
    if number is None:
        missing.append("NumberOfEntries")
    elif not (number.isascii() and number.isdigit() and len(number) < 19 and int(number) == totals.transactions):
        text = f"NumberOfEntries is not the number of transactions, which is {totals.transactions}."
        remarks.add("IN05 count", Reject("IN05", text, path=f"{_PATH}/NumberOfEntries", raw=number))
    if missing:
        text = f"The file does not state {', '.join(missing)}: nobody can tell whether it is whole."
        remarks.add("IN05 missing", Reject("IN05", text, path=_PATH))
    return None


class _Masters:
    """What the file says of suppliers, accounts, tax codes and types of analysis."""

    def __init__(self, remarks: _Remarks) -> None:
        self.remarks = remarks
        self.supplier_rows: dict[str, tuple[str | None, str | None]] = {}
        self.account_texts: dict[str, str | None] = {}
        self.standard_tax_codes: dict[str, str | None] = {}
        self.dimension_of: dict[str, int] = {}
        self._columns: dict[str, tuple[int, tuple[Any, ...]]] = {}

    def account(self, record: Record) -> dict[str, Any] | None:
        """Return an account's row; None where it has no number, or had one before."""
        path = "/AuditFile/MasterFiles/GeneralLedgerAccounts"
        account = record.text("AccountID")
        if account is None or account in self.account_texts:
            text = "An account has no AccountID, or one that another account has. The first one counts."
            self.remarks.add("IN03 account", Reject("IN03", text, path=path))
            return None
        _check_room(self.account_texts, _MOST_CODES, "accounts")
        row = {
            "local_account": account,
            "local_account_text": record.text("AccountDescription"),
            "standard_account": record.text("StandardAccountID"),
            "grouping_category": record.text("GroupingCategory"),
            "grouping_code": record.text("GroupingCode"),
            "_row_no": len(self.account_texts) + 1,
            "_xpath": f"{path}/Account[{len(self.account_texts) + 1}]",
        }
        self.account_texts[account] = row["local_account_text"]
        return row | self._balances(record, row["_xpath"])

    def supplier(self, record: Record, position: int) -> dict[str, Any] | None:
        """Return a supplier's row; None where it has no id, or had one before."""
        path = f"/AuditFile/MasterFiles/Suppliers/Supplier[{position}]"
        code = record.text("SupplierID")
        if code is None or code in self.supplier_rows:
            text = "A supplier has no SupplierID, or one that another supplier has. The first one counts."
            self.remarks.add("IN03 supplier", Reject("IN03", text, path=path))
            return None
        _check_room(self.supplier_rows, _MOST_SUPPLIERS, "suppliers")
        country = record.text("Address", "Country")
        name, org_no = record.text("Name"), self._org_no(record, country, path)
        self.supplier_rows[code] = (name, org_no)
        return {
            "supplier_ledger_code": code,
            "supplier_name": name,
            "supplier_org_no": org_no,
            "supplier_country": country.upper() if country else None,
            "balance_account": record.text("BalanceAccount", "AccountID") or record.text("AccountID"),
            "_row_no": position,
            "_xpath": path,
        } | self._balances(record, path)

    def _org_no(self, record: Record, country: str | None, path: str) -> str | None:
        """(3) Return the organisation number as stated, without what a personal number would be."""
        stated = record.text("RegistrationNumber")
        if stated is None:
            return None
        org_no = plain_org_no(stated)
        digits = re.sub(r"[^0-9]", "", stated)
        if len(digits) == 11:  # noqa: PLR2004  the length of a personal number
            text = "A registration number has eleven digits, as a personal number has. It is not kept."
            self.remarks.add("RF04 personal", Reject("RF04", text, path=f"{path}/RegistrationNumber", raw=stated))
            return None
        if (country or "NO").upper() == "NO" and not passes_mod11(org_no or ""):
            text = "A supplier's registration number is no organisation number (check digit)."
            self.remarks.add("RF04 supplier", Reject("RF04", text, path=f"{path}/RegistrationNumber", raw=stated))
        return org_no

    def _balances(self, record: Record, path: str) -> dict[str, Decimal | None]:
        """Return the four balances: as stated, or the sum where a supplier has several balance accounts (1.30)."""
        return {
            f"{moment.lower()}_{side.lower()}_amount": self._sum(record, f"{moment}{side}Balance", path)
            for moment in ("Opening", "Closing")
            for side in ("Debit", "Credit")
        }

    def _sum(self, record: Record, name: str, path: str) -> Decimal | None:
        texts = record.texts(name) + record.texts("BalanceAccount", name)
        try:
            return to_money(sum((parse_xml_decimal(text) for text in texts), Decimal(0)))[0] if texts else None
        except ValueError as error:
            text = f"A balance {error}. It is left out."
            self.remarks.add("IN06 balance", Reject("IN06", text, path=f"{path}/{name}", raw=texts[0]))
            return None

    def add_tax_code(self, record: Record) -> None:
        """Note the standard code behind a tax code of the file's own."""
        code = record.text("TaxCode")
        if code is not None:
            _check_room(self.standard_tax_codes, _MOST_CODES, "tax codes")
            self.standard_tax_codes.setdefault(code, record.text("StandardTaxCode"))

    def add_analysis_type(self, record: Record) -> None:
        """Note which column a type of analysis fills, if any."""
        code, name = record.text("AnalysisType"), record.text("AnalysisTypeDescription")
        column = _DIMENSIONS.get(name.casefold()) if name else None
        if code is not None and column is not None:
            _check_room(self.dimension_of, _MOST_CODES, "types of analysis")
            self.dimension_of.setdefault(code, column)

    def look_up(self, what: str, keys: pa.Array) -> list[pa.Array]:
        """Return what the file says of each key: name and number of a supplier, the text of an account, ..."""
        import pyarrow as pa
        import pyarrow.compute as pc

        known: dict[str, Any] = getattr(self, what)
        held = self._columns.get(what)
        if held is None or held[0] != len(known):
            values = [value if isinstance(value, tuple) else (value,) for value in known.values()]
            width = len(values[0]) if values else 2
            columns = [pa.array([value[at] for value in values], pa.string()) for at in range(width)]
            held = self._columns[what] = (len(known), (pa.array(known, pa.string()), *columns))
        found = pc.index_in(keys, value_set=held[1][0])
        return [column.take(found) for column in held[1][1:]]


def _check_room(known: dict[str, Any], most: int, what: str) -> None:
    if len(known) >= most:
        raise refuse(f"The file has more than {most} {what}: it is none of a municipality.")


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
    is_whole: list[bool] = field(default_factory=list)


class _Postings:
    """Lines to postings and taxes, a batch at a time."""

    def __init__(self, masters: _Masters, remarks: _Remarks, give: Give, totals: Totals) -> None:
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
        if len(self.triples) >= _MOST_CODES:
            self.triples.clear()
        found = self.triples[key] = (triple[0], triple[1], triple[2])
        return found

    def _path(self) -> str:
        return f"{_PATH}/Journal[{self.journal_no}]/Transaction[{self.transaction_no}]"

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
            columns.problem[-1] = _unreadable("Period", "is no period 1 to 13 of a year", " ".join(filter(None, period)))
        elif columns.posting_date[-1] is None:
            columns.problem[-1] = _unreadable("TransactionDate", "is not a date written yyyy-mm-dd", day)
        columns.first.append(self.count)
        columns.is_whole.append(False)
        self.current = len(columns.path) - 1

    def _journal_type(self) -> str | None:
        return (self.journal.text("Type") or self.journal.text("JournalID")) if self.journal else None

    def _period(self, stated: tuple[str | None, str | None]) -> str | None:
        if stated not in self.periods:
            if len(self.periods) >= _MOST_CODES:
                self.periods.clear()
            try:
                self.periods[stated] = make_period(*stated)
            except ValueError:
                self.periods[stated] = None
        return self.periods[stated]

    def _posting_date(self, stated: str | None) -> date | None:
        if stated not in self.days:
            if len(self.days) >= _MOST_CODES:
                self.days.clear()
            self.days[stated] = _day(stated)
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

    def __init__(self, postings: _Postings) -> None:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        self.postings = postings
        flat = postings.flat
        names = [*(path[-1] if len(path) == 1 else "".join(path) for path in LINE_FIELDS), *_EXTRA]
        self.texts = {name: text_column(flat[at::_WIDTH]) for at, name in enumerate(names)}
        self.count = postings.count
        self.line_no = postings.totals.lines - self.count + 1  # of the first one
        self.first = np.array(postings.transactions.first)
        lines = np.arange(self.count)
        self.transaction_of = np.searchsorted(self.first, lines, side="right") - 1
        within = lines - self.first[self.transaction_of] + 1
        within[self.transaction_of == 0] += postings.earlier
        self.last_within = int(within[-1])
        self.of = pa.array(self.transaction_of)
        self.debit = decimal_column(self.texts["DebitAmountAmount"])
        self.credit = decimal_column(self.texts["CreditAmountAmount"])
        self.debit_total: Decimal = pc.sum(self.debit.values).as_py() or Decimal("0.00")
        self.credit_total: Decimal = pc.sum(self.credit.values).as_py() or Decimal("0.00")
        zero = pa.scalar(Decimal("0.00"), pa.decimal128(18, 2))
        self.difference = pc.subtract(pc.fill_null(self.debit.values, zero), pc.fill_null(self.credit.values, zero))
        columns = postings.transactions
        paths = pa.array(columns.path, pa.string()).take(self.of)
        self.paths = pc.binary_join_element_wise(paths, "/Line[", pa.array(within).cast(pa.string()), "]", "")

    def balances(self) -> list[int]:
        """Return debit less credit of each of the batch's transactions, in øre."""
        import numpy as np

        # The low half of a 128-bit decimal is the whole of it at this size.
        amounts = np.frombuffer(self.difference.buffers()[1], dtype="<i8")[::2][: self.count]
        return [int(balance) for balance in np.add.reduceat(amounts, self.first)]

    def parts(self) -> list[Part]:
        """Return the postings and the taxes, with what was refused or remarked on."""
        import pyarrow.compute as pc

        rows, problems = self._rows()
        issues = self.postings.remarks
        for name, typed in (("DebitAmountAmount", self.debit), ("CreditAmountAmount", self.credit)):
            for at in typed.rounded:
                text = "The amount has more than two decimals; it was rounded to whole øre."
                issues.add("IN06 decimals", self._remark("IN06", text, at, name))
        rejects = [problems[at] for at in sorted(problems)]
        if problems:
            keep = [at not in problems for at in range(self.count)]
            rows = rows.filter(keep)
        parts = [
            Part(
                schema.LEDGER_POSTINGS,
                rows,
                lines=self.count,
                rejects=rejects,
                periods=set(pc.unique(rows.column("fiscal_period")).to_pylist()),
            )
        ]
        taxes = self._tax_rows(problems)
        if taxes.num_rows:
            parts.append(Part(schema.SAFT_TAXES, taxes))
        remarks = issues.take()
        if remarks:
            parts.append(Part(issues=remarks))
        return parts

    def _remark(self, rule: str, text: str, at: int, name: str) -> Reject:
        raw = self.texts[name][at].as_py()
        return Reject(rule, text, row_no=self.line_no + at, column=name, path=self.paths[at].as_py(), raw=raw)

    def _rows(self) -> tuple[pa.Table, dict[int, Reject]]:
        import pyarrow as pa
        import pyarrow.compute as pc

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

    def _problems(self, too_large: pa.Array) -> dict[int, Reject]:
        """(1) Return why lines are refused, by position."""
        import pyarrow.compute as pc

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

    def _optional(self, typed: Typed, name: str, *, line_of: list[int] | None = None) -> pa.Array:
        """Return a column whose unreadable values are left out, and remark on them."""
        for at in typed.unreadable:
            line = line_of[at] if line_of else at
            text = f"{name} cannot be read; it is left out."
            remark = Reject("IN06", text, row_no=self.line_no + line, column=name, path=self.paths[line].as_py())
            self.postings.remarks.add(f"IN06 {name}", remark)
        return typed.values

    def _foreign(self) -> dict[str, pa.Array]:
        """Return the amount in another currency, if stated: debit positive."""
        import pyarrow as pa
        import pyarrow.compute as pc

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

    def _tax_rows(self, refused: dict[int, Reject]) -> pa.Table:
        import pyarrow as pa
        import pyarrow.compute as pc

        width, lines = len(TAX_FIELDS), self.postings.tax_line_of
        names = ("type", "code", "percentage", "base", "amount", "debit", "credit")
        texts = {name: text_column(self.postings.tax_flat[at::width]) for at, name in enumerate(names)}
        typed = {
            name: self._optional(decimal_column(texts[name]), "TaxAmount", line_of=lines)
            for name in ("amount", "debit", "credit")
        }
        of = pa.array(lines, pa.int64())
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
        return rows.filter([line not in refused for line in lines]) if refused else rows


_EXTRA = ("cost_centre", "project", "function", "vat_code")


def _none_like(column: pa.Array) -> pa.Scalar:
    import pyarrow as pa

    return pa.scalar(None, column.type)


def _constant(text: str, count: int) -> pa.Array:
    import pyarrow as pa

    return pa.repeat(pa.scalar(text, pa.string()), count)
