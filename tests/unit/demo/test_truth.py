"""The rules of spend, told once more: each on an invoice made for it."""

from __future__ import annotations

from datetime import date

import pytest

from pipelines.demo.books import AllowanceCharge, Books, Contract, Invoice, Line, MemberBooks, Posting
from pipelines.demo.cast import MEMBERS
from pipelines.demo.catalogue import Chart, workshop_category_of
from pipelines.demo.goods import COFUNDING, GOODS, INCLUSION, MISBOOKED_COFUNDING, good_of_category
from pipelines.demo.suppliers import SupplierWorld
from pipelines.demo.truth import category_of, is_misbooked, kroner, pieces_of, scope_of, stream_of

_SELLER = SupplierWorld(1, 1.0).add(MEMBERS[0], "office", "Prøve AS", "AS", sends_ehf=True)
_FOOD, _FOOD_CPV = good_of_category("meeting_food"), "55520000"
_UNIT4_BOTH, _SEMICOLON_ONLY, _EHF_ONLY = MEMBERS[0], MEMBERS[1], MEMBERS[2]


def _books(member) -> MemberBooks:
    return MemberBooks(member, [("300000001", "municipality", "Prøve kommune")], Chart("five", is_coarse=False))


def _line(net: int, cpv_code: str = "", cost: str = "") -> Line:
    return Line("Vare", "EA", 1, net, 0, 25, "S", cpv_code, cost)


def _invoice(lines, postings, **changes) -> Invoice:
    facts = {
        "supplier": _SELLER,
        "invoice_no": "1",
        "ledger_invoice_no": "1",
        "issued_on": date(2026, 3, 28),
        "due_on": date(2026, 4, 28),
        "posted_on": date(2026, 4, 3),
        "period": "2026-04",
        "voucher_no": "26000001",
        "buyer_org_no": "300000001",
        "is_credit_note": False,
        "billed": None,
        "contract_reference": "",
        "order_reference": "",
        "buyer_reference": "",
        "accounting_cost": "",
        "text": "",
        "is_electronic": True,
        "lines": lines,
        "allowance_charges": [],
        "postings": postings,
    } | changes
    return Invoice(**facts)


def _posting(books: MemberBooks, good, amount: int, function: str = "120") -> Posting:
    return Posting(books.chart.account_for(good, date(2026, 4, 3)), function, "", "", amount)


def _found(books: MemberBooks, invoice: Invoice, delivered: set[str]) -> list[tuple[str, str, int]]:
    return [(month, scope_of(piece), piece[3]) for month, piece in pieces_of(books, invoice, delivered)]


def test_a_matched_invoice_counts_once_in_its_issue_month() -> None:
    books = _books(_UNIT4_BOTH)
    invoice = _invoice([_line(100), _line(50)], [_posting(books, _FOOD, 150)])
    assert _found(books, invoice, {"2026-03", "2026-04"}) == [("2026-03", "core", 100), ("2026-03", "core", 50)]


def test_a_difference_between_posting_and_lines_counts() -> None:
    books = _books(_UNIT4_BOTH)
    invoice = _invoice([_line(100)], [_posting(books, _FOOD, 102)])
    assert sum(amount for _, _, amount in _found(books, invoice, {"2026-04"})) == 102


def test_an_unposted_invoice_counts_where_its_month_has_no_ledger() -> None:
    books = _books(_UNIT4_BOTH)
    invoice = _invoice([_line(100, _FOOD_CPV)], [_posting(books, _FOOD, 100)])
    assert _found(books, invoice, {"2026-02"}) == [("2026-03", "core", 100)]
    assert _found(books, invoice, {"2026-03"}) == []


def test_paper_in_a_layout_without_invoice_dates_counts_when_posted() -> None:
    for member, month in ((_UNIT4_BOTH, "2026-04"), (_SEMICOLON_ONLY, "2026-03")):
        books = _books(member)
        invoice = _invoice([_line(100)], [_posting(books, _FOOD, 100)], is_electronic=False)
        assert _found(books, invoice, {"2026-04"}) == [(month, "core", 100)]


def test_a_credit_note_counts_in_the_month_of_the_invoice_that_it_names() -> None:
    books = _books(_UNIT4_BOTH)
    earlier = _invoice([_line(100)], [], issued_on=date(2026, 2, 20))
    posting = _posting(books, _FOOD, -100)
    credit = _invoice([_line(100)], [posting], is_credit_note=True, credits=earlier)
    assert _found(books, credit, {"2026-04"}) == [("2026-02", "core", -100)]
    assert _found(books, _invoice([_line(100)], [posting], is_credit_note=True), {"2026-04"}) == [
        ("2026-03", "core", -100)
    ]


def test_a_credit_note_takes_back_its_allowance_too() -> None:
    books = _books(_EHF_ONLY)
    cost = books.chart.account_for(_FOOD, date(2026, 3, 28)).code
    invoice = _invoice(
        [_line(100, cost=cost)], [], is_credit_note=True, allowance_charges=[AllowanceCharge(-10, 25, "S")]
    )
    assert _found(books, invoice, set()) == [("2026-03", "core", -100), ("2026-03", "core", 10)]


def test_without_an_account_the_cpv_code_decides() -> None:
    books = _books(_EHF_ONLY)
    lines = [_line(1, _FOOD_CPV), _line(2, "85312510"), _line(3, "30190000"), _line(4), _line(5, cost="Prosjekt 7")]
    scopes = [scope for _, scope, _ in _found(books, _invoice(lines, []), set())]
    assert scopes == ["core", "core_service_replacement", "unknown", "unknown", "unknown"]


def test_an_account_counts_only_while_it_is_valid() -> None:
    books = _books(_EHF_ONLY)
    consulting = next(good for good in GOODS if good.art == "271")
    cost = books.chart.account_for(consulting, date(2025, 12, 1)).code
    for issued_on, scope in ((date(2025, 12, 1), "core"), (date(2026, 1, 2), "unknown")):
        assert _found(books, _invoice([_line(1, cost=cost)], [], issued_on=issued_on), set())[0][1] == scope


@pytest.mark.parametrize(
    ("good", "function", "cpv_code", "stream"),
    [
        (_FOOD, "120", _FOOD_CPV, "product"),
        (INCLUSION, "273", "85312510", "inclusion"),
        (INCLUSION, "276", "", "inclusion"),
        (COFUNDING, "273", "", "transfer"),
        (MISBOOKED_COFUNDING, "273", "", "inclusion"),
    ],
    ids=["meeting food", "training by CPV", "training by function", "co-funding", "co-funding on art 370"],
)
def test_streams_are_kept_apart(good, function: str, cpv_code: str, stream: str) -> None:
    account = Chart("five", is_coarse=False).account_for(good, date(2026, 4, 3))
    piece = (account, function, cpv_code, 100)
    assert stream_of(piece, scope_of(piece)) == stream


@pytest.mark.parametrize(
    ("cpv_code", "category"),
    [("15811100", "meeting_food"), ("55523100", "school_meals"), ("90919200", "cleaning"), ("45262000", None)],
)
def test_cpv_codes_fall_under_their_longest_prefix(cpv_code: str, category: str | None) -> None:
    assert workshop_category_of(cpv_code) == category


@pytest.mark.parametrize(
    ("cpv_code", "reference", "good", "said"),
    [
        ("55520000", "RA-1", "cleaning", ("cpv", "meeting_food")),
        ("45262000", "RA-1", "cleaning", ("cpv", "cpv_45")),
        ("", "RA-1", "cleaning", ("contract", "gifts")),
        ("", "RA-2", "cleaning", ("account", "cleaning")),
        ("", "RA-9", "cleaning", ("account", "cleaning")),
        ("", "", "cleaning", ("account", "cleaning")),
        ("", "RA-9", "office", None),
    ],
    ids=["code", "code of no workshop", "contract", "not covered", "unknown contract", "account", "nothing"],
)
def test_what_was_bought_is_said_by_code_then_contract_then_account(
    cpv_code: str, reference: str, good: str, said: tuple[str, str] | None
) -> None:
    days = {"starts_on": date(2025, 1, 1), "ends_on": date(2027, 12, 31), "options_to": None}
    contracts = [
        Contract(number, "", category, "", False, "no", **days, value=1, notice_id="", members=members)
        for number, category, members in (("RA-1", "gifts", ("9901",)), ("RA-2", "gifts", ("9902",)))
    ]
    bought = next(one for one in GOODS if one.trade == good)
    account = Chart("five", is_coarse=False).account_for(bought, date(2026, 4, 3))
    invoice = _invoice([], [], contract_reference=reference)
    books = Books([], [], [], [], contracts, 1)
    assert category_of(books, _books(_UNIT4_BOTH), invoice, (account, "120", cpv_code, 100)) == said


def test_an_estimate_and_what_takes_it_back_are_nothing_in_its_month() -> None:
    books = _books(_SEMICOLON_ONLY)
    estimate = _invoice([_line(100)], [_posting(books, _FOOD, 100)], is_electronic=False)
    back = _invoice(
        *([_line(100)], [_posting(books, _FOOD, -100)]),
        is_electronic=False, is_credit_note=True, issued_on=date(2026, 4, 1), takes_back=estimate,
    )  # fmt: skip
    assert _found(books, estimate, {"2026-04"}) == [("2026-03", "core", 100)]
    assert _found(books, back, {"2026-04"}) == [("2026-03", "core", -100)]


def test_vat_that_is_booked_as_cost_is_vat() -> None:
    books = _books(_UNIT4_BOTH)
    invoice = _invoice([_line(100)], [_posting(books, _FOOD, 115)], has_vat_as_cost=True)
    assert _found(books, invoice, {"2026-04"}) == [("2026-03", "core", 100), ("2026-03", "vat", 15)]


def test_ore_are_written_as_kroner() -> None:
    assert [kroner(ore) for ore in (0, 5, -5, 123456, -100)] == ["0.00", "0.05", "-0.05", "1234.56", "-1.00"]


@pytest.mark.parametrize(
    ("function", "cpv_code", "text", "misbooked"),
    [
        ("273", "", "Medfinansiering av VTA-plasser", True),
        ("273", "", "Arbeidsforberedende trening", False),
        ("276", "", "Medfinansiering av VTA-plasser", False),
        ("273", "85312510", "Medfinansiering av VTA-plasser", False),
    ],
    ids=["says so", "says something else", "another function", "a code says something else"],
)
def test_cofunding_on_an_account_of_purchases_is_a_transfer(
    function: str, cpv_code: str, text: str, misbooked: bool
) -> None:
    account = Chart("five", is_coarse=False).account_for(MISBOOKED_COFUNDING, date(2026, 4, 3))
    assert is_misbooked(_invoice([], [], text=text), (account, function, cpv_code, 100)) is misbooked
