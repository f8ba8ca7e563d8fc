"""A home says everything that is wrong with it at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import ConfigurationError, ProblemsFound
from pipelines.home import Home, Source, read_consortium
from tests.unit.dropped import CONSORTIUM_YAML, MEMBERS, make_home

MINIMAL = 'name: X\nhost: "9901"\nmembers:\n  "9901": {sources: [{kind: ehf}]}\n'


def problems_of(text: str) -> list[str]:
    with pytest.raises(ProblemsFound) as caught:
        read_consortium(text.encode())
    return caught.value.problems


def test_defaults_are_filled_in() -> None:
    consortium = read_consortium(MINIMAL.encode())
    assert (consortium.currency, consortium.as_of, consortium.window_months, consortium.gate_key) == (
        "NOK",
        None,
        12,
        None,
    )
    assert consortium.sources == (Source("9901", "ehf", "ehf", "inbox/9901/ehf"),)


def test_everything_that_is_said_is_read() -> None:
    text = MINIMAL.replace(
        "{kind: ehf}",
        "{kind: ledger, name: agresso, folder: /srv/x, profile: unit4, settle_seconds: 0, schedule: '0 6 * * *'}",
    )
    text += "as_of: 2026-11-15\npublication: {window_months: 6}\nkeys: {gate_hmac: 'env:KEY'}\n"
    text += "joint_sources: [{kind: brreg}]\n"
    consortium = read_consortium(text.encode())
    assert (consortium.as_of, consortium.window_months, consortium.gate_key) == (date(2026, 11, 15), 6, "env:KEY")
    assert consortium.sources_of("9901") == (Source("9901", "agresso", "ledger", "/srv/x", "unit4", 0, "0 6 * * *"),)
    assert [source.kind for source in consortium.sources_of("_consortium")] == ["brreg"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("name: X", "nam: X", "nam: unknown key"),
        ("name: X", "name: 5", "name: must be text"),
        ('"9901"\nmem', "9901\nmem", "host: must be text"),
        ('  "9901":', "  9901:", "must be quoted text"),
        ('  "9901":', '  "../1":', "municipality number of four digits"),
        ("{kind: ehf}", "{kind: fax}", "kind: must be one of"),
        ("{kind: ehf}", "{kind: ledger}", "a ledger needs a profile"),
        ("{kind: ehf}", "{kind: saft, profile: unit4}", "a source of kind saft is read without one: take it out"),
        ("{kind: ehf}", "{kind: ehf, name: ../x}", "name: must be letters"),
        ("{kind: ehf}", "{kind: ehf}, {kind: ehf}", "stands twice"),
        ("{kind: ehf}", "{kind: ehf, folder: a, url: b}", "folder or url, not both"),
        ("{kind: ehf}", "{kind: ehf, settle_seconds: -1}", "settle_seconds: must be a whole number"),
        ("{kind: ehf}", "{kind: ehf, colour: red}", "colour: unknown key"),
        ("name: X", "name: X\nas_of: tomorrow", "as_of: must be a date"),
        ("name: X", "name: X\npublication: {window_months: 0}", "window_months: must be"),
        ("name: X", "name: X\nlimits: {xml_dept: 3}", "limits.xml_dept: unknown key"),
        ("name: X", "name: X\nlimits: {xml_depth: 0}", "limits.xml_depth: must be a whole number"),
        ("name: X", "name: X\nlimits: {xml_depth: 257}", "limits.xml_depth: 257 is more"),
        ("name: X", "name: X\nlimits: {ehf_file_mib: 1.5}", "limits.ehf_file_mib: must be a whole number"),
        ("name: X", "name: X\nlimits: all", "limits: must be a mapping"),
        ("name: X", "name: X\nname: Y", "a key is stated twice"),
    ],
    ids=lambda value: value if len(value) < 40 else None,
)
def test_a_wrong_key_is_named(old: str, new: str, told: str) -> None:
    assert old in MINIMAL
    assert any(told in problem for problem in problems_of(MINIMAL.replace(old, new, 1)))


def test_all_problems_are_told_at_once() -> None:
    assert len(problems_of('nam: X\nmembers:\n  9901: {}\n  "9902": {sources: [{kind: fax}]}\n')) >= 4


def test_a_secret_in_the_file_is_refused_without_repeating_it() -> None:
    told = problems_of(MINIMAL + "keys: {gate_hmac: hunter2}\n")
    assert any("env:NAME" in problem for problem in told)
    assert "hunter2" not in " ".join(told)


@pytest.mark.parametrize("raw", [b"", b"[]", b"a: [", b"\xff\xfe", b"x"], ids=repr)
def test_what_is_no_mapping_is_refused(raw: bytes) -> None:
    with pytest.raises(ProblemsFound):
        read_consortium(raw)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(_VALUES, st.sampled_from(["name", "host", "members", "joint_sources", "publication", "keys", "as_of"]))
def test_any_value_is_read_or_refused_with_its_problems(value: object, key: str) -> None:
    import yaml

    document = yaml.safe_load(MINIMAL) | {key: value}
    try:
        read_consortium(yaml.safe_dump(document).encode())
    except ProblemsFound as refused:
        assert refused.problems


def test_a_folder_without_settings_is_no_home(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="not a home") as caught:
        Home(tmp_path).require()
    assert str(tmp_path) in str(caught.value)
    assert caught.value.exit_code == 2


def test_registers_are_read_and_absent_ones_are_empty(tmp_path: Path) -> None:
    rows = make_home(tmp_path / "home").read_registers()
    assert [row["municipality_no"] for row in rows["members"]] == ["9901", "9902"]
    assert rows["contracts"] == []


def test_problems_of_all_registers_are_told_at_once(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CONSORTIUM_YAML)
    (home.registers / "members.csv").write_text(MEMBERS.replace("4500", "many"))
    (home.registers / "member_org_nos.csv").unlink()
    (home.registers / "contract.csv").write_text("x\n")
    with pytest.raises(ProblemsFound) as caught:
        home.read_registers()
    told = "\n".join(caught.value.problems)
    assert "registers/members.csv, row 2, column inhabitants" in told
    assert "registers/member_org_nos.csv: does not exist" in told
    assert "registers/contract.csv: not a register" in told
