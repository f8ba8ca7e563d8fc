"""Register units are read from the forms in which Brreg gives them; roles are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.parsing.brreg import parse_units
from pipelines.parsing.schema import COMPANIES
from pipelines.tables import arrow_table

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "brreg" / "units_sub_unit_deleted_and_faults.json"


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
    "raw", [b"", b"{}", b"3", b"[1]", b'[{"a":1}]', b'{"rollegrupper": []}', b"\xff", b"[" * 10**5]
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


def test_published_answers_are_read(fixtures: Path) -> None:
    page = parse_units((fixtures / "brreg" / "enheter-search-page1-response.json").read_bytes())
    assert page.units[0]["org_no"] == "976030788"
    assert page.units[0]["sector_code"] == "2100"
    assert page.units[0]["business_municipality_no"] == "5001"
    sub_unit = parse_units((fixtures / "brreg" / "underenheter-details-response.json").read_bytes())
    assert sub_unit.units[0]["parent_org_no"] == "112233445"
    assert parse_units((fixtures / "brreg" / "enheter-search-empty-response.json").read_bytes()).rows_in == 0
    assert parse_units((fixtures / "brreg" / "enheter-roller-person-response.json").read_bytes()).units == []
