"""Register units are read from the forms in which Brreg gives them; roles are not."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.parsing import brreg
from pipelines.parsing.brreg import UnreadableUnits, read_units
from pipelines.parsing.inspect import inspect_paths
from pipelines.parsing.schema import COMPANIES
from pipelines.tables import arrow_table
from tests.whole_units import parse_units

FOLDER = Path(__file__).resolve().parents[2] / "golden" / "brreg"
GOLDEN = FOLDER / "units_sub_unit_deleted_and_faults.json"
BULK_CSV = FOLDER / "enheter_bulk_embedded_newlines_and_faults.csv"


def test_units_fit_the_table_of_the_schema() -> None:
    parsed = parse_units(GOLDEN.read_bytes())
    lineage = {"municipality_no": "_consortium", "_delivery_id": "d", "_file_sha256": "f"}
    assert arrow_table(COMPANIES, [unit | lineage for unit in parsed.units]).num_rows == 4
    assert parsed.rows_in == 8 == len(parsed.units) + len(parsed.rejects)


@pytest.mark.parametrize(
    "document",
    [
        {"organisasjonsnummer": "310028142"},
        [{"organisasjonsnummer": "310028142"}],
        {"_embedded": {"enheter": [{"organisasjonsnummer": "310028142"}]}, "page": {}},
        {"_embedded": {"underenheter": [{"organisasjonsnummer": "310028142"}]}},
    ],
)
def test_unit_array_and_search_answer_read_alike(document: object) -> None:
    assert [unit["org_no"] for unit in parse_units(json.dumps(document).encode()).units] == ["310028142"]


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"[]", b"3", b"[1]", b'[{"a":1}]', b'{"rollegrupper": []}', b"\xff", b"[" * 10**5]
)
def test_what_holds_no_units_is_one_reject(raw: bytes) -> None:
    parsed = parse_units(raw)
    assert [reject.rule for reject in parsed.rejects] == ["IN01"]
    assert parsed.rows_in == 1


def test_half_a_character_does_not_reach_the_tables() -> None:
    parsed = parse_units(b'[{"organisasjonsnummer": "310028142", "navn": "A\\ud800B"}]')
    assert parsed.units[0]["name"] == "A?B"


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from(["", "310028142", "310028150", "2024-02-30", "2024-02-29", [], {}, {"kode": 3}, {"kode": "AS"}]),
)
_FIELDS = st.sampled_from(
    ["organisasjonsnummer", "navn", "slettedato", "antallAnsatte", "organisasjonsform", "konkurs"]
)


@given(units=st.lists(st.dictionaries(_FIELDS, _VALUES, max_size=6), max_size=6))
def test_any_units_are_conserved(units: list[dict[str, object]]) -> None:
    parsed = parse_units(json.dumps(units).encode())
    assert parsed.rows_in == len(parsed.units) + len(parsed.rejects)


def units_of(piece_wise: bytes) -> list[str]:
    return [unit["org_no"] for piece in read_units(io.BytesIO(piece_wise)) for unit in piece.units]


def numbered(count: int) -> list[dict[str, str]]:
    return [{"organisasjonsnummer": f"{300_000_000 + at}", "navn": "ÅÆØ" * 10} for at in range(count)]


def test_a_bulk_file_is_given_piece_by_piece() -> None:
    pieces = list(read_units(io.BytesIO(json.dumps(numbered(12_001)).encode())))
    assert [piece.rows_in for piece in pieces] == [5_000, 5_000, 2_001]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_a_unit_may_be_cut_anywhere_between_two_pieces(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(brreg, "_PIECE", size)
    raw = json.dumps(numbered(20), ensure_ascii=False, indent=1).encode()
    assert units_of(raw) == [unit["organisasjonsnummer"] for unit in numbered(20)]


@pytest.mark.parametrize("path", [GOLDEN, BULK_CSV], ids=["json", "csv"])
def test_a_packed_file_is_read_like_the_plain_one(path: Path) -> None:
    assert parse_units(gzip.compress(path.read_bytes())) == parse_units(path.read_bytes())


def test_a_number_that_is_met_twice_counts_once_in_the_largest_file() -> None:
    raw = json.dumps([*numbered(6_000), *numbered(2)]).encode()
    rejects = [reject.rule for piece in read_units(io.BytesIO(raw)) for reject in piece.rejects]
    assert rejects == ["IN03", "IN03"]


@pytest.mark.parametrize(
    "raw",
    [
        gzip.compress(GOLDEN.read_bytes())[:-20],
        gzip.compress(GOLDEN.read_bytes())[:60] + b"\xff" * 60,
        b"\x1f\x8b",
        b"\x1f\x8b" + b"\x00" * 50,
        gzip.compress(b""),
        gzip.compress(gzip.compress(GOLDEN.read_bytes())),
        gzip.compress(b"kontering;belop\n1;2\n"),
    ],
    ids=["cut", "overwritten", "only the magic", "no header", "empty", "packed twice", "a ledger"],
)
def test_a_damaged_or_foreign_packed_file_is_one_reject(raw: bytes) -> None:
    parsed = parse_units(raw)
    assert (parsed.rows_in, [reject.rule for reject in parsed.rejects], parsed.units) == (1, ["IN01"], [])


def test_a_packed_file_that_swells_is_refused_in_time() -> None:
    blanks = zlib.compressobj(wbits=31)
    raw = blanks.compress(b"[" + b" " * 50_000_000) + blanks.flush()
    with pytest.raises(UnreadableUnits, match="brreg_unpacked_mib"):
        list(read_units(io.BytesIO(raw), 10_000_000))


@pytest.mark.parametrize(
    "rest", ["", "]", "]x", ",", ', {"organisasjonsnummer"', "] []", "}"], ids=lambda rest: rest or "nothing"
)
def test_an_array_that_does_not_end_well_is_refused_whole(rest: str) -> None:
    raw = ('[{"organisasjonsnummer": "310028142"}' + rest).encode()
    parsed = parse_units(raw)
    assert len(parsed.units) == (1 if rest == "]" else 0)
    assert len(parsed.rejects) == (0 if rest == "]" else 1)


def test_an_endless_value_is_not_read_into_memory() -> None:
    raw = b'[{"organisasjonsnummer": "310028142", "navn": "' + b"A" * 4_000_000 + b'"}]'
    assert [reject.rule for reject in parse_units(raw).rejects] == ["IN01"]


def test_a_department_has_a_parent_and_is_no_sub_unit() -> None:
    by_number = {unit["org_no"]: unit for unit in parse_units(BULK_CSV.read_bytes()).units}
    department = by_number["310031011"]
    assert (department["parent_org_no"], department["is_sub_unit"]) == ("310030007", False)


def test_contacts_addresses_and_purposes_are_not_kept() -> None:
    kept = repr(parse_units(BULK_CSV.read_bytes()))
    assert "example.invalid" not in kept
    assert "00000000" not in kept
    assert "vaskeri" not in kept


def test_a_file_that_is_not_utf_8_is_refused_whole() -> None:
    raw = BULK_CSV.read_bytes() + '"310031119","ØSTVIK"'.encode("cp1252")
    assert "UTF-8" in parse_units(raw).rejects[0].message


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        (BULK_CSV.name, (4, 0, 0)),
        ("underenheter_bulk_unquoted.csv", (2, 0, 2)),
        ("removed_and_deleted_sub_unit.json", (3, 3, 2)),
        ("roles_of_a_unit__invalid.json", (None, None, None)),
    ],
)
def test_inspect_counts_units(name: str, facts: tuple[int | None, ...]) -> None:
    (found,) = inspect_paths([FOLDER / name])
    assert found["format"] == "brreg"
    assert (found["units"], found["deleted"], found["sub_units"]) == facts
    assert bool(found["rejects"]) == (name == BULK_CSV.name or facts[0] is None)


def test_inspect_knows_a_packed_register(tmp_path: Path) -> None:
    path = tmp_path / "enheter_alle.csv.gz"
    path.write_bytes(gzip.compress(BULK_CSV.read_bytes()))
    (found,) = inspect_paths([path])
    assert (found["format"], found["units"]) == ("brreg", 4)
    path.write_bytes(gzip.compress(b"hei"))
    (found,) = inspect_paths([path])
    assert (found["format"], len(found["rejects"])) == ("unknown", 1)


_PIECES = st.lists(
    st.sampled_from(
        [
            *(
                b"[",
                b"]",
                b"{",
                b"}",
                b",",
                b":",
                b" ",
                b'"',
                b"\n",
                b"\r\n",
                b";",
                b"\x1f\x8b",
                b"\xef\xbb\xbf",
                b"\xff",
            ),
            *(b'"organisasjonsnummer"', b"organisasjonsnummer,navn", b'"310028142"', b"310028142", b"navn", b"\x00"),
            *(b'{"organisasjonsnummer": "310028142"}', b'{"page": {}}', b'"_embedded"', b'"enheter"', b"1e999", b"NaN"),
        ]
    ),
    max_size=30,
)


@settings(max_examples=400, deadline=None)
@given(raw=st.one_of(st.binary(max_size=200), _PIECES.map(b"".join)))
def test_any_bytes_are_units_or_rejects(raw: bytes) -> None:
    for given_bytes in (raw, gzip.compress(raw)):
        parsed = parse_units(given_bytes)
        assert parsed.rows_in == len(parsed.units) + len(parsed.rejects)


@settings(max_examples=300, deadline=None)
@given(
    sample=st.sampled_from([GOLDEN, BULK_CSV, FOLDER / "underenheter_bulk_unquoted.csv"]),
    cuts=st.lists(st.tuples(st.integers(0, 10**5), st.binary(max_size=5), st.integers(0, 9)), min_size=1, max_size=5),
)
def test_mutated_register_files_are_units_or_rejects(sample: Path, cuts: list[tuple[int, bytes, int]]) -> None:
    raw = sample.read_bytes()
    for place, piece, length in cuts:
        at = place % len(raw)
        raw = raw[:at] + piece + raw[at + length :]
    parsed = parse_units(raw)
    assert parsed.rows_in == len(parsed.units) + len(parsed.rejects)
    lineage = {"municipality_no": "_consortium", "_delivery_id": "d", "_file_sha256": "f"}
    arrow_table(COMPANIES, [unit | lineage for unit in parsed.units])


def test_published_answers_are_read(fixtures: Path) -> None:
    page = parse_units((fixtures / "brreg" / "enheter-search-page1-response.json").read_bytes())
    assert page.units[0]["org_no"] == "976030788"
    assert page.units[0]["sector_code"] == "2100"
    assert page.units[0]["business_municipality_no"] == "5001"
    sub_unit = parse_units((fixtures / "brreg" / "underenheter-details-response.json").read_bytes())
    assert sub_unit.units[0]["parent_org_no"] == "112233445"
    assert parse_units((fixtures / "brreg" / "enheter-search-empty-response.json").read_bytes()).rows_in == 0
    assert parse_units((fixtures / "brreg" / "enheter-roller-person-response.json").read_bytes()).units == []


def test_every_published_answer_is_counted(fixtures: Path) -> None:
    found = {
        Path(facts["file"]).name: (facts["units"], facts["deleted"], facts["sub_units"], len(facts["rejects"]))
        for facts in inspect_paths(sorted((fixtures / "brreg").glob("*.json")))
    }
    assert found == {
        "enheter-details-deleted-response.json": (1, 1, 0, 0),
        "enheter-details-response.json": (1, 0, 0, 0),
        "enheter-roller-enhet-response.json": (None, None, None, 1),
        "enheter-roller-person-response.json": (None, None, None, 1),
        "enheter-search-empty-response.json": (0, 0, 0, 0),
        "enheter-search-page1-response.json": (2, 0, 0, 0),
        "enheter-search-page2-response.json": (1, 0, 0, 0),
        "enheter-search-response.json": (1, 0, 0, 0),
        "underenheter-details-deleted-response.json": (1, 1, 1, 0),
        "underenheter-details-response.json": (1, 0, 1, 0),
        "underenheter-search-empty-response.json": (0, 0, 0, 0),
        "underenheter-search-response.json": (1, 0, 1, 0),
    }
