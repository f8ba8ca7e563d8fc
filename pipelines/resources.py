"""The one resource: the session that the steps of a run share, resolved when a run is launched.

Belongs here: making a session for a run that the UI, a schedule or a sensor starts. Not here: the session itself
(session.py); ``samandel run`` brings its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import dagster as dg

from pipelines.home import Home
from pipelines.instance import clear_dead_runs
from pipelines.session import Session, hold_run_lock, month_to_publish
from pipelines.settings import Clock, default_home


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
            ConfigurationError: The month is none, or not over.
            WarehouseBusy: Another run is at work in this home.
        """
        home = self.home()
        clock = self.clock(home)
        with hold_run_lock(home):
            if context.instance is not None:
                clear_dead_runs(context.instance, but=context.run.run_id if context.run else None)
            session = Session(home, clock, month_to_publish(self.month, clock), full_refresh=self.full_refresh)
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
