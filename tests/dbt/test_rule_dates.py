"""RC10, end to end: a register with a hole on a day in use stops the build, and the message says what to mend."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipelines.errors import BuildFailed
from pipelines.warehouse.build import run_dbt, start_build
from tests.dbt import written_home
from tests.dbt.written_home import BOTH, WORKSHOP

pytestmark = pytest.mark.slow
_SPLIT = {"valid_to": date(2026, 9, 30)}, {"valid_from": date(2026, 11, 1)}


def test_holes_on_days_in_use_stop_the_build_and_others_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registers = written_home.REGISTER_ROWS
    charts, workshops = registers["charts_of_accounts"], registers["workshops"]
    posted_on = next(row for row in charts if (row["municipality_no"], row["local_account"]) == (BOTH, "12400"))
    never_posted_on = posted_on | {"local_account": "19990"}
    others = [row for row in charts if row is not posted_on]
    split = [row | part for row in (posted_on, never_posted_on) for part in _SPLIT]
    monkeypatch.setitem(registers, "charts_of_accounts", others + split)
    monkeypatch.setitem(registers, "workshops", [row | part for row in workshops for part in _SPLIT])
    build = start_build(written_home.written_home(tmp_path))
    with pytest.raises(BuildFailed) as stopped:
        run_dbt(build, ["build", "--exclude-resource-type", "unit_test", "--select", "+fct_rule_gaps"])
    said = str(stopped.value)
    assert f"charts_of_accounts, 12400 of {BOTH}: no row holds from 2026-10-01 to 2026-10-31" in said
    assert "It stands in registers/charts_of_accounts.csv." in said
    assert f"workshops, {WORKSHOP}: no row holds from 2026-10-01 to 2026-10-31" in said
    assert said.count("RC10:") == 2
