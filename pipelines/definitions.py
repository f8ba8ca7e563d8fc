"""Everything that Dagster knows: ``build_defs`` composes it, ``defs`` is what the UI and the daemon load.

Belongs here: the composition. Not here: any part of it.
"""

from __future__ import annotations

from typing import Any

import dagster as dg

from pipelines.assets.gate import candidates, verdicts
from pipelines.assets.landed import deliveries, register_deliveries
from pipelines.assets.matched import matched_tables
from pipelines.assets.parsed import parsed_tables, registers
from pipelines.assets.releases import releases
from pipelines.assets.warehouse import warehouse_assets
from pipelines.home import Home
from pipelines.jobs import JOBS
from pipelines.resources import Launch
from pipelines.schedules import source_schedules
from pipelines.sensors import make_sensors
from pipelines.settings import default_home


def build_defs(**overrides: Any) -> dg.Definitions:
    """Return the whole code location; a named resource (``session``) can be given instead of the default."""
    launch = Launch()
    return dg.Definitions(
        assets=[register_deliveries, deliveries, registers, parsed_tables, matched_tables, *warehouse_assets()]
        + [candidates, verdicts, releases],
        jobs=list(JOBS),
        schedules=source_schedules(Home(default_home())),
        sensors=make_sensors(launch),
        resources={"session": launch, **overrides},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return what the UI and the daemon load, made when they ask for it."""
    return build_defs()
