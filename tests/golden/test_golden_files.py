"""Every golden file is read as its stored expectation says; every valid invoice among them is really valid."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden.golden import HERE, expected_path, golden_files, parse

FILES = golden_files()


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_golden_file_is_read_as_expected(path: Path) -> None:
    assert parse(path) == json.loads(expected_path(path).read_text(encoding="utf-8"))


def test_every_expectation_has_its_file() -> None:
    assert {path.name for path in HERE.glob("*/*.expected.json")} == {expected_path(path).name for path in FILES}


def test_invoices_not_named_invalid_pass_schema_and_rules() -> None:
    validator = Path(sys.executable).parent / "peppol-ubl-validate"
    if not validator.is_file():
        pytest.skip("the validator is a development dependency")
    # The validator knows neither EHF 2, envelopes and plain EN 16931, nor the rounding amount.
    beyond = ("__invalid", "__ehf2", "__unvalidated")
    valid = [str(path) for path in FILES if path.parent.name == "ehf" and not any(part in path.name for part in beyond)]
    result = subprocess.run([validator, "-q", *valid], capture_output=True, text=True, check=False)
    assert valid
    assert result.returncode == 0, result.stdout


def test_saft_files_not_named_invalid_pass_the_schema_of_their_version(fixtures: Path) -> None:
    from lxml import etree

    valid = [path for path in FILES if path.parent.name == "saft" and "__invalid" not in path.name]
    assert valid
    for path in valid:
        # There is none for 1.20 here; its layout is that of 1.10.
        version = "1.30" if path.name.startswith("v130") else "1.10"
        schema = etree.XMLSchema(file=fixtures / "saft" / f"Norwegian_SAF-T_Financial_Schema_v_{version}.xsd")
        assert schema.validate(etree.parse(path)), (path.name, schema.error_log.last_error)
