"""The registers of the demo consortium, as CSV files.

Belongs here: what each register says, from the books. Not here: the schemas, which the platform checks on its own.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from pipelines.demo.books import Books, Workshop
from pipelines.demo.cast import CLAIM_ONLY_WORKSHOP, CLAIMED_WORKSHOP, Member
from pipelines.demo.catalogue import VAT_ART, WORKSHOP_NAMES, workshop_category_of

_BEGAN = "2020-01-01"
_HOURS_OF_A_PLACE = 1100  # Two thirds of a full year's work.
_OPEN = ""
_ROLLING = ("2025-11-01", "2026-10-31")
_ANNUAL = ("2025-01-01", "2025-12-31")
_RELEASE_PRODUCTS = ("municipality_extract", "workshop_release", "consortium_mart")
# What a workshop's accounts of a year are of those of the window, in per cent; the latest first.
_YEARS = ((2025, 96), (2024, 93), (2023, 91))
# Every third member's council has set a target: by how much workshops' part is to rise, from where.
_TARGETS = (("0.050000", "0.100000"), ("0.200000", "0.300000"), ("0.120000", "0.150000"))
_OUTCOMES = (
    ("taken_up", ""),
    ("refused", "Rammeavtale med enerett til årets slutt"),
    ("expired", ""),
    ("refused", "For kort frist for bedriften"),
)

Row = Sequence[object]


def write_registers(books: Books) -> dict[str, bytes]:
    """Return the registers' files by name."""
    return {
        "members.csv": _file(
            "municipality_no name inhabitants agreement",
            ((m.municipality_no, m.name, m.inhabitants, "unprepared", _BEGAN, _OPEN) for m in _members(books)),
        ),
        "member_org_nos.csv": _file(
            "municipality_no org_no role name",
            (
                (one.member.municipality_no, org_no, role, name, _BEGAN, _OPEN)
                for one in books.members
                for org_no, role, name in one.org_nos
            ),
        ),
        **_workshop_registers(books),
        **_contract_registers(books),
        "charts_of_accounts.csv": _file(
            "municipality_no local_account local_account_text account_class kostra_art category_key", _charts(books)
        ),
        "local_limits.csv": _file("municipality_no limit_key amount_nok source", _local_limits(books)),
        "tasks.csv": _file("task_id municipality_no category_key description estimated_value_nok", _tasks(books)),
        "placements.csv": _file("municipality_no workshop_org_no placements", _placements(books)),
        "targets.csv": _file("municipality_no kpi_key baseline target", _targets(books)),
        "opportunity_outcomes.csv": _file(
            "municipality_no workshop_org_no category_key outcome reason", _outcomes(books)
        ),
        "claims.csv": _file("claim_id kpi_key municipality_no workshop_org_no claimed_value source", _claims(books)),
        "consents.csv": _file("subject product document_reference", _consents(books)),
        "recipients.csv": _file("product recipient name purpose legal_basis retention_months", _recipients(books)),
    }


def _file(columns: str, rows: Iterable[Row]) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*columns.split(), "valid_from", "valid_to"])
    writer.writerows(rows)
    return stream.getvalue().encode()


def _members(books: Books) -> list[Member]:
    return [one.member for one in books.members]


def _numbers(books: Books) -> set[str]:
    return {one.member.municipality_no for one in books.members}


def _workshop_registers(books: Books) -> dict[str, bytes]:
    numbers = _numbers(books)
    workshops, departments, owners, capabilities, accounts, ripple = [], [], [], [], [], []
    for position, workshop in enumerate(books.workshops, start=1):
        plan, org_no = workshop.plan, workshop.supplier.org_no
        home = workshop.supplier.municipality_no
        workshops.append((org_no, plan.name, home, "yes", "no", f"sak 2019/{400 + position}", _BEGAN, _OPEN))
        for category in plan.categories:
            places = plan.places // len(plan.categories)
            departments.append(
                (org_no, f"Avdeling for {WORKSHOP_NAMES[category]}", places, _HOURS_OF_A_PLACE * places, _BEGAN, _OPEN)
            )
        owned = [(owner, fraction) for owner, fraction in plan.owners if owner in numbers]
        owners += [(org_no, owner, f"{fraction:.2f}", _BEGAN, _OPEN) for owner, fraction in owned]
        area = sorted({owner for owner, _ in owned} | (set(plan.neighbours) & numbers))
        capabilities += [
            (
                org_no,
                category,
                f"Avdeling for {WORKSHOP_NAMES[category]}",
                ";".join(area),
                f"{60_000 + 15_000 * rank}.00",
                _BEGAN,
                _OPEN,
            )
            for rank, category in enumerate(plan.categories)
        ]
        accounts += _accounts(books, workshop)
        ripple += _ripple(workshop)
    return {
        "workshops.csv": _file(
            "org_no name municipality_no control_confirmed direct_private_capital document_reference", workshops
        ),
        "workshop_departments.csv": _file("workshop_org_no department places hours_per_year", departments),
        "workshop_owners.csv": _file("workshop_org_no owner_municipality_no ownership_fraction", owners),
        "workshop_capabilities.csv": _file(
            "workshop_org_no category_key department delivery_municipality_nos monthly_capacity_nok", capabilities
        ),
        "workshop_accounts.csv": _file(
            "workshop_org_no account_kind total_income_nok sales_income_nok programme_income_nok owner_sales_nok "
            "source",
            accounts,
        ),
        "ripple.csv": _file("workshop_org_no turnover_nok regional_purchases_nok resident_net_pay_nok source", ripple),
    }


def _sales(books: Books, workshop: Workshop, buyers: set[str]) -> int:
    """Return what members bought of a workshop's products in the window, in øre, as the workshop would know it."""
    return sum(
        invoice.sign * invoice.net
        for one in books.members
        if one.member.municipality_no in buyers
        for invoice in one.invoices
        if invoice.supplier is workshop.supplier
        and any(workshop_category_of(line.cpv_code) in workshop.plan.categories for line in invoice.lines)
    )


def _accounts(books: Books, workshop: Workshop) -> list[Row]:
    plan, org_no = workshop.plan, workshop.supplier.org_no
    owners = {owner for owner, _ in plan.owners}
    to_owners = _sales(books, workshop, owners) // 100
    to_members = _sales(books, workshop, _numbers(books)) // 100
    # Sales outside the consortium are at least as large as those to members.
    sales = max(round(plan.total_income * plan.sales_part), to_members * 2)
    income = max(plan.total_income, round(sales / plan.sales_part))
    if plan.owners_part is not None:
        to_owners = round(sales * plan.owners_part)
    rows: list[Row] = []

    def add(kind: str, part: int, source: str, starts: str, ends: str) -> None:
        total, sold, owned = (amount * part // 100 for amount in (income, sales, to_owners))
        programme = total - sold
        rows.append((org_no, kind, f"{total}.00", f"{sold}.00", f"{programme}.00", f"{owned}.00", source, starts, ends))

    # The years before lie mostly or wholly outside the data: a little smaller than the window's.
    for year, part in _YEARS[: 1 + plan.earlier_accounts]:
        add("annual", part, f"Årsregnskap {year}", f"{year}-01-01", f"{year}-12-31")
    if plan.has_rolling_accounts:
        add("rolling", 100, "Egen rapport per 31. oktober 2026", *_ROLLING)
    return rows


def _ripple(workshop: Workshop) -> list[Row]:
    """Return what a workshop reports of what goes on in the region, in the year of its latest annual accounts."""
    plan = workshop.plan
    if not plan.reports_ripple:
        return []
    turnover = plan.total_income * _YEARS[0][1] // 100
    bought, paid = turnover * 17 // 100, turnover * (20 + plan.places % 7) // 100
    amounts = (f"{turnover}.00", f"{bought}.00", f"{paid}.00")
    return [(workshop.supplier.org_no, *amounts, "Bedriftens egen rapport for 2025", *_ANNUAL)]


def _contract_registers(books: Books) -> dict[str, bytes]:
    contracts = [
        (
            contract.contract_id,
            contract.title,
            contract.category or "",
            contract.supplier_org_no,
            "yes" if contract.is_reserved else "no",
            contract.exclusivity,
            contract.options_to or "",
            f"{contract.value}.00",
            contract.notice_id,
            contract.starts_on,
            contract.ends_on,
        )
        for contract in books.contracts
    ]
    members = [
        (contract.contract_id, municipality_no, contract.starts_on, contract.ends_on)
        for contract in books.contracts
        for municipality_no in contract.members
    ]
    return {
        "contracts.csv": _file(
            "contract_id title category_key supplier_org_no is_reserved exclusivity options_to estimated_value_nok "
            "notice_id",
            contracts,
        ),
        "contract_members.csv": _file("contract_id municipality_no", members),
    }


def _charts(books: Books) -> list[Row]:
    rows: list[Row] = []
    for one in books.members:
        for account_class in sorted({account.account_class for account in one.chart.accounts.values()}):
            one.chart.vat_account(account_class)
        rows += [
            (
                one.member.municipality_no,
                account.code,
                account.text,
                account.account_class,
                account.art,
                account.category or "",
                account.valid_from,
                account.valid_to or "",
            )
            for _, account in sorted(one.chart.accounts.items())
            if one.member.has_ledger or account.art != VAT_ART
        ]
    return rows


def _local_limits(books: Books) -> list[Row]:
    return [
        (one.member.municipality_no, "law_entry", amount, "Innkjøpsreglement, kommunestyret", "2026-07-01", _OPEN)
        for one, amount in zip(books.members[1:8:3], ("300000.00", "250000.00", "100000.00"), strict=False)
    ]


def _tasks(books: Books) -> list[Row]:
    tasks: list[Row] = []
    for workshop in books.workshops:
        for rank, category in enumerate(workshop.plan.categories[:2]):
            owner = workshop.supplier.municipality_no
            value = f"{40_000 + 25_000 * rank}.00"
            text = f"Trenger hjelp fast: {WORKSHOP_NAMES[category]}"
            tasks.append((f"T-{len(tasks) + 1:03d}", owner, category, text, value, "2026-08-01", "2027-07-31"))
    return tasks


def _placements(books: Books) -> list[Row]:
    rows: list[Row] = []
    for position, workshop in enumerate(books.workshops):
        owner = workshop.supplier.municipality_no
        for half, (starts, ends) in enumerate((("2026-01-01", "2026-06-30"), ("2026-07-01", "2026-12-31"))):
            rows.append((owner, workshop.supplier.org_no, 1 + (position * 2 + half) % 6, starts, ends))
    return rows


def _targets(books: Books) -> list[Row]:
    return [
        (one.member.municipality_no, "K05", *_TARGETS[place % len(_TARGETS)], "2026-01-01", "2027-12-31")
        for place, one in enumerate(books.members[::3])
    ]


def _outcomes(books: Books) -> list[Row]:
    """Return what became of opportunities: of each workshop's two first categories with the member it lies in."""
    pairs = [(workshop, category) for workshop in books.workshops for category in workshop.plan.categories[:2]]
    rows: list[Row] = []
    for place, (workshop, category) in enumerate(pairs):
        supplier = workshop.supplier
        day = f"2026-{3 + place % 7:02d}-01"
        rows.append(
            (supplier.municipality_no, supplier.org_no, category, *_OUTCOMES[place % len(_OUTCOMES)], day, _OPEN)
        )
    return rows


def _claims(books: Books) -> list[Row]:
    """Return the published figures: 8 per cent of turnover and 50 000 kroner, which cannot both be true."""
    rows: list[Row] = []
    for workshop in books.workshops:
        org_no = workshop.supplier.org_no
        if workshop.plan.name == CLAIMED_WORKSHOP:
            source = "Avisartikkel, mars 2026"
            rows.append(("C-01", "K14", "", org_no, "0.08", source, *_ROLLING))
            rows.append(("C-02", "K03", "", org_no, "50000", source, *_ROLLING))
        if workshop.plan.name == CLAIM_ONLY_WORKSHOP:
            rows.append(("C-03", "K14", "", org_no, "0.30", "Årsberetning 2025", *_ROLLING))
    return rows


def _consents(books: Books) -> list[Row]:
    municipalities = [
        (one.member.municipality_no, product, f"Databehandleravtale {one.member.name}", _BEGAN, _OPEN)
        for one in books.members
        for product in _RELEASE_PRODUCTS[1:]
    ]
    workshops = [
        (workshop.supplier.org_no, "workshop_sales", f"Samtykke {workshop.plan.name}", _BEGAN, _OPEN)
        for workshop in books.workshops
    ]
    return [*municipalities, *workshops]


def _recipients(books: Books) -> list[Row]:
    municipalities = [
        (_RELEASE_PRODUCTS[0], one.member.municipality_no, f"{one.member.name} kommune",
         "Oversikt over egne innkjøp", "Databehandleravtale med kommunen", 60, _BEGAN, _OPEN)
        for one in books.members
    ]  # fmt: skip
    workshops = [
        (_RELEASE_PRODUCTS[1], workshop.supplier.org_no, workshop.plan.name,
         "Planlegge leveranser til kommunene", "Samtykke fra medlemmene; offentleglova", 36, _BEGAN, _OPEN)
        for workshop in books.workshops
    ]  # fmt: skip
    analysts = (
        *(_RELEASE_PRODUCTS[2], "analysts", "Samarbeidets analytikere", "Samarbeidets egne analyser"),
        *("Samtykke fra medlemmene; databehandleravtaler", 60, _BEGAN, _OPEN),
    )
    return [*municipalities, *workshops, analysts]
