"""What an ingest costs, and how much of it is orchestration, side by side in one run.

Not a test: ``python -m tests.benchmarks.ingest [municipalities] [rounds]`` makes a demo consortium in a temporary
folder, takes it in once, and prints medians of the same work with and without Dagster around it: with nothing new,
and with one more file from one municipality.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median

from pipelines.demo.make import make_demo
from pipelines.home import CONSORTIUM, Home
from pipelines.landing.inbox import pull_source
from pipelines.orchestrate import _Dagster
from pipelines.parsing.parse import parse_owner
from pipelines.parsing.settle import settle
from pipelines.session import Session
from pipelines.settings import Clock, silence_tools
from tests.homes import SAMANDEL

_LATE = '<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2">late {}</Invoice>'  # one more document


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _without_dagster(home: Home, clock: Clock, owners: list[str]) -> None:
    registers = home.read_registers()
    for owner in owners:
        for source in home.consortium.sources_of(owner):
            pull_source(home, source, clock)
        parse_owner(home, owner, registers)
        settle(home, owner)


def _with_dagster(home: Home, clock: Clock, owners: list[str], due: list[str]) -> None:
    session = Session(home, clock, "2026-10")
    with session.until_the_end:
        _Dagster(session).ingest(owners, due, is_everybody=True)


def main(municipalities: int = 20, rounds: int = 5) -> None:
    """Make the demo, take it in, and race."""
    silence_tools()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "home"
        make_demo(path, municipalities=municipalities, months=12, scale=0.1)
        home = Home(path)
        clock = Clock.pinned(home.consortium.as_of or date(2026, 11, 15))
        owners = [CONSORTIUM, *sorted({source.owner for source in home.consortium.sources} - {CONSORTIUM})]
        first = _timed(lambda: _with_dagster(home, clock, owners, owners))
        print(
            f"{municipalities} municipalities, 12 months; first ingest with Dagster, its import included: {first:.1f} s"
        )
        nobody: dict[str, list[float]] = {"without": [], "with": []}
        one: dict[str, list[float]] = {"without": [], "with": []}
        source = next(source for source in home.consortium.sources if source.kind == "ehf" and "://" not in source.url)
        for number in range(rounds):
            nobody["without"].append(_timed(lambda: _without_dagster(home, clock, owners)))
            nobody["with"].append(_timed(lambda: _with_dagster(home, clock, owners, owners)))
            for way, run in (
                ("without", lambda: _without_dagster(home, clock, [source.owner])),
                ("with", lambda: _with_dagster(home, clock, owners, [source.owner])),
            ):
                drop = home.path / source.url / f"late-{way}-{number}"
                drop.mkdir(parents=True)
                (drop / "late.xml").write_text(_LATE.format(f"{way} {number}"), encoding="utf-8")
                one[way].append(_timed(run))
        for label, taken in (("nothing new, everybody looked at", nobody), ("one new file of one member", one)):
            bare, whole = median(taken["without"]), median(taken["with"])
            print(f"{label}: {bare:.2f} s of work, {whole:.2f} s with Dagster: {1 - bare / whole:.0%} is orchestration")
        command = [*SAMANDEL, "run", "--home", str(path)]
        subprocess.run(command, capture_output=True, check=False)  # build and publish what the ingest brought
        again = median(_timed(lambda: subprocess.run(command, capture_output=True, check=False)) for _ in range(rounds))
        print(f"samandel run with nothing new, the whole command: {again:.1f} s")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))
