"""A form that LibreOffice has opened and saved is still the form: what was filled in is read, the rest is as it was."""

from __future__ import annotations

import io
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest
from openpyxl import load_workbook

from pipelines import registers_nb as nb
from pipelines.home import Home
from pipelines.parsing.register_form import parse_form
from pipelines.register_forms import SHEET
from tests.integration.tiny_home import WORKSHOP
from tests.unit.registered import MEMBER, delivering, fill, form_bytes, make_registered_home, write_row

pytestmark = [pytest.mark.system]
OWNERS = {name: MEMBER if text.owner_kind == nb.MUNICIPALITY else WORKSHOP for name, text in nb.FORMS.items()}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_registered_home(tmp_path_factory.mktemp("libreoffice") / "home")


@pytest.fixture(scope="module")
def saved_again(home: Home, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bytes, bytes]]:
    """Every form before and after LibreOffice: one start of the program for all of them."""
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("LibreOffice is not installed")
    before, after = tmp_path_factory.mktemp("before"), tmp_path_factory.mktemp("after")
    for register, owner in OWNERS.items():
        raw = form_bytes(home, register, owner)
        if register == "tasks":
            raw = fill(
                raw, write_row(2, {"Oppgavenummer": "T-9", "Kategori": "Ved", "Beskrivelse": "Ved til rådhuset"})
            )
            raw = fill(raw, write_row(2, {"Anslått verdi": 1234.5, "Gjelder fra": date(2026, 12, 1)}))
        (before / f"{register}.xlsx").write_bytes(raw)
    profile = tmp_path_factory.mktemp("profile").as_uri()
    subprocess.run(
        [
            *(program, f"-env:UserInstallation={profile}", "--headless", "--norestore", "--convert-to", "xlsx"),
            *("--outdir", str(after)),
            *(str(path) for path in sorted(before.iterdir())),
        ],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return {name: (_bytes(before, name), _bytes(after, name)) for name in OWNERS}


def _bytes(folder: Path, register: str) -> bytes:
    return (folder / f"{register}.xlsx").read_bytes()


@pytest.mark.parametrize("register", OWNERS)
def test_it_reads_the_same(home: Home, saved_again: dict[str, tuple[bytes, bytes]], register: str) -> None:
    registers, owner = home.read_registers(), delivering(OWNERS[register])
    before, after = saved_again[register]
    assert before != after
    read = parse_form(after, owner, registers)
    assert read == parse_form(before, owner, registers)
    assert read is not None
    assert (read.rejects, bool(read.rows)) == ([], True)


@pytest.mark.parametrize("register", OWNERS)
def test_drop_downs_and_lock_are_still_there(saved_again: dict[str, tuple[bytes, bytes]], register: str) -> None:
    before, after = (load_workbook(io.BytesIO(raw))[SHEET] for raw in saved_again[register])
    assert after.protection.sheet
    assert not after["A4"].protection.locked
    assert sorted(rule.type for rule in after.data_validations.dataValidation) == sorted(
        rule.type for rule in before.data_validations.dataValidation
    )
