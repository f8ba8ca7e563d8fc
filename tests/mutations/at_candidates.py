"""What a rule forbids, done to a candidate that the gate had approved: its bytes, the warehouse it is held against, the
registers, the folders around it.

Belongs here: one way to break what each rule guards. Not here: judging (broken_home.py), deliveries (at_deliveries.py).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tests.mutations.broken_home import BrokenHome, Row
from tests.unit.test_scanner import SYNTHETIC

EXTRACT, SHARE = "municipality_extract", "workshop_release"
_HIDDEN = ("addressable_nok", "other_nok_or_suppressed", "other_suppliers_band", "law_entry_headroom_band")


@dataclass(frozen=True)
class Mutation:
    """One way to break what a rule guards.

    Attributes:
        rule: The rule that names it.
        product: Whose candidate.
        way: Where it is broken: bytes, warehouse, register, folder or release.
        what: What is broken, in words.
        do: Breaks it.
        by_hand: The bytes are left unsealed, as somebody leaves them who changes a finished file.
    """

    rule: str
    product: str
    way: str
    what: str
    do: Callable[[BrokenHome], object]
    by_hand: bool = False


def _own(broken: BrokenHome) -> str:
    return f"municipality_no = '{broken.key.recipient}'"


def _set(what: str, where: str = "true") -> Callable[[BrokenHome], None]:
    """Set columns of the recipient's own purchases."""
    return lambda broken: broken.sql(f"update fct_purchases set {what} where {_own(broken)} and {where}")  # noqa: S608


def _refused(rule: str, *, rows: int = 1, **values: Any) -> Callable[[BrokenHome], None]:
    """Have refused rows of the recipient among what the intake refused."""

    def change(broken: BrokenHome) -> None:
        facts = {"source": "ledger", "severity": "reject", "file_name": "broken.csv", "_delivery_id": "broken"} | values
        for row in range(rows):
            broken.insert("fct_rejects", municipality_no=broken.key.recipient, rule=rule, _row_no=row, **facts)

    return change


def _many_refused(broken: BrokenHome) -> None:
    """Have over a hundredth of the rows refused."""
    ((rows,),) = broken.ask(f"select coalesce(sum(rows_in), 0) from fct_outcomes where {_own(broken)}")  # noqa: S608
    broken.sql(
        "insert into fct_rejects (municipality_no, source, severity, rule, file_name, _delivery_id, _row_no)"
        " select ?, 'ledger', 'reject', 'IN06', 'broken.csv', 'broken', number"
        f" from range({100 + int(rows) // 100}) as numbers (number)",  # noqa: S608
        broken.key.recipient,
    )


def _month_lost(broken: BrokenHome) -> None:
    broken.sql(
        f"delete from fct_delivery_periods where {_own(broken)} and fiscal_period = ?",  # noqa: S608
        broken.key.period,
    )
    broken.sql(
        f"delete from fct_reconciliation where {_own(broken)} and measure = 'ehf_documents' and period_month = ?",  # noqa: S608
        broken.key.period,
    )


def _month_of_nobody(broken: BrokenHome) -> None:
    broken.sql("delete from fct_delivery_periods where fiscal_period = ?", broken.key.period)
    broken.sql("delete from fct_reconciliation where period_month = ?", broken.key.period)


def _month_kept_silent(broken: BrokenHome) -> None:
    """Have the coverage say otherwise than the warehouse which months have not come."""
    broken.package(lambda package: package["coverage"][0].update(not_delivered=["1999-01"]))


def _held_period(broken: BrokenHome) -> None:
    broken.insert(
        "fct_delivery_periods",
        municipality_no=broken.key.recipient,
        source="ledger",
        source_name="ledger",
        _delivery_id="broken",
        fiscal_period=broken.key.period,
        state="held",
        rows=1,
    )


def _months_back(broken: BrokenHome, count: int) -> list[str]:
    year, month = (int(part) for part in broken.key.period.split("-"))
    last = year * 12 + month - 1
    return [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(last - count + 1, last + 1)]


def _purchase(broken: BrokenHome, month: str, number: str, **values: Any) -> None:
    """Have one purchase more, like those that are there, in a month."""
    shown = {"purchase_line_id": number, "period_month": month, "category_key": None, "net_amount_nok": "100.00"}
    shown |= {"scope": "core", "account_class": "operating"} | values
    replaced = ", ".join(f"{_literal(value)} as {name}" for name, value in shown.items())
    broken.sql(
        f"insert into fct_purchases select * replace ({replaced}) from fct_purchases where {_own(broken)} limit 1"  # noqa: S608
    )


def _literal(value: Any) -> str:
    return "null" if value is None else f"'{value}'"


def _quarter_times_hundred(broken: BrokenHome) -> None:
    months = _months_back(broken, 15)
    for month in months:
        _purchase(broken, month, f"m-{month}")
    for month in months[-3:]:
        _purchase(broken, month, f"n-{month}", net_amount_nok="9000000000.00")


def _category_gone(broken: BrokenHome) -> None:
    months = _months_back(broken, 24)
    for month in months:
        _purchase(broken, month, f"k-{month}", category_key="kept")
    for month in months[:12]:
        _purchase(broken, month, f"g-{month}", category_key="gone")


def _one_large_line(broken: BrokenHome) -> None:
    for number in range(100):
        _purchase(broken, broken.key.period, f"s-{number}", net_amount_nok=f"{number + 1}.00")
    _set("net_amount_nok = 1")(broken)
    _purchase(broken, broken.key.period, "large", net_amount_nok="9000000000.00")


def _filed(broken: BrokenHome) -> None:
    broken.insert(
        "fct_kpis",
        kpi_key="K29",
        measure="ledger_against_filed",
        municipality_no=broken.key.recipient,
        workshop_org_no="all",
        category_key="all",
        account_class="operating",
        state="ok",
        period_start=date(2025, 1, 1),
        period_end=date(2025, 12, 31),
        numerator=30,
        denominator=1000,
    )


def _claim(broken: BrokenHome) -> None:
    broken.insert("fct_claims", claim_id="broken", measure="x", municipality_no=broken.key.recipient, finding="differs")


def _first(table: str, **values: Any) -> Callable[[BrokenHome], None]:
    """Change the first row of a rendered table; one is made where there is none."""

    def change(rows: list[Row]) -> None:
        if not rows:
            rows.append({})
        rows[0].update(values)

    return lambda broken: broken.change(table, change)


def _first_of(kinds: tuple[str, ...], **values: Any) -> Callable[[BrokenHome], None]:
    """Change a row of the extract whose payee is of a kind; such a payee is made where there is none."""

    def do(broken: BrokenHome) -> None:
        def change(rows: list[Row]) -> None:
            found = next((row for row in rows if row["payee_kind"] in kinds), rows[0])
            found.update({"payee_kind": kinds[0]} | values)
            broken.sql(
                "update fct_purchases set payee_kind = ? where purchase_line_id = ?",
                kinds[0],
                found["purchase_line_id"],
            )

        broken.change(EXTRACT, change)

    return do


def _contract(title: str, broken: BrokenHome) -> None:
    """Have a contract with a title in the calendar, and in the log of what it tells."""
    _first(
        "contract_calendar",
        contract_id="broken",
        contract_title=title,
        spend_category="meeting_food",
        ends_on=date(2027, 1, 1),
        notice_id=None,
    )(broken)


def _sole_proprietor_named(broken: BrokenHome) -> None:
    broken.sql(
        "update fct_purchases set payee_kind = 'sole_proprietor', payee_name = 'Ola Oppdiktet Snekker',"
        " org_no = '999999999' where purchase_line_id = (select min(purchase_line_id) from fct_purchases)"
    )
    _contract("Avtale med Ola Oppdiktet Snekker", broken)


def _client_function_named(broken: BrokenHome) -> None:
    def change(rows: list[Row]) -> None:
        row = next(row for row in rows if row["org_no"] and row["payee_kind"] == "legal_entity")
        row["kostra_function"] = "252"

    broken.change(EXTRACT, change)


def _small_unit_named(broken: BrokenHome) -> None:
    broken.sql(
        "insert into fct_purchases select * replace ('small' as purchase_line_id, '253' as kostra_function,"
        " '999999999' as org_no, 'legal_entity' as payee_kind, 'Oppdiktet Heim AS' as payee_name,"
        f" null as workshop_org_no, '{broken.key.period}' as period_month, 1.00 as net_amount_nok)"
        " from fct_purchases limit 1"
    )
    _contract("Avtale med Oppdiktet Heim AS", broken)


def _old_row(broken: BrokenHome) -> None:
    broken.sql("insert into fct_purchases select * replace ('1999-01' as period_month) from fct_purchases limit 1")
    _first(EXTRACT, period_month="1999-01")(broken)


def _visible(rows: list[Row]) -> Row:
    """Return the visible cell with the most others behind it."""
    return max(
        (row for row in rows if row["told_at"] == "cell"),
        key=lambda row: (abs(row["other_nok_or_suppressed"] or 0), row["municipality_no"]),
    )


def _without_sums(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["suppression_code"] or row["told_at"] == "cell"]


def _behind(what: str, *, one_line: bool = False) -> Callable[[BrokenHome], None]:
    """Change what others sold in a visible cell: all of it, or one line."""

    def do(broken: BrokenHome) -> None:
        cell = _visible(broken.rows("market_view"))
        where = (
            f"municipality_no = '{cell['municipality_no']}' and category_key = '{cell['spend_category']}'"
            f" and period_month like '{cell['year']}%' and org_no is distinct from '{broken.key.recipient}'"
        )
        if one_line:
            # The largest of those that count.
            where = (
                "purchase_line_id = (select arg_max(purchase_line_id, net_amount_nok) from fct_purchases"  # noqa: S608
                f" where {where} and scope = 'core' and payee_kind not in ('natural_person', 'unknown')"
                " and workshop_org_no is null)"
            )
        broken.sql(f"update fct_purchases set {what} where {where}")  # noqa: S608

    return do


def _hide(row: Row, code: str = "p") -> None:
    row.update(dict.fromkeys(_HIDDEN) | {"suppression_code": code, "told_at": ""})


def _show(broken: BrokenHome, row: Row) -> None:
    """Show a cell as the warehouse holds it."""
    (found,) = broken.ask(
        "select addressable_nok, own_nok, other_nok from products.product_workshop_market_view"
        " where recipient_org_no = ? and year = ? and municipality_no = ? and spend_category = ?",
        *(broken.key.recipient, row["year"], row["municipality_no"], row["spend_category"]),
    )
    row.update(addressable_nok=found[0], own_nok=found[1], other_nok_or_suppressed=found[2], suppression_code="")
    row.update(other_suppliers_band="0" if not found[2] else "3-4")


def _total_with_hidden(hidden: int) -> Callable[[BrokenHome], None]:
    """Show the total of a category in which that many cells are hidden, one of them an owner's."""

    def do(broken: BrokenHome) -> None:
        owners = {
            line.split(",")[1] for line in (broken.home.registers / "workshop_owners.csv").read_text().splitlines()[1:]
            if line.startswith(broken.key.recipient)
        }  # fmt: skip

        def change(rows: list[Row]) -> None:
            groups: dict[tuple[Any, str], list[Row]] = {}
            rows[:] = _without_sums(rows)
            for row in rows:
                groups.setdefault((row["year"], row["spend_category"]), []).append(row)
                _show(broken, row)
            able = [
                group
                for group in groups.values()
                if sum(bool(row["other_nok_or_suppressed"]) for row in group) > hidden
                and {True, False}
                == {row["municipality_no"] in owners for row in group if row["other_nok_or_suppressed"]}
            ]
            group = max(able, key=len)
            total = sum((row["other_nok_or_suppressed"] for row in group), Decimal(0))
            ranked = sorted(
                (row for row in group if row["other_nok_or_suppressed"]),
                key=lambda row: (row["municipality_no"] not in owners, row["municipality_no"]),
            )
            own = sum((row["own_nok"] for row in group), Decimal(0))
            # The owner's own cell first, then a neighbour's; where only one is hidden, the neighbour's.
            others = [row for row in ranked if row["municipality_no"] not in owners]
            for row in [ranked[0], others[0]][2 - hidden :]:
                _hide(row)
            rows.append(
                {
                    **group[0],
                    "municipality_no": "all",
                    "addressable_nok": total + own,
                    "own_nok": own,
                    "other_nok_or_suppressed": total,
                    "other_suppliers_band": "10+",
                    "law_entry_headroom_band": None,
                    "suppression_code": "",
                }
            )

        broken.change("market_view", change)

    return do


def _earlier_hid(broken: BrokenHome) -> None:
    """Have an earlier release of the same months that hid what the candidate shows."""
    folder = broken.home.releases / SHARE / broken.key.recipient / broken.key.period
    planted = folder / "r9"
    shutil.copytree(broken.folder, planted)
    (planted / "manifest.json").write_text(json.dumps({"digest": "0" * 64, "release_id": f"{broken.key.period}-r9"}))
    kept, candidate = _without_sums(broken.rows("market_view")), broken.folder  # its own sums would tell what it hides
    _hide(_visible(kept))
    broken.write("market_view", kept)
    for ending in ("csv", "parquet"):
        file = candidate / f"market_view.{ending}"
        hidden = file.read_bytes()
        file.write_bytes((planted / file.name).read_bytes())
        (planted / file.name).write_bytes(hidden)


def _place(broken: BrokenHome) -> None:
    def change(rows: list[Row]) -> None:
        rows.append(
            {**rows[0], "kpi_key": "K23", "measure": "local_spend_ratio_in_size_group", "numerator": Decimal(1)}
        )

    broken.change("kpi", change)


def _everything_hidden(rows: list[Row]) -> None:
    for row in rows:
        _hide(row)


def _link_out(broken: BrokenHome) -> None:
    (broken.folder / "more.csv").symlink_to(broken.home.warehouse_file)


def _byte(broken: BrokenHome) -> None:
    path = broken.folder / "kpi.csv"
    text = path.read_text(encoding="utf-8")
    at = next(place for place in range(len(text) - 1, 0, -1) if text[place].isdigit())
    path.write_text(f"{text[:at]}{(int(text[at]) + 1) % 10}{text[at + 1 :]}", encoding="utf-8")


def _foreign_row(broken: BrokenHome) -> None:
    (line,) = broken.ask(
        "select min(purchase_line_id) from fct_purchases where municipality_no <> ?", broken.key.recipient
    )[0]
    _first(EXTRACT, purchase_line_id=line)(broken)


def _without(prefix: str) -> Callable[[list[str]], None]:
    def change(lines: list[str]) -> None:
        lines[1:] = [line for line in lines[1:] if not line.startswith(prefix)]

    return change


def _consent_withdrawn(broken: BrokenHome) -> None:
    number = broken.rows("market_view")[0]["municipality_no"]
    broken.register("consents", _without(f"{number},"))


def _owners_of_more(broken: BrokenHome) -> None:
    broken.register(
        "workshop_owners",
        lambda lines: lines.append(
            ",".join(
                {
                    "workshop_org_no": broken.home.read_registers()["workshops"][0]["org_no"],
                    "owner_municipality_no": "9998",
                    "ownership_fraction": "1",
                    "valid_from": "2020-01-01",
                }.get(name, "")
                for name in lines[0].split(",")
            )
        ),
    )


def _unexplained_release(broken: BrokenHome) -> None:
    folder = broken.home.releases / EXTRACT / broken.key.recipient / broken.key.period / "r9"
    shutil.copytree(broken.folder, folder)
    (folder / "manifest.json").write_text(json.dumps({"digest": "9" * 64}))


def _landed_later(broken: BrokenHome) -> None:
    landing = broken.home.landing
    original = landing.resolve()
    landing.unlink()
    shutil.copytree(original, landing, ignore=lambda folder, names: [n for n in names if len(n) == 2])  # no bytes
    path = landing / broken.key.recipient / "ledger" / "receipts" / "999999-broken.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")


def _voucher(text: str) -> Callable[[BrokenHome], None]:
    return _first(EXTRACT, voucher_no=text)


MUTATIONS = [
    Mutation("IN01", EXTRACT, "warehouse", "a file could not be read", _refused("IN01")),
    Mutation("IN02", EXTRACT, "warehouse", "the month was not delivered", _month_lost),
    Mutation("IN02", SHARE, "warehouse", "nobody has delivered the month", _month_of_nobody),
    Mutation("IN03", EXTRACT, "warehouse", "a document came twice", _refused("IN03", source="ehf")),
    Mutation("IN04", EXTRACT, "warehouse", "a redelivery lost its rows and is held", _held_period),
    Mutation("IN05", EXTRACT, "warehouse", "a file's control total is not its sum", _refused("IN05", source="saft")),
    Mutation("IN06", EXTRACT, "warehouse", "over one in a thousand rows have no amount", _many_refused),
    Mutation("IN07", EXTRACT, "warehouse", "postings of 1999", _set("posting_date = date '1999-01-01'")),
    Mutation("IN08", EXTRACT, "warehouse", "a sum among the rows", _refused("IN08")),
    Mutation("IN09", EXTRACT, "warehouse", "texts in a wrong encoding", _set("local_account_text = 'BlÃ¥bÃ¦r'")),
    Mutation("IN10", EXTRACT, "bytes", "an account of no chart", _first(EXTRACT, local_account="ZZ9")),
    Mutation(
        "IN11",
        EXTRACT,
        "warehouse",
        "an invoice that does not add up",
        _refused("IN11", severity="issue", source="ehf"),
    ),
    Mutation("IN13", EXTRACT, "warehouse", "a file that no agreement allows", _refused("IN13")),
    Mutation("RF01", EXTRACT, "warehouse", "an art of no year", _set("kostra_art = '999'")),
    Mutation("RF02", EXTRACT, "warehouse", "a function that is none", _set("kostra_function = '099'")),
    Mutation(
        "RF03",
        EXTRACT,
        "warehouse",
        "an art of the other class",
        _set("account_class = 'operating', kostra_art = '280'"),
    ),
    Mutation("RF04", EXTRACT, "warehouse", "numbers that cannot exist", _set("quality_flags = 'org_no_invalid'")),
    Mutation("RF05", EXTRACT, "warehouse", "payees of no register", _set("payee_kind = 'unknown'")),
    Mutation(
        "RF06",
        EXTRACT,
        "warehouse",
        "other names in the register",
        lambda broken: broken.sql("update dim_suppliers set supplier_name = 'Qqqq Zzzz'"),
    ),
    Mutation(
        "RF07",
        EXTRACT,
        "warehouse",
        "payees deleted long ago",
        lambda broken: broken.sql("update dim_suppliers set deleted_on = date '2001-01-01'"),
    ),
    Mutation("RF08", EXTRACT, "warehouse", "a CPV code that is none", _set("cpv_code = '99999999'")),
    Mutation(
        "RF09",
        EXTRACT,
        "warehouse",
        "a contract that is none",
        _set("contract_reference = 'none', contract_match = 'none'"),
    ),
    Mutation("RF10", EXTRACT, "warehouse", "somebody else's invoice", _refused("RF10", source="ehf")),
    Mutation("RF11", EXTRACT, "register", "owners of more than the whole", _owners_of_more),
    Mutation(
        "RF12",
        EXTRACT,
        "warehouse",
        "payments of no stream",
        _set("stream = null, scope = 'core', workshop_org_no = coalesce(workshop_org_no, '1')"),
    ),
    Mutation("RC01", EXTRACT, "bytes", "one øre more", _first(EXTRACT, net_amount_nok=Decimal("0.01"))),
    Mutation("RC02", EXTRACT, "warehouse", "three per cent beside what was filed", _filed),
    Mutation("RC03", EXTRACT, "warehouse", "a quarter far above the others", _quarter_times_hundred),
    Mutation("RC04", EXTRACT, "warehouse", "one line holds nearly all", _one_large_line),
    Mutation("RC05", EXTRACT, "warehouse", "one amount on all lines", _set("net_amount_nok = 100")),
    Mutation(
        "RC06",
        EXTRACT,
        "warehouse",
        "one payee holds all",
        _set("org_no = '999999999', scope = 'core', is_internal = false, net_amount_nok = 100"),
    ),
    Mutation(
        "RC07",
        EXTRACT,
        "warehouse",
        "half is credited",
        _set("net_amount_nok = -abs(net_amount_nok)", "hash(purchase_line_id) % 2 = 0"),
    ),
    Mutation("RC08", EXTRACT, "warehouse", "a category stops", _category_gone),
    Mutation("RC09", EXTRACT, "warehouse", "a claim that differs", _claim),
    Mutation("PV01", EXTRACT, "bytes", "a personal number in a cell", _voucher(SYNTHETIC)),
    Mutation("PV02", EXTRACT, "bytes", "an e-mail address in a cell", _voucher("kari@eksempel.no")),
    Mutation(
        "PV03",
        EXTRACT,
        "bytes",
        "a person named",
        _first_of(("natural_person", "unknown"), supplier_name="Kari Oppdiktet"),
    ),
    Mutation("PV04", SHARE, "bytes", "a sole proprietor named", _sole_proprietor_named),
    Mutation("PV05", EXTRACT, "bytes", "a payee named on a client function", _client_function_named),
    Mutation(
        "PV06",
        SHARE,
        "bytes",
        "a column of free text",
        lambda broken: broken.change("own_sales", lambda rows: None, "posting_text"),
    ),
    Mutation(
        "PV07", SHARE, "bytes", "a person's name in a title", lambda b: _contract("Rammeavtale med Kari Oppdiktet", b)
    ),
    Mutation("PV08", SHARE, "bytes", "a small unit that serves clients named", _small_unit_named),
    Mutation(
        "PV09",
        SHARE,
        "register",
        "no purpose recorded",
        lambda broken: broken.register("recipients", _without(f"{SHARE},{broken.key.recipient},")),
    ),
    Mutation("PV10", EXTRACT, "bytes", "a row of 1999", _old_row),
    Mutation("DC01", SHARE, "warehouse", "one payee behind a visible cell", _behind("org_no = '999999999'")),
    Mutation(
        "DC02",
        SHARE,
        "warehouse",
        "one payee holds nearly all of a visible cell",
        _behind("net_amount_nok = 100000000", one_line=True),
    ),
    Mutation(
        "DC03",
        SHARE,
        "warehouse",
        "a visible cell lets its largest be estimated",
        _behind("net_amount_nok = 100000000", one_line=True),
    ),
    Mutation("DC04", SHARE, "bytes", "a total beside one hidden cell", _total_with_hidden(1)),
    Mutation("DC05", SHARE, "release", "an earlier release hid what is shown", _earlier_hid),
    Mutation("DC06", SHARE, "bytes", "a total beside two hidden cells, one the owner's", _total_with_hidden(2)),
    Mutation("DC07", EXTRACT, "bytes", "an exact place among peers", _place),
    Mutation("DC08", SHARE, "warehouse", "a count of one behind a band", _behind("org_no = '999999999'")),
    Mutation("DC09", SHARE, "bytes", "all is hidden", lambda broken: broken.change("market_view", _everything_hidden)),
    Mutation(
        "DC10",
        SHARE,
        "bytes",
        "another cell hidden",
        lambda broken: broken.change("market_view", lambda rows: _hide(_visible(rows))),
    ),
    Mutation(
        "DC11",
        SHARE,
        "bytes",
        "a fact that is not logged",
        lambda broken: broken.change("information_log", lambda rows: rows.pop()),
    ),
    Mutation("TN01", EXTRACT, "bytes", "a neighbour's row", _foreign_row),
    Mutation("TN02", SHARE, "register", "a consent withdrawn after rendering", _consent_withdrawn),
    Mutation(
        "TN03",
        EXTRACT,
        "folder",
        "a file that nobody agreed on",
        lambda broken: (broken.folder / "more.csv").write_text("a\n1\n"),
    ),
    Mutation("TN04", EXTRACT, "folder", "a link to the warehouse", _link_out),
    Mutation("PB01", EXTRACT, "bytes", "a digit of the CSV changed", _byte),
    Mutation("PB02", EXTRACT, "bytes", "bytes that were not rendered", _byte, by_hand=True),
    Mutation("PB02", SHARE, "bytes", "which months have not come is kept silent", _month_kept_silent),
    Mutation("PB05", EXTRACT, "release", "an earlier revision says nothing of itself", _unexplained_release),
    Mutation("PB06", EXTRACT, "folder", "a delivery landed after the build", _landed_later),
]
