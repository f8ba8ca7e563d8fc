"""Schedules: pulling each source when consortium.yaml says so.

Belongs here: one schedule per cron expression. Not here: what happens after an ingest (sensors.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import dagster as dg

from pipelines.home import Home
from pipelines.jobs import ingest
from pipelines.partitions import OWNERS, RANGE_END, RANGE_START, contiguous_ranges, known_keys


def source_schedules(home: Home) -> list[dg.ScheduleDefinition]:
    """Return one schedule per cron expression of the sources; none where there is no home yet.

    They are off until somebody turns them on in the UI.
    """
    if not home.consortium_file.is_file():
        return []
    owners: dict[str, set[str]] = {}
    for source in home.consortium.sources:
        if source.schedule:
            owners.setdefault(source.schedule, set()).add(source.owner)
    return [_schedule(cron, owners[cron]) for cron in sorted(owners)]


def _schedule(cron: str, owners: Collection[str]) -> dg.ScheduleDefinition:
    name = "pull_" + re.sub(r"\W+", "_", cron.replace("*", "any")).strip("_")

    @dg.schedule(
        cron_schedule=cron,
        job=ingest,
        name=name,
        description=f"Pulls from {len(owners)} owners, as consortium.yaml says.",
    )
    def pull(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        known = known_keys(context.instance, OWNERS)
        yield from ingest_requests(owners, known)

    return pull


def ingest_requests(owners: Collection[str], known: Collection[str], *, key: str = "") -> Iterator[dg.RunRequest]:
    """Give one run request for every unbroken stretch of owners."""
    for start, end in contiguous_ranges(owners, known):
        yield dg.RunRequest(run_key=f"{key}:{start}:{end}" if key else None, tags={RANGE_START: start, RANGE_END: end})
