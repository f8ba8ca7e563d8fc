"""The home's own Dagster instance: where its records lie, opening it for runs in this process, runs that died.

Belongs here: Dagster's settings file, its storage as this process uses it. Not here: launching (orchestrate.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from sqlalchemy import Connection, Engine, create_engine, event

from pipelines.files import write_atomically
from pipelines.home import Home

_INSTANCE_FILE = """\
# Dagster's own settings for this home; written once by samandel, yours to edit.
telemetry:
  enabled: false
nux:
  enabled: false  # no invitation to newsletters over the first page
concurrency:
  runs:
    max_concurrent_runs: 1  # one writer: runs wait for each other
"""
_STARTING_SECONDS = 600
_WAIT_SECONDS = 30


class PooledEventLogStorage(SqliteEventLogStorage):
    """Dagster's event log in the same files, with connections that stay open.

    Dagster's own opens, compiles and closes for every event, and each close writes SQLite's whole log back with a
    flush: some 15 ms an event, half a minute for a run over all owners and models; this one takes a tenth. With the
    log kept (WAL, synchronous=normal) a kill loses nothing, a power loss at most the last events of a run that it
    ends anyway.
    """

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> PooledEventLogStorage:
        """Return the storage that the instance's settings describe."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            if shard not in self._engines:
                self._engines[shard] = create_engine(
                    self.conn_string_for_shard(shard), connect_args={"timeout": _WAIT_SECONDS}
                )
                event.listen(self._engines[shard], "connect", _keep_the_log)
            engine = self._engines[shard]
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def dispose(self) -> None:
        """Close everything."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()


def _keep_the_log(connection: Any, _record: Any) -> None:
    connection.execute("pragma synchronous = normal")


@contextmanager
def open_instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """Give the home's Dagster instance for runs in this process; what they print is not captured into files."""
    path = home.dagster / "dagster.yaml"
    if not path.is_file():
        write_atomically(path, _INSTANCE_FILE.encode())
    overrides = {
        "event_log_storage": {
            "module": PooledEventLogStorage.__module__,
            "class": PooledEventLogStorage.__name__,
            "config": {"base_dir": str(home.dagster / "history" / "runs")},
        },
        "compute_logs": {
            "module": "dagster._core.storage.noop_compute_log_manager",
            "class": "NoOpComputeLogManager",
        },
    }
    instance = dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home.dagster), overrides=overrides))
    try:
        yield instance
    finally:
        instance.dispose()


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
