"""A proposed profile reads the file that it was made from; what is unsure is left to a person; no cell gets into it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import ProblemsFound
from pipelines.parsing.ledger import best_shipped, load_profile, parse_ledger
from pipelines.parsing.ledger_draft import draft_profile, suggestion_facts
from pipelines.parsing.ledger_profile import read_profile
from pipelines.parsing.ledger_suggest import Suggestion, suggest_profile
from pipelines.parsing.tabular import UnreadableTable
from tests.golden.golden import expected_path, golden_files

LEDGERS = [path for path in golden_files() if path.parent.name == "ledgers"]
PUBLISHED = (
    "darlington/2013-04.csv",
    "darlington/2014-08.csv",
    "gateshead/2011-02.csv",
    "oxford/expenditure-over-500-apr-jun-2014.csv",
    "oxford/expenditure-over-500-apr-jun-2016.csv",
    "se-samples/vasteras_sample.json",
    "se-samples/vgr_sample_CR-only.csv",
)
# A person must decide first: two readings of every amount, no data below the header, a contradiction within the file.
UNUSABLE = {
    "semicolon__two_ways_to_read__invalid.csv",
    "semicolon__comma_instead__invalid.csv",
    "semicolon__mark_of_utf8_then_windows_1252__invalid.csv",
}


def propose(raw: bytes, name: str = "ledger.csv") -> tuple[Suggestion, str]:
    suggestion = suggest_profile(raw, name)
    return suggestion, draft_profile(suggestion, "proposed", name)


def chosen(suggestion: Suggestion) -> dict[str, str]:
    return {choice.column: choice.header for choice in suggestion.columns if choice.unsure is None}


def decided(suggestion: Suggestion) -> dict[str, str]:
    return {decision.key: decision.value for decision in suggestion.decisions if decision.unsure is None}


@pytest.mark.parametrize("path", [path for path in LEDGERS if path.name not in UNUSABLE], ids=lambda path: path.name)
def test_proposal_reads_a_golden_file_as_its_own_profile_does(path: Path) -> None:
    _, text = propose(path.read_bytes(), path.name)
    parsed = parse_ledger(path.read_bytes(), read_profile(text.encode(), file="proposed"), path.name)
    assert parsed.header_row is not None, parsed.rejects
    expected = json.loads(expected_path(path).read_text(encoding="utf-8"))
    if path.name == "semicolon__bom_multiline_text.csv":
        # Its profile refuses the row without a period; the proposal takes the date's month there, and says so.
        expected["postings"].append(parsed.postings[-1] | {"amount": "10.00", "posting_date": "2026-10-02"})
    if expected["header_row"] is not None:
        for name in ("encoding", "delimiter", "header_row", "columns", "amount_column"):
            same = (
                {"iso-8859-1": "cp1252"}.get(expected[name], expected[name]) if name == "encoding" else expected[name]
            )
            assert getattr(parsed, name) == same, name
        assert [str(posting["amount"]) for posting in parsed.postings] == [
            row["amount"] for row in expected["postings"]
        ]
        for name in ("voucher_no", "local_account", "supplier_name", "posting_date", "fiscal_period"):
            stated = [row.get(name) for row in expected["postings"]]
            read = [posting.get(name) and str(posting[name]) for posting in parsed.postings]
            assert read == stated or not any(read), name


@pytest.mark.parametrize("path", sorted(UNUSABLE))
def test_what_only_a_person_can_decide_is_not_decided(path: str) -> None:
    raw = (Path(LEDGERS[0]).parent / path).read_bytes()
    try:
        suggestion, text = propose(raw, path)
    except UnreadableTable as error:
        assert "save it as CSV UTF-8" in str(error)
        return
    assert suggestion.questions
    assert "DECIDE" in text
    try:
        parsed = parse_ledger(raw, read_profile(text.encode(), file="proposed"), path)
    except ProblemsFound:
        return
    assert parsed.postings == []


@pytest.mark.parametrize("name", PUBLISHED)
def test_proposal_reads_a_published_ledger_as_the_shipped_profile_does(
    fixtures: Path, name: str, tmp_path: Path
) -> None:
    path = fixtures / "ledgers" / name
    suggestion, text = propose(path.read_bytes(), path.name)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "ours.yml").write_text(text, encoding="utf-8")
    ours = parse_ledger(path, load_profile("profiles/ours.yml", tmp_path), path.name)
    shipped = best_shipped(path)
    assert shipped is not None
    theirs = parse_ledger(path, shipped, path.name)
    assert ours.rejects == theirs.rejects == []
    assert [(row["amount"], row["supplier_name"]) for row in ours.postings] == [
        (row["amount"], row["supplier_name"]) for row in theirs.postings
    ]
    assert {row["fiscal_period"] for row in ours.postings} == {row["fiscal_period"] for row in theirs.postings}
    assert suggestion.questions  # the currency, at least


def test_net_is_taken_before_gross() -> None:
    raw = "Bilag;Dato;Leverandør;Beløp inkl. mva;Beløp eks. mva\n" + "1;01.02.2026;Eksempel AS;125,00;100,00\n" * 5
    suggestion, _ = propose(raw.encode())
    assert chosen(suggestion)["amount"] == "Beløp eks. mva"
    assert decided(suggestion)["amount_kind"] == "net"
    assert suggestion.columns[0].alternatives == ("Beløp inkl. mva",)


def test_of_two_unnamed_amounts_the_smaller_by_a_vat_rate_is_net() -> None:
    raw = "Bilag;Dato;Leverandør;Beløp NOK;Beløp\n" + "".join(
        f"{n};01.02.2026;Eksempel AS;{n * 125},00;{n * 100},00\n" for n in range(1, 9)
    )
    suggestion, _ = propose(raw.encode())
    assert chosen(suggestion)["amount"] == "Beløp"


def test_two_amounts_without_a_difference_in_name_or_ratio_are_a_question() -> None:
    raw = "Bilag;Dato;Leverandør;Beløp NOK;Beløp\n" + "".join(
        f"{n};01.02.2026;Eksempel AS;{n * 7},50;{n * n},25\n" for n in range(1, 9)
    )
    suggestion, text = propose(raw.encode())
    assert "amount" not in chosen(suggestion)
    assert any("Beløp NOK" in question for question in suggestion.questions)
    with pytest.raises(ProblemsFound, match=r"columns\.amount"):
        read_profile(text.encode(), file="proposed")


BARE = "Dato;Ref;Beløp\n" + "05.10.2026;x;1,50\n" * 3


def test_a_profile_says_what_is_still_to_be_decided_until_it_is() -> None:
    suggestion, text = propose(BARE.encode())
    (left,) = read_profile(text.encode(), file="proposed").undecided
    assert (left.key, left.question) == ("amount_kind", suggestion.questions[0])
    assert "net or gross" in str(left)
    decided_text = text.replace("# amount_kind: net", "amount_kind: gross")
    profile = read_profile(decided_text.encode(), file="proposed")
    assert (profile.undecided, profile.amount_kind) == ((), "gross")


def test_a_refused_profile_names_every_key_to_decide() -> None:
    _, text = propose(b"Lev;Bel;Ref\nA;1,50;x\nB;2,50;y\n")
    with pytest.raises(ProblemsFound) as refused:
        read_profile(text.encode(), file="proposed")
    assert "(columns.amount, amount_kind, period)" in refused.value.remedy
    _, text = propose(b"Lev;Bel;Ref\nA;a;x\nB;b;y\n")
    with pytest.raises(ProblemsFound) as refused:
        read_profile(text.encode(), file="proposed")
    assert "columns.amount" in refused.value.remedy


def test_columns_that_figures_need_and_nobody_found_are_named() -> None:
    suggestion, text = propose(BARE.encode())
    names = [one.column for one in suggestion.missing]
    assert names == ["supplier_name", "supplier_org_no", "voucher_no", "local_account"]
    assert all(f'# {name}: ""' in text for name in names)
    suggestion, _ = propose("Bilag;Dato;Org.nr;Konto;Beløp\n1;05.10.2026;310028142;11500;1,50\n".encode())
    assert suggestion.missing == []


def test_invoice_date_and_posting_date_are_told_apart() -> None:
    raw = "Bilag;Bokført;Fakturadato;Konto;Beløp\n" + "1;05.10.2026;28.09.2026;11500;1,50\n" * 3
    columns = chosen(propose(raw.encode())[0])
    assert (columns["posting_date"], columns["invoice_date"]) == ("Bokført", "Fakturadato")


def test_organisation_numbers_are_found_by_their_check_digits() -> None:
    raw = "Bilag;Dato;Ref;Beløp\n1;05.10.2026;310028142;1,50\n2;05.10.2026;NO 310 028 150 MVA;2,50\n"
    assert chosen(propose(raw.encode())[0])["supplier_org_no"] == "Ref"
    wrong = raw.replace("310028142", "310028141").replace("028 150", "028 151")
    assert "supplier_org_no" not in chosen(propose(wrong.encode())[0])


def test_day_or_month_first_is_a_question_where_both_are_possible() -> None:
    raw = "Voucher,Date,Supplier,Amount\n" + "1,03/04/2026,SAMPLE LTD,1.50\n2,05/06/2026,SAMPLE LTD,2.50\n"
    suggestion, text = propose(raw.encode())
    assert any("day or the month" in question for question in suggestion.questions)
    assert "dates" not in yaml.safe_load(text)
    clear = raw.replace("05/06", "25/06")
    assert decided(propose(clear.encode())[0])["dates"] == "[dd/mm/yyyy]"


def test_period_that_counts_from_april_is_not_taken() -> None:
    raw = "Voucher,Date,Period,Supplier,Amount\n" + "1,2026-02-13,202511,SAMPLE LTD,1.50\n" * 4
    suggestion, _ = propose(raw.encode())
    assert decided(suggestion)["period"] == "{from: posting_date}"
    assert suggestion.checks


def test_negative_expenses_are_seen_and_few_are_a_question() -> None:
    rows = "".join(f"{n};05.10.2026;Eksempel AS;-{n},50\n" for n in range(1, 21))
    suggestion, _ = propose(("Bilag;Dato;Leverandør;Beløp\n" + rows).encode())
    assert decided(suggestion)["sign"] == "-1"
    suggestion, _ = propose(("Bilag;Dato;Leverandør;Beløp\n" + rows[:60]).encode())
    assert any("negative" in question for question in suggestion.questions)


def test_no_cell_gets_into_the_proposal() -> None:
    rows = "".join(f"{n};0{n % 9 + 1}.10.2026;Kari Hemmelig;4104{n:05d};Besøk hos Kari;{n},50\n" for n in range(50))
    suggestion, text = propose(("Bilag;Dato;Leverandør;Konto;Tekst;Beløp\n" + rows).encode())
    facts = json.dumps(suggestion_facts(suggestion, text), default=str)
    for secret in ("Kari", "Hemmelig", "410400007", "Besøk"):
        assert secret not in text + facts


def test_proposal_is_the_same_every_time() -> None:
    for path in LEDGERS[:6]:
        assert propose(path.read_bytes(), path.name)[1] == propose(path.read_bytes(), path.name)[1]


def test_every_decision_says_why() -> None:
    suggestion, text = propose((Path(LEDGERS[0]).parent / "unit4__without_org_numbers.csv").read_bytes())
    assert all(choice.why for choice in suggestion.columns)
    assert all(decision.why for decision in suggestion.decisions)
    facts = suggestion_facts(suggestion, text)
    assert {column["header"] for column in facts["columns"]} == set(suggestion.layout.header)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.text(max_size=300).map(str.encode),
        st.lists(st.lists(st.sampled_from(["Bilag", "Beløp", "Dato", "1,00", "01.02.2026", "", '"', "x"]), max_size=6))
        .map(lambda rows: "\n".join(";".join(row) for row in rows).encode()),
    )
)  # fmt: skip
def test_any_bytes_give_a_proposal_or_a_reason(raw: bytes) -> None:
    try:
        suggestion, text = propose(raw)
    except UnreadableTable as error:
        assert str(error)
        return
    assert isinstance(yaml.safe_load(text), dict)
    try:
        parsed = parse_ledger(raw, read_profile(text.encode(), file="proposed"), "ledger.csv")
    except ProblemsFound:
        assert suggestion.questions
        return
    assert parsed.rows_in == len(parsed.postings) + len(parsed.rejects)
    assert all(isinstance(posting["amount"], Decimal) for posting in parsed.postings)
