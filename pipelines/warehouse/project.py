"""The dbt project as a thing with a digest and a manifest.

Belongs here: what the project's files are, and its parsed manifest. Not here: building (build.py).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from pipelines.errors import BuildFailed
from pipelines.files import sha256_bytes, sha256_file, write_atomically
from pipelines.settings import DBT_PROJECT, child_environment

# dbt in a process of its own: the import of its command line alone takes seconds and changes global state. What it
# makes of the project lives until it ends; to look through that for garbage at every turn is a sixth of dbt's own time.
DBT = (sys.executable, "-W", "ignore", "-c", "import gc; gc.set_threshold(50_000); from dbt.cli.main import cli; cli()")
_PARTS = ("models", "seeds", "macros", "tests", "docs")
_MANIFEST = DBT_PROJECT / "target" / "manifest.json"
_STAMP = DBT_PROJECT / "target" / "manifest.digest"


def project_files() -> Iterator[Path]:
    """Yield every file that the project consists of, sorted."""
    yield DBT_PROJECT / "dbt_project.yml"
    yield DBT_PROJECT / "profiles.yml"
    for part in _PARTS:
        yield from sorted(path for path in (DBT_PROJECT / part).rglob("*") if path.is_file())


def project_digest() -> str:
    """Return the SHA-256 over the project's files and their places."""
    lines = [f"{sha256_file(path)}  {path.relative_to(DBT_PROJECT).as_posix()}" for path in project_files()]
    return sha256_bytes("\n".join(sorted(lines)).encode())


def ensure_manifest() -> Path:
    """Return the manifest of the project as it is now, parsed anew only where a file has changed.

    Raises:
        BuildFailed: dbt cannot parse the project.
    """
    digest = project_digest()
    if _MANIFEST.is_file() and _STAMP.is_file() and _STAMP.read_text(encoding="utf-8") == digest:
        return _MANIFEST
    done = subprocess.run(
        [
            *(*DBT, "parse", "--no-use-colors"),
            *("--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)),
        ],
        # Parsing opens no file: the names stand for those of a build.
        env=child_environment(
            SAMANDEL_BUILD_FILE=str(DBT_PROJECT / "target" / "samandel.duckdb"),
            SAMANDEL_WORKINGS_FILE=str(DBT_PROJECT / "target" / "workings.duckdb"),
            SAMANDEL_PARSED="parsed",
            SAMANDEL_MATCHED="matched",
        ),
        cwd=DBT_PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BuildFailed(
            "dbt cannot read its project.",
            where=str(DBT_PROJECT),
            remedy="\n".join(done.stdout.splitlines()[-20:]),
        )
    write_atomically(_STAMP, digest.encode())
    return _MANIFEST
