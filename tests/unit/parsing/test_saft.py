"""SAF-T: rows to the øre, control totals, versions, hostile bytes; the shortcut reads as the exact reader does."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.home import Home
from pipelines.limits import Limits
from pipelines.parsing import saft_postings, saft_records
from pipelines.parsing.inspect import inspect_paths
from pipelines.parsing.rejects import Reject
from pipelines.parsing.saft import Header, Part, Totals, UnreadableSaft, read_saft
from tests.saft_files import NAMESPACE, Books, Line, Transaction, audit_file, purchase
from tests.unit.dropped import CONSORTIUM_YAML, OWN, drop, ingest, make_home, rows_of

ONE = Books(journals=((purchase("1", vat="250.00"),),))


class Read:
    """Everything that a file gave."""

    def __init__(self, raw: bytes, limits: Limits | None = None) -> None:
        self.totals = Totals()
        self.headers: list[Header] = []
        self.parts: list[Part] = []
        self.refusal: Reject | None = None
        try:
            read_saft(io.BytesIO(raw), self._give, self.totals, limits or Limits())
        except UnreadableSaft as refused:
            self.refusal = refused.reject

    def _give(self, part: Header | Part) -> None:
        if isinstance(part, Header):
            self.headers.append(part)
        else:
            self.parts.append(part)

    def rows(self, table: str = "ledger_postings") -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for part in self.parts:
            if part.table is not None and part.table.name == table:
                rows += part.rows if part.columns is None else part.columns.to_pylist()
        return rows

    @property
    def rejects(self) -> list[Reject]:
        return [reject for part in self.parts for reject in part.rejects]

    @property
    def issues(self) -> list[Reject]:
        return [issue for part in self.parts for issue in part.issues]

    @property
    def everything(self) -> list[Any]:
        tables = ("ledger_postings", "saft_taxes", "saft_suppliers", "saft_accounts")
        return [self.headers, self.refusal, self.rejects, self.issues, self.totals, *map(self.rows, tables)]


def one_line(line: Line, **more: Any) -> Read:
    """Return what a file gives whose only transaction is a line and its counterpart."""
    other = Line("2400", str(-Decimal(line.amount)) if line.amount.lstrip("-").replace(".", "").isdigit() else "-1.00")
    return Read(audit_file(replace(ONE, journals=((Transaction("1", (line, other), **more),),))))


def exactly(raw: bytes) -> Read:
    """Return what the exact reader alone makes of a file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saft_records._Shortcut, "_split", lambda self, buffer: None)
        return Read(raw)


# What a file holds


def test_the_official_sample_is_read_with_its_own_totals(fixtures: Path) -> None:
    (path,) = sorted((fixtures / "saft").glob("*.xml"))
    read = Read(path.read_bytes())
    assert (read.refusal, read.rejects) == (None, [])
    assert read.totals == Totals(1, 2, 5, Decimal(25000), Decimal(25000))
    assert [row["amount"] for row in read.rows()] == [Decimal(n) for n in (10000, 2500, -12500, 12500, -12500)]
    (facts,) = inspect_paths([path])
    assert {name: facts[name] for name in ("format", "version", "lines", "debit_total", "credit_total")} == {
        "format": "saft",
        "version": "1.0",
        "lines": 5,
        "debit_total": "25000.00",
        "credit_total": "25000.00",
    }


@pytest.mark.parametrize("version", ["1.10", "1.20", "1.30"])
@pytest.mark.parametrize("prefix", ["", "n1"])
def test_a_purchase_becomes_three_postings_in_every_version(version: str, prefix: str) -> None:
    read = Read(audit_file(replace(ONE, version=version, prefix=prefix)))
    assert (read.refusal, read.rejects, read.issues) == (None, [], [])
    cost, vat, owed = read.rows()
    assert (cost["amount"], vat["amount"], owed["amount"]) == (Decimal(1000), Decimal(250), Decimal(-1250))
    assert (cost["cost_centre"], cost["kostra_function"], cost["project_code"]) == ("1100", "120", "77")
    assert (owed["supplier_name"], owed["supplier_org_no"]) == ("Eksempel Bakeri AS", "310000019")
    assert (cost["fiscal_period"], cost["voucher_no"], cost["invoice_no"]) == ("2026-09", "1", "F1")
    assert cost["voucher_type"] == ("IF" if version == "1.30" else "GL")
    assert cost["local_account_text"] == "Matvarer"


def test_persons_addresses_and_bank_accounts_are_in_no_row() -> None:
    text = str(Read(audit_file(ONE)).everything)
    assert not any(name in text for name in ("kari", "Kari", "Prøve", "99990012345"))


def test_balances_of_suppliers_are_kept_and_summed_over_their_accounts() -> None:
    supplier = Read(audit_file(ONE)).rows("saft_suppliers")[0]
    assert (supplier["opening_credit_amount"], supplier["closing_credit_amount"]) == (Decimal(10), Decimal(1010))
    account = (
        b"<BalanceAccount><AccountID>2401</AccountID><OpeningDebitBalance>3</OpeningDebitBalance></BalanceAccount>"
    )
    raw = audit_file(ONE).replace(b"</BalanceAccount></Supplier>", b"</BalanceAccount>" + account + b"</Supplier>", 1)
    supplier = Read(raw).rows("saft_suppliers")[0]
    assert (supplier["opening_credit_amount"], supplier["opening_debit_amount"]) == (Decimal(10), Decimal(3))


def test_several_taxes_of_a_line_are_rows_and_their_codes_stand_on_the_posting() -> None:
    line = Line("11150", "100.00", taxes=(("1", "25", "60.00", "15.00"), ("11", "15", "40.00", "6.00")))
    read = one_line(line)
    assert read.rows()[0]["vat_code"] == "1;11"
    assert [
        (row["_row_no"], row["tax_no"], row["standard_tax_code"], row["tax_percentage"], row["tax_amount"])
        for row in read.rows("saft_taxes")
    ] == [(1, 1, "1", Decimal(25), Decimal(15)), (1, 2, "11", Decimal(15), Decimal(6))]


def test_a_foreign_amount_stands_beside_its_worth() -> None:
    posting = one_line(Line("11150", "115.00", foreign=("eur", "10.00", "11.5"))).rows()[0]
    assert (posting["amount"], posting["foreign_currency"], posting["foreign_amount"]) == (
        Decimal(115),
        "EUR",
        Decimal(10),
    )


def test_period_thirteen_is_a_period() -> None:
    assert one_line(Line("11150", "1.00"), period="13").rows()[0]["fiscal_period"] == "2026-13"


# What is refused, and what is remarked on


@pytest.mark.parametrize(
    ("books", "rule", "path"),
    [
        (replace(ONE, debit="1250.01"), "IN05", "TotalDebit"),
        (replace(ONE, credit="0"), "IN05", "TotalCredit"),
        (replace(ONE, credit="much"), "IN05", "TotalCredit"),
        (replace(ONE, version="2.00"), "IN01", "AuditFileVersion"),
    ],
    ids=["debit", "credit", "unreadable", "version"],
)
def test_a_file_is_refused_whole(books: Books, rule: str, path: str) -> None:
    refusal = Read(audit_file(books)).refusal
    assert refusal is not None
    assert (refusal.rule, (refusal.path or "").rsplit("/", 1)[1]) == (rule, path)


def test_an_unknown_version_is_named() -> None:
    refusal = Read(audit_file(replace(ONE, version="2.00"))).refusal
    assert refusal is not None
    assert "2.00" in refusal.message


@pytest.mark.parametrize(
    "books", [replace(ONE, number="3"), replace(ONE, number=None, debit=None, credit=None)], ids=["count", "missing"]
)
def test_a_wrong_count_and_missing_totals_are_remarked_on(books: Books) -> None:
    read = Read(audit_file(books))
    assert (read.refusal, [issue.rule for issue in read.issues], len(read.rows())) == (None, ["IN05"], 3)


def test_a_transaction_that_does_not_balance_is_remarked_on() -> None:
    lines = (Line("11150", "10.00"), Line("2400", "-9.00"))
    read = Read(audit_file(replace(ONE, journals=((purchase("1"), Transaction("2", lines)),))))
    (issue,) = read.issues
    assert (issue.rule, issue.path) == ("IN05", "/AuditFile/GeneralLedgerEntries/Journal[1]/Transaction[2]")
    assert "1.00" in issue.message


@pytest.mark.parametrize("lines_at_once", [1, 2, 3, 4])
def test_a_transaction_may_span_batches(monkeypatch: pytest.MonkeyPatch, lines_at_once: int) -> None:
    books = replace(ONE, journals=((purchase("1", vat="5.00"), purchase("2")), (purchase("3", vat="1.00"),)))
    whole = Read(audit_file(books))
    monkeypatch.setattr(saft_postings, "_LINES_AT_ONCE", lines_at_once)
    read = Read(audit_file(books))
    assert read.issues == []
    assert read.everything == whole.everything
    assert max(part.lines for part in read.parts) <= lines_at_once


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        (b"<Amount>1000.00</Amount>", b"<Amount>1.000,00</Amount>", "DebitAmountAmount"),
        (b"<Amount>1000.00</Amount>", b"<Amount>" + b"9" * 17 + b"</Amount>", "DebitAmountAmount"),
        (b"<AccountID>11150</AccountID>\n<Analysis>", b"<AccountID> </AccountID>\n<Analysis>", "AccountID"),
        (b"<Period>9</Period>", b"<Period>14</Period>", "Period"),
        (b"<TransactionDate>2026-09-10<", b"<TransactionDate>10.09.2026<", "TransactionDate"),
    ],
)
def test_a_line_that_cannot_be_read_is_a_reject_with_its_place(old: bytes, new: bytes, column: str) -> None:
    raw = audit_file(replace(ONE, debit=None, credit=None))
    read = Read(raw.replace(old, new, 1))
    assert read.refusal is None
    assert {(reject.rule, reject.column) for reject in read.rejects} == {("IN06", column)}
    assert read.rejects[0].path == "/AuditFile/GeneralLedgerEntries/Journal[1]/Transaction[1]/Line[1]"
    assert read.totals.lines == len(read.rows()) + len(read.rejects) == 3


def test_an_unreadable_amount_in_a_file_with_totals_refuses_the_file() -> None:
    refusal = Read(audit_file(ONE).replace(b"<Amount>1000.00<", b"<Amount>x<", 1)).refusal
    assert refusal is not None
    assert refusal.rule == "IN05"


def test_numbers_that_cannot_be_right_are_remarked_on_and_personal_ones_not_kept() -> None:
    suppliers = (("1", "Feil AS", "310000018", "NO"), ("2", "Person", "41870112345", "NO"), ("3", "Ab", "5560", "SE"))
    read = Read(audit_file(replace(ONE, suppliers=suppliers, company="310000028")))
    assert [issue.rule for issue in read.issues] == ["RF04", "RF04", "RF04"]
    assert [row["supplier_org_no"] for row in read.rows("saft_suppliers")] == ["310000018", None, "5560"]
    assert read.refusal is None


def test_an_account_that_states_no_group_is_remarked_on() -> None:
    read = Read(audit_file(replace(ONE, accounts=(*ONE.accounts, ("9999", "Uforklart", "")))))
    assert [(issue.rule, (issue.path or "").rsplit("/", 1)[1]) for issue in read.issues] == [("IN10", "Account[8]")]


def test_remarks_of_a_kind_are_counted_where_there_are_very_many() -> None:
    suppliers = tuple((str(number), "Feil AS", "310000018", "NO") for number in range(150))
    issues = Read(audit_file(replace(ONE, suppliers=suppliers))).issues
    assert len(issues) == 101
    assert "50 more" in issues[-1].message


# Hostile and broken files


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(cut: float) -> None:
    raw = audit_file(replace(ONE, journals=(tuple(purchase(str(number)) for number in range(500)),)))
    refusal = Read(raw[: int(len(raw) * cut)]).refusal
    assert refusal is not None
    assert refusal.rule == "IN01"


_ROOT = f'<AuditFile xmlns="{NAMESPACE}">'
_BOMB = '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no XML",
        "<AuditFile/>",
        '<AuditFile xmlns="urn:StandardAuditFile-Taxation-Financial:RO"/>',
        f"{_BOMB}{_ROOT}&b;</AuditFile>",
        f'<!DOCTYPE a SYSTEM "http://example.invalid/a.dtd">{_ROOT}</AuditFile>',
        f"{_ROOT}&undefined;</AuditFile>",
        _ROOT + "<a>" * 300 + "</a>" * 300 + "</AuditFile>",
        _ROOT + "<a>" * 100_000,
        f"{_ROOT}<Header><AuditFileVersion>{'9' * 100}</AuditFileVersion></Header></AuditFile>",
        f"{_ROOT}<GeneralLedgerEntries/></AuditFile>",
        f"{_ROOT}<Header xmlns=''><b/></Header></AuditFile>",
        f"{_ROOT}<x:a/></AuditFile>",
        f'<?xml version="1.0" encoding="klingon"?>{_ROOT}</AuditFile>',
        _ROOT + "".join(f"<a{number}/>" for number in range(3000)) + "</AuditFile>",
    ],
    ids=range(15),
)
def test_what_is_not_saft_is_refused_with_a_reason(text: str) -> None:
    read = Read(text.encode())
    assert read.refusal is not None
    assert read.refusal.rule == "IN01"
    assert read.rows() == []


@pytest.mark.parametrize("piece", ["<!--{}-->", '<Name a="{}"/>', "<Name>{}</Name>", "<?a {}?>"])
def test_a_piece_longer_than_the_limit_is_refused(piece: str) -> None:
    text = _ROOT + "<Header>" + piece.format("x" * 2_000_000) + "</Header></AuditFile>"
    refusal = Read(text.encode(), Limits(xml_value_characters=300_000)).refusal
    assert refusal is not None
    assert "300000" in refusal.message


def test_comments_cdata_and_references_mean_what_xml_says() -> None:
    raw = audit_file(replace(ONE, journals=(tuple(purchase(str(number)) for number in range(2000)),)))
    texts = [b"A &amp; B", b"<![CDATA[A & B]]>", b"A &#38;<!-- </Line> --> B", b"A &amp;\r\n B"]
    for text in texts:
        raw = raw.replace("Brød".encode(), text, 1)
    found = [row["posting_text"] for row in Read(raw).rows() if row["posting_text"] != "Brød"]
    assert found == ["A & B", "A & B", "A & B", "A &\n B"]


def test_lines_within_other_sections_are_no_postings() -> None:
    line = b"<Line><RecordID>1</RecordID><AccountID>1</AccountID><DebitAmount><Amount>1</Amount></DebitAmount></Line>"
    documents = (
        b"<SourceDocuments><SalesInvoices><Invoice>" + line * 5 + b"</Invoice></SalesInvoices></SourceDocuments>"
    )
    read = Read(audit_file(ONE).replace(b"</AuditFile>", documents + b"</AuditFile>"))
    assert (read.refusal, len(read.rows())) == (None, 3)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=2_000))
def test_any_bytes_end_as_rows_or_a_refusal(raw: bytes) -> None:
    read = Read(raw)
    assert read.refusal is not None


_MANY = audit_file(replace(ONE, journals=(tuple(purchase(str(n), vat="2.50") for n in range(400)),), debit=None))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_mutated_file_ends_as_rows_or_a_refusal_and_the_shortcut_changes_nothing(data: st.DataObject) -> None:
    raw = bytearray(_MANY)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        length = data.draw(st.integers(0, 12))
        raw[at : at + length] = data.draw(
            st.one_of(
                st.binary(max_size=8),
                st.sampled_from(
                    [b"<", b">", b"</Line>", b"<Line>", b"<!--", b"-->", b"<![CDATA[", b"&amp;", b"&", b"]]>", b"\0"]
                    + [b'<Line a="1">', b"<Line xmlns='x'>", b"<AccountID/>", b"<x/>", b"</Transaction>", b"\xff"]
                ),
            )
        )
    read, exact = Read(bytes(raw)), exactly(bytes(raw))
    # Of several faults either may be met first.
    assert (read.refusal is None) == (exact.refusal is None)
    if read.refusal is None:
        assert read.everything == exact.everything
        assert read.totals.lines == len(read.rows()) + len(read.rejects)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.builds(
            Line,
            st.sampled_from(["11150", "2400", " 6340 ", "0"]),
            st.decimals(-9999, 9999, places=2).map(str),
            st.text(st.characters(categories=("L", "N", "P", "Zs"), exclude_characters="<>&"), min_size=1, max_size=20),
            st.sampled_from(["", "70001", "9"]),
        ),
        min_size=1,
        max_size=6,
    ),
    st.integers(100, 300),
    st.sampled_from(["", "n1"]),
)
def test_every_ore_of_the_lines_is_in_the_postings(lines: list[Line], times: int, prefix: str) -> None:
    transactions = tuple(Transaction(str(number), tuple(lines)) for number in range(times))
    raw = audit_file(replace(ONE, prefix=prefix, journals=(transactions,))).replace(b"\n", b"\r\n")
    read = Read(raw)
    assert read.refusal is None
    assert sum(row["amount"] for row in read.rows()) == times * sum(Decimal(line.amount) for line in lines)
    assert read.everything == exactly(raw).everything


def test_the_shortcut_is_taken_for_all_but_the_first_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    fed = 0
    feed = saft_records._Exact.feed

    def counting(self: Any, piece: bytes, **more: Any) -> Any:
        nonlocal fed
        fed += len(piece)
        return feed(self, piece, **more)

    raw = audit_file(replace(ONE, journals=(tuple(purchase(str(number)) for number in range(3000)),)))
    monkeypatch.setattr(saft_records._Exact, "feed", counting)
    assert Read(raw).refusal is None
    assert fed < len(raw) / 5


# In a home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home", CONSORTIUM_YAML.replace("{kind: ehf,", "{kind: saft,", 1))


def own_books(**more: Any) -> bytes:
    return audit_file(replace(ONE, company="310028150", **more))


def test_a_delivery_is_counted_line_by_line(home: Home) -> None:
    drop(home, "books.xml", own_books(), "saft")
    (outcome,) = ingest(home)
    assert (outcome["outcome"], outcome["rows_in"], outcome["rows_out"], outcome["rejects"]) == ("ok", 3, 3, 0)
    assert (outcome["covered_from"], outcome["covered_to"]) == ("2026-09", "2026-09")
    assert {row["_source"] for row in rows_of(home, "ledger_postings", OWN)} == {"saft"}
    assert [row["supplier_ledger_code"] for row in rows_of(home, "saft_suppliers", OWN)] == ["70001", "70002"]


def test_the_books_of_another_company_are_refused(home: Home) -> None:
    drop(home, "books.xml", audit_file(ONE), "saft")
    (outcome,) = ingest(home)
    assert (outcome["outcome"], outcome["rule"], outcome["rows_out"]) == ("failed", "RF10", 0)
    assert rows_of(home, "ledger_postings", OWN) == []


def test_a_file_that_turns_out_truncated_leaves_no_rows_and_stops_no_other(home: Home) -> None:
    many = own_books(journals=(tuple(purchase(str(number)) for number in range(60_000, 60_300)),))
    drop(home, "whole.xml", own_books(), "saft")
    drop(home, "half.xml", many[:-40], "saft")
    outcomes = ingest(home)
    assert sorted((outcome["outcome"], outcome["rows_out"], outcome["rejects"]) for outcome in outcomes) == [
        ("failed", 0, 1),
        ("ok", 3, 0),
    ]
    assert len(rows_of(home, "ledger_postings", OWN)) == 3
