"""SAF-T files of invented books, valid by the schema of their version.

Belongs here: writing them, small for tests and of any size for the benchmark. Not here: what must be made of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

NAMESPACE = "urn:StandardAuditFile-Taxation-Financial:NO"
COMPANY, BAKER, WORKSHOP = "310000027", "310000019", "310000000"


@dataclass(frozen=True)
class Line:
    """A line; ``amount`` is debit where positive, else credit."""

    account: str
    amount: str
    text: str = "Brød"
    supplier: str = ""
    reference: str = ""
    document: str = ""
    due: str = ""
    analyses: tuple[tuple[str, str], ...] = ()
    taxes: tuple[tuple[str, str, str, str], ...] = ()  # code, percentage, base, amount
    foreign: tuple[str, str, str] | None = None  # code, amount, rate


@dataclass(frozen=True)
class Transaction:
    """A transaction of one day."""

    number: str
    lines: tuple[Line, ...]
    day: str = "2026-09-10"
    period: str = "9"
    year: str = "2026"
    voucher_type: str = "IF"


@dataclass(frozen=True)
class Books:
    """What a file says; the master files hold what the tests need."""

    version: str = "1.30"
    company: str = COMPANY
    prefix: str = ""
    currency: str = "NOK"
    journals: tuple[tuple[Transaction, ...], ...] = ()
    suppliers: tuple[tuple[str, str, str, str], ...] = (
        ("70001", "Eksempel Bakeri AS", BAKER, "NO"),
        ("70002", "Eksempel Vekst AS", WORKSHOP, "NO"),
    )
    # Account, text, standard account or KOSTRA art.
    accounts: tuple[tuple[str, str, str], ...] = (
        ("11150", "Matvarer", "KA_K:115"),
        ("14290", "Merverdiavgift", "KA_K:429"),
        ("10100", "Fastlønn", "KA_K:010"),
        ("16200", "Brukerbetaling", "KA_K:620"),
        ("6340", "Strøm", "6340"),
        ("2400", "Leverandørgjeld", "2400"),
        ("1920", "Bank", "1920"),
    )
    first: tuple[str, str] = ("2026", "9")
    last: tuple[str, str] = ("2026", "10")
    number: str | None = field(default="")  # stated totals: "" for the right ones, None for none
    debit: str | None = field(default="")
    credit: str | None = field(default="")


def purchase(
    number: str, amount: str = "1000.00", *, supplier: str = "70001", vat: str = "", **more: str
) -> Transaction:
    """Return an invoice's posting: cost, VAT where it is compensated, and what is owed."""
    lines = [Line("11150", amount, reference=f"F{number}", analyses=(("A", "1100"), ("T", "120"), ("P", "77")))]
    if vat:
        lines.append(Line("14290", vat, text="Mva-kompensasjon"))
    owed = -(Decimal(amount) + Decimal(vat or 0))
    lines.append(Line("2400", str(owed), supplier=supplier, reference=f"F{number}", due="2026-10-10"))
    return Transaction(number, tuple(lines), **more)


def audit_file(books: Books) -> bytes:
    """Return the file."""
    return "".join(_pieces(books)).encode()


def _pieces(books: Books) -> Iterator[str]:
    transactions = [transaction for journal in books.journals for transaction in journal]
    amounts = [Decimal(line.amount) for transaction in transactions for line in transaction.lines]
    debit = sum((amount for amount in amounts if amount > 0), Decimal("0.00"))
    credit = sum((-amount for amount in amounts if amount <= 0), Decimal("0.00"))
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    named = f":{books.prefix}" if books.prefix else ""
    yield from _prefixed(books.prefix, _body(books, transactions, debit, credit), f' xmlns{named}="{NAMESPACE}"')


def _prefixed(prefix: str, pieces: Iterable[str], declaration: str) -> Iterator[str]:
    for position, piece in enumerate(pieces):
        text = piece.replace("</", "\0").replace("<", f"<{prefix}:").replace("\0", f"</{prefix}:") if prefix else piece
        yield text.replace("AuditFile>", f"AuditFile{declaration}>", 1) if position == 0 else text


def _body(books: Books, transactions: list[Transaction], debit: Decimal, credit: Decimal) -> Iterator[str]:
    yield "<AuditFile>\n"
    yield from header(books)
    yield "<GeneralLedgerEntries>\n"
    for name, stated, right in (
        ("NumberOfEntries", books.number, len(transactions)),
        ("TotalDebit", books.debit, debit),
        ("TotalCredit", books.credit, credit),
    ):
        if stated is not None:
            yield f"<{name}>{stated or right}</{name}>\n"
    for number, journal in enumerate(books.journals, start=1):
        yield f"<Journal><JournalID>J{number}</JournalID><Description>Journal</Description><Type>GL</Type>\n"
        for transaction in journal:
            yield from transaction_text(transaction, books)
        yield "</Journal>\n"
    yield "</GeneralLedgerEntries>\n</AuditFile>\n"


def header(books: Books) -> Iterator[str]:
    """Give Header and MasterFiles."""
    yield (
        f"<Header><AuditFileVersion>{books.version}</AuditFileVersion><AuditFileCountry>NO</AuditFileCountry>"
        "<AuditFileDateCreated>2026-11-02</AuditFileDateCreated><SoftwareCompanyName>Eksempel</SoftwareCompanyName>"
        "<SoftwareID>Eksempel</SoftwareID><SoftwareVersion>1</SoftwareVersion>"
        f"<Company><RegistrationNumber>{books.company}</RegistrationNumber><Name>Lilleby kommune</Name>"
        "<Address><City>Lilleby</City><PostalCode>0001</PostalCode><Country>NO</Country></Address>"
        "<Contact><ContactPerson><FirstName>Kari</FirstName><LastName>Prøve</LastName></ContactPerson></Contact>"
        f"</Company><DefaultCurrencyCode>{books.currency}</DefaultCurrencyCode><SelectionCriteria>"
        f"<PeriodStart>{books.first[1]}</PeriodStart><PeriodStartYear>{books.first[0]}</PeriodStartYear>"
        f"<PeriodEnd>{books.last[1]}</PeriodEnd><PeriodEndYear>{books.last[0]}</PeriodEndYear></SelectionCriteria>"
        "<TaxAccountingBasis>A</TaxAccountingBasis></Header>\n<MasterFiles>\n<GeneralLedgerAccounts>\n"
    )
    for account, text, group in books.accounts:
        category, _, code = group.rpartition(":")
        grouping = ""
        if category or (group and books.version == "1.30"):
            grouping = (
                f"<GroupingCategory>{category or 'RF-1167'}</GroupingCategory><GroupingCode>{code}</GroupingCode>"
            )
        elif group:
            grouping = f"<StandardAccountID>{group}</StandardAccountID>"
        elif books.version == "1.30":
            grouping = "<GroupingCategory></GroupingCategory><GroupingCode></GroupingCode>"
        yield (
            f"<Account><AccountID>{account}</AccountID><AccountDescription>{text}</AccountDescription>{grouping}"
            "<AccountType>GL</AccountType><OpeningDebitBalance>0.00</OpeningDebitBalance>"
            "<ClosingDebitBalance>0.00</ClosingDebitBalance></Account>\n"
        )
    yield "</GeneralLedgerAccounts>\n<Suppliers>\n"
    for code, name, org_no, country in books.suppliers:
        number = f"<RegistrationNumber>{org_no}</RegistrationNumber>" if org_no else ""
        balance = (
            "<OpeningCreditBalance>10.00</OpeningCreditBalance><ClosingCreditBalance>1010.00</ClosingCreditBalance>"
        )
        account = "<AccountID>2400</AccountID>"
        if books.version == "1.30":
            account, balance = "", f"<BalanceAccount>{account}{balance}</BalanceAccount>"
        yield (
            f"<Supplier>{number}<Name>{name}</Name><Address><City>Lilleby</City><PostalCode>0001</PostalCode>"
            f"<Country>{country}</Country></Address><BankAccount><BankAccountNumber>99990012345</BankAccountNumber>"
            f"</BankAccount><SupplierID>{code}</SupplierID>{account}{balance}</Supplier>\n"
        )
    yield "</Suppliers>\n<TaxTable><TaxTableEntry><TaxType>MVA</TaxType><Description>Merverdiavgift</Description>"
    for code, standard, percentage in (("1", "1", "25"), ("11", "11", "15")):
        yield (
            f"<TaxCodeDetails><TaxCode>{code}</TaxCode><TaxPercentage>{percentage}</TaxPercentage><Country>NO</Country>"
            f"<StandardTaxCode>{standard}</StandardTaxCode><BaseRate>100</BaseRate></TaxCodeDetails>"
        )
    yield "</TaxTableEntry></TaxTable>\n<AnalysisTypeTable>\n"
    for code, name, value in (("A", "Ansvar", "1100"), ("P", "Prosjekt", "77"), ("T", "Tjeneste", "120")):
        yield (
            f"<AnalysisTypeTableEntry><AnalysisType>{code}</AnalysisType>"
            f"<AnalysisTypeDescription>{name}</AnalysisTypeDescription><AnalysisID>{value}</AnalysisID>"
            f"<AnalysisIDDescription>{name} {value}</AnalysisIDDescription></AnalysisTypeTableEntry>\n"
        )
    yield "</AnalysisTypeTable>\n</MasterFiles>\n"


def transaction_text(transaction: Transaction, books: Books) -> Iterator[str]:
    """Give a transaction."""
    kind = f"<VoucherType>{transaction.voucher_type}</VoucherType>" if books.version == "1.30" else ""
    yield (
        f"<Transaction>\n<TransactionID>{transaction.number}</TransactionID>\n<Period>{transaction.period}</Period>\n"
        f"<PeriodYear>{transaction.year}</PeriodYear>\n<TransactionDate>{transaction.day}</TransactionDate>\n"
        f"<SourceID>kari.prove</SourceID>\n{kind}<Description>Faktura</Description>\n"
        f"<SystemEntryDate>{transaction.day}</SystemEntryDate>\n<GLPostingDate>{transaction.day}</GLPostingDate>\n"
    )
    for number, line in enumerate(transaction.lines, start=1):
        yield "".join(_line(number, line, books))
    yield "</Transaction>\n"


def _line(number: int, line: Line, books: Books) -> Iterator[str]:
    yield f"<Line>\n<RecordID>{number}</RecordID>\n<AccountID>{line.account}</AccountID>\n"
    for kind, code in line.analyses:
        yield f"<Analysis><AnalysisType>{kind}</AnalysisType><AnalysisID>{code}</AnalysisID></Analysis>\n"
    if line.document:
        yield f"<SourceDocumentID>{line.document}</SourceDocumentID>\n"
    if line.supplier:
        yield f"<SupplierID>{line.supplier}</SupplierID>\n"
    yield f"<Description>{line.text}</Description>\n"
    side = "Credit" if line.amount.startswith("-") else "Debit"
    foreign = ""
    if line.foreign:
        code, amount, rate = line.foreign
        foreign = (
            f"<CurrencyCode>{code}</CurrencyCode><CurrencyAmount>{amount}</CurrencyAmount>"
            f"<ExchangeRate>{rate}</ExchangeRate>"
        )
    yield f"<{side}Amount><Amount>{line.amount.removeprefix('-')}</Amount>{foreign}</{side}Amount>\n"
    for code, percentage, base, amount in line.taxes:
        element = "DebitTaxAmount" if books.version == "1.30" else "TaxAmount"
        yield (
            f"<TaxInformation><TaxType>MVA</TaxType><TaxCode>{code}</TaxCode><TaxPercentage>{percentage}</TaxPercentage>"
            f"<TaxBase>{base}</TaxBase><{element}><Amount>{amount}</Amount></{element}></TaxInformation>\n"
        )
    if line.reference:
        yield f"<ReferenceNumber>{line.reference}</ReferenceNumber>\n"
    if line.due:
        yield f"<DueDate>{line.due}</DueDate>\n"
    yield "</Line>\n"
