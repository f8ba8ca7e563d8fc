"""One run: what it was told, what it has found out, and what went wrong without stopping it.

Belongs here: the object that the steps of one run share, one municipality's failure kept from the others. Not here:
the steps (landing/ … publishing/), their Dagster faces (assets/), what a run came to in the end (summary.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pipelines.candidates.products import CandidateKey
from pipelines.errors import ConfigurationError, SamandelError, UnexpectedFailure, describe_unexpected
from pipelines.files import exclusive_lock, write_atomically
from pipelines.home import Home
from pipelines.settings import Clock

if TYPE_CHECKING:
    from pipelines.gate.verdict import Verdict
    from pipelines.publishing.release import PublishResult
    from pipelines.warehouse.build import Build

Progress = Callable[[str, int, int], None]
_Name = TypeVar("_Name")


@dataclass(frozen=True)
class Failure:
    """What could not be done: the step, for whom, why, and the exit code that it asks for."""

    step: str
    name: str
    message: str
    exit_code: int = SamandelError.exit_code


def without_progress(step: str, done: int, total: int) -> None:
    """Show nothing."""


def month_before(clock: Clock) -> str:
    """Return the last whole month on the clock's day, ``YYYY-MM``."""
    number = clock.as_of.year * 12 + clock.as_of.month - 2
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def require_month(text: str) -> None:
    """Refuse what is no month.

    Raises:
        ConfigurationError: It is not written yyyy-mm.
    """
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text):
        raise ConfigurationError(f"'{text}' is not a month.", where="--month", remedy="Write it as yyyy-mm.")


def month_to_publish(month: str | None, clock: Clock) -> str:
    """Return the month that was asked for, else the last whole one on the clock's day.

    Raises:
        ConfigurationError: It is no month, or not over: what is published must be whole.
    """
    last = month_before(clock)
    if month is None:
        return last
    require_month(month)
    if month > last:
        raise ConfigurationError(
            f"{month} is not over on {clock.as_of}, the day of the run.",
            where="--month",
            remedy=f"Name a month up to {last}, or wait: what is published must be whole.",
        )
    return month


@dataclass
class Session:
    """What the steps of one run share.

    Attributes:
        home: The consortium's home.
        clock: The only clock.
        period: The month to publish.
        full_refresh: Whether the warehouse is built even where nothing has changed.
        progress: Called with (step, done, total).
        failures: What went wrong for one owner or one candidate.
        outcomes: By owner, the outcome rows of what was parsed in this run.
        verdicts: What the gate said in this run.
        published: What publishing did in this run.
        build: The build in the making.
        until_the_end: What is let go of when the run ends, whatever happens.
    """

    home: Home
    clock: Clock
    period: str
    full_refresh: bool = False
    progress: Progress = without_progress
    failures: list[Failure] = field(default_factory=list)
    outcomes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    verdicts: dict[CandidateKey, Verdict] = field(default_factory=dict)
    published: dict[CandidateKey, PublishResult] = field(default_factory=dict)
    build: Build | None = None
    until_the_end: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def registers(self) -> dict[str, list[dict[str, Any]]]:
        """Return the registers, read and checked once."""
        return self.home.read_registers()

    def each(self, step: str, names: Iterable[_Name]) -> Iterator[_Name]:
        """Give each name of a step, and show how far it is."""
        listed = list(names)
        for done, name in enumerate(listed):
            self.progress(step, done, len(listed))
            yield name
        self.progress(step, len(listed), len(listed))

    @contextmanager
    def kept_apart(self, step: str, name: str) -> Iterator[None]:
        """Note a failure instead of raising it, so that it stops nobody else."""
        try:
            yield
        except SamandelError as error:
            self.failures.append(Failure(step, name, str(error), error.exit_code))
        except Exception as error:  # noqa: BLE001  whatever it is, it stays with the one whom it happened to
            report = self._report(step, name, error)
            self.failures.append(Failure(step, name, f"An unexpected {type(error).__name__}; see {report}."))

    @contextmanager
    def without_values(self, step: str) -> Iterator[None]:
        """Keep the text of an unforeseen error, which may hold a row's values, out of Dagster's records.

        Raises:
            UnexpectedFailure: In place of what was raised; errors of our own and Dagster's go through.
        """
        try:
            yield
        except SamandelError:
            raise
        except Exception as error:
            if type(error).__module__.partition(".")[0] in ("dagster", "dagster_dbt"):
                raise
            report = self._report(step, "run", error)
            raise UnexpectedFailure(
                f"An unexpected {type(error).__name__}.", where=str(report), remedy="Run again; then 'samandel doctor'."
            ) from None

    def _report(self, step: str, name: str, error: Exception) -> Path:
        path = self.home.logs / f"{step}-{name.replace('|', '-')}.txt"
        write_atomically(path, describe_unexpected(error).encode(), mode=0o600)
        return path

    def has_failed(self, name: str) -> bool:
        """Return whether anything went wrong for an owner or a candidate in this run."""
        return any(failure.name == name for failure in self.failures)


@contextmanager
def hold_run_lock(home: Home) -> Iterator[bool]:
    """Hold the home's run lock; gives whether the run before was cut short, by a kill or a power loss.

    The lock file holds a word while a run is at work: a process that dies leaves it.

    Raises:
        WarehouseBusy: Another run is at work in this home.
    """
    with exclusive_lock(home.run_lock, doing="running the pipeline"):
        was_cut_short = bool(home.run_lock.read_bytes())
        home.run_lock.write_bytes(b"running\n")
        try:
            yield was_cut_short
        finally:
            home.run_lock.write_bytes(b"")
