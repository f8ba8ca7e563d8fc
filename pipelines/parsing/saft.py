"""SAF-T Financial NO (1.10, 1.20, 1.30): suppliers, accounts, postings and tax, in batches of bounded size.

Belongs here: what the fields of a file mean as rows of the parsed tables, and its own control totals. Not here: XML
(saft_records.py), lines (saft_postings.py), which postings are purchases (dbt).

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
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, BinaryIO

from pipelines.limits import DEFAULT_LIMITS, Limits
from pipelines.parsing import schema
from pipelines.parsing.columns import compute
from pipelines.parsing.dates import make_period, parse_xml_date
from pipelines.parsing.numbers import parse_xml_decimal, to_money
from pipelines.parsing.org_numbers import passes_mod11, plain_org_no
from pipelines.parsing.rejects import Reject
from pipelines.parsing.saft_parts import Give, Header, Part, Remarks, Totals
from pipelines.parsing.saft_postings import PATH, Postings
from pipelines.parsing.saft_records import Record, UnreadableSaft, read_records, refuse

__all__ = ["PARSER_VERSION", "Header", "Part", "Totals", "UnreadableSaft", "read_saft"]

PARSER_VERSION = "1"
# As files state it; the official example for 1.10 says 1.0.
VERSIONS = ("1.0", "1.00", "1.1", "1.10", "1.2", "1.20", "1.3", "1.30")
_RECORDS_AT_ONCE = 5_000
_MOST_SUPPLIERS = 500_000
_MOST_CODES = 100_000
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


class _Reader:
    """Follows the records of a file."""

    def __init__(self, give: Give, totals: Totals) -> None:
        self.give, self.totals = give, totals
        self.remarks = Remarks()
        self.header: Header | None = None
        self.masters = _Masters(self.remarks)
        self.postings = Postings(self.masters, self.remarks, give, totals)
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
            raise refuse("Entries stand before the Header. SAF-T Financial begins with it.", path=PATH)
        if self.has_entries:
            raise refuse("The file has two GeneralLedgerEntries.", path=PATH)
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


def _check_totals(entries: Record, totals: Totals, remarks: Remarks) -> Reject | None:
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
            return Reject("IN05", text, path=f"{PATH}/{name}", raw=stated)
    number = entries.text("NumberOfEntries")
    if number is None:
        missing.append("NumberOfEntries")
    elif not (number.isascii() and number.isdigit() and len(number) < 19 and int(number) == totals.transactions):
        text = f"NumberOfEntries is not the number of transactions, which is {totals.transactions}."
        remarks.add("IN05 count", Reject("IN05", text, path=f"{PATH}/NumberOfEntries", raw=number))
    if missing:
        text = f"The file does not state {', '.join(missing)}: nobody can tell whether it is whole."
        remarks.add("IN05 missing", Reject("IN05", text, path=PATH))
    return None


class _Masters:
    """What the file says of suppliers, accounts, tax codes and types of analysis."""

    def __init__(self, remarks: Remarks) -> None:
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
        row: dict[str, Any] = {
            "local_account": account,
            "local_account_text": record.text("AccountDescription"),
            "standard_account": record.text("StandardAccountID"),
            "grouping_category": record.text("GroupingCategory"),
            "grouping_code": record.text("GroupingCode"),
            "_row_no": len(self.account_texts) + 1,
            "_xpath": f"{path}/Account[{len(self.account_texts) + 1}]",
        }
        self.account_texts[account] = row["local_account_text"]
        if row["standard_account"] is None and row["grouping_code"] is None:
            text = (
                "The account states no standard account and no grouping. What stands on it counts only where "
                "registers/charts_of_accounts.csv has the account."
            )
            self.remarks.add("IN10 accounts without grouping", Reject("IN10", text, path=row["_xpath"]))
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

    def look_up(self, what: str, keys: Any) -> list[Any]:
        """Return what the file says of each key: name and number of a supplier, the text of an account, ..."""
        import pyarrow as pa

        pc = compute()

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
