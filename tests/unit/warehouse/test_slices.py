"""Only what plainly changed for some municipalities alone is made anew for them alone; all else is a whole build."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.home import Home
from pipelines.matching import schema as matching_schema
from pipelines.matching.match import ensure_matched, matched_file
from pipelines.tables import arrow_table, write_parquet
from pipelines.warehouse import build as builds
from pipelines.warehouse import slices, workings
from pipelines.warehouse.build import Build, build_warehouse, finish_build, start_build
from pipelines.warehouse.slices import Plan, compare_inputs
from pipelines.warehouse.sources import parsed_tables
from pipelines.warehouse.workings import Standing
from tests.unit.warehouse.test_build import grow

BEFORE = {"dbt": "1", "matching": "1", "_consortium/settled": "1", "9901/a": "1", "9901/settled": "1", "9902/b": "1"}


def plan_for(change: dict[str, str | None], *, shared: frozenset[str] = frozenset()) -> Plan:
    """Return the plan after a change of inputs; None takes one away."""
    now = {name: digest for name, digest in (BEFORE | change).items() if digest is not None}
    return compare_inputs(Standing(BEFORE, shared), now, frozenset())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"9901/c": "1", "9901/settled": "2"}, ("9901",), id="new_delivery"),
        pytest.param({"9901/settled": "2"}, ("9901",), id="withdrawn_or_held"),
        pytest.param({"9901/a": "2"}, ("9901",), id="read_anew"),
        pytest.param({"9902/b": None}, ("9902",), id="gone"),
        pytest.param({"9901/c": "1", "9902/settled": "1"}, ("9901", "9902"), id="held_for_another"),
        pytest.param({"9903/d": "1"}, ("9903",), id="first_delivery_of_a_member"),
    ],
)
def test_what_municipalities_delivered_is_made_anew_for_them(
    change: dict[str, str | None], expected: tuple[str]
) -> None:
    assert plan_for(change).slices == expected
    assert str(plan_for(change)).startswith(f"rebuilt for {len(expected)} of the municipalities")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"dbt": "2"}, id="dbt_project"),
        pytest.param({"matching": "2"}, id="matching"),
        pytest.param({"_consortium/settled": "2"}, id="company_register"),
        pytest.param({"_consortium/settings2": "1"}, id="registers"),
        pytest.param({"_consortium/settled": None}, id="nothing_of_the_consortium_left"),
        pytest.param({"something_new": "1"}, id="an_input_that_nobody_thought_of"),
        pytest.param({"kommune/x": "1"}, id="an_owner_that_is_no_number"),
        pytest.param({"9901/c": "1", "dbt": "2"}, id="both"),
        pytest.param({}, id="nothing"),
    ],
)
def test_what_all_share_makes_a_whole_build(change: dict[str, str | None]) -> None:
    plan = plan_for(change)
    assert plan.slices == ()
    assert str(plan).startswith("built whole: ")


def test_a_municipality_that_delivers_what_all_share_makes_a_whole_build() -> None:
    assert plan_for({"9901/a": "2"}, shared=frozenset({"9901"})).slices == ()
    assert plan_for({"9901/a": "2"}, shared=frozenset({"9902"})).slices == ("9901",)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home after a first build, in which 9901 has delivered something since."""
    made = Home(tmp_path / "it's a home")
    deliver(made, "9901", "a")
    deliver(made, "9902", "b")
    score(made, "one", "0.9")
    build = start_build(made)
    assert str(build.plan) == "built whole: no build stands yet"
    grow(build)
    finish_build(made, build)
    deliver(made, "9901", "c")
    return made


def deliver(home: Home, municipality_no: str, delivery: str, table: str = "outcomes") -> None:
    rows = [{"municipality_no": municipality_no, "_delivery_id": delivery}]
    path = home.parsed / table / f"municipality_no={municipality_no}" / f"{delivery}.parquet"
    write_parquet(path, arrow_table(parsed_tables()[table], rows))


def score(home: Home, *names_and_scores: str) -> None:
    pairs = zip(names_and_scores[::2], names_and_scores[1::2], strict=True)
    rows = [
        {"name_digest": name, "org_no": "310000000", "score": Decimal(found), "model_version": "1"}
        for name, found in pairs
    ]
    ensure_matched(home)
    table = matching_schema.SUPPLIER_CANDIDATES
    write_parquet(matched_file(home, table), arrow_table(table, rows))


def planned(home: Home) -> Plan:
    return slices.plan_build(home, builds.read_inputs_now(home))


def test_a_new_delivery_goes_on_from_the_build_that_stands(home: Home) -> None:
    build = start_build(home)
    assert build.plan.slices == ("9901",)
    assert build.environment["SAMANDEL_SLICES"] == "9901"
    assert build.file.read_bytes() == home.warehouse_file.read_bytes()
    assert Path(build.environment["SAMANDEL_WORKINGS_FILE"]).is_file()
    finish_build(home, build)
    deliver(home, "9902", "d")
    assert start_build(home).plan.slices == ("9902",)
    assert builds.how_it_was_built(home) == str(build.plan)


def test_a_build_from_nothing_can_be_asked_for(home: Home) -> None:
    build = start_build(home, full_refresh=True)
    assert str(build.plan) == "built whole: asked for"
    assert build.environment["SAMANDEL_SLICES"] == ""
    assert not build.file.exists()
    assert not Path(build.environment["SAMANDEL_WORKINGS_FILE"]).exists()


def test_a_build_that_was_cut_short_is_followed_by_a_whole_one(home: Home) -> None:
    assert start_build(home).plan.slices == ("9901",)
    assert start_build(home).plan.slices == ()


def test_a_score_of_a_name_that_was_there_before_makes_a_whole_build(home: Home) -> None:
    score(home, "one", "0.9", "two", "0.8")
    assert planned(home).slices == ("9901",), "a name that is new"
    score(home, "two", "0.8")
    assert planned(home).slices == ("9901",), "a name that nobody has any more"
    score(home, "one", "0.7")
    assert "scores" in planned(home).reason
    score(home, "one", "0.9", "one", "0.8")
    assert "scores" in planned(home).reason


def test_a_table_that_all_share_makes_a_whole_build(home: Home) -> None:
    deliver(home, "9901", "e", table="companies")
    assert planned(home).slices == ()


def another_file(home: Home) -> None:
    shutil.copy(home.warehouse_file, home.warehouse / "copy")
    (home.warehouse / "copy").replace(home.warehouse_file)


def another_build(home: Home) -> None:
    (home.warehouse / "current.json").write_text(json.dumps({"build_id": "x", "input_digest": "x"}))


def no_record(home: Home) -> None:
    (home.warehouse / "workings" / "made.json").unlink()


def broken_record(home: Home) -> None:
    (home.warehouse / "workings" / "made.json").write_text('{"engines": []}')


def no_workings(home: Home) -> None:
    (home.warehouse / "workings" / "workings.duckdb").unlink()


def touched_workings(home: Home) -> None:
    with (home.warehouse / "workings" / "workings.duckdb").open("ab") as stream:
        stream.write(b"x")


def no_scores(home: Home) -> None:
    shutil.rmtree(home.warehouse / "workings" / "matched")


@pytest.mark.parametrize(
    "damage",
    [another_file, another_build, no_record, broken_record, no_workings, touched_workings, no_scores],
    ids=lambda damage: damage.__name__,
)
def test_what_is_not_plainly_the_build_that_stands_makes_a_whole_build(
    home: Home, damage: Callable[[Home], None]
) -> None:
    assert planned(home).slices == ("9901",)
    damage(home)
    assert planned(home).slices == ()
    assert start_build(home).plan.slices == ()


def test_in_a_home_that_was_moved_a_build_is_whole(home: Home) -> None:
    elsewhere = home.path.with_name("elsewhere")
    home.path.rename(elsewhere)
    assert "not where, the last build left them" in planned(Home(elsewhere)).reason


def test_after_an_upgrade_a_build_is_whole(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workings, "_engines", lambda: {"duckdb": "99.0"})
    assert "libraries" in planned(home).reason


@pytest.mark.parametrize("step", ["place_workings", "write_atomically", "record_workings"])
def test_a_kill_at_the_swap_costs_a_whole_build_and_nothing_else(
    home: Home, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    build = start_build(home)

    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(builds, step, kill)
        finish_build(home, build)
    assert planned(home).slices == ()
    whole = start_build(home)
    assert whole.plan.slices == ()
    assert not whole.file.exists()


def test_a_whole_build_that_is_cut_short_at_the_swap_leaves_nothing_to_go_on_from(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = start_build(home, full_refresh=True)
    grow(build)
    monkeypatch.setattr(builds, "write_atomically", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        finish_build(home, build)
    assert planned(home).slices == ()


def test_a_failed_build_of_slices_leaves_the_last_good_one(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    before, asked = home.warehouse_file.read_bytes(), []

    def fail(build: Build, _: list[str]) -> None:
        asked.append(build.plan.slices)
        build.file.write_bytes(b"half-made")
        raise RuntimeError("dbt failed")

    monkeypatch.setattr(builds, "run_dbt", fail)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            build_warehouse(home)
    assert home.warehouse_file.read_bytes() == before
    assert asked == [("9901",), ()]
