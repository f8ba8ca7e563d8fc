"""Reading a ledger in columns gives what reading it row by row gives: postings, rejects, issues, numbers, order."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.parsing import ledger_blocks
from pipelines.parsing.ledger import ParsedLedger, load_profile, parse_ledger
from pipelines.parsing.ledger_profile import Profile, read_profile, shipped_profile_names
from pipelines.parsing.ledger_rows import RowReader
from tests.golden.golden import golden_files, ledger_profile

HEADER = "Levnr;Navn;Orgnr;Bilag;Dato;Forfall;Periode;Konto;Beløp;Tekst"


def _profile(**changes: object) -> Profile:
    text = """
header: {must_contain: [Bilag, Beløp]}
encoding: [utf-8-sig, cp1252]
columns:
  supplier_ledger_code: Levnr
  supplier_name: Navn
  supplier_org_no: Orgnr
  voucher_no: Bilag
  invoice_date: Dato
  due_date: Forfall
  local_account: {header: Konto, part: code}
  local_account_text: {header: Konto, part: text}
  amount: Beløp
  posting_text: Tekst
dates: [dd.mm.yyyy, excel_serial]
missing: ["-", "?"]
period: [{column: Periode}, {from: invoice_date}]
sum_rows:
  - {column: "*", matches: '(?i)^(sum|total)', blank: [voucher_no, supplier_org_no]}
  - {column: Tekst, matches: '^Saldo'}
"""
    for key, value in changes.items():
        text += f"{key}: {value}\n"
    return read_profile(text.encode(), file="oddities.yml")


PROFILES = {
    "comma": _profile(),
    "negative expenses": _profile(sign=-1, mostly_credits="true"),
    "whole": _profile(numbers="{whole: true, negative: [minus, parentheses]}"),
    "point": _profile(numbers='{decimal: ".", thousands: [","]}'),
    "no quotes": _profile(quote="false"),
}
AMOUNTS = [
    *(
        "1,00",
        "12",
        "-3,5",
        "1 234,50",
        "1\u00a0234\u202f567,00",
        "1\u00a0234,00",
        "1\u202f234,00",
        "1.234,50",
        "1.234",
    ),
    *(
        "(12,00)",
        "7,00-",
        "- 3,00",
        "1,005",
        "1.5",
        "1,234.50",
        "\u22124,00",
        "+5,00",
        ",50",
        "12,",
        "0.500",
        "x",
        "",
        " ",
    ),
    *("1234567890123456,00", "12345678901234567,00", "9" * 41, " 8,00 ", "8,00" + " " * 40, "(1 234)", "(-1)", "-1-"),
    *("1.234.567", "01 234,00"),
]
NAMES = ["Eksempel AS", "Ål & Sønn", '"Sitat; AS"', '"Dobbel ""A"""', 'Midt"i', '"Åpen', '"To\nlinjer"', "Total AS", ""]
CELLS = {
    0: ["7", "8", "", " 7 ", "?"],
    1: [*NAMES, "\u00a0x\u3000"],
    2: ["310028142", "NO 310 028 142 MVA", "-", "", "12345"],
    3: ["100", "101", "", "Bilag"],
    4: ["01.02.2026", "28.02.2026", "46054", "", "?", "31.02.2026", "2026-02-01", " 01.03.2026", "0001"],
    5: ["01.03.2026", "", "-", "x"],
    6: ["202602", "202413", "", "-", "2026-02", "202614"],
    7: ["11500 Mat", "11500", "Mat", "11150 - Mat og drikke", "", "K9\u00a0Mat"],
    8: [*AMOUNTS, "Beløp"],
    9: ["Tekst", "Saldo per i dag", "Sum", "", "a;b", "x\x1f", "\x0b", "  ", "Ö"],
}


def _line() -> st.SearchStrategy[str]:
    plain = st.tuples(*(st.sampled_from(values[:3]) for values in CELLS.values()))
    odd = st.tuples(*(st.sampled_from(values) for values in CELLS.values()))
    short = st.lists(st.sampled_from(["", "Sum", "1,00", HEADER, '"', "\u00a0"]), max_size=12)
    return st.one_of(plain, plain, odd, odd, short).map(";".join)


def _same(raw: bytes, profile: Profile, block: int, name: str = "2026-02.csv") -> ParsedLedger:
    by_row = parse_ledger(raw, profile, name, by_row=True)
    assert parse_ledger(raw, profile, name, by_row=False, block=block) == by_row
    return by_row


@settings(max_examples=500, deadline=None)
@given(
    profile=st.sampled_from(sorted(PROFILES)),
    above=st.sampled_from(["", "Tittel;;\r\n\r\n", '"sql; select"\r\n']),
    lines=st.lists(_line(), max_size=25),
    end=st.sampled_from(["\r\n", "\r\n", "\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]),
    block=st.sampled_from([1, 40, 200, 10**6]),
    closed=st.booleans(),
)
@example("comma", "", ["7;A;;1;01.02.2026;;202602;1 A;" + text + ";T" for text in AMOUNTS], "\n", "utf-8", 10**6, True)
@example(
    "comma",
    "",
    [
        "7;A;;100;2026-02-01;;202602;11500 Mat;1,00;T",
        '7;"Åpen;;100;01.02.2026;;202602;11500 Mat;1,00;T',
        *["7;A;;100;01.02.2026;;202602;11500 Mat;1,00;T"] * 5,
        "7;A;;100;01.02.2026;;2026-02;11500 Mat;1,00;T",
    ],
    "\r\n",
    "cp1252",
    1,
    False,
)
def test_both_readers_agree_on_oddities(
    profile: str, above: str, lines: list[str], end: str, encoding: str, block: int, closed: bool
) -> None:
    text = above + end.join([HEADER, *lines]) + (end if closed else "")
    _same(text.encode(encoding, "replace"), PROFILES[profile], block)


@pytest.mark.parametrize("block", [64, 1 << 20])
@pytest.mark.parametrize("name", ["golden", "published"])
def test_both_readers_agree_on_whole_files(name: str, block: int, request: pytest.FixtureRequest) -> None:
    if name == "golden":
        paths = [path for path in golden_files() if path.parent.name == "ledgers"]
    else:
        paths = sorted((request.getfixturevalue("fixtures") / "ledgers").glob("*/*.csv"))
    for path in paths:
        for shipped in shipped_profile_names():
            if block > 64 or path.stat().st_size < 10_000:
                _same(path.read_bytes(), load_profile(shipped, None), block, path.name)
        if name == "golden":
            _same(path.read_bytes(), ledger_profile(path), block, path.name)


def test_plain_rows_are_really_read_in_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = "\n".join([HEADER, *["7;Ål AS;;100;01.02.2026;;202602;11500 Mat;1 234,50;T"] * 1000]).encode()
    expected = parse_ledger(raw, PROFILES["comma"], "x.csv")

    def fail(*arguments: object) -> None:
        raise AssertionError("a plain row was read on its own")

    monkeypatch.setattr(RowReader, "take", fail)
    assert parse_ledger(raw, PROFILES["comma"], "x.csv", by_row=False) == expected


def test_only_odd_rows_are_read_on_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ["7;Ål AS;;100;01.02.2026;;202602;11500 Mat;1 234,50;T"] * 100
    rows[17], rows[40], rows[41] = ";Sum;;;;;;;123 450,00;", "", rows[0].replace(",50", ",505")
    raw = "\n".join([HEADER, *rows]).encode()
    expected = parse_ledger(raw, PROFILES["comma"], "x.csv")
    taken: list[int] = []
    take = RowReader.take
    monkeypatch.setattr(
        RowReader, "take", lambda self, row_no, *rest: (taken.append(row_no), take(self, row_no, *rest))
    )
    assert parse_ledger(raw, PROFILES["comma"], "x.csv", by_row=False) == expected
    assert taken == [19, 42, 43]
    assert [issue.row_no for issue in expected.issues] == [43]


def test_quotes_within_lines_do_not_slow_a_file_down() -> None:
    import numpy as np

    def is_odd(text: str) -> bool:
        raw = np.frombuffer(text.encode(), dtype=np.uint8)
        ends = np.flatnonzero(raw == ord("\n"))
        return ledger_blocks._has_odd_quotes(raw, ends, ord(";"))

    assert not is_odd('a;"b;c";"";"d ""e"" f"\n"x";y\n')
    for text in ('a;b"c;"d\n', 'a;"b\nc";d\n', 'a;"b"c;d\n', 'a; "b";c\n', 'a;"b\n', 'a;b""c;d\n'):
        assert is_odd(text), text
