"""Real published ledgers and invoices, through the whole chain to gated extracts, against a plain reading of the files.

The files are public bodies' own (see the licences beside them); they lie beside the checkout and are never committed.
Amounts are read as if they were NOK. The company register that lies with them knows none of the payees, so none of
them is named outside.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from pipelines.home import Home
from tests.homes import ask, run, samandel_json
from tests.signing import with_four_eyes

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("real_files")]
_CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
_CAC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"


@dataclass
class PlainReading:
    """A ledger read by nothing but csv: amounts and accounts by month."""

    municipality_no: str
    profile: str
    path: Path
    amounts: dict[str, list[Decimal]] = field(default_factory=lambda: defaultdict(list))
    accounts: set[str] = field(default_factory=set)
    payees: set[str] = field(default_factory=set)

    def add(self, month: str, amount: str, account: str, payee: str) -> None:
        self.amounts[month].append(Decimal(amount.replace(",", "")))
        if account.strip():
            self.accounts.add(" ".join(account.split()))
        self.payees.add(" ".join(payee.split()))


def _rows(path: Path) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(path.read_text(encoding="cp1252"), newline=""))


def _darlington(folder: Path) -> PlainReading:
    ledger = PlainReading("9801", "uk_darlington", folder / "darlington" / "2014-08.csv")
    for row in list(_rows(ledger.path))[1:]:
        if len(row) >= 6 and row[4].strip():
            ledger.add("2014-08", row[4], row[5], row[2])
    return ledger


def _gateshead(folder: Path) -> PlainReading:
    ledger = PlainReading("9802", "uk_gateshead", folder / "gateshead" / "2011-02.csv")
    for row in list(_rows(ledger.path))[1:]:
        if len(row) >= 9 and row[7].strip():
            ledger.add(row[8][:7], row[7], row[1], row[6])
    return ledger


def _oxford(folder: Path) -> PlainReading:
    ledger = PlainReading("9803", "uk_oxford", folder / "oxford" / "expenditure-over-500-apr-jun-2016.csv")
    for row in list(_rows(ledger.path))[1:]:
        if len(row) >= 10 and row[6].strip():
            ledger.add(f"{row[4][6:]}-{row[4][3:5]}", row[6], row[3], row[9])
    return ledger


@dataclass
class PlainInvoices:
    """Invoices read by nothing but lxml: the first document of each key, by month."""

    files: list[Path] = field(default_factory=list)
    buyers: set[str] = field(default_factory=set)
    totals: dict[str, list[Decimal]] = field(default_factory=lambda: defaultdict(list))


def _invoices(folder: Path) -> PlainInvoices:
    """Take Peppol's own samples that have a buyer with a legal number, one document per number and date."""
    plain, keys = PlainInvoices(), set()
    for path in sorted((folder / "ubl" / "peppol-2026.5").glob("SB-*.xml")):
        root = etree.parse(str(path)).getroot()
        buyer = root.find(f"{_CAC}AccountingCustomerParty/{_CAC}Party/{_CAC}PartyLegalEntity/{_CBC}CompanyID")
        key = (root.findtext(f"{_CBC}ID"), root.findtext(f"{_CBC}IssueDate"))
        if buyer is None or key in keys:
            continue
        keys.add(key)
        plain.files.append(path)
        plain.buyers.add("".join((buyer.text or "").split()).upper())
        sign = -1 if root.tag.endswith("}CreditNote") else 1
        net = root.findtext(f"{_CAC}LegalMonetaryTotal/{_CBC}TaxExclusiveAmount")
        plain.totals[str(key[1])[:7]].append(sign * Decimal(str(net)))
    return plain


def _write(path: Path, header: str, rows: list[tuple[str, ...]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header.split(","))
    writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(out.getvalue(), encoding="utf-8")


def _make_home(home: Path, ledgers: list[PlainReading], invoices: PlainInvoices) -> None:
    numbers = [ledger.municipality_no for ledger in ledgers] + ["9804"]
    sources = [
        f'  "{ledger.municipality_no}": {{sources: [{{kind: ledger, profile: {ledger.profile}}}]}}'
        for ledger in ledgers
    ]
    home.mkdir(parents=True)
    (home / "consortium.yaml").write_text(
        'name: Real files\nhost: "9801"\nas_of: 2018-01-15\npublication: {window_months: 1}\n'
        "keys: {gate_hmac: file:../gate.key}\njoint_sources: [{kind: brreg}]\nmembers:\n"
        + "\n".join([*sources, '  "9804": {sources: [{kind: ehf}]}'])
        + "\n"
    )
    key = home.parent / "gate.key"
    key.touch(mode=0o600)
    key.write_text("0123456789abcdef" * 4)
    registers = home / "registers"
    members = [(number, f"Member {number}", "5000", "unprepared", "2010-01-01", "") for number in numbers]
    _write(registers / "members.csv", "municipality_no,name,inhabitants,agreement,valid_from,valid_to", members)
    own = [(number, f"81{number}000", "municipality", "", "2010-01-01", "") for number in numbers[:-1]]
    own += [("9804", buyer, "municipality", "", "2010-01-01", "") for buyer in sorted(invoices.buyers)]
    _write(registers / "member_org_nos.csv", "municipality_no,org_no,role,name,valid_from,valid_to", own)
    chart = [
        (ledger.municipality_no, account, account, "operating", "120", "2010-01-01", "")
        for ledger in ledgers
        for account in sorted(ledger.accounts)
    ]
    header = "municipality_no,local_account,local_account_text,account_class,kostra_art,valid_from,valid_to"
    _write(registers / "charts_of_accounts.csv", header, chart)
    workshop = ("318000017", "Prøveverkstedet AS", "9801", "2010-01-01", "")
    _write(registers / "workshops.csv", "org_no,name,municipality_no,valid_from,valid_to", [workshop])
    unit = {"organisasjonsnummer": "318000017", "navn": "PRØVEVERKSTEDET AS", "organisasjonsform": {"kode": "AS"}}
    units = home / "inbox" / "_consortium" / "brreg" / "enheter.json"
    units.parent.mkdir(parents=True)
    units.write_text(json.dumps([unit]))
    for ledger in ledgers:
        folder = home / "inbox" / ledger.municipality_no / "ledger"
        folder.mkdir(parents=True)
        shutil.copy(ledger.path, folder / ledger.path.name)
    folder = home / "inbox" / "9804" / "ehf" / "samples"
    folder.mkdir(parents=True)
    for path in invoices.files:
        shutil.copy(path, folder / path.name)


def _extract(home: Path, municipality_no: str, month: str) -> list[dict[str, str]]:
    folder = home / "releases" / "municipality_extract" / municipality_no / month / "r1"
    with (folder / "municipality_extract.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_real_files_come_out_as_they_went_in(fixtures: Path, tmp_path: Path) -> None:
    ledgers = [read(fixtures / "ledgers") for read in (_darlington, _gateshead, _oxford)]
    invoices = _invoices(fixtures)
    home = tmp_path / "home"
    _make_home(home, ledgers, invoices)
    with_four_eyes(Home(home))

    invoice_month = max(invoices.totals, key=lambda month: len(invoices.totals[month]))
    for month in ["2011-02", "2014-08", "2016-04", "2016-06", invoice_month]:
        run(home, "--month", month)

    for ledger in ledgers:
        for month in sorted(set(ledger.amounts) & {"2011-02", "2014-08", "2016-04", "2016-06"}):
            rows = _extract(home, ledger.municipality_no, month)
            assert len(rows) == len(ledger.amounts[month]), (ledger.profile, month)
            assert sum(Decimal(row["net_amount_nok"]) for row in rows) == sum(ledger.amounts[month])
            # Nobody is in a register: no name goes out, not even to the member.
            assert {row["payee_kind"] for row in rows} <= {"unknown", "natural_person"}
            assert not {row["supplier_name"] for row in rows} & {name for name in ledger.payees if name}

    found = ask(home, "select distinct invoice_no, original_currency from fct_purchases where municipality_no = '9804'")
    assert {row["original_currency"] for row in found} == {"EUR"}
    sums = ask(
        home,
        f"""select sum(original_amount) as total, count(distinct invoice_no) as documents from fct_purchases
        where municipality_no = '9804' and period_month = '{invoice_month}'""",
    )
    assert Decimal(sums[0]["total"]) == sum(invoices.totals[invoice_month])
    assert sums[0]["documents"] == len(invoices.totals[invoice_month])

    verdicts = samandel_json("gate", "list", "--json", "--home", home)
    assert {verdict["product"] for verdict in verdicts} == {"municipality_extract", "workshop_release"}
    everything = b"".join(path.read_bytes() for path in (home / "releases" / "workshop_release").rglob("*.csv"))
    for ledger in ledgers:
        assert not [name for name in ledger.payees if len(name) > 8 and name.encode() in everything]
