"""TN04: whoever holds a release holds that release, and no way to anything else.

Belongs here: links, paths and attached databases in the candidate's own files. Not here: which files there are (TN03),
whose rows they hold (TN01), access to folders and servers (docs/operations.md).

(1) Every entry of the folder is a plain file of its own: no link, hard or symbolic, leads out of it. (2) What the data
package names lies in the folder. (3) No text names a place in the house, or an address of the machine. (4) A database
file holds tables only: a view or an attached file would read where its reader may not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pipelines.gate.case import Case, examples_of
from pipelines.gate.privacy import texts
from pipelines.gate.rules import Finding

_DATABASES = (".duckdb", ".db", ".sqlite")
_ADDRESS = re.compile(r"\b(?:file|s3|sftp|ftp)://|\\\\[a-z0-9]", re.IGNORECASE)


def nothing_else_in_reach(case: Case) -> Finding:
    """TN04: return what in the candidate leads to something that is not in it."""
    folder = case.home.candidates / case.key.product / case.recipient
    entries = sorted(folder.rglob("*"))
    named = list(_named_files(case))
    problems = [
        *((path.name, what) for path in entries if (what := _leads_out(path))),
        *((name, "is named by the data package and lies elsewhere") for name in named if not _is_inside(folder, name)),
        *((place, "names a place in the house") for place in _places_named(case)),
        *((path.name, what) for path in entries if path.suffix in _DATABASES for what in _reads_elsewhere(path)),
    ]
    reason = f"{len(problems)} entries lead out of the release: {'; '.join(' '.join(each) for each in problems[:3])}."
    applied = max(len(entries) + len(named), len(problems), 1)
    return Finding(applied, len(problems), reason if problems else "", examples_of(problems), "the candidate's folder")


def _leads_out(path: Path) -> str:
    if path.is_symlink():
        return "is a link"
    if path.is_file() and path.stat().st_nlink > 1:
        return "is one file with another outside the release"
    return "" if path.is_file() or path.is_dir() else "is no file"


def _named_files(case: Case) -> Iterator[str]:
    resources = (case.files.package or {}).get("resources")
    for resource in resources if isinstance(resources, list) else []:
        stated = resource.get("path") if isinstance(resource, dict) else None
        yield from (str(name) for name in (stated if isinstance(stated, list) else [stated]) if name is not None)


def _is_inside(folder: Path, name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and (folder / path).is_file()


def _places_named(case: Case) -> list[str]:
    home = str(case.home.path.resolve())
    return sorted({place for place, _, text in texts(case) if home in text or _ADDRESS.search(text)})


def _reads_elsewhere(path: Path) -> Iterator[str]:
    """Give what in a database file reads another file; one that cannot be read may hold anything."""
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True, config={"enable_external_access": False}) as database:
            views = database.execute("select view_name from duckdb_views() where not internal").fetchall()
    except duckdb.Error:
        yield "is a database that cannot be read"
        return
    yield from (f"holds the view {name}" for (name,) in views)
