"""A contract register comes in by profile: what can be mapped goes on, the rest is refused by row."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import registers_nb as nb
from pipelines.contract_profile import load_contract_profile, read_contract_profile, shipped_contract_profiles
from pipelines.errors import ConfigurationError, ProblemsFound
from pipelines.parsing.contract_export import parse_contracts
from pipelines.parsing.register_form import ReadForm
from pipelines.parsing.tabular import UnreadableTable

NOWHERE = Path("/nonexistent")
KAV = load_contract_profile("kav", NOWHERE)
CSV = load_contract_profile("kgv_csv", NOWHERE)
OWN = load_contract_profile("workspace", NOWHERE)
MEMBERS = {
    "members": [
        {"municipality_no": "9901", "name": "Lilleby", "valid_from": date(2020, 1, 1), "valid_to": None},
        {"municipality_no": "9902", "name": "Storvik", "valid_from": date(2020, 1, 1), "valid_to": date(2022, 12, 31)},
        {"municipality_no": "9903", "name": "Nes", "valid_from": date(2020, 1, 1), "valid_to": None},
        {"municipality_no": "9904", "name": "Nes", "valid_from": date(2020, 1, 1), "valid_to": None},
    ]
}
NO_MEMBER = "Names a municipality that is no member, or that two members are called."
HEADER = [
    *("Avtalenummer", "Avtalenavn", "Leverandør", "Org.nr", "Startdato", "Sluttdato", "Opsjon til", "Kategori", "CPV"),
    *("Estimert verdi", "Reservert", "Eksklusiv", "Omfattede kommuner", "Status"),
]
GOOD: dict[str, Any] = {
    "Avtalenummer": "2025/17",
    "Avtalenavn": "Vask av arbeidstøy",
    "Leverandør": "Eksempel Bakeri AS",
    "Org.nr": "NO 310 000 019 MVA",
    "Startdato": date(2025, 1, 1),
    "Sluttdato": "31.12.2027",
    "Opsjon til": date(2029, 12, 31),
    "CPV": "98310000-9 Vask og rensing",
    "Estimert verdi": "1 250 000,50",
    "Reservert": "Ja",
    "Omfattede kommuner": "Lilleby kommune; 9902",
    "Status": "Aktiv",
}


def workbook(*rows: dict[str, Any], header: list[str] = HEADER, above: int = 2) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "default_date_format": "dd.mm.yyyy"}) as book:
        sheet = book.add_worksheet("Avtaler")
        for row_no in range(above):
            sheet.write_string(row_no, 0, "Uttrekk fra avtalesystemet")
        sheet.write_row(above, 0, header)
        for row_no, row in enumerate(rows, start=above + 1):
            for column, name in enumerate(header):
                value = row.get(name)
                if isinstance(value, date):
                    sheet.write_datetime(row_no, column, value)
                elif isinstance(value, str):
                    sheet.write_string(row_no, column, value)
                elif value is not None:
                    sheet.write(row_no, column, value)
    return buffer.getvalue()


def read(raw: bytes, profile: Any = KAV, owner: str = "_consortium", *, for_all: bool = True) -> ReadForm:
    result = parse_contracts(raw, profile, owner, MEMBERS, may_speak_for_all=for_all)
    assert result.rows_in == result.rows_out + len(result.rejects)
    return result


def rows_of(result: ReadForm, register: str) -> list[dict[str, str]]:
    return [row.fields for row in result.rows if row.register == register]


def test_a_contract_in_one_row_gives_a_contract_and_its_members() -> None:
    result = read(workbook(GOOD))
    assert result.rejects == []
    assert rows_of(result, "contracts") == [
        {
            "contract_id": "2025/17",
            "title": "Vask av arbeidstøy",
            "category_key": "laundry",
            "supplier_org_no": "310000019",
            "is_reserved": "yes",
            "exclusivity": "unknown",
            "estimated_value_nok": "1250000.50",
            "notice_id": "",
            "options_to": "2029-12-31",
            "valid_from": "2025-01-01",
            "valid_to": "2027-12-31",
        }
    ]
    dates = {"valid_from": "2025-01-01", "valid_to": "2027-12-31"}
    assert rows_of(result, "contract_members") == [
        {"contract_id": "2025/17", "municipality_no": number} | dates for number in ("9901", "9902")
    ]


@pytest.mark.parametrize(
    ("stated", "expected"), [(None, "unknown"), ("Ja", "yes"), ("nei", "no"), ("Delvis", "unknown"), ("?", "unknown")]
)
def test_exclusivity_is_taken_from_the_file_or_unknown(stated: Any, expected: str) -> None:
    assert rows_of(read(workbook(GOOD | {"Eksklusiv": stated})), "contracts")[0]["exclusivity"] == expected


def test_one_row_per_municipality_is_one_contract() -> None:
    lines = (
        "Avtalenummer;Tittel;Org.nr;Gyldig fra;Gyldig til;Hoved-CPV;Anslått verdi;Reservert kontrakt;Oppdragsgiver"
        ";Tilstand",
        "17;Renhold;310000019;01.01.2025;31.12.2026;90910000-9;1.000,00;;Lilleby;Aktiv",
        "17;Renhold;310000019;01.01.2025;31.12.2026;90910000-9;1.000,00;;Storvik kommune;Aktiv",
        "17;Renhold;310000019;01.01.2025;30.06.2026;90910000-9;1.000,00;;9903;Aktiv",
        "18;Renhold;310000019;01.01.2025;31.12.2026;90910000-9;1.000,00;;Lilleby;Avsluttet",
    )
    result = read("\n".join(lines).encode("cp1252"), CSV)
    assert len(rows_of(result, "contracts")) == 1
    assert [row["municipality_no"] for row in rows_of(result, "contract_members")] == ["9901", "9902"]
    assert [(reject.row_no, reject.column, reject.message) for reject in result.rejects] == [
        (4, "Gyldig til", "Another row of the same contract states something else. Mend one of them.")
    ]
    assert [(issue.row_no, issue.column) for issue in result.issues] == [(5, "Tilstand")]
    assert (result.rows_in, result.rows_out) == (4, 3)


@pytest.mark.parametrize(
    ("column", "value", "rule", "message"),
    [
        ("Avtalenummer", None, "IN12", "A value is required."),
        ("Avtalenavn", None, "IN12", "A value is required."),
        ("Startdato", "våren 2025", "IN12", "Not a day of the calendar as the profile writes dates."),
        ("Startdato", None, "IN12", "A value is required."),
        ("Sluttdato", "31.12.2024", "IN12", "The last day is before the first. Mend the dates."),
        ("Org.nr", "310000018", "IN12", "Not an organisation number: its check digit or its form is wrong."),
        ("Org.nr", "Ukjent", "IN12", "Not an organisation number: its check digit or its form is wrong."),
        ("Estimert verdi", "ca. 1 mill", "IN12", "Not an amount in whole øre as the profile writes numbers."),
        ("Estimert verdi", 10.005, "IN12", "Not an amount in whole øre as the profile writes numbers."),
        ("Estimert verdi", -1, "IN12", "Not an amount in whole øre as the profile writes numbers."),
        ("Reservert", "Kanskje", "IN12", "Neither what the profile calls reserved nor what it calls not reserved."),
        ("CPV", "vask", "IN12", "Not a CPV code of eight digits."),
        ("Omfattede kommuner", None, "IN12", "Names no municipality that the contract covers."),
        ("Omfattede kommuner", "Lilleby, Bergen", "IN12", NO_MEMBER),
        ("Omfattede kommuner", "Nes", "IN12", NO_MEMBER),
    ],
)  # fmt: skip
def test_what_cannot_be_mapped_refuses_the_row(column: str, value: Any, rule: str, message: str) -> None:
    result = read(workbook(GOOD, GOOD | {"Avtalenummer": "2"} | {column: value}))
    assert [(one.rule, one.row_no, one.column, one.message) for one in result.rejects] == [(rule, 5, column, message)]
    assert len(rows_of(result, "contracts")) == 1
    assert nb.in_bokmaal(message)


@pytest.mark.parametrize(
    ("text", "cpv", "expected"),
    [
        ("Vaskeri og tekstilvask", None, "laundry"),
        ("vaskeri og tekstilvask", "90910000", "laundry"),
        ("Diverse", "90911200-8", "cleaning"),
        (None, "48000000", ""),
        (None, None, ""),
    ],
)
def test_the_category_is_the_named_one_else_the_codes_else_none(text: Any, cpv: Any, expected: str) -> None:
    result = read(workbook(GOOD | {"Kategori": text, "CPV": cpv}))
    assert rows_of(result, "contracts")[0]["category_key"] == expected


def test_a_category_that_nobody_mapped_is_refused_unless_the_profile_lets_it_be() -> None:
    columns = "contract_id: Avtalenummer, title: Avtalenavn, valid_from: Startdato, category: Kategori"
    text = f"format: xlsx\ncolumns: {{{columns}, is_reserved: Reservert}}\ncategories: {{Tøyvask: laundry}}\n"
    strict = read_contract_profile(text.encode(), file="own")
    rows = (GOOD | {"Kategori": "Diverse"}, GOOD | {"Avtalenummer": "2", "Kategori": "tøyvask"})
    result = read(workbook(*rows), strict, "9901", for_all=False)
    assert [one.column for one in result.rejects] == ["Kategori"]
    assert rows_of(result, "contracts")[0]["category_key"] == "laundry"


def test_every_member_is_who_was_one_during_the_contract() -> None:
    late = GOOD | {"Avtalenummer": "2", "Omfattede kommuner": "Alle kommuner"}
    early = late | {"Avtalenummer": "1", "Startdato": date(2022, 1, 1)}
    result = read(workbook(early, late))
    covered = [(row["contract_id"], row["municipality_no"]) for row in rows_of(result, "contract_members")]
    assert covered == [*[("1", number) for number in ("9901", "9902", "9903", "9904")],
                       *[("2", number) for number in ("9901", "9903", "9904")]]  # fmt: skip


def test_a_municipality_speaks_for_itself_only() -> None:
    rows = (GOOD, GOOD | {"Avtalenummer": "2", "Omfattede kommuner": "Lilleby"})
    result = read(workbook(*rows), owner="9901", for_all=False)
    assert [(one.rule, one.row_no, one.column) for one in result.rejects] == [("RF10", 4, "Omfattede kommuner")]
    assert [row["contract_id"] for row in rows_of(result, "contracts")] == ["2"]


def test_a_municipalitys_own_register_covers_it_and_its_numbers_are_told_apart() -> None:
    header = ["Nummer", "Tittel", "Fra dato", "Reservert", "Verdi", "Status"]
    row = {
        "Nummer": 17,
        "Tittel": "Ved",
        "Fra dato": "2025-01-01",
        "Reservert": "False",
        "Verdi": 5000,
        "Status": "Active",
    }
    result = read(workbook(row, header=header), OWN, "9901", for_all=False)
    assert result.rejects == []
    assert rows_of(result, "contracts")[0]["contract_id"] == "9901-17"
    assert [row["municipality_no"] for row in rows_of(result, "contract_members")] == ["9901"]


def test_a_file_without_the_headers_is_refused_whole() -> None:
    result = read(workbook(GOOD, header=["Nummer", "Navn"]))
    assert [one.rule for one in result.rejects] == ["IN01"]


@pytest.mark.parametrize("name", shipped_contract_profiles())
def test_shipped_profiles_say_that_they_are_invented(name: str) -> None:
    from pipelines.contract_profile import SHIPPED_FOLDER

    assert load_contract_profile(name, NOWHERE).name == name
    assert "invented layout" in (SHIPPED_FOLDER / f"{name}.yml").read_text(encoding="utf-8").splitlines()[0]


def test_a_homes_own_profile_is_found_and_a_missing_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_text("format: csv\ncolumns: {contract_id: A, title: B, valid_from: C}\n")
    assert load_contract_profile("own.yml", tmp_path).columns["title"] == ("B",)
    with pytest.raises(ConfigurationError, match="no such contract profile"):
        load_contract_profile("kag", tmp_path)


def test_every_problem_of_a_profile_is_told_at_once() -> None:
    text = (
        "format: pdf\ncolour: red\ncolumns: {contract_id: A, price: B}\ndates: 'dd'\ndelimiter: ';;'\ndecimal: x\n"
        "exclusivity: {Ja: always}\nunmapped_category: guess\nprefix_with_owner: maybe\nencoding: klingon\n"
        "categories: []\n"
    )
    with pytest.raises(ProblemsFound) as found:
        read_contract_profile(text.encode(), file="own.yml")
    keys = {problem.split(", ")[1].split(":")[0] for problem in found.value.problems}
    assert keys == {
        *("format", "colour", "columns", "columns.price", "dates", "delimiter", "decimal", "exclusivity"),
        *("unmapped_category", "prefix_with_owner", "encoding", "categories"),
    }
    for raw in (b"\xff", b"- a", b"a: [", b""):
        with pytest.raises(ProblemsFound):
            read_contract_profile(raw, file="own.yml")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([KAV, CSV]))
def test_any_bytes_end_as_rows_or_rejects(raw: bytes, profile: Any) -> None:
    try:
        read(raw, profile)
    except UnreadableTable:
        return


_CELL = st.none() | st.text(max_size=20) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.dates(
    date(1900, 3, 1), date(9999, 12, 31)
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(HEADER), _CELL), max_size=4))
def test_any_cells_end_as_rows_or_rejects(rows: list[dict[str, Any]]) -> None:
    result = read(workbook(*({"Avtalenummer": "1"} | row for row in rows)))
    assert all(row.fields["contract_id"] for row in result.rows)
