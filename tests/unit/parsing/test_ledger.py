"""Ledgers become postings by a profile; every row is a posting or a reject with its row number."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.parsing.dates import EXCEL_SERIAL, KNOWN_FORMATS, to_strptime
from pipelines.parsing.ledger import Ledger, LedgerRefused, best_shipped, load_profile, parse_ledger
from pipelines.parsing.ledger_profile import Profile, read_profile
from pipelines.parsing.schema import LEDGER_POSTINGS
from pipelines.tables import arrow_table

SEMICOLON = load_profile("semicolon", None)
GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "ledgers"
HEADER = (
    "Leverandørnr;Leverandørnavn;Organisasjonsnr;Bilagsnr;Linje;Fakturanr;Fakturadato;Forfallsdato;Bokføringsdato;"
    "Periode;Art;Art tekst;Ansvar;Tjeneste;Tjeneste tekst;Prosjekt;Mva-kode;Beløp eks. mva;Tekst"
)
ROW = "7;Eksempel AS;310028142;9;1;F-1;28.09.2026;;01.10.2026;202610;11500;Mat;11;2020;Skole;;1;{amount};Tekst"


def small_profile(text: str) -> Profile:
    return read_profile(("columns: {amount: Beløp, posting_date: Dato}\n" + text).encode(), file="small.yml")


def ledger(*rows: str, header: str = HEADER) -> bytes:
    return "\r\n".join((header, *rows)).encode()


def test_postings_fit_the_table_of_the_schema() -> None:
    for name in ("unit4__title_lines_sum_row_parentheses.csv", "xlsx_no__two_sheets_real_dates.xlsx"):
        parsed = parse_ledger((GOLDEN / name).read_bytes(), load_profile(name.split("__")[0], None), name)
        lineage = {"municipality_no": "9901", "_delivery_id": "d", "_file_sha256": "f"}
        rows = arrow_table(LEDGER_POSTINGS, [posting | lineage for posting in parsed.postings])
        assert rows.num_rows == len(parsed.postings) > 0


def test_title_sum_and_repeated_header_are_refused_with_their_rows() -> None:
    raw = (GOLDEN / "unit4__title_lines_sum_row_parentheses.csv").read_bytes()
    parsed = parse_ledger(raw, load_profile("unit4", None), "2026-10.csv")
    assert parsed.header_row == 4
    assert parsed.encoding == "cp1252"
    assert {reject.row_no for reject in parsed.rejects if reject.rule == "IN08"} == {9, 15, 16}
    assert sum(posting["amount"] for posting in parsed.postings) == Decimal("99987.99")


def test_supplier_called_total_is_no_sum_row() -> None:
    parsed = parse_ledger(ledger(ROW.format(amount="1,00").replace("Eksempel AS", "Total AS")), SEMICOLON, "x.csv")
    assert len(parsed.postings) == 1


@pytest.mark.parametrize("first", ["Sum", "SUM", "Totalt", "Delsum 11500", "I alt", "Til sammen:"])
def test_sum_rows_are_found_in_any_cell(first: str) -> None:
    sums = f";;;;;;;;;;;{first};;;;;;5 000,00;"
    parsed = parse_ledger(ledger(ROW.format(amount="1,00"), sums), SEMICOLON, "x.csv")
    assert [(reject.rule, reject.row_no) for reject in parsed.rejects] == [("IN08", 3)]


def test_row_shifted_by_a_delimiter_in_its_text_is_refused_not_misread() -> None:
    parsed = parse_ledger(ledger(ROW.format(amount="1,00") + ";mer"), SEMICOLON, "x.csv")
    assert [(reject.rule, reject.row_no) for reject in parsed.rejects] == [("IN01", 2)]


def test_quote_that_is_never_closed_refuses_what_it_swallows() -> None:
    rows = [ROW.format(amount="1,00")] * 3 + [ROW.format(amount="1,00").replace("Tekst", '"Tekst')] * 1
    parsed = parse_ledger(ledger(*rows, *[ROW.format(amount="2,00")] * 400), SEMICOLON, "x.csv")
    assert parsed.postings == []
    assert [reject.rule for reject in parsed.rejects] == ["IN01"]
    assert "row 5" in parsed.rejects[0].message
    assert "quote: false" in parsed.rejects[0].message


def test_rejects_of_cells_are_masked_and_name_row_and_column() -> None:
    parsed = parse_ledger(ledger(ROW.format(amount="Kari Hemmelig")), SEMICOLON, "x.csv")
    (reject,) = parsed.rejects
    assert (reject.rule, reject.row_no, reject.column) == ("IN06", 2, "Beløp eks. mva")
    assert reject.raw == "xxxx xxxxxxxx"
    assert "Hemmelig" not in reject.message


def test_header_that_does_not_fit_is_named_with_a_remedy() -> None:
    raw = (GOLDEN / "semicolon__other_layout__invalid.csv").read_bytes()
    (reject,) = parse_ledger(raw, SEMICOLON, "x.csv").rejects
    assert reject.rule == "IN01"
    assert "Expected: Leverandørnr, Bilagsnr" in reject.message
    assert "Found: BA, Bilagsnr, Bilagsdato" in reject.message
    assert "'unit4' fits" in reject.message


def test_file_without_header_does_not_repeat_anybodys_data() -> None:
    raw = "\n".join(["7;Kari Hemmelig;01.02.2026;100,00"] * 50).encode()
    (reject,) = parse_ledger(raw, SEMICOLON, "x.csv").rejects
    assert reject.rule == "IN01"
    assert "Hemmelig" not in reject.message


@pytest.mark.parametrize(
    "raw",
    [b"", b"\0\0\0", b"PK\x03\x04", b"\xff\xfe\x00", "æøå".encode("utf-16-le"), b'"' * 1000, HEADER.encode("utf-16")],
)
def test_files_of_other_kinds_are_one_reject(raw: bytes) -> None:
    for name in ("unit4", "semicolon", "xlsx_no"):
        parsed = parse_ledger(raw, load_profile(name, None), "x")
        assert parsed.rows_in == len(parsed.rejects) <= 1


def test_second_column_of_one_name_is_taken_by_occurrence() -> None:
    profile = read_profile(
        b"columns: {amount: Belop, local_account_text: {header: Tekst, occurrence: 2}, posting_text: Tekst}\n"
        b"period: {from_file_name: '(?P<year>....)-(?P<month>..)'}\n",
        file="x.yml",
    )
    parsed = parse_ledger(b"Belop;Tekst;Tekst\n1,00;a;b\n", profile, "2026-03.csv")
    assert parsed.postings[0]["posting_text"] == "a"
    assert parsed.postings[0]["local_account_text"] == "b"
    assert parsed.postings[0]["fiscal_period"] == "2026-03"


@pytest.mark.parametrize(
    ("period", "header", "cells", "expected"),
    [
        ("{column: P, style: yyyymm}", "P", "202413", "2024-13"),
        ("{column: P, style: yyyy-mm}", "P", "2024-3", "2024-03"),
        ("{column: P, style: mm, year_column: År}", "P;År", "7;2024", "2024-07"),
        ("{from: posting_date}", "X", "", "2026-02"),
        ("[{column: P}, {from: posting_date}]", "P", "", "2026-02"),
    ],
)
def test_period_is_found_as_the_profile_says(period: str, header: str, cells: str, expected: str) -> None:
    raw = f"Beløp;Dato;{header}\n1,00;03.02.2026;{cells}\n".encode()
    parsed = parse_ledger(raw, small_profile(f"period: {period}"), "x.csv")
    assert [posting["fiscal_period"] for posting in parsed.postings] == [expected]


def test_file_whose_name_holds_no_period_is_refused() -> None:
    profile = load_profile("uk_darlington", None)
    raw = (GOLDEN / "uk_darlington__2013-04.csv").read_bytes()
    parsed = parse_ledger(raw, profile, "april.csv")
    assert [reject.rule for reject in parsed.rejects] == ["IN01"]
    assert "period" in parsed.rejects[0].message


@pytest.mark.parametrize(
    ("formats", "text", "expected"),
    [
        ("[dd.mm.yyyy]", "1.2.2026", date(2026, 2, 1)),
        ("[yyyymmdd]", "20260201", date(2026, 2, 1)),
        ("[yyyy-mm-dd]", "2026-02-01 00:00:00", date(2026, 2, 1)),
        ("['%d %b %Y']", "01 Feb 2026", date(2026, 2, 1)),
        ("[excel_serial]", "46054", date(2026, 2, 1)),
    ],
)
def test_dates_are_read_by_the_formats_given(formats: str, text: str, expected: date) -> None:
    profile = small_profile(f"dates: {formats}\nperiod: {{from: posting_date}}")
    parsed = parse_ledger(f"Beløp;Dato\n1,00;{text}\n".encode(), profile, "x.csv")
    assert parsed.postings[0]["posting_date"] == expected


def test_sign_constants_and_gross_are_taken_from_the_profile() -> None:
    profile = small_profile("period: {from: posting_date}\nsign: -1\namount_kind: gross\nconstants: {currency: SEK}")
    (posting,) = parse_ledger("Beløp;Dato\n-1,50;01.02.2026\n".encode(), profile, "x.csv").postings
    assert (posting["amount"], posting["amount_kind"], posting["currency"]) == (Decimal("1.50"), "gross", "SEK")


def test_spreadsheet_that_reaches_to_the_last_cell_is_refused_before_it_is_loaded() -> None:
    import xlsxwriter

    buffer = io.BytesIO()
    workbook = xlsxwriter.Workbook(buffer, {"in_memory": True})
    workbook.add_worksheet().write(1_048_575, 16_383, 1)
    workbook.close()
    (reject,) = parse_ledger(buffer.getvalue(), load_profile("xlsx_no", None), "x.xlsx").rejects
    assert reject.rule == "IN01"
    assert "stray cells" in reject.message


_CELLS = st.one_of(
    st.sampled_from(
        ["", " ", "Sum", "1,00", "1 234,50-", "(2,00)", "202610", "01.10.2026", '"', ";", "\n", "Art", "x" * 50]
    ),
    st.text(max_size=8),
)


@settings(max_examples=300, deadline=None)
@given(rows=st.lists(st.lists(_CELLS, max_size=22), max_size=12), delimiter=st.sampled_from([";", ","]))
def test_no_row_disappears(rows: list[list[str]], delimiter: str) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter)
    writer.writerow(HEADER.split(";"))
    writer.writerow(ROW.format(amount="10,00").split(";"))
    writer.writerows(rows)
    raw = buffer.getvalue().encode("utf-8", "replace")
    parsed = parse_ledger(raw, SEMICOLON, "2026-10.csv")
    assert parsed.rows_in == len(parsed.postings) + len(parsed.rejects)
    if delimiter == ";" and parsed.header_row is not None:
        text = raw.decode()
        data = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))[1:]
        assert parsed.rows_in == sum(any(cell.strip() for cell in row) for row in data)


@settings(max_examples=200, deadline=None)
@given(
    name=st.sampled_from(["unit4", "semicolon", "xlsx_no"]),
    place=st.floats(0, 1, exclude_max=True),
    length=st.integers(0, 50),
    inserted=st.binary(max_size=20),
)
def test_mutated_ledgers_never_raise(name: str, place: float, length: int, inserted: bytes) -> None:
    raw = next(
        path for path in sorted(GOLDEN.iterdir()) if path.name.startswith(name) and "json" not in path.name
    ).read_bytes()
    start = int(place * len(raw))
    parsed = parse_ledger(raw[:start] + inserted + raw[start + length :], load_profile(name, None), "2026-10")
    assert parsed.rows_in == len(parsed.postings) + len(parsed.rejects)


@pytest.mark.parametrize(
    ("path", "profile", "header_row", "periods"),
    [
        ("darlington/2013-04.csv", "uk_darlington", 19, {"2013-04"}),
        ("darlington/2014-08.csv", "uk_darlington", 1, {"2014-08"}),
        ("gateshead/2011-02.csv", "uk_gateshead", 1, {"2011-02"}),
        ("oxford/expenditure-over-500-apr-jun-2014.csv", "uk_oxford", 1, {"2014-04"}),
        ("oxford/expenditure-over-500-apr-jun-2016.csv", "uk_oxford", 1, {"2016-04", "2016-05", "2016-06"}),
    ],
)
def test_published_ledgers_agree_with_a_plain_reading(
    fixtures: Path, path: str, profile: str, header_row: int, periods: set[str]
) -> None:
    file = fixtures / "ledgers" / path
    raw = file.read_bytes()
    found = best_shipped(raw)
    assert found is not None
    assert found.name == profile
    parsed = parse_ledger(raw, found, file.name)
    assert parsed.header_row == header_row
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    amount = rows[header_row - 1].index(parsed.amount_column)
    assert parsed.rejects == []
    assert [posting["amount"] for posting in parsed.postings] == [Decimal(row[amount]) for row in rows[header_row:]]
    assert {posting["fiscal_period"] for posting in parsed.postings} == periods


_STYLES = st.sampled_from(
    [(",", sign) for sign in ("", " ", "\u00a0", "\u202f", ".")] + [(".", sign) for sign in ("", " ", ",")]
)
_SIGNS = st.sampled_from(["-{}", "{}-", "({})", "\u2212{}", "{} -"])


@settings(max_examples=200, deadline=None)
@given(
    ores=st.lists(st.integers(-(10**14), 10**14), min_size=1, max_size=9),
    style=_STYLES,
    negative=_SIGNS,
    by_row=st.booleans(),
)
def test_amounts_of_every_style_come_back_exactly(
    ores: list[int], style: tuple[str, str], negative: str, by_row: bool
) -> None:
    decimal, thousands = style

    def written(ore: int) -> str:
        whole = f"{abs(ore) // 100:,}".replace(",", thousands)
        text = f"{whole}{decimal}{abs(ore) % 100:02d}"
        return negative.format(text) if ore < 0 else text

    raw = "Beløp\tDato\n" + "".join(f"{written(ore)}\t01.02.2026\n" for ore in ores)
    allowed = [sign for sign in (" ", "\u00a0", "\u202f", ".", ",") if sign != decimal]
    numbers = json.dumps({"decimal": decimal, "thousands": allowed})
    profile = small_profile(f"delimiter: tab\nperiod: {{from: posting_date}}\nnumbers: {numbers}")
    parsed = parse_ledger(raw.encode(), profile, "x.csv", by_row=by_row)
    assert [posting["amount"] for posting in parsed.postings] == [Decimal(ore).scaleb(-2) for ore in ores]


@settings(max_examples=100, deadline=None)
@given(
    days=st.lists(st.dates(date(1990, 1, 1), date(2060, 12, 31)), min_size=1, max_size=9),
    pattern=st.sampled_from([name for name in KNOWN_FORMATS if name not in ("dd.mm.yy", "dd/mm/yy", "%d-%b-%y")]),
    by_row=st.booleans(),
)
def test_dates_of_every_style_come_back_exactly(days: list[date], pattern: str, by_row: bool) -> None:
    def written(day: date) -> str:
        if pattern == EXCEL_SERIAL:
            return str((day - date(1899, 12, 30)).days)
        return day.strftime(to_strptime(pattern))

    raw = "Beløp;Dato\n" + "".join(f"1,50;{written(day)}\n" for day in days)
    parsed = parse_ledger(
        raw.encode(), small_profile(f"dates: ['{pattern}']\nperiod: {{from: posting_date}}"), "x.csv", by_row=by_row
    )
    assert [posting["posting_date"] for posting in parsed.postings] == days


@pytest.mark.parametrize(
    ("amounts", "words"),
    [
        (["800", "1088.50", "549.44"], 'numbers.decimal: "."'),
        (["1.234", "12.500", "7"], "numbers.whole: true"),
        ([f"-{number},50" for number in range(1, 12)], "sign: -1"),
    ],
    ids=["decimal point", "both ways", "sign"],
)
def test_ledger_whose_amounts_contradict_its_profile_is_refused_whole(amounts: list[str], words: str) -> None:
    parsed = parse_ledger(ledger(*[ROW.format(amount=amount) for amount in amounts]), SEMICOLON, "x.csv")
    assert parsed.postings == []
    assert [(reject.rule, reject.row_no) for reject in parsed.rejects] == [("IN01", None)]
    assert words in parsed.rejects[0].message
    assert not any(amount in parsed.rejects[0].message for amount in amounts if len(amount) > 5)


def test_single_amount_in_another_style_refuses_its_row_only() -> None:
    rows = [ROW.format(amount=amount) for amount in ("1,50", "2,50", "3.50")]
    parsed = parse_ledger(ledger(*rows), SEMICOLON, "x.csv")
    assert [posting["amount"] for posting in parsed.postings] == [Decimal("1.50"), Decimal("2.50")]
    assert [reject.rule for reject in parsed.rejects] == ["IN06"]


def test_what_a_profile_states_outright_is_not_held_against_the_file() -> None:
    whole = small_profile("period: {from: posting_date}\nnumbers: {whole: true}")
    raw = "Beløp;Dato\n1.234;01.02.2026\n12.500;01.02.2026\n".encode()
    assert [posting["amount"] for posting in parse_ledger(raw, whole, "x").postings] == [Decimal(1234), Decimal(12500)]
    credits_only = small_profile("period: {from: posting_date}\nmostly_credits: true")
    raw = ("Beløp;Dato\n" + "-1,50;01.02.2026\n" * 20).encode()
    assert len(parse_ledger(raw, credits_only, "x").postings) == 20


def test_dates_of_another_style_are_named() -> None:
    rows = [ROW.format(amount="1,00").replace("01.10.2026", day) for day in ("10/13/2026", "10/27/2026")]
    (reject,) = parse_ledger(ledger(*rows), SEMICOLON, "x.csv").rejects
    assert (reject.rule, reject.row_no) == ("IN01", None)
    assert "They are written mm/dd/yyyy" in reject.message


def test_header_cut_short_that_may_be_two_columns_is_refused() -> None:
    profile = read_profile(
        b"header: {truncated: true}\ncolumns: {amount: Belop, supplier_ledger_code: Leverandornummer, "
        b"supplier_name: Leverandornavn, posting_date: Dato}\nperiod: {from: posting_date}\n",
        file="x.yml",
    )
    (reject,) = parse_ledger(b"Belop;Leverandor;Dato\n1,00;a;01.02.2026\n", profile, "x").rejects
    assert "cut short" in reject.message
    assert "occurrence" in reject.message


@pytest.mark.parametrize(
    ("path", "rows", "total", "encoding"),
    [
        ("vgr_sample_CR-only.csv", 4, Decimal("5047504.73"), "cp1252"),
        ("vasteras_sample.json", 2, Decimal("-1702.71"), "utf-8"),
    ],
)
def test_swedish_samples_are_read(fixtures: Path, path: str, rows: int, total: Decimal, encoding: str) -> None:
    file = fixtures / "ledgers" / "se-samples" / path
    found = best_shipped(file)
    assert found is not None
    parsed = parse_ledger(file, found, path)
    assert parsed.rejects == []
    assert parsed.encoding == encoding
    assert len(parsed.postings) == rows
    assert sum(posting["amount"] for posting in parsed.postings) == total
    assert {posting["currency"] for posting in parsed.postings} == {"SEK"}
    assert "\ufeff" not in "".join(parsed.columns or [])


def test_whole_file_is_refused_after_batches_were_given() -> None:
    raw = ledger(*[ROW.format(amount=f"{number}.50") for number in range(50)])
    opened = Ledger(raw, SEMICOLON, "x.csv", block=500)
    with pytest.raises(LedgerRefused, match="contradict"):
        list(opened.batches(by_row=False))
