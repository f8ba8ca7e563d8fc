"""Write dbt's own documentation of the project as one page that stands alone.

Belongs here: running ``dbt docs generate`` beside the warehouse, never on it. Not here: the ER diagram (er_diagram.py),
the words on the page (the models' YAML, dbt_project/docs).

Run as a module: ``python -m pipelines.warehouse.docs_page [HOME]``. With a home, types are those of its last green
warehouse, of which the structure is copied and no row.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pipelines.errors import BuildFailed, SamandelError
from pipelines.home import Home
from pipelines.settings import DBT_PROJECT, child_environment, silence_tools
from pipelines.warehouse.project import DBT, ensure_manifest
from pipelines.warehouse.read import connect

FOLDER = DBT_PROJECT / "target" / "docs"
_PAGE = "static_index.html"


def write_docs(home: Home | None = None, folder: Path = FOLDER) -> Path:
    """Write the page, its manifest and its catalog into a folder; return the page.

    Raises:
        ConfigurationError: The home has no warehouse yet.
        BuildFailed: dbt cannot read its project.
    """
    with tempfile.TemporaryDirectory(prefix="samandel-docs-") as made:
        file = Path(made) / "samandel.duckdb"
        if home is not None:
            _copy_structure(home, file)
        folder.mkdir(parents=True, exist_ok=True)
        # Without compiling: what dbt would compile is what a build runs, for which it needs a build's files.
        shutil.copy(ensure_manifest(), folder)
        done = subprocess.run(
            [
                *(*DBT, "docs", "generate", "--static", "--no-compile", "--no-use-colors"),
                *(() if home else ("--empty-catalog",)),
                *("--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)),
                *("--target-path", str(folder.resolve()), "--log-path", made),
            ],
            # No source is opened: the names stand for those of a build.
            env=child_environment(
                SAMANDEL_BUILD_FILE=str(file),
                SAMANDEL_WORKINGS_FILE=str(file.with_name("workings.duckdb")),
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
            "dbt cannot document its project.",
            where=str(DBT_PROJECT),
            remedy="\n".join(done.stdout.splitlines()[-20:]),
        )
    return folder / _PAGE


def _copy_structure(home: Home, file: Path) -> None:
    """Copy the tables of the warehouse without their rows, so that dbt neither waits for a reader nor blocks one."""
    import duckdb

    connect(home).close()
    with duckdb.connect() as connection:
        for path, name, access in ((home.warehouse_file, "samandel", "read_only"), (file, "structure", "read_write")):
            quoted = str(path).replace("'", "''")
            connection.execute(f"attach '{quoted}' as {name} ({access})")
        connection.execute("copy from database samandel to structure (schema)")


if __name__ == "__main__":
    silence_tools()
    try:
        sys.stdout.write(f"{write_docs(Home(Path(sys.argv[1]).resolve()) if sys.argv[1:] else None)}\n")
    except SamandelError as failure:
        sys.stderr.write(f"samandel: {failure}\n")
        sys.exit(failure.exit_code)
