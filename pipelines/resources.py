"""The one resource: the session that the steps of a run share, resolved when a run is launched.

Belongs here: making a session for a run that the UI, a schedule or a sensor starts; runs that died. Not here: the
session itself (session.py); ``samandel run`` brings its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg

from pipelines.home import Home
from pipelines.session import Session, hold_run_lock, month_before
from pipelines.settings import Clock, default_home

_STARTING_SECONDS = 600


class Launch(dg.ConfigurableResource[Session]):
    """What a run may be told in the launchpad; nothing needs to be.

    Attributes:
        home_path: The home (default: SAMANDEL_HOME of the code location, else data/demo).
        as_of: The day on which the run is made, yyyy-mm-dd (default: the home's own ``as_of``, else today).
        month: The month to publish, yyyy-mm (default: the last whole one).
        full_refresh: Build the warehouse from nothing.
    """

    home_path: str | None = None
    as_of: str | None = None
    month: str | None = None
    full_refresh: bool = False

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Session]:
        """Give a session that holds the home's run lock until the run has ended.

        Raises:
            WarehouseBusy: Another run is at work in this home.
        """
        home = self.home()
        clock = self.clock(home)
        with hold_run_lock(home):
            if context.instance is not None:
                clear_dead_runs(context.instance, but=context.run_id)
            session = Session(home, clock, self.month or month_before(clock), full_refresh=self.full_refresh)
            with session.until_the_end:
                yield session

    def home(self) -> Home:
        """Return the home, which must exist."""
        return Home(Path(self.home_path).resolve() if self.home_path else default_home()).require()

    def clock(self, home: Home) -> Clock:
        """Return the clock of a run launched now."""
        if self.as_of:
            return Clock.pinned(date.fromisoformat(self.as_of))
        pinned = home.consortium.as_of
        return Clock.pinned(pinned) if pinned else Clock.real()


def clear_dead_runs(instance: dg.DagsterInstance, *, but: str | None = None) -> list[str]:
    """Mark runs whose process has died as failed, and free what they held; returns their ids.

    To be called under the home's run lock: whoever is at work holds it, so every other started run is dead. A run that
    is only starting may still be waiting for the lock; it is dead when it has been starting for long.
    """
    at_work = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING]
    dead = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=at_work)):
        run = record.dagster_run
        age = (datetime.now(UTC) - record.create_timestamp).total_seconds()
        if run.run_id == but or (run.status == dg.DagsterRunStatus.STARTING and age < _STARTING_SECONDS):
            continue
        instance.report_run_failed(run, "The process that ran this was killed or died; the next run goes on.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        dead.append(run.run_id)
    return dead
