"""The headline figures once more, in pandas, straight from the files that members and the coordinator handed in.

Belongs here: an analyst's own way from raw ledgers, e-invoices, the company register and the registers' CSV files to
K01 to K06, K10, K14 and K18, for a demo home of members with layouts `unit4` and `semicolon`. Not here: anything of the
platform: no module of pipelines/, no SQL, no warehouse (test_figures_in_pandas.py compares).

Amounts are whole øre. Of every rule only what such a home can meet is written here.
"""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd

BOUGHT = ("core", "core_not_addressable", "core_service_replacement", "mixed")
SELLABLE = ("core", "core_service_replacement")
UNIT4 = {
    "Konto": "account",
    "Funksjon": "function",
    "Beløp": "amount",
    "Resk.nr(T)": "name",
    "Org.nr": "org_no",
    "Fakturanr": "invoice_no",
    "Bilagsnr": "voucher",
    "Bilagsdato": "posted_on",
    "Periode": "period",
}
SEMICOLON = {
    "Art": "account",
    "Tjeneste": "function",
    "Beløp eks. mva": "amount",
    "Leverandørnavn": "name",
    "Organisasjonsnr": "org_no",
    "Fakturanr": "invoice_no",
    "Bilagsnr": "voucher",
    "Fakturadato": "invoiced_on",
    "Bokføringsdato": "posted_on",
    "Periode": "period",
}
Row = dict[str, Any]


@dataclass(frozen=True)
class Facts:
    """What registers and lists say: each a list of rows, or a look-up."""

    registers: dict[str, list[Row]]
    companies: dict[str, Row]
    art_scopes: dict[str, Row]
    categories: dict[str, Row]
    of_functions: dict[tuple[str, str], str]


def purchases(home: Path, inbox: Path, seeds: Path) -> tuple[pd.DataFrame, Facts]:
    """Return every line of spend of a home's members with what figures need to know of it, and the facts behind it."""
    facts = read_facts(home, inbox, seeds)
    lines: list[Row] = []
    for folder in sorted(path for path in inbox.iterdir() if path.name.isdigit()):
        postings, documents = read_ledgers(folder), read_invoices(folder)
        lines += spend_of(folder.name, postings, documents, facts)
    return pd.DataFrame([judged(line, facts) for line in lines]), facts


def rows_of(path: Path) -> list[Row]:
    """Return a CSV file's rows."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_facts(home: Path, inbox: Path, seeds: Path) -> Facts:
    """Return the registers, the company register and the lists of arts and categories."""
    units = json.loads(next((inbox / "_consortium" / "brreg").glob("*.json")).read_text(encoding="utf-8"))
    return Facts(
        registers={path.stem: rows_of(path) for path in (home / "registers").glob("*.csv")},
        companies={unit["organisasjonsnummer"]: unit for unit in units},
        art_scopes={row["kostra_art"]: row for row in rows_of(seeds / "kostra_arts.csv")},
        categories={row["category_key"]: row for row in rows_of(seeds / "workshop_categories.csv")},
        of_functions={
            (row["kostra_art"], row["kostra_function"]): row["category_key"]
            for row in rows_of(seeds / "account_categories.csv")
        },
    )


def ore(text: str) -> int:
    """Return an amount such as `1 234,50` or `(1 234,50)` in øre."""
    digits = re.sub(r"[^\d,]", "", text).replace(",", ".")
    sign = -1 if "-" in text or "(" in text or "\u2212" in text else 1
    return sign * int(Decimal(digits) * 100)


def day(text: str) -> date | None:
    """Return a day written dd.mm.yyyy or yyyy-mm-dd."""
    if not text:
        return None
    return datetime.strptime(text, "%d.%m.%Y" if "." in text else "%Y-%m-%d").date()  # noqa: DTZ007  a day has no zone


def number_of(text: str | None) -> str | None:
    """Return an invoice number as two systems agree on it."""
    return re.sub(r"[^A-Z0-9ÆØÅ]", "", (text or "").upper()).lstrip("0") or None


def org_no_of(text: str | None) -> str | None:
    """Return nine digits with the right check digit, or None."""
    digits = re.sub(r"\D", "", text or "")
    weighed = sum(int(one) * weight for one, weight in zip(digits, (3, 2, 7, 6, 5, 4, 3, 2, 1), strict=False))
    return digits if len(digits) == 9 and weighed % 11 == 0 else None


def name_of(text: str | None) -> str:
    """Return a name without case, punctuation, department and legal form."""
    words = re.sub(r"[^A-Z0-9ÆØÅÄÖÜÉ]+", " ", (text or "").upper().partition(" AVD. ")[0]).strip()
    return re.sub(r" (AS|ASA|ENK|SA|KF|IKS)$", "", words)


def read_ledgers(folder: Path) -> list[Row]:
    """Return the postings of a member's ledgers."""
    postings: list[Row] = []
    for path in sorted((folder / "ledger").glob("*.csv")):
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig" if raw.startswith(b"\xef\xbb\xbf") else "cp1252")
        layout = UNIT4 if "Resk.nr(T)" in text else SEMICOLON
        start = next(at for at, line in enumerate(text.splitlines()) if "Bilagsnr" in line)
        frame = pd.read_csv(StringIO("\n".join(text.splitlines()[start:])), sep=";", dtype=str, keep_default_na=False)
        for row in frame[list(layout)].rename(columns=layout).to_dict("records"):
            postings.append(
                row
                | {
                    "amount": ore(row["amount"]),
                    "org_no": org_no_of(row["org_no"]),
                    "invoice_no": number_of(row["invoice_no"]),
                    "posted_on": day(row["posted_on"]),
                    "invoiced_on": day(row.get("invoiced_on", "")),
                    "month": f"{row['period'][:4]}-{min(int(row['period'][4:]), 12):02}",
                }
            )
    return postings


def read_invoices(folder: Path) -> list[Row]:
    """Return a member's e-invoices, each once; what cannot be read is left out."""
    documents: dict[tuple[Any, ...], Row] = {}
    for path in sorted((folder / "ehf").rglob("*.xml")):
        try:
            root = ElementTree.fromstring(re.sub(rb' xmlns(:\w+)?="[^"]*"|(?<=[</])c[ab]c:', b"", path.read_bytes()))
        except ElementTree.ParseError:
            continue
        document = one_invoice(root)
        key = (document["seller"], document["credited"], document["number"], document["day"])
        documents.setdefault(key, document)
    return with_months(list(documents.values()))


def with_months(documents: list[Row]) -> list[Row]:
    """Return e-invoices with the day that they count on: a credit note's is that of the invoice it takes back."""
    days = {(one["seller"], one["number"]): one["day"] for one in documents if not one["credited"]}
    for one in documents:
        billed = days.get((one["seller"], one["takes_back"])) if one["credited"] else None
        one["counts_on"] = billed if billed and billed <= one["day"] else one["day"]
    return documents


def one_invoice(root: ElementTree.Element) -> Row:
    """Return what an e-invoice says: its lines and document charges in øre, credit notes turned."""
    credited = root.tag == "CreditNote"
    sign = -1 if credited else 1
    lines = [
        {
            "amount": sign * ore_of(line.findtext("LineExtensionAmount", "0")),
            "cpv": line.findtext("Item/CommodityClassification/ItemClassificationCode[@listID='STI']"),
            "account": line.findtext("AccountingCost") or root.findtext("AccountingCost"),
        }
        for line in root.findall("CreditNoteLine" if credited else "InvoiceLine")
    ]
    # A charge on the whole document belongs where its largest line does.
    usual = max(lines, key=lambda line: abs(line["amount"]))["account"] if lines else None
    charges = [
        {
            "amount": (sign if charge.findtext("ChargeIndicator") == "true" else -sign)
            * ore_of(charge.findtext("Amount", "0")),
            "cpv": None,
            "account": usual,
        }
        for charge in root.findall("AllowanceCharge")
    ]
    return {
        "credited": credited,
        "number": number_of(root.findtext("ID")),
        "day": day(root.findtext("IssueDate", "")),
        "seller": org_no_of(root.findtext("AccountingSupplierParty/Party/PartyLegalEntity/CompanyID")),
        "contract": root.findtext("ContractDocumentReference/ID"),
        "takes_back": number_of(root.findtext("BillingReference/InvoiceDocumentReference/ID")),
        "total": sign * ore_of(root.findtext("LegalMonetaryTotal/TaxExclusiveAmount", "0")),
        "lines": lines,
        "charges": charges,
    }


def ore_of(text: str) -> int:
    """Return a decimal amount in øre."""
    return int(Decimal(text) * 100)


def spend_of(municipality: str, postings: list[Row], documents: list[Row], facts: Facts) -> list[Row]:
    """Return a member's lines of spend: postings, explained by their e-invoices, and those of months without books."""
    chart = {
        row["local_account"]: row
        for row in facts.registers["charts_of_accounts"]
        if row["municipality_no"] == municipality
    }
    booked_months = {posting["month"] for posting in postings}
    vouchers: dict[tuple[Any, ...], list[Row]] = {}
    for posting in postings:
        art = chart.get(posting["account"], {}).get("kostra_art")
        if art == "429":
            continue
        key = (posting["org_no"] or name_of(posting["name"]), posting["invoice_no"] or ("voucher", posting["voucher"]))
        vouchers.setdefault(key, []).append(posting)

    twins, left = twins_of(vouchers, documents)
    lines: list[Row] = []
    for key, booked in vouchers.items():
        lines += explained(booked, twins.get(key))
    for document in left:
        if f"{document['day']:%Y-%m}" not in booked_months:
            lines += [
                from_document(document, part, part["account"]) for part in document["lines"] + document["charges"]
            ]
    return [line | {"municipality": municipality, "chart": chart.get(line["account"])} for line in lines]


def twins_of(vouchers: dict[tuple[Any, ...], list[Row]], documents: list[Row]) -> tuple[dict[Any, Row], list[Row]]:
    """Return the e-invoice of each voucher, and the e-invoices that nobody has booked."""
    by_number = {(document["seller"], document["number"]): document for document in documents}
    twins = {key: by_number.pop(key) for key in vouchers if key in by_number}
    # A voucher without the seller's number has the one e-invoice of its number and sum.
    for key, booked in vouchers.items():
        if key in twins or booked[0]["org_no"]:
            continue
        total = sum(posting["amount"] for posting in booked)
        found = [one for one, document in by_number.items() if one[1] == key[1] and document["total"] == total]
        if len(found) == 1:
            twins[key] = by_number.pop(found[0])
    return twins, list(by_number.values())


def from_document(document: Row, part: Row, account: str | None, amount: int | None = None) -> Row:
    """Return a line of spend that an e-invoice's line explains."""
    return {
        "amount": part["amount"] if amount is None else amount,
        "account": account,
        "cpv": part["cpv"],
        "org_no": document["seller"],
        "name": "",
        "day": document["counts_on"],
        "contract": document["contract"],
        "function": part.get("function"),
        "booked": part.get("booked") or document["day"],
    }


def explained(booked: list[Row], document: Row | None) -> list[Row]:
    """Return a voucher's lines: the e-invoice's where they lie on one account or pair off, else the postings."""
    if document is None:
        return [from_posting(posting, None) for posting in booked]
    parts = document["lines"] + document["charges"]
    if len({posting["account"] for posting in booked}) == 1:
        largest = max(booked, key=lambda posting: abs(posting["amount"]))
        said = {"function": largest["function"], "booked": first_day(largest)}
        account = booked[0]["account"]
        lines = [from_document(document, part | said, account) for part in parts]
        rest = sum(posting["amount"] for posting in booked) - sum(part["amount"] for part in parts)
        nothing = {"amount": rest, "cpv": None, **said}
        return [*lines, from_document(document, nothing, account)] if rest else lines
    paired = pairs_of(booked, parts) if not document["charges"] else None
    if paired is None:
        return [from_posting(posting, document) for posting in booked]
    return [
        from_document(
            document, part | {"function": posting["function"], "booked": first_day(posting)}, posting["account"]
        )
        for posting, part in paired
    ]


def pairs_of(booked: list[Row], parts: list[Row]) -> list[tuple[Row, Row]] | None:
    """Return postings and lines that pair off one to one by their amounts, or None."""
    by_amount = {part["amount"]: part for part in parts}
    amounts = {posting["amount"] for posting in booked}
    if len(by_amount) < len(parts) or len(amounts) < len(booked) or amounts != set(by_amount):
        return None
    return [(posting, by_amount[posting["amount"]]) for posting in booked]


def from_posting(posting: Row, document: Row | None) -> Row:
    """Return a line of spend as the books have it; an e-invoice still says who, when and under which contract."""
    return {
        "amount": posting["amount"],
        "account": posting["account"],
        "cpv": None,
        "org_no": document["seller"] if document else posting["org_no"],
        "name": posting["name"],
        "day": document["counts_on"] if document else posting["invoiced_on"] or posting["posted_on"],
        "contract": document["contract"] if document else None,
        "function": posting["function"],
        "booked": first_day(posting),
    }


def first_day(posting: Row) -> date:
    """Return the first day of the period that a posting was booked in: its art is one of that year."""
    return date.fromisoformat(f"{posting['month']}-01")


def holds(row: Row, on: date) -> bool:
    """Whether a dated row of a register holds on a day."""
    return row["valid_from"] <= on.isoformat() <= (row["valid_to"] or "9999-12-31")


def judged(line: Row, facts: Facts) -> Row:
    """Return a line with its scope, category, payee and sets."""
    line = line | payee_of(line, facts)
    line |= category_of(line, facts)
    art = (line["chart"] or {}).get("kostra_art")
    scope = scope_of(art, line["booked"], facts) or {"product": "core", "inclusion": "core_service_replacement"}.get(
        line["cpv_kind"], "unknown"
    )
    others = line["municipality_of_payee_body"]
    if others and others != line["municipality"] and scope != "transfer":
        scope = "public_sector"
    workshop = line["org_no"] if line["is_workshop"] else None
    is_inclusion = line["cpv_kind"] == "inclusion" or (art == "370" and line["function"] in ("273", "276"))
    line |= {
        "month": f"{line['day']:%Y-%m}",
        "class": (line["chart"] or {}).get("account_class") or ("operating" if line["cpv_kind"] else "unknown"),
        "scope": scope,
        "workshop": workshop,
        "stream": workshop and ("transfer" if scope == "transfer" else "inclusion" if is_inclusion else "product"),
        "is_left_out": others == line["municipality"]
        or art == "290"
        or (not line["is_known"] and art in ("160", "165")),
    }
    line["is_bought"] = scope in BOUGHT and line["is_known"] and not line["is_left_out"]
    line["is_product"] = scope in SELLABLE and line["kind"] == "product" and not line["is_left_out"]
    return line | reached_by(line, facts) | contracted(line, facts)


def payee_of(line: Row, facts: Facts) -> Row:
    """Return who was paid: the number, whether a register has it, where its business address is."""
    org_no = line["org_no"] or by_name(line["name"], facts)
    workshops = [row for row in facts.registers["workshops"] if row["org_no"] == org_no and holds(row, line["day"])]
    bodies = [row for row in facts.registers["member_org_nos"] if row["org_no"] == org_no and holds(row, line["day"])]
    unit = facts.companies.get(org_no or "")
    return {
        "org_no": org_no,
        "is_known": unit is not None or bool(workshops),
        "is_workshop": bool(workshops),
        "place": (unit or {}).get("forretningsadresse", {}).get("kommunenummer"),
        "municipality_of_payee_body": bodies[0]["municipality_no"] if bodies else None,
    }


def by_name(name: str, facts: Facts) -> str | None:
    """Return the one unit of exactly this name; with a department behind it only a company, as persons have none."""
    found = [number for number, unit in facts.companies.items() if name and name_of(unit["navn"]) == name_of(name)]
    if len(found) != 1:
        return None
    is_person = facts.companies[found[0]]["organisasjonsform"]["kode"] == "ENK"
    return None if is_person and " avd. " in name else found[0]


def category_of(line: Row, facts: Facts) -> Row:
    """Return a line's category: by its code, the contract, the account, art and function, else its art."""
    best = ("", "", "")
    for key, row in facts.categories.items():
        for code in filter(None, row["cpv_codes"].split(";")):
            prefix = code.rstrip("0")
            if line["cpv"] and line["cpv"].startswith(prefix) and len(prefix) > len(best[0]):
                best = (prefix, key, row["kind"])
    account = line["chart"] or {}
    art = account.get("kostra_art")
    referred, suppliers = contract_categories(line, facts)
    only = suppliers.pop() if len(suppliers) == 1 else ""
    of_function = facts.of_functions.get((art or "", line["function"] or ""), "")
    general = (
        f"cpv_{line['cpv'][:2]}"
        if line["cpv"]
        else min(referred, default="")
        or account.get("category_key")
        or (of_function if is_open(of_function, art, line, facts) else "")
        or (only if not art or is_open(only, art, line, facts) else "")
        or f"art_{art}"
    )
    key = best[1] or general
    return {"category": key, "cpv_kind": best[2], "kind": facts.categories.get(key, {"kind": "general"})["kind"]}


def is_open(category: str, art: str | None, line: Row, facts: Facts) -> bool:
    """Whether an art may hold a category in a chart: it has no account of its own for it."""
    own = any(
        row["municipality_no"] == line["municipality"] and row["category_key"] == category
        for row in facts.registers["charts_of_accounts"]
    )
    return bool(category) and not own and art in facts.categories[category]["kostra_arts"].split(";")


def contract_categories(line: Row, facts: Facts) -> tuple[set[str], set[str]]:
    """Return the categories of the contracts that a line refers to, and of all contracts with its payee."""
    contracts = covering_contracts(line, facts)
    referred = {row["category_key"] for row in contracts if row["contract_id"] == line["contract"]} - {""}
    return referred, {
        row["category_key"] for row in contracts if line["org_no"] and row["supplier_org_no"] == line["org_no"]
    }


def covering_contracts(line: Row, facts: Facts) -> list[Row]:
    """Return the contracts in force that cover the member on the line's day."""
    covering = {
        row["contract_id"]
        for row in facts.registers["contract_members"]
        if row["municipality_no"] == line["municipality"] and holds(row, line["day"])
    }
    return [row for row in facts.registers["contracts"] if row["contract_id"] in covering and holds(row, line["day"])]


def scope_of(art: str | None, on: date, facts: Facts) -> str | None:
    """Return an art's scope in a year."""
    row = facts.art_scopes.get(art or "")
    if row is None:
        return None
    is_valid = int(row["valid_from_year"] or 1900) <= on.year <= int(row["valid_to_year"] or 9999)
    return row["scope"] if is_valid else None


def reached_by(line: Row, facts: Facts) -> Row:
    """Return whether some workshop delivers the category here on the day."""
    homes = {row["org_no"]: row["municipality_no"] for row in facts.registers["workshops"] if holds(row, line["day"])}
    reached = any(
        row["category_key"] == line["category"]
        and holds(row, line["day"])
        and line["municipality"] in {*row["delivery_municipality_nos"].split(";"), homes.get(row["workshop_org_no"])}
        for row in facts.registers["workshop_capabilities"]
    )
    return {"is_addressable": line["is_product"] and line["is_known"] and reached}


def contracted(line: Row, facts: Facts) -> Row:
    """Return whether a contract in force covers what was bought, and whether it was bought on one."""
    contracts = covering_contracts(line, facts)
    strict = any(
        row["contract_id"] == line["contract"] and row["supplier_org_no"] in ("", line["org_no"]) for row in contracts
    )
    loose = strict or any(
        row["supplier_org_no"] == line["org_no"] and row["category_key"] in ("", line["category"]) for row in contracts
    )
    named = any(row["contract_id"] == line["contract"] for row in contracts)
    covered = loose or named or any(row["category_key"] == line["category"] for row in contracts)
    return {
        "is_covered": line["is_bought"] and covered,
        "is_strict": line["is_bought"] and strict,
        "is_loose": line["is_bought"] and loose,
    }


def figures_of(lines: pd.DataFrame, facts: Facts, periods: list[tuple[str, str]]) -> dict[tuple[str, ...], Row]:
    """Return every figure over all categories: {(measure, municipality, workshop, account class, from, to): its parts}.

    Months are texts; a figure of one workshop stands for K03 to K06 and K14, any other for all payees.
    """
    found: dict[tuple[str, ...], Row] = {}
    for (first, last), municipality, account_class in product(
        periods, ["all", *sorted(lines["municipality"].unique())], ["all", "operating", "investment"]
    ):
        cell = lines[lines["month"].between(first, last)]
        cell = cell if municipality == "all" else cell[cell["municipality"] == municipality]
        cell = cell if account_class == "all" else cell[cell["class"] == account_class]
        for (measure, workshop), parts in {**of_everybody(cell), **of_workshops(cell, facts, first, last)}.items():
            found[measure, municipality, workshop, account_class, first, last] = parts
    return found


def part(cell: pd.DataFrame, of: pd.Series, over: pd.Series | None = None) -> Row:
    """Return a figure: sums in øre of what is counted and of what it is held against."""
    return {
        "numerator": int(cell.loc[of, "amount"].sum()),
        "denominator": None if over is None else int(cell.loc[over, "amount"].sum()),
    }


def of_everybody(cell: pd.DataFrame) -> dict[tuple[str, str], Row]:
    """Return the figures of a cell that are about all payees."""
    bought, addressable = cell["is_bought"], cell["is_addressable"]
    from_workshops = cell["is_product"] & cell["workshop"].notna()
    local = bought & (cell["place"] == cell["municipality"])
    counted = {
        "procurement_spend": part(cell, bought),
        "addressable_spend": part(cell, addressable),
        "workshop_product_spend": part(cell, from_workshops),
        "workshop_spend_ratio": part(cell, from_workshops, bought),
        "workshop_addressable_ratio": part(cell, from_workshops, addressable),
        "workshop_inclusion_spend": part(cell, cell["stream"] == "inclusion"),
        "workshop_transfer": part(cell, cell["stream"] == "transfer"),
        "contract_compliance_strict": part(cell, cell["is_strict"], cell["is_covered"]),
        "contract_compliance_loose": part(cell, cell["is_loose"], cell["is_covered"]),
        "local_spend_ratio": part(cell, local, bought),
    }
    return {(measure, "all"): parts for measure, parts in counted.items()}


def of_workshops(cell: pd.DataFrame, facts: Facts, first: str, last: str) -> dict[tuple[str, str], Row]:
    """Return what single workshops sold, and over their own income where their accounts are of just these months."""
    found: dict[tuple[str, str], Row] = {}
    for workshop in sorted(row["org_no"] for row in facts.registers["workshops"]):
        sold = part(cell, cell["is_product"] & (cell["workshop"] == workshop))
        found["workshop_product_spend", workshop] = sold
        for row in facts.registers["workshop_accounts"]:
            if row["workshop_org_no"] == workshop and (row["valid_from"][:7], row["valid_to"][:7]) == (first, last):
                for measure in ("total_income", "sales_income"):
                    income = int(Decimal(row[f"{measure}_nok"]) * 100)
                    found[f"over_{measure}", workshop] = sold | {"denominator": income}
    return found
