"""The registers of the settings in force are parsed tables like any other."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.errors import ProblemsFound
from pipelines.home import CONSORTIUM, Home
from pipelines.landing.settings_delivery import land_settings
from pipelines.parsing.registers import as_parsed, write_registers
from pipelines.registers import REGISTERS
from pipelines.tables import arrow_schema
from tests.unit.dropped import CLOCK, MEMBERS, make_home, rows_of


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home")


def write(home: Home) -> None:
    receipt = land_settings(home, CLOCK)
    assert receipt is not None
    write_registers(home, receipt)


def test_every_register_is_written_typed_also_when_absent(home: Home) -> None:
    write(home)
    for name, table in REGISTERS.items():
        path = home.parsed / f"register_{name}" / f"municipality_no={CONSORTIUM}" / "current.parquet"
        assert pq.ParquetFile(path).schema_arrow.equals(arrow_schema(as_parsed(table)))
    assert rows_of(home, "register_contracts", CONSORTIUM) == []
    members = rows_of(home, "register_members", CONSORTIUM)
    assert [(row["municipality_no"], row["inhabitants"], row["_row_no"]) for row in members] == [
        ("9901", 4500, 2),
        ("9902", 5300, 3),
    ]
    assert all(row["_delivery_id"] and row["_file_sha256"] for row in members)


def test_the_latest_settings_are_in_force(home: Home) -> None:
    write(home)
    (home.registers / "members.csv").write_text(MEMBERS.replace("4500", "4501"))
    write(home)
    assert rows_of(home, "register_members", CONSORTIUM)[0]["inhabitants"] == 4501
    (home.registers / "members.csv").write_text(MEMBERS)
    write(home)
    assert rows_of(home, "register_members", CONSORTIUM)[0]["inhabitants"] == 4500


def test_registers_are_not_written_twice(home: Home) -> None:
    write(home)
    before = {path: path.stat().st_mtime_ns for path in home.parsed.rglob("*.parquet")}
    write_registers(home)
    assert {path: path.stat().st_mtime_ns for path in home.parsed.rglob("*.parquet")} == before


def test_a_register_with_problems_changes_nothing(home: Home) -> None:
    write(home)
    before = {path: path.read_bytes() for path in home.parsed.rglob("*.parquet")}
    (home.registers / "members.csv").write_text(MEMBERS.replace("4500", "many"))
    receipt = land_settings(home, CLOCK)
    with pytest.raises(ProblemsFound, match="row 2, column inhabitants"):
        write_registers(home, receipt)
    assert {path: path.read_bytes() for path in home.parsed.rglob("*.parquet")} == before
