"""Keys of approvers: private halves outside the home and closed, public halves in the register, nothing told twice."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli.main import app
from pipelines.errors import ConfigurationError
from pipelines.gate.approvers import Approvers, open_key_of
from pipelines.home import Home

SETTINGS = "name: Samarbeidet\nhost: '9901'\nas_of: 2026-11-15\nmembers:\n  '9901': {sources: [{kind: ehf}]}\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    folder = tmp_path / "home"
    (folder / "registers").mkdir(parents=True)
    (folder / "consortium.yaml").write_text(SETTINGS)
    (folder / "registers" / "members.csv").write_text(
        "municipality_no,name,inhabitants,agreement,valid_from,valid_to\n9901,Lilleby,4000,unprepared,2020-01-01,\n"
    )
    (folder / "registers" / "member_org_nos.csv").write_text(
        "municipality_no,org_no,role,valid_from,valid_to\n9901,310000027,municipality,2020-01-01,\n"
    )
    return Home(folder)


def keys(home: Home, *arguments: str) -> tuple[int, str, object]:
    done = CliRunner().invoke(app, ["keys", *arguments, "--home", str(home.path)])
    return done.exit_code, done.output, done.exception


def test_a_new_key_is_closed_lies_outside_the_home_and_is_entered(home: Home) -> None:
    code, said, _ = keys(home, "new", "anna", "--name", "Anna Oppdiktet", "--json")
    made = json.loads(said)
    private = Path(made["private_key"])
    assert code == 0
    assert private == home.path.parent / "home-keys" / "anna.pem"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700
    (row,) = home.read_registers()["approvers"]
    assert (row["approver_id"], row["public_key"], f"{row['valid_from']}") == ("anna", made["public_key"], "2026-11-15")
    secret = private.read_text().splitlines()[1]
    assert secret not in said
    assert all(secret.encode() not in path.read_bytes() for path in home.path.rglob("*") if path.is_file())
    code, said, _ = keys(home, "list", "--json")
    assert json.loads(said)[0] | {"valid_to": None} == {
        **{"approver_id": "anna", "name": "Anna Oppdiktet", "key": made["key"], "valid_from": "2026-11-15"},
        **{"valid_to": None, "counts": True, "problem": ""},
    }


def test_a_person_has_one_key_at_a_time_and_others_rows_stand(home: Home) -> None:
    keys(home, "new", "anna", "--name", "Anna Oppdiktet")
    first = (home.registers / "approvers.csv").read_text()
    code, _, error = keys(home, "new", "anna", "--name", "Anna Oppdiktet")
    assert code != 0
    assert "has a key that counts" in str(error)
    keys(home, "new", "berit", "--name", "Berit Påfunn")
    assert (home.registers / "approvers.csv").read_text().startswith(first)
    assert len(home.read_registers()["approvers"]) == 2


def test_a_key_made_before_a_kill_is_taken_up(home: Home) -> None:
    keys(home, "new", "anna", "--name", "Anna Oppdiktet")
    private = home.path.parent / "home-keys" / "anna.pem"
    before = private.read_bytes()
    (home.registers / "approvers.csv").unlink()  # as if it had never come so far
    assert keys(home, "new", "anna", "--name", "Anna Oppdiktet")[0] == 0
    assert private.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("Anna K", "--name", "Anna"), "no short name"),
        (("anna", "--name", " "), "no name of a person"),
        (("anna", "--name", "Anna", "--file", "{home}/anna.pem"), "may not lie inside the home"),
    ],
    ids=["id", "name", "place"],
)
def test_what_will_not_do_is_refused(home: Home, arguments: tuple[str, ...], says: str) -> None:
    code, _, error = keys(home, "new", *(text.format(home=home.path) for text in arguments))
    assert code != 0
    assert says in str(error)
    assert not (home.registers / "approvers.csv").exists()


def test_one_key_for_two_persons_is_refused(home: Home) -> None:
    keys(home, "new", "anna", "--name", "Anna Oppdiktet")
    place = str(home.path.parent / "home-keys" / "anna.pem")
    code, _, error = keys(home, "new", "berit", "--name", "Berit Påfunn", "--file", place)
    assert code != 0
    assert "two persons need two keys" in str(error)


def test_a_locked_key_opens_with_its_passphrase_only(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANNAS", "et langt passord")
    assert keys(home, "new", "anna", "--name", "Anna Oppdiktet", "--passphrase", "env:ANNAS")[0] == 0
    anna = Approvers(home.read_registers()["approvers"]).on(home.consortium.as_of)["anna"]
    assert open_key_of(home, anna, None, "env:ANNAS") is not None
    monkeypatch.setenv("OTHER", "et annet passord")
    for passphrase in (None, "env:OTHER"):
        with pytest.raises(ConfigurationError) as refused:
            open_key_of(home, anna, None, passphrase)
        assert "passord" not in str(refused.value)
