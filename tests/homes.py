"""Making and running homes in tests, through the command line as a user would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from pipelines.files import sha256_file

SAMANDEL = (sys.executable, "-m", "pipelines.cli.main")


def samandel(*arguments: str | Path, expect: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
    """Run one command; its exit code must be expected, and no traceback may reach the user."""
    done = subprocess.run(
        [*SAMANDEL, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert done.returncode in expect, f"{arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback (most recent call last)" not in done.stderr, done.stderr
    return done


def samandel_json(*arguments: str | Path) -> Any:
    """Run one command that prints JSON."""
    return json.loads(samandel(*arguments).stdout)


def ask(home: Path, sql: str) -> list[dict[str, Any]]:
    """Query the whole warehouse of a home."""
    return samandel_json("query", "--internal", sql, "--format", "json", "--home", home)


def make_demo(home: Path, *arguments: str) -> None:
    """Make a demo home."""
    samandel("init", home, "--demo", *arguments)


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the pipeline; held releases are fine."""
    return samandel("run", "--home", home, *arguments, expect=(0, 1))


def bytes_of(folder: Path) -> dict[str, str]:
    """Return path → SHA-256 of every file in a folder."""
    return {
        path.relative_to(folder).as_posix(): sha256_file(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }
