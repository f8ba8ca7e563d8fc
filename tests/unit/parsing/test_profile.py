"""Profiles are checked as a whole: every problem at once, each with its key and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import ConfigurationError, ProblemsFound
from pipelines.files import sha256_bytes
from pipelines.parsing.ledger_profile import SHIPPED_FOLDER, load_profile, read_profile, shipped_profile_names


def test_every_shipped_profile_is_without_problems_and_named_as_its_file() -> None:
    names = shipped_profile_names()
    assert {"unit4", "semicolon", "xlsx_no"} <= set(names)
    for name in names:
        profile = load_profile(name, None)
        assert profile.name == name
        assert profile.description
        assert profile.digest == sha256_bytes((SHIPPED_FOLDER / f"{name}.yml").read_bytes())


def test_all_problems_are_told_at_once() -> None:
    raw = b"""
format: ods
encoding: [utf-8, base64]
delimiter: ab
colour: red
header: {must_contain: [1], search_row: 3}
columns: {amunt: A, posting_date: {header: D, occurrence: 0}}
numbers: {decimal: ",", thousands: [","], negative: [red]}
dates: [dd.mm]
sign: 2
amount_kind: both
period: {column: P, from: posting_date}
sum_rows: [{column: "*", matches: "("}]
constants: {amount: 1}
"""
    with pytest.raises(ProblemsFound) as caught:
        read_profile(raw, file="mine.yml")
    text = str(caught.value)
    keys = (
        "format",
        "encoding",
        "delimiter",
        "colour",
        "header.must_contain",
        "header.search_row",
        "columns.amunt",
        "columns.posting_date.occurrence",
        "columns.amount",
        "numbers.thousands",
        "numbers.negative",
        "dates",
        "sign",
        "amount_kind",
        "period",
        "sum_rows[1].matches",
        "constants.amount",
    )
    for key in keys:
        assert f"ledger profile mine.yml, {key}: " in text, key


@pytest.mark.parametrize("raw", [b"", b"[1]", b"a: [", b"\xff", b"columns: 3\nperiod: 4"])
def test_what_is_no_profile_is_told(raw: bytes) -> None:
    with pytest.raises(ProblemsFound, match="ledger profile x"):
        read_profile(raw, file="x")


def test_profile_of_the_home_is_found_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "ours.yml").write_text("columns: {amount: B}\nperiod: {column: P}\n", encoding="utf-8")
    assert load_profile("profiles/ours.yml", tmp_path).name == "ours"


@pytest.mark.parametrize("name", ["nowhere", "../unit4", "profiles/absent.yml", ""])
def test_absent_profile_names_the_shipped_ones(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="semicolon, uk_darlington"):
        load_profile(name, tmp_path)
