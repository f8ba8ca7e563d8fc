"""The three jobs, cut where the lock is.

Belongs here: which assets make a job. Not here: when a job runs (schedules.py, sensors.py, orchestrate.py).
"""

from __future__ import annotations

import dagster as dg

INGEST, BUILD, PUBLISH = "ingest", "build_warehouse", "publish"

# In process: a step of its own process costs seconds, and the steps of a run share a session.
_EXECUTOR = dg.in_process_executor

ingest = dg.define_asset_job(
    INGEST,
    selection=dg.AssetSelection.groups("landed", "parsed"),
    executor_def=_EXECUTOR,
    description="Take what was dropped, parse it, settle what counts. Partitioned by owner; one run over many.",
)
build_warehouse = dg.define_asset_job(
    BUILD,
    selection=dg.AssetSelection.groups("matched", "warehouse"),
    executor_def=_EXECUTOR,
    description="Score what is new, build the warehouse into a new file, swap it in. Unpartitioned, one at a time.",
)
publish = dg.define_asset_job(
    PUBLISH,
    selection=dg.AssetSelection.groups("gate", "releases"),
    executor_def=_EXECUTOR,
    description="Render, judge, publish. Partitioned by product and recipient; one run over many.",
)
JOBS = (ingest, build_warehouse, publish)
