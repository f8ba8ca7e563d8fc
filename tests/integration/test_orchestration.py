"""The main job through real Dagster runs on a tiny home: who stops whom, what is left out, what the UI can see."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.deliveries import decide, list_deliveries
from pipelines.errors import BuildFailed, ConfigurationError, ProblemsFound, WarehouseBusy
from pipelines.files import exclusive_lock
from pipelines.home import Home
from pipelines.instance import open_instance
from pipelines.landing.decisions import ACCEPT, WITHDRAW
from pipelines.landing.store import read_receipts
from pipelines.orchestrate import run_pipeline
from pipelines.session import Session
from pipelines.settings import Clock
from pipelines.summary import RunSummary
from pipelines.warehouse.build import how_it_was_built
from tests.homes import bytes_of
from tests.integration.tiny_home import MEMBERS, WORKSHOP, consortium_text, drop_ledger, make_tiny_home

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("orchestration")]

CLOCK = Clock.pinned(date(2026, 11, 15))
PERIOD = "2026-10"
_FOOD = "9901,11150,Matvarer,operating,115,meeting_food"


@dataclass(frozen=True)
class FirstRun:
    """A home after its first run, and what that run said. Tests must leave it as it is."""

    home: Home
    summary: RunSummary
    progress: tuple[tuple[str, int, int], ...]


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> FirstRun:
    home = make_tiny_home(tmp_path_factory.mktemp("orchestration") / "home")
    shown: list[tuple[str, int, int]] = []
    summary = run_pipeline(home, CLOCK, progress=lambda step, done, total: shown.append((step, done, total)))
    return FirstRun(home, summary, tuple(shown))


@pytest.fixture
def instance(first_run: FirstRun) -> Iterator[object]:
    """Dagster's records of that home."""
    with open_instance(first_run.home) as opened:
        yield opened


@pytest.fixture
def copied(first_run: FirstRun, tmp_path: Path) -> Home:
    """A copy of that home, to be changed."""
    for name in ("home", "home-keys"):
        shutil.copytree(first_run.home.path.parent / name, tmp_path / name)
    return Home(tmp_path / "home")


@pytest.fixture
def fresh(tmp_path: Path) -> Home:
    """A home that has never been run."""
    return make_tiny_home(tmp_path / "home")


def _ingest(home: Home, session: Session, owners: tuple[str, ...]) -> str:
    """Run the ingest job over a range of owners as the UI would; return the run's status."""
    from pipelines.definitions import build_defs
    from pipelines.partitions import OWNERS, RANGE_END, RANGE_START, sync_partitions

    with open_instance(home) as instance:
        sync_partitions(instance, OWNERS, owners)
        job = build_defs(session=session).resolve_job_def("ingest")
        tags = {RANGE_START: owners[0], RANGE_END: owners[-1]}
        result = job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)
        run = instance.get_run_by_id(result.run_id)
    return run.status.value if run else ""


def test_one_run_brings_dropped_files_to_releases(first_run: FirstRun) -> None:
    summary = first_run.summary
    assert summary.exit_code == 0
    assert (summary.released, summary.unchanged, summary.held, summary.blocked, summary.failed) == (3, 0, 0, 0, 0)
    assert [line.municipality_no for line in summary.municipalities] == list(MEMBERS)
    for line in summary.municipalities:
        assert (line.deliveries, line.rows, line.rejects) == (2, 4, 0)
        assert line.spend_nok == Decimal("2500.00")
        assert line.workshop_ratio == Decimal("0.2")
        assert (line.release_id, line.verdict, line.reasons) == ("2026-10-r1", "approved", ())
    assert [(line.org_no, line.release_id) for line in summary.workshops] == [(WORKSHOP, "2026-10-r1")]


def test_every_step_shows_its_progress_to_the_end(first_run: FirstRun) -> None:
    last = {step: (done, total) for step, done, total in first_run.progress}
    assert set(last) == {"land", "parse", "match", "build", "candidates", "gate", "publish"}
    assert all(done == total for done, total in last.values())


def test_the_ui_sees_the_three_runs_and_every_partition(instance) -> None:
    import dagster as dg

    runs = [(run.job_name, run.status.value) for run in reversed(instance.get_runs())]
    assert runs == [("ingest", "SUCCESS"), ("build_warehouse", "SUCCESS"), ("publish", "SUCCESS")]
    assert list(instance.get_dynamic_partitions("owners")) == ["_consortium", *MEMBERS]
    for name in ("ledger_deliveries", "ledger_postings", "delivery_outcomes"):
        assert instance.get_materialized_partitions(dg.AssetKey(name)) == {"_consortium", *MEMBERS}
    released = {f"municipality_extract|{number}" for number in MEMBERS} | {f"workshop_release|{WORKSHOP}"}
    assert instance.get_materialized_partitions(dg.AssetKey("releases")) == released


def test_the_gates_answers_are_asset_checks(instance) -> None:
    import dagster as dg

    publish = next(run for run in instance.get_runs() if run.job_name == "publish")
    logs = instance.all_logs(publish.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    answers = {log.dagster_event.event_specific_data.check_name: log.dagster_event.event_specific_data for log in logs}
    assert {"RC01", "PV03", "DC01", "TN01", "PB01"} <= answers.keys()
    failed = {name: answer.severity for name, answer in answers.items() if not answer.passed}
    assert set(failed.values()) <= {dg.AssetCheckSeverity.WARN}, failed
    assert answers["RC01"].metadata["candidates"].value == 3


def test_a_second_run_starts_nothing_and_says_so(first_run: FirstRun, instance) -> None:
    before = bytes_of(first_run.home.releases)
    runs = len(instance.get_runs())
    summary = run_pipeline(first_run.home, CLOCK)
    assert summary.exit_code == 0
    assert (summary.released, summary.unchanged) == (0, 3)
    assert [note.partition(":")[0] for note in summary.notes] == ["ingest", "build", "publish"]
    assert len(instance.get_runs()) == runs
    assert bytes_of(first_run.home.releases) == before


def test_a_run_for_one_municipality_keeps_its_hands_off_the_others(copied: Home) -> None:
    own = drop_ledger(copied, "9901", PERIOD, amount="1500,00", name="corrected")
    others = drop_ledger(copied, "9902", PERIOD, amount="1500,00", name="corrected")
    summary = run_pipeline(copied, CLOCK, municipalities=["9901"])
    assert not own.exists()
    assert others.exists()
    assert [(line.municipality_no, line.release_id) for line in summary.municipalities] == [("9901", "2026-10-r2")]
    assert summary.workshops == ()
    assert summary.municipalities[0].spend_nok == Decimal("3000.00")


def test_a_run_that_was_killed_is_marked_and_stops_nobody(copied: Home) -> None:
    import dagster as dg

    with open_instance(copied) as instance:
        dead = instance.create_run_for_job(_an_empty_job(), status=dg.DagsterRunStatus.STARTED)
    copied.run_lock.write_text("running\n")
    assert run_pipeline(copied, CLOCK).exit_code == 0
    with open_instance(copied) as instance:
        run = instance.get_run_by_id(dead.run_id)
    assert run is not None
    assert run.status is dg.DagsterRunStatus.FAILURE
    assert copied.run_lock.read_text() == ""


def _an_empty_job():
    import dagster as dg

    @dg.op
    def do_nothing() -> None:
        return None

    @dg.job
    def nothing() -> None:
        do_nothing()

    return nothing


def test_one_municipalitys_failure_stops_no_other(fresh: Home) -> None:
    import dagster as dg

    receipts = fresh.landing / "9901" / "ledger" / "receipts"
    receipts.mkdir(parents=True)
    (receipts / "000001-damaged.json").write_text("{")
    session = Session(fresh, CLOCK, PERIOD)
    assert _ingest(fresh, session, ("_consortium", *MEMBERS)) == "FAILURE"
    assert {failure.name for failure in session.failures} == {"9901"}
    assert any((fresh.parsed / "ledger_postings" / "municipality_no=9902").glob("*.parquet"))
    with open_instance(fresh) as instance:
        assert instance.get_materialized_partitions(dg.AssetKey("ledger_postings")) == {"_consortium", "9902"}
        (run,) = instance.get_runs()
        (check,) = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    answer = check.dagster_event.event_specific_data
    assert not answer.passed
    assert list(answer.metadata) == ["9901"]


def test_a_source_that_cannot_be_pulled_stops_no_other(fresh: Home) -> None:
    # The password's reference leads nowhere: nothing is connected to.
    login = 'username: samandel, password: "env:SAMANDEL_TEST_UNSET", known_hosts: known_hosts'
    more = f'  "9903":\n    sources:\n      - {{kind: ehf, url: "sftp://127.0.0.1:9/ehf", {login}}}\n'
    fresh.consortium_file.write_text(consortium_text("home", more=more))
    session = Session(Home(fresh.path), CLOCK, PERIOD)
    assert _ingest(fresh, session, ("_consortium", *MEMBERS, "9903")) == "FAILURE"
    (failure,) = session.failures
    assert (failure.name, failure.exit_code) == ("9903", 2)
    assert "SAMANDEL_TEST_UNSET" in failure.message
    for number in MEMBERS:
        assert any((fresh.parsed / "ledger_postings" / f"municipality_no={number}").glob("*.parquet"))


def test_a_run_from_the_ui_makes_its_own_session_and_holds_the_lock(fresh: Home) -> None:
    from pipelines.resources import Launch

    with exclusive_lock(fresh.run_lock, doing="testing"):
        assert _ingest(fresh, Launch(home_path=str(fresh.path)), ("_consortium", *MEMBERS)) == "FAILURE"
    assert not any(fresh.parsed.glob("ledger_postings/*/*"))
    assert _ingest(fresh, Launch(home_path=str(fresh.path)), ("_consortium", *MEMBERS)) == "SUCCESS"
    assert len(list(fresh.parsed.glob("ledger_postings/municipality_no=990?/*.parquet"))) == 4


def test_a_damaged_release_stops_no_other_recipient(copied: Home) -> None:
    import dagster as dg

    from pipelines.definitions import build_defs
    from pipelines.partitions import PRODUCT_RECIPIENTS, RANGE_END, RANGE_START, known_keys

    (copied.releases / "municipality_extract" / "9901" / PERIOD / "r1" / "kpi.csv").write_text("changed")
    session = Session(copied, CLOCK, PERIOD)
    with open_instance(copied) as instance:
        keys = known_keys(instance, PRODUCT_RECIPIENTS)
        job = build_defs(session=session).resolve_job_def("publish")
        tags = {RANGE_START: keys[0], RANGE_END: keys[-1]}
        assert not job.execute_in_process(instance=instance, tags=tags, raise_on_error=False).success
        latest = instance.get_latest_materialization_event(dg.AssetKey("releases"))
    assert latest is not None
    assert [failure.name for failure in session.failures] == ["municipality_extract|9901"]
    assert {key.recipient: result.status for key, result in session.published.items()} == {
        "9902": "unchanged",
        WORKSHOP: "unchanged",
    }


def test_marts_that_fail_a_test_leave_the_last_good_warehouse_and_its_releases(copied: Home) -> None:
    charts = copied.registers / "charts_of_accounts.csv"
    # Between two rows nothing says what the account is on days that it was posted on: a test of dbt's fails, no model.
    gap = f"{_FOOD},2020-01-01,2026-08-31\n{_FOOD},2026-12-01,\n"
    charts.write_text(charts.read_text().replace(f"{_FOOD},2020-01-01,\n", gap))
    before = {name: bytes_of(copied.path / name) for name in ("releases", "candidates", "gate")}
    warehouse = copied.warehouse_file.read_bytes()
    with pytest.raises(BuildFailed) as failed:
        run_pipeline(copied, CLOCK)
    assert failed.value.exit_code == 3
    assert "charts_of_accounts, 11150 of 9901: no row holds" in str(failed.value)
    assert copied.warehouse_file.read_bytes() == warehouse
    assert {name: bytes_of(copied.path / name) for name in before} == before
    with open_instance(copied) as instance:
        run = instance.get_runs()[0]
    assert (run.job_name, run.status.value) == ("build_warehouse", "FAILURE")


def test_without_the_gates_key_nothing_is_rendered(copied: Home) -> None:
    (copied.path.parent / "home-keys" / "gate_hmac.key").unlink()
    shutil.rmtree(copied.candidates)
    with pytest.raises(ConfigurationError, match="secret file does not exist"):
        run_pipeline(copied, CLOCK)
    assert not copied.candidates.exists()


def _set_before(home: Home) -> dict[str, str]:
    return {name: digest for name, digest in bytes_of(home.path).items() if name != ".run.lock"}


def test_wrong_registers_stop_the_run_before_anything_is_changed(fresh: Home) -> None:
    members = fresh.registers / "members.csv"
    members.write_text(
        members.read_text().replace("4000", "many").replace("unprepared,2020-01-01,\n9902", "maybe,2020-01-01,\n9902")
    )
    before = _set_before(fresh)
    with pytest.raises(ProblemsFound) as found:
        run_pipeline(fresh, CLOCK)
    assert found.value.exit_code == 2
    assert len(found.value.problems) == 2
    assert _set_before(fresh) == before


def test_a_municipality_that_is_no_member_is_refused(fresh: Home) -> None:
    before = _set_before(fresh)
    with pytest.raises(ConfigurationError, match="Not a member: 0301"):
        run_pipeline(fresh, CLOCK, municipalities=["0301"])
    assert _set_before(fresh) == before


def test_two_runs_at_once_are_refused(fresh: Home) -> None:
    before = _set_before(fresh)
    with exclusive_lock(fresh.run_lock, doing="testing"), pytest.raises(WarehouseBusy):
        run_pipeline(fresh, CLOCK)
    assert _set_before(fresh) == before


@pytest.fixture(scope="module")
def repository() -> Iterator[object]:
    from pipelines.definitions import build_defs

    yield build_defs().get_repository_def()


def test_every_asset_has_a_group_and_a_description(repository) -> None:
    graph = repository.asset_graph
    groups: dict[str, int] = {}
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        if node.is_materializable:
            groups[node.group_name] = groups.get(node.group_name, 0) + 1
            assert node.description, key
    assert groups.keys() == {"landed", "parsed", "matched", "warehouse", "gate", "releases"}
    assert groups["warehouse"] > 50


def test_lineage_runs_from_what_was_dropped_to_what_was_published(repository) -> None:
    import dagster as dg

    graph = repository.asset_graph
    upstream = dg.AssetSelection.assets("releases").upstream().resolve(graph)
    names = {key.to_user_string() for key in upstream}
    assert {
        "ehf_deliveries",
        "ledger_deliveries",
        "register_deliveries",
        "ledger_postings",
        "registers",
        "stg_ledger__postings",
        "fct_purchases",
        "product_municipality_extract",
        "warehouse_file",
        "candidates",
        "verdicts",
    } <= names


def test_the_inbox_sensor_asks_once_for_what_was_dropped(fresh: Home) -> None:
    import dagster as dg

    from pipelines.resources import Launch
    from pipelines.sensors import make_sensors

    inbox = next(each for each in make_sensors(Launch(home_path=str(fresh.path))) if each.name == "inbox")
    with dg.DagsterInstance.ephemeral() as instance:
        first = inbox.evaluate_tick(dg.build_sensor_context(instance=instance))
        again = inbox.evaluate_tick(dg.build_sensor_context(instance=instance))
    (request,) = first.run_requests
    assert request.tags["dagster/asset_partition_range_start"] == "_consortium"
    assert request.tags["dagster/asset_partition_range_end"] == "9902"
    assert [each.run_key for each in again.run_requests] == [request.run_key]


def test_the_schedule_of_the_sources_pulls_from_their_owners(fresh: Home, tmp_path: Path) -> None:
    import dagster as dg

    from pipelines.partitions import OWNERS, sync_partitions
    from pipelines.schedules import source_schedules

    (schedule,) = source_schedules(fresh)
    assert schedule.cron_schedule == "0 5 * * *"
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        sync_partitions(instance, OWNERS, ["_consortium", *MEMBERS])
        tick = schedule.evaluate_tick(dg.build_schedule_context(instance=instance))
    (request,) = tick.run_requests or ()
    assert request.tags["dagster/asset_partition_range_start"] == "9901"


def _decide(home: Home, action: str, municipality_no: str, number: int) -> None:
    receipt = [one for one in read_receipts(home, municipality_no) if one.source == "ledger"][number]
    decide(home, [receipt], action, at=CLOCK.now, by="kari", reason="avklart på telefon")


def _spend(summary: RunSummary) -> dict[str, Decimal | None]:
    return {line.municipality_no: line.spend_nok for line in summary.municipalities}


def test_a_withdrawn_correction_leaves_the_figures_as_they_were_before_it(copied: Home) -> None:
    drop_ledger(copied, "9901", PERIOD, amount="5000,00", name="rettet")
    assert _spend(run_pipeline(copied, CLOCK))["9901"] == Decimal("6500.00")
    _decide(copied, WITHDRAW, "9901", -1)
    summary = run_pipeline(copied, CLOCK)
    assert _spend(summary)["9901"] == Decimal("2500.00")
    assert [line.release_id for line in summary.municipalities] == ["2026-10-r3", "2026-10-r1"]
    # Of one municipality alone: what follows from no delivery of it is kept, and the UI is told so.
    assert how_it_was_built(copied).startswith("rebuilt for 1 of the municipalities (9901)")
    with open_instance(copied) as instance:
        assert _was_kept(instance, "dim_workshops")
        assert not _was_kept(instance, "fct_purchases")


def _was_kept(instance: Any, model: str) -> bool:
    import dagster as dg

    event = instance.get_latest_materialization_event(dg.AssetKey(model))
    assert event and event.asset_materialization
    return "kept" in event.asset_materialization.metadata


def test_a_ledger_of_another_members_postings_is_held_until_the_coordinator_decides(fresh: Home) -> None:
    text = fresh.consortium_file.read_text(encoding="utf-8") + "limits: {shared_ledger_postings: 1}\n"
    fresh.consortium_file.write_text(text, encoding="utf-8")
    home = Home(fresh.path)  # both members' ledgers number, date and price alike
    first, second = run_pipeline(home, CLOCK).municipalities
    assert (first.spend_nok, first.verdict) == (Decimal("2500.00"), "approved")
    assert (second.spend_nok, second.verdict) == (None, "blocked")
    assert {(row["municipality_no"], row["state"]) for row in list_deliveries(home, state="held")} == {("9902", "held")}
    for number in (0, 1):
        _decide(home, ACCEPT, "9902", number)
    first, second = run_pipeline(home, CLOCK).municipalities
    assert (first.verdict, second.verdict) == ("approved", "approved")
    assert second.spend_nok == Decimal("2500.00")
    assert list_deliveries(home, state="held") == []
