"""A home whose parsed layer is written by hand: a few rows for every case of the spend-truth rule.

Belongs here: rows, and the folder they lie in. Not here: what the warehouse must make of them (test_warehouse.py).

9901 delivers ledger and e-invoices, its ledger ending in October; 9902 delivers e-invoices only; 9903 a ledger without
organisation numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipelines.home import Home
from pipelines.matching.match import match_home
from pipelines.tables import arrow_table, write_parquet
from pipelines.warehouse.sources import parsed_tables

Row = Mapping[str, Any]

LEDGER = "ledger0000000001"
EHF = "ehf0000000000001"
REGISTER = "brreg00000000001"
SETTINGS = "settings00000001"
BOTH, EHF_ONLY, NO_ORG_NOS = "9901", "9902", "9903"
OLD_NUMBER, NEW_NUMBER = "9804", "9904"
OLD_LEDGER, NEW_LEDGER = "ledger0000000004", "ledger0000000005"
OTHER_MEMBER = "310000108"
WORKSHOP, BAKER, CONSULTANT, FERRY, PERSON, NEVER_REGISTERED = (
    "310000000",
    "310000019",
    "310000027",
    "310000035",
    "310000043",
    "310000051",
)
LONG_AGO = date(2020, 1, 1)


def sha(name: str) -> str:
    """Return something of a digest's length that a reader can tell apart."""
    return name.ljust(64, "0")


def posting(row_no: int, account: str, amount: str, **more: Any) -> Row:
    """Return a posting of 9901's October ledger."""
    return {
        "municipality_no": BOTH,
        "fiscal_period": "2026-10",
        "voucher_no": f"V{row_no}",
        "posting_date": date(2026, 10, 20),
        "local_account": account,
        "kostra_function": "120",
        "amount": Decimal(amount),
        "amount_kind": "net",
        "currency": "NOK",
        "_source": "ledger",
        "_delivery_id": LEDGER,
        "_file_sha256": sha("ledger"),
        "_row_no": row_no,
    } | more


def invoice(number: str, seller: str | None, exclusive: str, **more: Any) -> Row:
    """Return an e-invoice to 9901 of October; the file is named after the number."""
    return {
        "municipality_no": BOTH,
        "document_no": 1,
        "document_type": "380",
        "is_credit_note": False,
        "invoice_no": number,
        "invoice_date": date(2026, 10, 5),
        "currency": "NOK",
        "seller_org_no": seller,
        "seller_name": f"Seller of {number}",
        "seller_country": "NO",
        "tax_exclusive_amount": Decimal(exclusive),
        "_delivery_id": EHF,
        "_file_sha256": sha(number),
    } | more


def line(number: str, row_no: int, amount: str, **more: Any) -> Row:
    """Return a line of an e-invoice to 9901."""
    return {
        "municipality_no": BOTH,
        "document_no": 1,
        "line_no": str(row_no),
        "line_extension_amount": Decimal(amount),
        "vat_rate": Decimal(25),
        "_delivery_id": EHF,
        "_file_sha256": sha(number),
        "_row_no": row_no,
    } | more


POSTINGS = [
    # One account, two lines, a document charge and 0.05 that the lines do not explain; VAT beside it.
    posting(1, "11150", "800.00", supplier_org_no=BAKER, invoice_no="00-A1", voucher_no="A"),
    posting(2, "11150", "200.05", supplier_org_no=BAKER, invoice_no="A1", voucher_no="A", kostra_function="130"),
    posting(3, "14290", "250.00", supplier_org_no=BAKER, invoice_no="A1", voucher_no="A"),
    # Two accounts that pair off with two lines.
    posting(4, "11150", "300.00", supplier_org_no=WORKSHOP, invoice_no="B1", voucher_no="B"),
    posting(5, "13700", "700.00", supplier_org_no=WORKSHOP, invoice_no="B1", voucher_no="B", kostra_function="273"),
    # Two accounts that do not.
    posting(6, "11150", "400.00", supplier_org_no=BAKER, invoice_no="C1", voucher_no="C"),
    posting(7, "12400", "600.00", supplier_org_no=BAKER, invoice_no="C1", voucher_no="C"),
    # A credit note.
    posting(8, "11150", "-100.00", supplier_org_no=BAKER, invoice_no="K1", voucher_no="K"),
    # No organisation number, but number and amount are unique.
    posting(9, "12400", "555.00", supplier_name="Consultant", invoice_no="D1", voucher_no="D"),
    # Nobody sent an invoice: a transfer to the workshop, an inclusion service, a person's allowance.
    posting(10, "14700", "9000.00", supplier_org_no=WORKSHOP, invoice_no="T1", kostra_function="273"),
    posting(
        11,
        "13700",
        "4000.00",
        supplier_org_no=WORKSHOP,
        invoice_date=date(2026, 9, 28),
        kostra_function="276 Arbeidstiltak",
    ),
    posting(12, "11650", "70.00", supplier_name="Kari Prøve", kostra_function="02441"),
    # An account that the chart does not hold; an org number that no register knows.
    posting(13, "99999", "33.00", supplier_org_no=NEVER_REGISTERED),
    # An invoice in euro: the books say how much.
    posting(14, "12400", "1150.00", supplier_org_no=FERRY, invoice_no="E1", voucher_no="E"),
    # Local account 12700 is art 270 until 2025: in 2026 it is no scope any more.
    posting(15, "12700", "45.00", supplier_org_no=CONSULTANT, invoice_no="Z9"),
    # An accrual, taken back in November's books, and one that is still open.
    posting(20, "12400", "600.00", posting_text="Avsetning revisjon", voucher_no="P1"),
    posting(21, "12400", "-600.00", posting_text="Tilbakeført avsetning", voucher_no="P2", fiscal_period="2026-10"),
    posting(22, "12400", "50.00", posting_text="Avsetning strøm", voucher_no="P3"),
    # One posting for two invoices that it lists; one for all that a supplier sent in September.
    posting(23, "12400", "300.00", supplier_org_no=CONSULTANT, invoice_no="M1, M2", voucher_no="M"),
    posting(24, "11150", "90.00", supplier_org_no=BAKER, voucher_no="S"),
    # Meeting food: VAT that nobody compensates is booked as cost; by an account that says so; and by one that does not.
    posting(25, "11150", "1150.00", supplier_org_no=BAKER, invoice_no="G1", voucher_no="G"),
    posting(26, "11155", "230.00", supplier_org_no=BAKER, invoice_no="G2", voucher_no="G2"),
    posting(27, "11150", "46.00", supplier_org_no=BAKER, invoice_no="G3", voucher_no="G3"),
    # Bought from another member, on art 350 and on an account of the market.
    posting(28, "13500", "700.00", supplier_org_no=OTHER_MEMBER, invoice_no="R1", voucher_no="R1"),
    posting(29, "12400", "800.00", supplier_org_no=OTHER_MEMBER, invoice_no="R2", voucher_no="R2"),
    # A municipality that got another number on 1 October; what it grants is no procurement.
    posting(1, "4700", "40.00", municipality_no=OLD_NUMBER, supplier_org_no=CONSULTANT, _delivery_id=OLD_LEDGER)
    | {"fiscal_period": "2026-09", "posting_date": date(2026, 9, 12)},
    posting(1, "4700", "60.00", municipality_no=NEW_NUMBER, supplier_org_no=CONSULTANT, _delivery_id=NEW_LEDGER)
    | {"fiscal_period": "2026-10", "posting_date": date(2026, 10, 12)},
    # The month before, superseded, and 9903's ledger with a name only.
    posting(16, "11150", "77777.00", fiscal_period="2026-09", _delivery_id="ledger0000000000"),
    posting(
        1,
        "1115",
        "120.00",
        municipality_no=NO_ORG_NOS,
        supplier_name="SENTRUM, bakeri as",
        _delivery_id="ledger0000000003",
        fiscal_period="2026-13",
        posting_date=None,
    ),
]

INVOICES = [
    invoice("A1", BAKER, "1000.00"),
    invoice("B1", WORKSHOP, "1000.00"),
    invoice("C1", BAKER, "1000.00"),
    invoice("K1", BAKER, "100.00", document_type="381", is_credit_note=True),
    invoice("D1", CONSULTANT, "555.00"),
    invoice("E1", FERRY, "100.00", currency="EUR"),
    invoice("M1", CONSULTANT, "100.00"),
    invoice("M2", CONSULTANT, "200.00", invoice_date=date(2026, 10, 8)),
    invoice("S1", BAKER, "60.00", invoice_date=date(2026, 9, 3)),
    invoice("S2", BAKER, "30.00", invoice_date=date(2026, 9, 17)),
    invoice("G1", BAKER, "1000.00", tax_amount=Decimal("150.00")),
    # Not posted: October has a ledger, November has none.
    invoice("U1", BAKER, "60.00"),
    invoice("U2", BAKER, "80.00", invoice_date=date(2026, 11, 3), accounting_cost="11150"),
    # The same file again, and 9902's.
    invoice("A1", BAKER, "1000.00", _delivery_id="ehf0000000000002"),
    invoice("W1", WORKSHOP, "500.00", municipality_no=EHF_ONLY, contract_reference="C-1"),
    invoice(
        "F1", None, "40.00", municipality_no=EHF_ONLY, seller_name="Nordic Ab", seller_country="SE", currency="SEK"
    ),
]

LINES = [
    line("A1", 1, "700.00", cpv_code="15811000"),
    line("A1", 2, "280.00", cpv_code="33190000"),
    line("B1", 1, "300.00", cpv_code="55520000"),
    line("B1", 2, "700.00", cpv_code="85312510"),
    line("C1", 1, "1000.00", cpv_code="15811000"),
    line("K1", 1, "100.00", cpv_code="15811000"),
    line("D1", 1, "555.00"),
    line("E1", 1, "100.00"),
    line("M1", 1, "100.00"),
    line("M2", 1, "200.00"),
    line("S1", 1, "60.00", cpv_code="15811000"),
    line("S2", 1, "30.00", cpv_code="15811000"),
    line("G1", 1, "1000.00", cpv_code="55520000", vat_rate=Decimal(15)),
    line("U1", 1, "60.00", cpv_code="15811000"),
    line("U2", 1, "80.00", cpv_code="15811000"),
    line("W1", 1, "510.00", municipality_no=EHF_ONLY, cpv_code="77310000"),
    line("F1", 1, "40.00", municipality_no=EHF_ONLY, cpv_code="15811000"),
    line("A1", 1, "700.00", cpv_code="15811000", _delivery_id="ehf0000000000002"),
]

# The credit note is about an invoice of the month before, which came as well.
BILLING_REFERENCES = [
    {
        "municipality_no": BOTH,
        "document_no": 1,
        "billed_invoice_no": "S-1",
        "billed_invoice_date": date(2026, 9, 3),
        "_delivery_id": EHF,
        "_file_sha256": sha("K1"),
        "_row_no": 1,
    }
]

ALLOWANCE_CHARGES = [
    line("A1", 1, "0")
    | {"level": "document", "line_row_no": 0, "is_charge": True, "amount": Decimal("20.00"), "vat_rate": Decimal(25)},
    line("W1", 1, "0", municipality_no=EHF_ONLY)
    | {"level": "document", "line_row_no": 0, "is_charge": False, "amount": Decimal("10.00"), "vat_rate": Decimal(25)},
]
for _row in ALLOWANCE_CHARGES:
    for _name in ("line_no", "line_extension_amount"):
        _row.pop(_name)  # type: ignore[attr-defined]


FETCHED = "fetched000000001"


def _company(org_no: str, name: str, legal_form: str = "AS", delivery_id: str = REGISTER) -> Row:
    return {
        "municipality_no": "_consortium",
        "org_no": org_no,
        "name": name,
        "legal_form": legal_form,
        "business_municipality_no": BOTH,
        "_delivery_id": delivery_id,
        "_file_sha256": sha(delivery_id),
        "_row_no": int(org_no[-3:]),
    }


COMPANIES = [
    _company(BAKER, "Old bakery", delivery_id="brreg00000000000"),
    _company(BAKER, "Sentrum Bakeri AS"),
    _company(CONSULTANT, "Consultant AS"),
    _company(FERRY, "Ferry IKS", "IKS"),
    _company(PERSON, "Kari Prøve Rådgivning", "ENK"),
    # Another source's first delivery, received after the register's second: a deleted unit's answer is short.
    {name: _company(FERRY, "", delivery_id=FETCHED)[name] for name in ("municipality_no", "org_no", "_row_no")}
    | {"deleted_on": date(2026, 11, 1), "_delivery_id": FETCHED, "_file_sha256": sha(FETCHED)},
]


JOINT, AGAIN, OWN_PULL = "notices000000001", "notices000000002", "notices000000003"
BUYER, FORMER_BUYER, JOINT_BODY = "310000078", "310000086", "310000094"


def notice(name: str, version: str = "01", lots: int = 1, **more: Any) -> list[Row]:
    """Return a joint notice's rows; its file is named after it and its delivery."""
    facts = {
        "municipality_no": "_consortium",
        "notice_id": name,
        "version": version,
        "issue_date": date(2026, 9, 14),
        "procedure_title": f"Procedure of {name}",
        "procedure_main_cpv_code": "98310000",
        "reserved_participation": "none",
        "_delivery_id": JOINT,
    } | more
    sha_of = sha(f"{name}-{version}-{facts['_delivery_id']}")
    return [facts | {"lot_id": f"LOT-{at:04}", "_row_no": at, "_file_sha256": sha_of} for at in range(1, lots + 1)]


def buyers(rows: list[Row], *org_nos: str | None, lead: int | None = None) -> list[Row]:
    """Return the buyers of a notice, the one at ``lead`` leading."""
    shared = {
        name: rows[0][name] for name in ("municipality_no", "notice_id", "version", "_delivery_id", "_file_sha256")
    }
    return [
        shared
        | {"buyer_no": at, "org_no": org_no, "is_group_lead": None if lead is None else at == lead, "_row_no": at}
        for at, org_no in enumerate(org_nos, start=1)
    ]


TWO_BUYERS = notice("N-two", lots=2, reserved_participation="res-ws", reserved_execution="yes")
FIRST_VERSION, SECOND_VERSION = notice("N-versions", "09"), notice("N-versions", "10")
CHANGED, CHANGING = notice("N-changed"), notice("N-changing", changed_notice="n-CHANGED-01", change_reason="cor-buy")
TAKEN_BACK = notice("N-taken-back")
TAKING_BACK = notice("N-taking-back", changed_notice="N-taken-back-01", change_reason="cancel")
REPEATED = notice("N-two", lots=2, reserved_participation="res-ws", _delivery_id=AGAIN)
STRANGERS = notice("N-strangers", title="Own title", main_cpv_code="15000000")
DATELESS = notice("N-dateless", issue_date=None, municipality_no=BOTH, _delivery_id=OWN_PULL)
NOTICES = [
    row
    for rows in (
        *(TWO_BUYERS, FIRST_VERSION, SECOND_VERSION, CHANGED, CHANGING, TAKEN_BACK, TAKING_BACK, REPEATED, STRANGERS),
        DATELESS,
    )
    for row in rows
]
NOTICE_BUYERS = [
    *buyers(TWO_BUYERS, BUYER, JOINT_BODY, lead=2),
    *(row for rows in (FIRST_VERSION, SECOND_VERSION, CHANGED, CHANGING) for row in buyers(rows, BUYER)),
    *(row for rows in (TAKEN_BACK, TAKING_BACK) for row in buyers(rows, BUYER)),
    *buyers(REPEATED, BUYER),
    # A number that 9901 no longer has, a foreign one, none.
    *buyers(STRANGERS, FORMER_BUYER, "EU-PO", None),
    *buyers(DATELESS, FORMER_BUYER),
]


def _period(municipality_no: str, source: str, delivery_id: str, period: str, state: str = "accepted") -> Row:
    return {
        "municipality_no": municipality_no,
        "source": source,
        "source_name": source,
        "_delivery_id": delivery_id,
        "sequence": int(delivery_id[-1]),
        "fiscal_period": period,
        "rows": 1,
        "state": state,
    }


PERIODS = [
    _period(BOTH, "ledger", LEDGER, "2026-10"),
    _period(BOTH, "ledger", "ledger0000000000", "2026-09", "superseded"),
    _period(OLD_NUMBER, "ledger", OLD_LEDGER, "2026-09"),
    _period(NEW_NUMBER, "ledger", NEW_LEDGER, "2026-10"),
    _period(BOTH, "ehf", EHF, "all"),
    _period(EHF_ONLY, "ehf", EHF, "all"),
    _period(NO_ORG_NOS, "ledger", "ledger0000000003", "2026-13"),
    _period("_consortium", "brreg", "brreg00000000000", "all"),
    _period("_consortium", "brreg", REGISTER, "all"),
    _period("_consortium", "brreg", FETCHED, "all"),
    *(_period("_consortium", "notices", name, "all") for name in (JOINT, AGAIN)),
    _period(BOTH, "notices", OWN_PULL, "all"),
]

STATES = [
    {name: row[name] for name in ("municipality_no", "_delivery_id", "_file_sha256", "document_no")}
    | {"state": "accepted" if row["_delivery_id"] == EHF else "duplicate"}
    for row in INVOICES
]


def _landed(delivery_id: str, day: int, source: str = "notices") -> Row:
    return {
        "municipality_no": "_consortium",
        "source": source,
        "source_name": source,
        "_delivery_id": delivery_id,
        "sequence": day,
        "step": "landed",
        "outcome": "ok",
        "files": 1,
        "received_at": datetime(2026, 11, day, tzinfo=UTC),
    }


OUTCOMES = [
    _landed(JOINT, 2),
    _landed(AGAIN, 1),
    _landed(REGISTER, 3, "brreg"),
    _landed(FETCHED, 4, "brreg"),
    {
        "municipality_no": BOTH,
        "source": "ledger",
        "source_name": "ledger",
        "_delivery_id": LEDGER,
        "sequence": 1,
        "step": "parsed",
        "outcome": "ok",
        "files": 1,
        "rows_in": 16,
        "rows_out": 16,
        "rejects": 0,
        "issues": 0,
        "received_at": datetime(2026, 11, 15, tzinfo=UTC),
    },
]

_REJECT = {
    "municipality_no": BOTH,
    "source": "ehf",
    "severity": "reject",
    "rule": "IN03",
    "file_name": "A1.xml",
    "message": "The same invoice came before.",
    "_delivery_id": "ehf0000000000002",
    "_file_sha256": sha("A1"),
}
# A posting whose period cannot be read, a sum row, and a document of somebody else's.
REJECTS = [
    _REJECT,
    _REJECT,
    _REJECT
    | {"source": "ledger", "rule": "IN06", "amount": Decimal("12.50"), "stated_month": "2026-10", "_row_no": 99},
    _REJECT | {"source": "ledger", "rule": "IN08", "amount": Decimal("9999.00"), "_row_no": 100},
    _REJECT | {"rule": "RF10", "_row_no": 101},
]


def _account(municipality_no: str, local_account: str, art: str, **more: Any) -> Row:
    return {
        "municipality_no": municipality_no,
        "local_account": local_account,
        "account_class": "operating",
        "kostra_art": art,
    } | more


REGISTER_ROWS: dict[str, list[Row]] = {
    "members": [
        {"municipality_no": number, "name": f"Kommune {number}", "inhabitants": 4000, "agreement": "unprepared"}
        for number in (BOTH, EHF_ONLY, NO_ORG_NOS)
    ]
    + [
        {"municipality_no": OLD_NUMBER, "name": "Gamleby", "inhabitants": 900, "agreement": "unprepared"}
        | {"valid_to": date(2026, 9, 30)},
        {"municipality_no": NEW_NUMBER, "name": "Nyby", "inhabitants": 900, "agreement": "unprepared"}
        | {"valid_from": date(2026, 10, 1)},
    ],
    "member_org_nos": [
        {"municipality_no": BOTH, "org_no": BUYER, "role": "municipality"},
        {"municipality_no": BOTH, "org_no": FORMER_BUYER, "role": "enterprise", "valid_to": date(2025, 12, 31)},
        {"municipality_no": BOTH, "org_no": JOINT_BODY, "role": "host"},
        {"municipality_no": EHF_ONLY, "org_no": JOINT_BODY, "role": "host"},
        {"municipality_no": EHF_ONLY, "org_no": OTHER_MEMBER, "role": "municipality"},
    ],
    "workshops": [{"org_no": WORKSHOP, "name": "Verkstedet AS", "municipality_no": BOTH}],
    "workshop_owners": [
        {"workshop_org_no": WORKSHOP, "owner_municipality_no": BOTH, "ownership_fraction": Decimal("0.6")},
        {"workshop_org_no": WORKSHOP, "owner_municipality_no": EHF_ONLY, "ownership_fraction": Decimal("0.4")},
    ],
    "workshop_capabilities": [
        {"workshop_org_no": WORKSHOP, "category_key": "meeting_food", "delivery_municipality_nos": "9901;9902"},
        {"workshop_org_no": WORKSHOP, "category_key": "green_areas", "delivery_municipality_nos": "9902"},
    ],
    "workshop_accounts": [
        {
            "workshop_org_no": WORKSHOP,
            "account_kind": "annual",
            "total_income_nok": Decimal("8000.00"),
            "sales_income_nok": Decimal("2000.00"),
            "source": "annual accounts",
            "valid_from": date(2026, 1, 1),
            "valid_to": date(2026, 12, 31),
        }
    ],
    "contracts": [
        {
            "contract_id": "C-1",
            "title": "Grøntarbeid",
            "category_key": "green_areas",
            "is_reserved": True,
            "exclusivity": "no",
        },
        {
            "contract_id": "C-2",
            "title": "Brød",
            "category_key": "meeting_food",
            "supplier_org_no": BAKER,
            "is_reserved": False,
            "exclusivity": "yes",
        },
    ],
    "contract_members": [
        {"contract_id": "C-1", "municipality_no": EHF_ONLY},
        {"contract_id": "C-2", "municipality_no": BOTH},
    ],
    "charts_of_accounts": [
        _account(BOTH, "11150", "115", category_key="meeting_food"),
        _account(BOTH, "11155", "115", category_key="meeting_food", vat_basis="gross", vat_rate=Decimal(15)),
        _account(BOTH, "12400", "240"),
        _account(BOTH, "13500", "350"),
        _account(BOTH, "12700", "270"),
        _account(BOTH, "13700", "370"),
        _account(BOTH, "14290", "429"),
        _account(BOTH, "14700", "470"),
        _account(BOTH, "11650", "165"),
        _account(OLD_NUMBER, "4700", "470", valid_to=date(2026, 9, 30)),
        _account(NEW_NUMBER, "4700", "470", valid_from=date(2026, 10, 1)),
        _account(NO_ORG_NOS, "1115", "115", account_class="investment"),
    ],
}


def written_home(folder: Path) -> Home:
    """Write the parsed layer into a folder and return its home."""
    tables = {
        "ledger_postings": POSTINGS,
        "ehf_invoices": INVOICES,
        "ehf_invoice_lines": LINES,
        "ehf_allowance_charges": ALLOWANCE_CHARGES,
        "ehf_billing_references": BILLING_REFERENCES,
        "companies": COMPANIES,
        "notices": NOTICES,
        "notice_buyers": NOTICE_BUYERS,
        "delivery_periods": PERIODS,
        "document_states": STATES,
        "outcomes": OUTCOMES,
        "rejects": REJECTS,
    }
    home = Home(folder)
    schemas = parsed_tables()
    for name, rows in tables.items():
        write_parquet(home.parsed / name / "municipality_no=9901" / "rows.parquet", arrow_table(schemas[name], rows))
    for name, rows in REGISTER_ROWS.items():
        dated = [
            {"valid_from": LONG_AGO, "_delivery_id": SETTINGS, "_row_no": 2 + at} | row for at, row in enumerate(rows)
        ]
        table = schemas[f"register_{name}"]
        path = home.parsed / table.name / "municipality_no=_consortium" / "current.parquet"
        write_parquet(path, arrow_table(table, dated))
    match_home(home)
    return home
