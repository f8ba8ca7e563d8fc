"""kill -9 in the middle of ingest, build and publish: the next run ends in the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.homes import SAMANDEL, bytes_of, make_demo, run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kill")]

TINY = ("--municipalities", "4", "--months", "4", "--scale", "0.02")


def _kill_when(home: Path, ready: Callable[[], bool]) -> None:
    """Start a run, and kill it with its children as soon as something can be seen in the home."""
    process = subprocess.Popen(
        [*SAMANDEL, "run", "--home", str(home)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while process.poll() is None and not ready():
        assert time.monotonic() < deadline, "the run never came to where it should be killed"
        time.sleep(0.002)
    assert process.poll() is None, "the run ended before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_run_killed_in_every_job_ends_in_the_same_bytes(tmp_path: Path) -> None:
    undisturbed, killed = tmp_path / "undisturbed" / "home", tmp_path / "killed" / "home"
    for home in (undisturbed, killed):
        make_demo(home, *TINY)
    run(undisturbed)

    _kill_when(killed, lambda: len(list(killed.glob("parsed/outcomes/*/*.parquet"))) >= 5)
    assert not (killed / "warehouse" / "samandel.duckdb").exists()
    _kill_when(killed, lambda: any(killed.glob("warehouse/builds/*/samandel.duckdb")))
    assert not (killed / "warehouse" / "samandel.duckdb").exists()
    _kill_when(killed, lambda: any(killed.glob("releases/*/*/*/current.json")))
    run(killed)

    assert bytes_of(killed / "releases") == bytes_of(undisturbed / "releases")
    assert bytes_of(killed / "landing") == bytes_of(undisturbed / "landing")
    assert bytes_of(killed / "parsed") == bytes_of(undisturbed / "parsed")
    assert bytes_of(killed / "releases"), "nothing was released at all"
