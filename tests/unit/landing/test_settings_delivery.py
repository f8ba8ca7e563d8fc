"""What a run was told is kept like what it was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.home import CONSORTIUM, Home
from pipelines.landing.settings_delivery import land_settings
from pipelines.landing.store import read_file, read_receipts
from tests.unit.dropped import CLOCK, CONSORTIUM_YAML, MEMBERS, make_home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home")


def test_settings_land_only_when_they_have_changed(home: Home) -> None:
    first = land_settings(home, CLOCK)
    assert first is not None
    assert [file.name for file in first.files] == [
        "consortium.yaml",
        "registers/member_org_nos.csv",
        "registers/members.csv",
    ]
    assert land_settings(Home(home.path), CLOCK) is None
    members = home.registers / "members.csv"
    members.write_text(MEMBERS.replace("4500", "4501"))
    second = land_settings(Home(home.path), CLOCK)
    assert second is not None
    assert (second.owner, second.source, second.sequence) == (CONSORTIUM, "registers", 2)
    assert b"4501" in read_file(home, next(file for file in second.files if file.name == "registers/members.csv"))


def test_going_back_to_earlier_settings_is_a_change(home: Home) -> None:
    first = land_settings(home, CLOCK)
    members = home.registers / "members.csv"
    members.write_text(MEMBERS.replace("4500", "4501"))
    land_settings(home, CLOCK)
    members.write_text(MEMBERS)
    third = land_settings(home, CLOCK)
    assert first is not None and third is not None
    assert (third.sequence, third.delivery_id) == (3, first.delivery_id)
    assert len(read_receipts(home, CONSORTIUM)) == 3


def test_bytes_under_another_name_are_other_settings(home: Home) -> None:
    first = land_settings(home, CLOCK)
    (home.registers / "contracts.csv").write_text(MEMBERS)
    second = land_settings(home, CLOCK)
    (home.registers / "contracts.csv").rename(home.registers / "tasks.csv")
    third = land_settings(home, CLOCK)
    assert first and second and third
    assert len({first.delivery_id, second.delivery_id, third.delivery_id}) == 3


def test_a_profile_of_the_home_lands_and_a_shipped_one_does_not(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CONSORTIUM_YAML.replace("profile: semicolon", "profile: profiles/own.yml", 1))
    (home.path / "profiles").mkdir()
    (home.path / "profiles" / "own.yml").write_text("name: own")
    receipt = land_settings(home, CLOCK)
    assert receipt is not None
    assert [file.name for file in receipt.files if "profile" in file.name or "semicolon" in file.name] == [
        "profiles/own.yml"
    ]
