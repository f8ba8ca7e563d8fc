"""Sensors: files in an inbox, what follows an ingest, and runs that failed.

Belongs here: noticing and asking for runs. Not here: what the runs do (assets/).
"""

from __future__ import annotations

import json

import dagster as dg

from pipelines.candidates.make import due_keys
from pipelines.due import owner_keys, waiting_by_owner
from pipelines.files import canonical_json, sha256_bytes
from pipelines.jobs import build_warehouse, ingest, publish
from pipelines.partitions import OWNERS, PRODUCT_RECIPIENTS, RANGE_END, RANGE_START, known_keys, recipient_partition
from pipelines.resources import Launch
from pipelines.schedules import ingest_requests
from pipelines.session import month_before
from pipelines.warehouse.build import is_current

_LOOK_EVERY_SECONDS = 60


def make_sensors(launch: Launch) -> list[dg.SensorDefinition]:
    """Return the sensors; all but the one for failures are off until somebody turns them on in the UI."""

    @dg.sensor(
        job=ingest,
        minimum_interval_seconds=_LOOK_EVERY_SECONDS,
        description="Takes what was dropped in an inbox.",
    )
    def inbox(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        home = launch.home()
        waiting = waiting_by_owner(home)
        if not waiting:
            return dg.SkipReason("Nothing lies in any inbox.")
        known = known_keys(context.instance, OWNERS)
        new = [owner for owner in owner_keys(home, home.read_registers()) if owner not in known]
        # The same drops ask for one run only; a drop that cannot be taken does not ask again every minute.
        key = sha256_bytes(canonical_json(waiting).encode())[:16]
        return dg.SensorResult(
            run_requests=list(ingest_requests(waiting, [*known, *new], key=key)),
            dynamic_partitions_requests=[OWNERS.build_add_request(new)] if new else [],
        )

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[ingest],
        request_job=build_warehouse,
        description="Builds the warehouse after an ingest that brought something new.",
    )
    def build_after_ingest(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        if is_current(launch.home()):
            return dg.SkipReason("The warehouse is current.")
        return dg.RunRequest(run_key=context.dagster_run.run_id)

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[build_warehouse],
        request_job=publish,
        description="Judges and publishes everything that is due after a build.",
    )
    def publish_after_build(context: dg.RunStatusSensorContext) -> dg.SensorResult:
        home = launch.home()
        clock = launch.clock(home)
        due = [recipient_partition(key) for key in due_keys(home, month_before(clock), clock.as_of)]
        known = known_keys(context.instance, PRODUCT_RECIPIENTS)
        new = [partition for partition in due if partition not in known]
        everything = [*known, *new]
        tags = {RANGE_START: everything[0], RANGE_END: everything[-1]}
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key=context.dagster_run.run_id, tags=tags)] if everything else [],
            dynamic_partitions_requests=[PRODUCT_RECIPIENTS.build_add_request(new)] if new else [],
        )

    @dg.run_failure_sensor(
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Writes every failed run to the home's logs/failed_runs.jsonl.",
    )
    def failed_runs(context: dg.RunFailureSensorContext) -> None:
        home = launch.home()
        home.logs.mkdir(parents=True, exist_ok=True)
        line = {
            "job": context.dagster_run.job_name,
            "run_id": context.dagster_run.run_id,
            "message": context.failure_event.message,
        }
        with (home.logs / "failed_runs.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line, ensure_ascii=False) + "\n")

    return [inbox, build_after_ingest, publish_after_build, failed_runs]
