"""The main job: what ``samandel run`` does, through the same Dagster jobs as the UI; and opening the UI.

Belongs here: the order of the jobs, launching them in process on the home's own Dagster instance, leaving out what has
nothing to do. Not here: the jobs (jobs.py), what they do (assets/), what is due (due.py), what came out (summary.py).

Dagster is imported where a job is launched: a run that finds nothing to do starts none.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import ConfigurationError
from pipelines.home import CONSORTIUM, Home
from pipelines.session import Progress, Session, hold_run_lock, month_to_publish, without_progress
from pipelines.settings import PROJECT_ROOT, Clock, child_environment
from pipelines.summary import RunSummary

if TYPE_CHECKING:
    from dagster import DagsterInstance, Definitions, DynamicPartitionsDefinition

    from pipelines.candidates.products import CandidateKey

__all__ = ["RunSummary", "run_pipeline", "start_ui"]


def run_pipeline(
    home: Home,
    clock: Clock,
    *,
    municipalities: Sequence[str] | None = None,
    month: str | None = None,
    full_refresh: bool = False,
    progress: Progress = without_progress,
) -> RunSummary:
    """Take what lies in the inboxes, build, judge, publish; return what it came to.

    One owner's or one recipient's failure is noted in the summary and stops nobody else.

    Raises:
        ProblemsFound: Settings or registers are wrong. Nothing was changed.
        ConfigurationError: The month is not over, or a municipality is no member (nothing was changed); or the gate has
            no key (all before publishing is done then).
        BuildFailed: The warehouse could not be built; the last good one stands and nothing is published.
        WarehouseBusy: Another run is at work in this home.
    """
    session = Session(home.require(), clock, month_to_publish(month, clock), full_refresh, progress)
    owners = _owners(session, municipalities)
    notes: list[str] = []
    with hold_run_lock(home) as was_cut_short, session.until_the_end:
        dagster = _Dagster(session)
        if was_cut_short:
            dagster.clear_dead_runs()
        _check_profiles(session, owners)
        _ingest(session, dagster, owners, notes, is_everybody=not municipalities)
        _build(session, dagster, notes)
        keys = _publish(session, dagster, municipalities, notes)
        from pipelines.summary import summarise

        return summarise(session, keys, notes)


def _owners(session: Session, municipalities: Sequence[str] | None) -> list[str]:
    """Return whose deliveries are to be taken; reads and checks settings and registers first."""
    from pipelines.due import owner_keys
    from pipelines.municipalities import all_municipality_nos

    members = all_municipality_nos(session.registers)
    unknown = sorted(set(municipalities or ()) - set(members))
    if unknown:
        raise ConfigurationError(
            f"Not a member: {', '.join(unknown)}.",
            where="--municipality",
            remedy=f"Known in registers/members.csv: {', '.join(members)}.",
        )
    if municipalities:
        return [CONSORTIUM, *sorted(set(municipalities))]
    return owner_keys(session.home, session.registers)


def _check_profiles(session: Session, owners: list[str]) -> None:
    """Note the sources whose profile is gone or has problems: their ledgers fail, and nothing else would say so.

    They are noted by owner and source, so that the owner's other sources go on.
    """
    from pipelines.parsing.ledger_profile import load_profile

    for source in session.home.consortium.sources:
        if source.owner in owners and source.kind == "ledger" and source.profile:
            with session.kept_apart("profile", f"{source.owner}/{source.name}"):
                load_profile(source.profile, session.home.path)


def _ingest(session: Session, dagster: _Dagster, owners: list[str], notes: list[str], *, is_everybody: bool) -> None:
    from pipelines.due import due_owners, remember_ingested

    due = due_owners(session.home, owners)
    if not due:
        notes.append("ingest: nothing lies in any inbox, settings and parsers are as they were.")
        return
    dagster.ingest(owners, due, is_everybody=is_everybody)
    remember_ingested(session.home, [owner for owner in due if not session.has_failed(owner)])


def _build(session: Session, dagster: _Dagster, notes: list[str]) -> None:
    from pipelines.warehouse.build import is_current

    if session.full_refresh or not is_current(session.home):
        dagster.launch("build_warehouse")
    else:
        notes.append("build: the warehouse is current.")


def _publish(
    session: Session, dagster: _Dagster, municipalities: Sequence[str] | None, notes: list[str]
) -> list[CandidateKey]:
    """Publish what is due and not settled; return all that is due."""
    from pipelines.candidates.make import due_keys
    from pipelines.candidates.products import MUNICIPALITY_EXTRACT
    from pipelines.due import unsettled_keys
    from pipelines.gate.decisions import gate_key
    from pipelines.publishing.analyst_file import ensure_analyst_file
    from pipelines.publishing.facts_file import ensure_facts
    from pipelines.publishing.recall import finish_recalls

    keys = [
        key
        for key in due_keys(session.home, session.period, session.clock.as_of)
        if not municipalities or (key.product == MUNICIPALITY_EXTRACT and key.recipient in municipalities)
    ]
    if keys:
        gate_key(session.home)  # without it nothing can be judged: say so before rendering anything
        finish_recalls(session.home)  # one that a kill cut short
    unsettled = unsettled_keys(session.home, keys, session.clock.as_of)
    if unsettled:
        dagster.publish(keys, unsettled, is_everybody=not municipalities)
    else:
        notes.append("publish: every candidate is judged and, where approved, published.")
        with session.kept_apart("publish", "facts"):
            ensure_facts(session.home)
        with session.kept_apart("publish", "analyst_file"):
            ensure_analyst_file(session.home)
    return keys


class _Dagster:
    """Dagster as this run uses it; nothing is loaded before it is needed."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @cached_property
    def _definitions(self) -> Definitions:
        from pipelines.definitions import build_defs

        return build_defs(session=self._session)

    @cached_property
    def _instance(self) -> DagsterInstance:
        from pipelines.instance import clear_dead_runs, open_instance

        instance = self._session.until_the_end.enter_context(open_instance(self._session.home))
        clear_dead_runs(instance)
        return instance

    def clear_dead_runs(self) -> None:
        """Mark runs that a killed process left as running; done whenever the instance is opened under the lock."""
        _ = self._instance

    def ingest(self, owners: Sequence[str], due: Sequence[str], *, is_everybody: bool) -> None:
        """Run the job over the owners that are due."""
        from pipelines.partitions import OWNERS

        self._launch_partitions("ingest", OWNERS, owners, due, is_everybody=is_everybody)

    def publish(self, keys: Sequence[CandidateKey], due: Sequence[CandidateKey], *, is_everybody: bool) -> None:
        """Run the job over the candidates that are due."""
        from pipelines.partitions import PRODUCT_RECIPIENTS, recipient_partition

        every, wanted = ([recipient_partition(key) for key in listed] for listed in (keys, due))
        self._launch_partitions("publish", PRODUCT_RECIPIENTS, every, wanted, is_everybody=is_everybody)

    def _launch_partitions(
        self,
        job: str,
        partitions: DynamicPartitionsDefinition,
        keys: Sequence[str],
        due: Sequence[str],
        *,
        is_everybody: bool,
    ) -> None:
        """Run a job over all due keys: in one run with what lies between them, or in unbroken stretches.

        What lies between has nothing to do and costs less than another run; but a run for some municipalities keeps
        its hands off the others, and no run touches a key that is no longer one of ``keys``.
        """
        from pipelines.partitions import RANGE_END, RANGE_START, contiguous_ranges, known_keys, sync_partitions

        sync_partitions(self._instance, partitions, keys)
        known = known_keys(self._instance, partitions)
        ranges = contiguous_ranges(due, known)
        if is_everybody and set(known) <= set(keys):
            ranges = [(ranges[0][0], ranges[-1][1])]
        for start, end in ranges:
            self.launch(job, {RANGE_START: start, RANGE_END: end})

    def launch(self, job: str, tags: dict[str, str] | None = None) -> None:
        """Run a job in this process; what failed for one partition is in the session, all else is raised."""
        import dagster as dg

        run_config: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        with _unheard():
            try:
                self._definitions.resolve_job_def(job).execute_in_process(
                    instance=self._instance, tags=tags or {}, run_config=run_config, raise_on_error=True
                )
            except dg.Failure:
                if not self._session.failures:
                    raise


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Keep Dagster's notes on features in preview, and what dbt prints, from the reader: events hold all of it."""
    import dagster as dg

    with (
        Path(os.devnull).open("w", encoding="utf-8") as nothing,
        contextlib.redirect_stdout(nothing),
        warnings.catch_warnings(),
    ):
        for category in (dg.BetaWarning, dg.PreviewWarning, dg.SupersessionWarning):
            warnings.simplefilter("ignore", category)
        yield


def start_ui(home: Home, port: int) -> None:
    """Become Dagster's webserver and daemon on this home, bound to 127.0.0.1; returns only by an error.

    Raises:
        ProblemsFound: Settings or registers are wrong.
        BuildFailed: dbt cannot read its project.
    """
    from pipelines.warehouse.project import ensure_manifest

    _prepare_instance(home)
    ensure_manifest()
    command = [sys.executable, "-m", "dagster", "dev", "--workspace", str(PROJECT_ROOT / "workspace.yaml")]
    environment = child_environment(DAGSTER_HOME=str(home.dagster), SAMANDEL_HOME=str(home.path))
    os.chdir(PROJECT_ROOT)
    # A script's background ignores SIGINT and hands that on; Dagster, told to end, sends it to itself.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execve(sys.executable, [*command, "--host", "127.0.0.1", "--port", str(port)], environment)  # noqa: S606


def _prepare_instance(home: Home) -> None:
    """Let the UI know every partition, and not take a dead run for a living one."""
    from pipelines.due import owner_keys
    from pipelines.errors import WarehouseBusy
    from pipelines.instance import clear_dead_runs, open_instance
    from pipelines.partitions import OWNERS, sync_partitions

    owners = owner_keys(home.require(), home.read_registers())
    with open_instance(home) as instance:
        sync_partitions(instance, OWNERS, owners)
        # Where a run is at work its runs are not dead.
        with contextlib.suppress(WarehouseBusy), hold_run_lock(home):
            clear_dead_runs(instance)
