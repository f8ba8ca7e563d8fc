"""The registers of a consortium: what each file holds, and reading one with all its errors at once.

Belongs here: the schemas of ``registers/*.csv`` and the pure function that turns a file's bytes into typed rows and
problems. Not here: where the files lie (home.py), landing them (landing/), what they mean together (dbt).

Reading rules: UTF-8 (a byte-order mark is allowed), ``,`` or ``;`` between fields, header row with exactly the column
names below in any order (optional columns may be left out), dates ``yyyy-mm-dd``, decimals with a point, booleans
``yes``/``no``, empty means absent. Every register is dated: ``valid_from`` is required, an empty ``valid_to`` means
open. Several values in one field are separated by ``;`` (in a ``;`` file, quote the field).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from pipelines.tables import Column, Table

_MUNICIPALITY = r"\d{4}"
_ORG_NO = r"[0-9A-Z]{2,20}"
_VALID_FROM = Column("valid_from", "date", "First day on which the row holds.", required=True)
_VALID_TO = Column("valid_to", "date", "Last day on which the row holds; empty while it still does.")


def _register(name: str, description: str, key: tuple[str, ...], *columns: Column) -> Table:
    return Table(name, description, (*columns, _VALID_FROM, _VALID_TO), (*key, "valid_from"))


def _municipality(name: str = "municipality_no", *, required: bool = True) -> Column:
    return Column(name, "text", "Municipality number, four digits kept as text.", required, pattern=_MUNICIPALITY)


def _org_no(name: str, description: str, *, required: bool = True) -> Column:
    return Column(name, "text", description, required, pattern=_ORG_NO)


def _category(*, required: bool = True) -> Column:
    return Column("category_key", "text", "Workshop category (seed workshop_categories).", required)


REGISTERS: dict[str, Table] = {
    table.name: table
    for table in (
        _register(
            "members",
            "One row per member municipality and period of membership.",
            ("municipality_no",),
            _municipality(),
            Column("name", "text", "The municipality's name.", required=True),
            Column("inhabitants", "integer", "Inhabitants at valid_from.", required=True, least=1),
            Column(
                "agreement",
                "text",
                "What the data agreement allows: prepared_only or unprepared.",
                required=True,
                allowed=("prepared_only", "unprepared"),
            ),
        ),
        _register(
            "member_org_nos",
            "The organisation numbers under which a member buys.",
            ("municipality_no", "org_no"),
            _municipality(),
            _org_no("org_no", "An organisation number of the member."),
            Column(
                "role",
                "text",
                "What the number is to the member.",
                required=True,
                allowed=("municipality", "enterprise", "sub-unit", "host"),
            ),
            Column("name", "text", "The unit's name."),
        ),
        _register(
            "workshops",
            "One row per work-inclusion enterprise.",
            ("org_no",),
            _org_no("org_no", "The workshop's organisation number."),
            Column("name", "text", "The workshop's name.", required=True),
            _municipality(),
            Column("control_confirmed", "boolean", "The owners' control is documented (self-supply)."),
            Column("direct_private_capital", "boolean", "Private capital takes part directly (self-supply)."),
            Column("document_reference", "text", "Where control and capital are documented."),
        ),
        _register(
            "workshop_departments",
            "A workshop's departments.",
            ("workshop_org_no", "department"),
            _org_no("workshop_org_no", "The workshop."),
            Column("department", "text", "The department's name.", required=True),
            Column("places", "integer", "Adapted work places.", least=0),
            Column(
                "hours_per_year",
                "integer",
                "Hours of adapted work in a year in which it delivers what it can deliver.",
                least=0,
            ),
        ),
        _register(
            "workshop_owners",
            "Who owns a workshop, and how much of it.",
            ("workshop_org_no", "owner_municipality_no"),
            _org_no("workshop_org_no", "The workshop."),
            _municipality("owner_municipality_no"),
            Column("ownership_fraction", "fraction", "Share of ownership, 0 to 1.", required=True, least=0, most=1),
        ),
        _register(
            "workshop_capabilities",
            "What a workshop can deliver, and where.",
            ("workshop_org_no", "category_key"),
            _org_no("workshop_org_no", "The workshop."),
            _category(),
            Column("department", "text", "The department that delivers it."),
            Column(
                "delivery_municipality_nos",
                "text",
                "Municipalities it delivers to, separated by ;",
                required=True,
                pattern=r"\d{4}(;\d{4})*",
            ),
            Column("monthly_capacity_nok", "money", "What it can deliver in a month, NOK excl. VAT.", least=0),
        ),
        _register(
            "workshop_accounts",
            "A workshop's own accounts; valid_from and valid_to are the accounting period.",
            ("workshop_org_no", "account_kind"),
            _org_no("workshop_org_no", "The workshop."),
            Column(
                "account_kind",
                "text",
                "Annual accounts, or the workshop's own running twelve months.",
                required=True,
                allowed=("annual", "rolling"),
            ),
            Column("total_income_nok", "money", "All income, NOK.", required=True, least=0),
            Column("sales_income_nok", "money", "Sales of products and services, NOK excl. VAT.", least=0),
            Column("programme_income_nok", "money", "State programme (NAV) income, NOK."),
            Column("owner_sales_nok", "money", "Sales to the owners, NOK excl. VAT."),
            Column("outside_sales_nok", "money", "Sales to others than the cooperation's members, NOK excl. VAT."),
            Column("source", "text", "Where the figures come from.", required=True),
        ),
        _register(
            "ripple",
            "How much of a workshop's turnover goes on in the region; valid_from and valid_to are the period.",
            ("workshop_org_no",),
            _org_no("workshop_org_no", "The workshop."),
            Column("turnover_nok", "money", "The workshop's turnover, NOK excl. VAT.", required=True, least=0),
            Column(
                "regional_purchases_nok",
                "money",
                "The workshop's purchases from suppliers in the region, NOK excl. VAT.",
                required=True,
                least=0,
            ),
            Column("resident_net_pay_nok", "money", "Net pay to residents of the region, NOK.", required=True, least=0),
            Column("source", "text", "Where the figures come from.", required=True),
        ),
        _register(
            "contracts",
            "Contracts and framework agreements; valid_from and valid_to are the contract's own, without options.",
            ("contract_id",),
            Column("contract_id", "text", "The contract number.", required=True),
            Column("title", "text", "What it is about.", required=True),
            _category(required=False),
            _org_no("supplier_org_no", "The supplier.", required=False),
            Column("is_reserved", "boolean", "Reserved for workshops.", required=True),
            Column(
                "exclusivity",
                "text",
                "May members buy the need elsewhere?",
                required=True,
                allowed=("yes", "no", "unknown"),
            ),
            Column("options_to", "date", "Last day if all options are used."),
            Column("estimated_value_nok", "money", "Estimated value, NOK excl. VAT.", least=0),
            Column("notice_id", "text", "The notice it was announced in."),
        ),
        _register(
            "contract_members",
            "Which members a contract covers.",
            ("contract_id", "municipality_no"),
            Column("contract_id", "text", "The contract.", required=True),
            _municipality(),
        ),
        _register(
            "charts_of_accounts",
            "A member's own accounts, and the KOSTRA art behind each.",
            ("municipality_no", "local_account"),
            _municipality(),
            Column("local_account", "text", "The member's own account code.", required=True),
            Column("local_account_text", "text", "The account's name."),
            Column(
                "account_class",
                "text",
                "Operating or investment account.",
                required=True,
                allowed=("operating", "investment"),
            ),
            Column("kostra_art", "text", "KOSTRA art, three digits.", required=True, pattern=r"\d{3}"),
            _category(required=False),
            Column(
                "vat_basis",
                "text",
                "net, or gross where VAT on the account is not compensated and stands in its amounts (meeting food).",
                allowed=("net", "gross"),
            ),
            Column(
                "vat_rate",
                "fraction",
                "Rate of the VAT in gross amounts, percent, where the account has one rate.",
                least=0,
                most=100,
            ),
        ),
        _register(
            "filed_accounts",
            "What a member has filed as its KOSTRA accounts; valid_from and valid_to are the year.",
            ("municipality_no", "account_class", "kostra_art"),
            _municipality(),
            Column(
                "account_class",
                "text",
                "Operating or investment account.",
                required=True,
                allowed=("operating", "investment"),
            ),
            Column("kostra_art", "text", "KOSTRA art, three digits.", required=True, pattern=r"\d{3}"),
            Column(
                "amount_nok",
                "money",
                "What was filed on the art, all functions together, NOK; expenses positive.",
                required=True,
            ),
            Column("source", "text", "Where the figures come from.", required=True),
        ),
        _register(
            "local_limits",
            "A member's own, stricter purchasing limits.",
            ("municipality_no", "limit_key"),
            _municipality(),
            Column(
                "limit_key",
                "text",
                "Which limit (as rule_key in the seed thresholds).",
                required=True,
                pattern="law_entry|national_notice|eea",
            ),
            Column("amount_nok", "money", "The limit, NOK excl. VAT.", required=True, least=0),
            Column("source", "text", "Where it is decided.", required=True),
        ),
        _register(
            "tasks",
            "Tasks that a municipality needs done.",
            ("task_id",),
            Column("task_id", "text", "The task.", required=True),
            _municipality(),
            _category(),
            Column("description", "text", "What is needed.", required=True),
            Column("estimated_value_nok", "money", "Estimated value, NOK excl. VAT.", least=0),
        ),
        _register(
            "placements",
            "Work-practice placements that a municipality hosts: counts only.",
            ("municipality_no", "workshop_org_no"),
            _municipality(),
            _org_no("workshop_org_no", "The workshop that placed them."),
            Column("placements", "integer", "How many.", required=True, least=0),
        ),
        _register(
            "collaborations",
            "How a municipality and a workshop work together beside purchases.",
            ("municipality_no", "workshop_org_no", "kind"),
            _municipality(),
            _org_no("workshop_org_no", "The workshop."),
            Column(
                "kind",
                "text",
                "What kind of collaboration.",
                required=True,
                allowed=("purchase", "embedded_department", "placement_host", "new_service"),
            ),
        ),
        _register(
            "targets",
            "Targets that a council has set.",
            ("municipality_no", "kpi_key"),
            _municipality(),
            Column("kpi_key", "text", "Which KPI.", required=True),
            Column("baseline", "fraction", "Where it started.", required=True),
            Column("target", "fraction", "Where it should be at valid_to.", required=True),
        ),
        _register(
            "opportunity_outcomes",
            "What became of an opportunity.",
            ("municipality_no", "workshop_org_no", "category_key"),
            _municipality(),
            _org_no("workshop_org_no", "The workshop."),
            _category(),
            Column("outcome", "text", "Taken up, refused or expired.", True, ("taken_up", "refused", "expired")),
            Column("reason", "text", "Why."),
        ),
        _register(
            "supplier_corrections",
            "What a municipality answers to the organisation number proposed for a supplier in its ledger.",
            ("municipality_no", "ledger_code", "name_in_ledger"),
            _municipality(),
            Column("ledger_code", "text", "The supplier's number in the ledger; its name where it has none.", True),
            Column("name_in_ledger", "text", "The supplier's name in the ledger.", required=True),
            _org_no("proposed_org_no", "The organisation number that was proposed.", required=False),
            Column(
                "answer",
                "text",
                "confirmed: the proposed number is right; refused: it is not; other: corrected_org_no is.",
                required=True,
                allowed=("confirmed", "refused", "other"),
            ),
            _org_no("corrected_org_no", "The right number, where the answer is other.", required=False),
            Column("reason", "text", "Why."),
        ),
        _register(
            "recipients",
            "Who receives a product, and on what ground.",
            ("product", "recipient"),
            Column("product", "text", "The product.", required=True),
            Column("recipient", "text", "Municipality number or organisation number.", required=True),
            Column("name", "text", "The recipient's name.", required=True),
            Column("purpose", "text", "What it is for.", required=True),
            Column("legal_basis", "text", "The legal basis.", required=True),
            Column("retention_months", "integer", "How long it may be kept.", required=True),
        ),
        _register(
            "approvers",
            "Who may sign decisions.",
            ("approver_id",),
            Column("approver_id", "text", "Short name.", required=True),
            Column("name", "text", "Full name.", required=True),
            Column("public_key", "text", "Ed25519 public key, base64.", required=True),
        ),
        _register(
            "consents",
            "What somebody has agreed to.",
            ("subject", "product"),
            Column("subject", "text", "Municipality number or organisation number.", required=True),
            Column("product", "text", "What the consent is to.", required=True),
            Column("document_reference", "text", "Where it is recorded."),
        ),
        _register(
            "claims",
            "Published claims to be held against the data.",
            ("claim_id",),
            Column("claim_id", "text", "The claim.", required=True),
            Column("kpi_key", "text", "Which KPI it is about.", required=True),
            Column("municipality_no", "text", "Which municipality, or empty.", pattern=_MUNICIPALITY),
            Column("workshop_org_no", "text", "Which workshop, or empty."),
            Column("claimed_value", "quantity", "What was claimed, in the KPI's unit.", required=True),
            Column("source", "text", "Where it was published.", required=True),
        ),
    )
}

# Without these there is no consortium; the others may be absent, which reads as empty.
REQUIRED_REGISTERS = ("members", "member_org_nos")


@dataclass
class RegisterRows:
    """A register's typed rows (dicts by column name, with ``_row_no``, 1-based file row) and what is wrong with it."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_register(table: Table, raw: bytes, *, file: str) -> RegisterRows:
    """Turn a register's bytes into typed rows; every problem names file, row, column and remedy.

    Rows with a problem are left out of ``rows``: a register with problems must not be used.
    """
    result = RegisterRows()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        result.problems.append(f"{file}: not UTF-8 at byte {error.start}; save it as CSV UTF-8.")
        return result
    header_line = text.split("\n", 1)[0]
    delimiter = ";" if header_line.count(";") > header_line.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        result.problems += _header_problems(table, header, file)
        if result.problems:
            return result
        _read_rows(table, header, reader, file, result)
    except csv.Error as error:
        result.problems.append(f"{file}, row {reader.line_num}: {error}; quote fields that hold quotes or delimiters.")
    result.problems += _key_problems(table, result.rows, file)
    return result


def _header_problems(table: Table, header: list[str], file: str) -> list[str]:
    if not any(header):
        return [f"{file}: empty; the first row must be: {','.join(table.column_names)}"]
    required = {column.name for column in table.columns if column.required} | {"valid_to"}
    problems = [f"{file}, row 1: column {name} is missing; add it." for name in sorted(required - set(header))]
    known = ", ".join(table.column_names)
    unknown = [name for name in header if name not in table.column_names]
    problems += [
        f"{file}, row 1, column {name or '(blank)'}: not a column of this register; known: {known}." for name in unknown
    ]
    doubled = sorted({name for name in header if header.count(name) > 1})
    problems += [f"{file}, row 1, column {name}: stands twice; keep one." for name in doubled]
    return problems


def _read_rows(table: Table, header: list[str], reader: Any, file: str, result: RegisterRows) -> None:
    columns = {column.name: column for column in table.columns}
    for fields in reader:
        row_no = reader.line_num
        if not any(value.strip() for value in fields):
            continue
        if len(fields) != len(header):
            result.problems.append(
                f"{file}, row {row_no}: {len(fields)} fields where the header has {len(header)}; mend the delimiters."
            )
            continue
        row: dict[str, Any] = {"_row_no": row_no}
        found: list[str] = []
        for name, value in zip(header, fields, strict=True):
            try:
                row[name] = read_value(columns[name], value.strip())
            except ValueError as error:
                found.append(f"{file}, row {row_no}, column {name}: {error}")
        if not found and (wrong := row_problem(table, row)):
            found.append(f"{file}, row {row_no}, column {wrong[0]}: {wrong[1]}")
        result.problems += found
        if not found:
            result.rows.append(row)


def row_problem(table: Table, row: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return what the values of a typed row contradict each other in, as column and message, or None."""
    if row.get("valid_to") and row["valid_to"] < row["valid_from"]:
        return "valid_to", "before valid_from; swap or mend the dates."
    if table.name == "supplier_corrections":
        if (row["answer"] == "other") != bool(row.get("corrected_org_no")):
            return "corrected_org_no", "stands where the answer is other, and only there."
        if row["answer"] == "confirmed" and not row.get("proposed_org_no"):
            return "proposed_org_no", "empty, but confirmed; name the number."
    return None


def read_value(column: Column, value: str) -> Any:
    """Turn a field of a register, as text, into its value; None where it is empty.

    Raises:
        ValueError: It is not what the column holds; the message says why.
    """
    if not value:
        if column.required:
            raise ValueError("empty; a value is required.")
        return None
    if column.allowed and value not in column.allowed:
        raise ValueError(f"'{value}' is not one of {', '.join(column.allowed)}.")
    if column.pattern and not re.fullmatch(column.pattern, value):
        raise ValueError(f"'{value}' does not have the form {column.pattern}; keep leading zeros.")
    typed = _READERS[column.type](value)
    if column.least is not None and typed < column.least:
        raise ValueError(f"'{value}' is less than {column.least}.")
    if column.most is not None and typed > column.most:
        raise ValueError(f"'{value}' is more than {column.most}.")
    return typed


def _read_date(value: str) -> date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError(f"'{value}' is not a date; write yyyy-mm-dd.")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"'{value}' is not a day of the calendar.") from error


def _read_integer(value: str) -> int:
    if not re.fullmatch(r"-?\d{1,15}", value):
        raise ValueError(f"'{value}' is not a whole number; write digits only.")
    return int(value)


def _read_boolean(value: str) -> bool:
    if value not in ("yes", "no"):
        raise ValueError(f"'{value}' is neither yes nor no.")
    return value == "yes"


def _decimal_reader(precision: int, decimals: int) -> Callable[[str], Decimal]:
    def read(value: str) -> Decimal:
        try:
            amount = Decimal(value)
            # Not rounded silently: a register is a statement of its owner.
            if not amount.is_finite() or amount != amount.quantize(Decimal(1).scaleb(-decimals)):
                raise InvalidOperation
        except InvalidOperation:
            raise ValueError(f"'{value}' is not a number with at most {decimals} decimals; use a point.") from None
        if abs(amount) >= Decimal(10) ** (precision - decimals):
            raise ValueError(f"'{value}' is too large: at most {precision - decimals} digits before the point.")
        return amount

    return read


_READERS: dict[str, Callable[[str], Any]] = {
    "text": str,
    "date": _read_date,
    "integer": _read_integer,
    "boolean": _read_boolean,
    "money": _decimal_reader(18, 2),
    "quantity": _decimal_reader(24, 8),
    "fraction": _decimal_reader(9, 6),
}


def _key_problems(table: Table, rows: list[dict[str, Any]], file: str) -> list[str]:
    """Say which rows of one key overlap in time."""
    business_key = [name for name in table.key if name != "valid_from"]
    by_key: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        by_key.setdefault(tuple(row.get(name) for name in business_key), []).append(row)
    problems = []
    for key, dated in by_key.items():
        dated.sort(key=lambda row: (row["valid_from"], row["_row_no"]))
        for earlier, later in zip(dated, dated[1:], strict=False):
            if earlier.get("valid_to") is None or earlier["valid_to"] >= later["valid_from"]:
                label = ", ".join(f"{name}={value}" for name, value in zip(business_key, key, strict=True))
                problems.append(
                    f"{file}, row {later['_row_no']}, column valid_from: overlaps row {earlier['_row_no']} "
                    f"({label}); end the earlier row the day before."
                )
    return problems
