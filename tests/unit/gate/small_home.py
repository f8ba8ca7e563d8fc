"""A home just large enough to judge: two members, one workshop, a warehouse and candidates written by hand.

The candidates are rendered here, not by the step under test elsewhere; columns come from the signed suites.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from pipelines import settings
from pipelines.candidates.make import inputs_digest, inputs_file
from pipelines.candidates.products import CandidateKey
from pipelines.files import folder_digest
from pipelines.gate.suites import Suite, read_suite
from pipelines.home import Home
from pipelines.settings import Clock

OWN, NEIGHBOUR = "9901", "9902"
WORKSHOP = "310000007"
PERIOD = "2026-10"
MONTHS = ("2026-09", "2026-10")
CLOCK = Clock.pinned(date(2026, 11, 15))
EXTRACT = CandidateKey("municipality_extract", OWN, PERIOD)
SHARE = CandidateKey("workshop_release", WORKSHOP, PERIOD)
MASKED = "(skjermet)"
LEDGER = "[{kind: ledger, folder: inbox/9901/ledger, profile: unit4}]"

Row = dict[str, Any]

TYPES: dict[str, pa.DataType] = {
    "fiscal_year": pa.int32(),
    "posting_date": pa.date32(),
    "invoice_date": pa.date32(),
    "period_start": pa.date32(),
    "period_end": pa.date32(),
    "ends_on": pa.date32(),
    "options_to": pa.date32(),
    "row_no": pa.int64(),
    "year": pa.int32(),
    "invoices": pa.int64(),
    "contract_reference_present": pa.bool_(),
    "reserved_flag": pa.bool_(),
    "is_open": pa.bool_(),
    **dict.fromkeys(
        ("numerator", "denominator", "value", "coverage", "ownership_fraction", "dependency_ratio"),
        pa.decimal128(24, 6),
    ),
    **dict.fromkeys(("classification_confidence",), pa.decimal128(3, 2)),
}


def type_of(column: str) -> pa.DataType:
    """Money for what ends in _nok, else by name, else text."""
    return TYPES.get(
        column, pa.decimal128(18, 2) if column.endswith("_nok") or column == "other_nok_or_suppressed" else pa.string()
    )


WAREHOUSE: dict[str, str] = {
    "fct_purchases": (
        "purchase_line_id varchar, municipality_no varchar, org_no varchar, payee_name varchar, payee_kind varchar,"
        " payee_method varchar, workshop_org_no varchar, kostra_function varchar, category_key varchar, scope varchar,"
        " stream varchar, period_month varchar, quality_flags varchar, is_internal boolean, local_account varchar,"
        " local_account_text varchar, kostra_art varchar, account_class varchar, cpv_code varchar, evidence varchar,"
        " contract_reference varchar, contract_match varchar, fiscal_period varchar, posting_date date,"
        " invoice_date date, spend_date date, _delivery_id varchar, _posting_delivery_id varchar,"
        " net_amount_nok decimal(18, 2)"
    ),
    "fct_kpis": (
        "kpi_key varchar, measure varchar, municipality_no varchar, workshop_org_no varchar, category_key varchar,"
        " account_class varchar, state varchar, period_start date, period_end date, numerator decimal(24, 6),"
        " denominator decimal(24, 6)"
    ),
    "fct_reconciliation": (
        "municipality_no varchar, period_month varchar, measure varchar, amount_nok decimal(18, 2), row_count bigint"
    ),
    "fct_outcomes": (
        "municipality_no varchar, source varchar, source_name varchar, _delivery_id varchar, sequence bigint,"
        " step varchar, outcome varchar, rule varchar, files bigint, rows_in bigint, rows_out bigint, rejects bigint,"
        " received_at timestamptz"
    ),
    "fct_rejects": (
        "municipality_no varchar, source varchar, severity varchar, rule varchar, file_name varchar,"
        " _delivery_id varchar, _file_sha256 varchar, _row_no bigint, _xpath varchar"
    ),
    "fct_delivery_periods": (
        "municipality_no varchar, source varchar, source_name varchar, _delivery_id varchar, fiscal_period varchar,"
        " state varchar, rows bigint"
    ),
    "dim_categories": "category_key varchar, parent_key varchar, kind varchar",
    "kostra_sensitive_functions": "kostra_function varchar, privacy_class varchar",
    "kostra_arts": "kostra_art varchar, valid_from_year integer, valid_to_year integer, is_retired boolean",
    "kostra_crosswalk": "code_kind varchar, old_code varchar, valid_from_year integer",
    "cpv_divisions": "cpv_division varchar",
    "dim_suppliers": (
        "org_no varchar, supplier_name varchar, nace_code varchar, is_registered boolean, deleted_on date"
    ),
    "fct_claims": (
        "claim_id varchar, measure varchar, municipality_no varchar, workshop_org_no varchar, finding varchar"
    ),
    "products.product_workshop_market_view": (
        "recipient_org_no varchar, year integer, municipality_no varchar, spend_category varchar,"
        " category_group varchar, addressable_nok decimal(18, 2), own_nok decimal(18, 2), other_nok decimal(18, 2),"
        " contributions varchar, law_entry_nok decimal(18, 2)"
    ),
}


def purchase(line: str, org_no: str | None, amount: str, **other: Any) -> Row:
    """A purchase of the own municipality from a legal entity in a product category."""
    return {
        "purchase_line_id": line,
        "municipality_no": OWN,
        "org_no": org_no,
        "payee_name": f"Leverandør {org_no}",
        "payee_kind": "legal_entity",
        "payee_method": "org_no" if org_no else "none",
        "workshop_org_no": None,
        "kostra_function": "120",
        "category_key": "meeting_food",
        "scope": "core",
        "stream": "none",
        "period_month": "2026-10",
        "quality_flags": "" if org_no else "org_no_missing",
        "is_internal": False,
        "local_account": "1115",
        "local_account_text": "Matvarer",
        "kostra_art": "115",
        "account_class": "operating",
        "cpv_code": None,
        "evidence": "posting",
        "contract_reference": None,
        "contract_match": "none",
        "fiscal_period": "2026-10",
        "posting_date": date(2026, 10, 12),
        "invoice_date": date(2026, 10, 5),
        "spend_date": date(2026, 10, 5),
        "_delivery_id": "d1",
        "_posting_delivery_id": "d1",
        "net_amount_nok": Decimal(amount),
        **other,
    }


PURCHASES = (
    purchase("a1", "320000006", "100.00"),
    purchase("a2", "320000014", "110.00"),
    purchase("a3", "320000022", "120.00", period_month="2026-09"),
    purchase("a4", "320000030", "130.00"),
    purchase("w1", WORKSHOP, "50.00", payee_name="Fjordverk AS", workshop_org_no=WORKSHOP, stream="product"),
    purchase("p1", None, "70.00", payee_name="Kari Oppdiktet", payee_kind="natural_person", scope="excluded_person"),
    purchase("u1", None, "80.00", payee_name="Ukjent Navn", payee_kind="unknown"),
    purchase(
        "e1", "330000001", "90.00", payee_name="Ola Funnet Snekker", payee_kind="sole_proprietor", category_key="cpv_45"
    ),
    purchase("s1", "340000005", "60.00", payee_name="Fosterheim AS", kostra_function="252", category_key="cpv_85"),
    purchase("n1", "320000006", "500.00", municipality_no=NEIGHBOUR),
)


def outcome(source: str, delivery: str, rows: int, **other: Any) -> Row:
    """A delivery that was parsed without a remark."""
    return {
        "municipality_no": OWN,
        "source": source,
        "source_name": source,
        "_delivery_id": delivery,
        "sequence": 1,
        "step": "parsed",
        "outcome": "ok",
        "rule": None,
        "files": 1,
        "rows_in": rows,
        "rows_out": rows,
        "rejects": 0,
        "received_at": datetime(2026, 11, 9, 7, 0, tzinfo=UTC),
        **other,
    }


def reject(rule: str, **other: Any) -> Row:
    """A refused row of the own municipality."""
    return {
        "municipality_no": OWN,
        "source": "ledger",
        "severity": "reject",
        "rule": rule,
        "file_name": "2026-10.csv",
        "_delivery_id": "d1",
        "_file_sha256": "f" * 64,
        "_row_no": 7,
        "_xpath": None,
        **other,
    }


def accepted(month: str | None, **other: Any) -> Row:
    """An accepted ledger period."""
    return {
        "municipality_no": OWN,
        "source": "ledger",
        "source_name": "ledger",
        "_delivery_id": "d1",
        "fiscal_period": month,
        "state": "accepted",
        "rows": 5,
        **other,
    }


COMPANY_REGISTER = accepted("all", municipality_no="_consortium", source="brreg", source_name="brreg")


def kpi(key: str, numerator: str, **other: Any) -> Row:
    """A figure of the own municipality."""
    return {
        "kpi_key": key,
        "measure": "procurement_spend",
        "municipality_no": OWN,
        "workshop_org_no": "all",
        "category_key": "all",
        "account_class": "all",
        "period_start": date(2026, 9, 1),
        "period_end": date(2026, 10, 31),
        "numerator": Decimal(numerator),
        "denominator": None,
        "state": "ok",
        **other,
    }


def warehouse_rows() -> dict[str, list[Row]]:
    """Rows of every table the gate reads, with nothing wrong."""
    # The own member hands in a ledger; with its neighbour none is agreed.
    invoices = [
        {
            "municipality_no": NEIGHBOUR,
            "period_month": month,
            "measure": "ehf_documents",
            "amount_nok": 1,
            "row_count": 3,
        }
        for month in MONTHS
    ]
    postings = [
        {
            "municipality_no": OWN,
            "period_month": month,
            "measure": measure,
            "amount_nok": Decimal(amount),
            "row_count": 5,
        }
        for month, amount in (("2026-09", "120.00"), ("2026-10", "690.00"))
        for measure in ("ledger_postings", "purchases_from_postings")
    ]
    return {
        "fct_purchases": [dict(row) for row in PURCHASES],
        "fct_kpis": [kpi("K01", "660.00"), kpi("K01", "500.00", municipality_no=NEIGHBOUR)],
        "fct_reconciliation": [*postings, *invoices],
        "fct_outcomes": [outcome("ledger", "d1", 1000), outcome("ehf", "d2", 40)],
        "fct_rejects": [],
        "fct_delivery_periods": [*(accepted(month) for month in MONTHS), dict(COMPANY_REGISTER)],
        "dim_categories": [
            {"category_key": "meeting_food", "parent_key": "food", "kind": "product"},
            {"category_key": "canteen", "parent_key": "food", "kind": "product"},
            {"category_key": "cpv_45", "kind": "general"},
            {"category_key": "cpv_85", "kind": "general"},
        ],
        "kostra_sensitive_functions": [
            {"kostra_function": "252", "privacy_class": "client_strict"},
            {"kostra_function": "253", "privacy_class": "client"},
        ],
        "kostra_arts": [
            {"kostra_art": "115", "is_retired": False},
            {"kostra_art": "110", "is_retired": False},
            {"kostra_art": "270", "valid_to_year": 2025, "is_retired": True},
            {"kostra_art": "271", "valid_from_year": 2026, "is_retired": False},
        ],
        "kostra_crosswalk": [{"code_kind": "function", "old_code": "254", "valid_from_year": 2024}],
        "cpv_divisions": [{"cpv_division": "15"}],
        "dim_suppliers": [
            {
                "org_no": row["org_no"],
                "supplier_name": row["payee_name"],
                "nace_code": "47.110",
                "is_registered": True,
                "deleted_on": None,
            }
            for row in PURCHASES
            if row["org_no"] and row["municipality_no"] == OWN
        ],
        "fct_claims": [],
        "products.product_workshop_market_view": [
            {
                "recipient_org_no": WORKSHOP,
                "year": 2026,
                "municipality_no": OWN,
                "spend_category": "meeting_food",
                "category_group": "food",
                "addressable_nok": Decimal("510.00"),
                "own_nok": Decimal("50.00"),
                "other_nok": Decimal("460.00"),
                "contributions": ";".join(
                    f"{row['org_no']}|{row['net_amount_nok']}|{row['net_amount_nok']}"
                    for row in PURCHASES
                    if row["purchase_line_id"] in ("a1", "a2", "a3", "a4", "w1")
                ),
                "law_entry_nok": Decimal("600.00"),
            }
        ],
    }


def extract_row(line: Row) -> Row:
    """A purchase as the extract should show it."""
    is_masked = line["payee_kind"] in ("natural_person", "unknown") or line["kostra_function"] == "252"
    return {
        "purchase_line_id": line["purchase_line_id"],
        "delivery_id": "d1",
        "period_month": line["period_month"],
        "org_no": None if is_masked else line["org_no"],
        "supplier_name": MASKED if is_masked else line["payee_name"],
        "payee_kind": line["payee_kind"],
        "kostra_function": line["kostra_function"],
        "local_account": line["local_account"],
        "net_amount_nok": line["net_amount_nok"],
        "stream": line["stream"],
        "scope_flag": line["scope"],
    }


def extract_tables() -> dict[str, list[Row]]:
    """The own municipality's extract, with nothing wrong."""
    figure = {name: value for name, value in kpi("K01", "660.00").items() if name != "municipality_no"}
    return {
        "municipality_extract": [extract_row(row) for row in PURCHASES if row["municipality_no"] == OWN],
        "kpi": [{**figure, "label_no": "Innkjøp", "value": Decimal("660"), "state": "ok"}],
    }


def share_tables() -> dict[str, list[Row]]:
    """The workshop's share, with nothing wrong: four others stand behind its one cell."""
    return {
        "own_sales": [
            {
                "month": "2026-10",
                "municipality_no": OWN,
                "spend_category": "meeting_food",
                "net_amount_nok": Decimal("50.00"),
                "invoices": 1,
                "contract_reference_present": False,
            }
        ],
        "market_view": [
            {
                "year": 2026,
                "municipality_no": OWN,
                "spend_category": "meeting_food",
                "addressable_nok": Decimal("510.00"),
                "own_nok": Decimal("50.00"),
                "other_nok_or_suppressed": Decimal("460.00"),
                "other_suppliers_band": "3-4",
                "law_entry_headroom_band": "<0.6",
                "suppression_code": "",
                "told_at": "cell",
                "rank": None,
            }
        ],
        "contract_calendar": [
            {
                "contract_id": "K-1",
                "contract_title": "Møtemat",
                "spend_category": "meeting_food",
                "ends_on": date(2027, 6, 30),
            }
        ],
        "owner_view": [
            {
                "year": 2026,
                "owner_municipality_no": OWN,
                "ownership_fraction": Decimal("0.5"),
                "product_nok": Decimal("50.00"),
                "inclusion_nok": Decimal("0.00"),
                "transfer_nok": Decimal("0.00"),
            }
        ],
        "dependency": [],
        "information_log": [
            {
                "source_table": "market_view",
                "year": 2026,
                "municipality_no": OWN,
                "spend_category": "meeting_food",
                "is_open": False,
            },
            {
                "source_table": "contract_calendar",
                "spend_category": "meeting_food",
                "contract_id": "K-1",
                "is_open": False,
            },
        ],
    }


@dataclass
class SmallHome:
    """A home under a test's folder, to be changed and judged."""

    root: Path
    warehouse: dict[str, list[Row]] = field(default_factory=warehouse_rows)
    tables: dict[CandidateKey, dict[str, list[Row]]] = field(
        default_factory=lambda: {EXTRACT: extract_tables(), SHARE: share_tables()}
    )
    build_id: str = "b" * 16
    sources: str = LEDGER

    @property
    def home(self) -> Home:
        """The home, read anew so that changed settings are seen."""
        return Home(self.root / "home")

    def folder(self, key: CandidateKey) -> Path:
        """Where a candidate lies."""
        return self.home.candidates / key.product / key.recipient

    def write(self, *, sources: str = LEDGER) -> SmallHome:
        """Write settings, registers, key, warehouse and candidates."""
        self.sources = sources
        home, keys = self.root / "home", self.root / "keys"
        keys.mkdir(parents=True, exist_ok=True)
        (keys / "gate.key").write_text("an invented secret of the tests")
        (keys / "gate.key").chmod(0o600)
        (home / "registers").mkdir(parents=True, exist_ok=True)
        (home / "consortium.yaml").write_text(
            "name: Samarbeidet\nhost: '9901'\npublication: {window_months: 2}\n"
            "keys: {gate_hmac: file:../keys/gate.key}\n"
            f"members:\n  '{OWN}': {{sources: {sources}}}\n"
        )
        for name, text in REGISTERS.items():
            (home / "registers" / f"{name}.csv").write_text(text)
        self.write_warehouse()
        for key in self.tables:
            self.write_candidate(key)
        return self

    def write_warehouse(self) -> None:
        """Write the warehouse anew."""
        folder = self.home.warehouse
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "samandel.duckdb"
        file.unlink(missing_ok=True)
        with duckdb.connect(str(file)) as connection:
            connection.execute("create schema products")
            for table, columns in WAREHOUSE.items():
                connection.execute(f"create table {table} ({columns})")
                for row in self.warehouse[table]:
                    names = ", ".join(row)
                    marks = ", ".join("?" for _ in row)
                    connection.execute(f"insert into {table} ({names}) values ({marks})", list(row.values()))
        (folder / "current.json").write_text(json.dumps({"build_id": self.build_id, "input_digest": self.build_id * 4}))

    def write_candidate(self, key: CandidateKey) -> None:
        """Render a candidate anew."""
        folder = self.folder(key)
        folder.mkdir(parents=True, exist_ok=True)
        suite = read_suite(settings.EXPECTATIONS, key.product)
        resources = []
        for table, rows in self.tables[key].items():
            columns = list(suite.tables[table].columns)
            write_table(folder, table, columns, rows)
            resources.append(
                {
                    "name": table,
                    "path": f"{table}.csv",
                    "title": table,
                    "schema": {"fields": [{"name": name, "description": "Hva det er."} for name in columns]},
                }
            )
        write_workbook(folder, suite, key, self.tables[key])
        coverage = self._coverage([OWN] if key == EXTRACT else [OWN, NEIGHBOUR])
        package = {"name": key.product, "title": "Uttrekk", "coverage": coverage, "resources": resources}
        (folder / "datapackage.json").write_text(json.dumps(package, ensure_ascii=False))
        self.write_inputs(key)

    def _coverage(self, owners: Iterable[str]) -> list[Row]:
        """Return for each municipality the months that have not come, by the rows of the warehouse."""
        coverage = []
        for owner in owners:
            table, column = ("fct_delivery_periods", "fiscal_period")
            if "kind: ledger" not in self.sources or owner == NEIGHBOUR:
                table, column = ("fct_reconciliation", "period_month")
            came = {
                row[column]
                for row in self.warehouse[table]
                if row["municipality_no"] == owner
                and row.get("state", "accepted") == "accepted"
                and row.get("measure", "ehf_documents") == "ehf_documents"
            }
            coverage.append({"municipality_no": owner, "not_delivered": [one for one in MONTHS if one not in came]})
        return coverage

    def write_inputs(self, key: CandidateKey) -> None:
        """Note what the candidate was made from."""
        noted = {
            "period": key.period,
            "build_id": self.build_id,
            "inputs_digest": inputs_digest(self.home, key),
            "candidate_sha256": folder_digest(self.folder(key)),
        }
        inputs_file(self.home, key).write_text(json.dumps(noted))


def write_table(folder: Path, table: str, columns: list[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one table in all its renderings."""
    rows = list(rows)
    extra = [name for row in rows for name in row if name not in columns]
    names = columns + list(dict.fromkeys(extra))
    schema = pa.schema([(name, type_of(name)) for name in names])
    decoded = pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows], schema=schema)
    pq.write_table(decoded, folder / f"{table}.parquet")
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(names)
    for row in decoded.to_pylist():
        writer.writerow([_cell(row[name]) for name in names])
    (folder / f"{table}.csv").write_text(buffer.getvalue(), encoding="utf-8")
    lines = [names, *([_excel_cell(row[name]) for name in names] for row in decoded.to_pylist())]
    text = "".join(";".join(line) + "\r\n" for line in lines)
    (folder / f"{table}.excel.csv").write_bytes(text.encode("utf-8-sig"))


def write_workbook(folder: Path, suite: Suite, key: CandidateKey, tables: Mapping[str, Iterable[Row]]) -> None:
    """Write the workbook of a candidate whose tables are written."""
    agreed = suite.workbook
    if agreed is None:
        return
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "default_date_format": "dd.mm.yyyy",
    }
    with xlsxwriter.Workbook(str(folder / agreed.file), options) as workbook, duckdb.connect() as connection:
        for name in agreed.words:
            workbook.add_worksheet(name).write_string(0, 0, f"{key.recipient}, {key.period}")
        decoded = {table: pq.read_table(folder / f"{table}.parquet") for table in tables}
        for table, rows in decoded.items():
            connection.register(table, rows)
        sheets: list[tuple[str, list[str], list[tuple[Any, ...]]]] = []
        for chart, question in agreed.charts.items():
            answer = connection.execute(question)
            sheets.append((chart, [str(column[0]) for column in answer.description or ()], answer.fetchall()))
        for table, rows in decoded.items():
            listed = [tuple(row.values()) for row in rows.to_pylist()]
            sheets.append((agreed.tables[table], [f"Navn\n{name}" for name in rows.column_names], listed))
        for title, names, listed in sheets:
            sheet = workbook.add_worksheet(title)
            for number, row in enumerate([names, *listed]):
                for column, value in enumerate(row):
                    sheet.write(number, column, value)


def _excel_cell(value: Any) -> str:
    if isinstance(value, bool):
        return "ja" if value else "nei"
    if isinstance(value, date):
        return value.strftime("%d.%m.%Y")
    if isinstance(value, str):
        quoted = _cell(value).replace('"', '""')
        return f'"{quoted}"'
    return _cell(value).replace(".", ",")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text[:1] in ("=", "+", "-", "@", "\t") else text


REGISTERS = {
    "members": (
        "municipality_no,name,inhabitants,agreement,valid_from,valid_to\n"
        "9901,Fjordvik,4000,unprepared,2020-01-01,\n9902,Fjelldal,9000,unprepared,2020-01-01,\n"
    ),
    "member_org_nos": (
        "municipality_no,org_no,role,valid_from,valid_to\n9901,350000002,municipality,2020-01-01,\n"
        "9902,350000010,municipality,2020-01-01,\n"
    ),
    "workshops": f"org_no,name,municipality_no,valid_from,valid_to\n{WORKSHOP},Fjordverk AS,9901,2020-01-01,\n",
    "workshop_owners": (
        "workshop_org_no,owner_municipality_no,ownership_fraction,valid_from,valid_to\n"
        f"{WORKSHOP},9901,0.5,2020-01-01,\n{WORKSHOP},9902,0.5,2020-01-01,\n"
    ),
    "consents": (
        "subject,product,document_reference,valid_from,valid_to\n"
        "9901,workshop_release,avtale,2020-01-01,\n9902,workshop_release,avtale,2020-01-01,\n"
    ),
    "charts_of_accounts": (
        "municipality_no,local_account,local_account_text,account_class,kostra_art,valid_from,valid_to\n"
        "9901,1115,Matvarer,operating,115,2020-01-01,\n"
    ),
}
