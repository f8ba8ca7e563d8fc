"""A new home: commented, with empty registers, and left alone where something is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.errors import ConfigurationError, ProblemsFound
from pipelines.home import Home, read_consortium
from pipelines.registers import REGISTERS, read_register
from pipelines.starter import REGISTER_TEXTS, make_starter


@pytest.fixture
def home(tmp_path: Path) -> Home:
    make_starter(tmp_path / "vårt hjem")
    return Home(tmp_path / "vårt hjem")


def test_every_register_is_there_with_its_header(home: Home) -> None:
    assert sorted(REGISTER_TEXTS) == sorted(REGISTERS)
    for name, table in REGISTERS.items():
        result = read_register(table, (home.registers / f"{name}.csv").read_bytes(), file=name)
        assert (result.rows, result.problems) == ([], [])


def test_what_is_to_be_filled_in_is_said(home: Home) -> None:
    with pytest.raises(ProblemsFound) as found:
        _ = home.consortium
    assert sorted(re.findall(r"consortium.yaml, (\w+):", str(found.value))) == ["host", "members", "name"]


def test_settings_work_when_the_examples_are_filled_in(home: Home) -> None:
    text = home.consortium_file.read_text(encoding="utf-8")
    text = re.sub(r"^# (keys:|  gate_hmac)", r"\1", text, flags=re.MULTILINE)
    text = text.replace("name: ''", "name: Prøve").replace("host: ''", "host: '0000'")
    before, after = text.split("members: {}")
    text = f"{before}members:{re.sub(r'^#(?=  )', '', after, flags=re.MULTILINE)}"
    consortium = read_consortium(text.encode())
    assert [(source.owner, source.kind) for source in consortium.sources] == [
        ("0000", "ehf"),
        ("0000", "ledger"),
        ("0000", "registers"),
        ("_consortium", "registers"),
        ("_consortium", "brreg"),
        ("_consortium", "notices"),
    ]
    assert consortium.gate_key == "file:../vårt hjem-keys/gate_hmac.key"


def test_the_page_for_the_coordinator_names_every_register(home: Home) -> None:
    page = (home.path / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}.csv`" in page for name in REGISTERS)
    assert (home.inbox / "_consortium" / "brreg").is_dir()


def test_a_folder_that_holds_something_is_left_alone(home: Home) -> None:
    before = home.consortium_file.read_bytes()
    with pytest.raises(ConfigurationError, match="not empty"):
        make_starter(home.path)
    assert home.consortium_file.read_bytes() == before
