"""The database that analysts open: ``warehouse/analyst.duckdb``, of the mart's current release and nothing else.

Belongs here: which release that is, and making the file of it whole or not at all. Not here: what is in the mart
(candidates/), judging it (gate/), asking it (cli/look.py).

(1) It is made of the released Parquet files, after they and their manifest have been held against checksums and the
    gate's chain; nothing of the warehouse is read. (2) It is of the latest period that has a current release. Where
    every release was taken back there is no file: what was taken back is not asked. (3) It is made anew where that
    release is another than the one it was made of, and renamed into place: whoever has it open goes on with what it
    held.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.candidates.datapackage import FILE_NAME as PACKAGE
from pipelines.candidates.products import ANALYSTS, CONSORTIUM_MART, CandidateKey
from pipelines.errors import ReleaseDamaged
from pipelines.files import exclusive_lock, pretty_json, sha256_file, write_atomically
from pipelines.home import Home
from pipelines.publishing.store import ReleaseFolder, all_keys, current_revision, read_manifest, release_folder
from pipelines.publishing.verify import verify_releases

if TYPE_CHECKING:
    import duckdb


def ensure_analyst_file(home: Home) -> bool:
    """Make the analysts' file hold the mart's current release; return whether it was made anew, or removed.

    Raises:
        ReleaseDamaged: That release is not what was published; the file that stands is left as it is.
        WarehouseBusy: Another process is publishing in this home.
    """
    with exclusive_lock(home.path / ".publish.lock", doing="publishing"):
        return write_analyst_file(home)


def write_analyst_file(home: Home) -> bool:
    """Do the same for whoever holds the lock of publishing."""
    release = _current(home)
    note = home.analyst_file.with_suffix(".json")
    if release is None:
        was_there = home.analyst_file.is_file()
        for path in (note, home.analyst_file):
            path.unlink(missing_ok=True)
        return was_there
    stated = {
        "release_id": release.release_id,
        "digest": (read_manifest(release) or {}).get("digest"),
        "code": sha256_file(Path(__file__)),
    }
    if home.analyst_file.is_file() and _read(note) == stated:
        return False
    _require_whole(home, release)
    home.warehouse.mkdir(parents=True, exist_ok=True)
    _write(home.analyst_file, release.folder)
    write_atomically(note, pretty_json(stated).encode())
    return True


def _current(home: Home) -> ReleaseFolder | None:
    """(2) Return the current release of the latest period that has one."""
    keys = [key for key in all_keys(home) if (key.product, key.recipient) == (CONSORTIUM_MART, ANALYSTS)]
    standing = [key for key in keys if current_revision(home, key)]
    return release_folder(home, standing[-1], current_revision(home, standing[-1])) if standing else None


def _require_whole(home: Home, release: ReleaseFolder) -> None:
    key: CandidateKey = release.key
    found = verify_releases(home, product=key.product, recipient=key.recipient, release_id=release.release_id)
    problems = [str(problem) for each in found for problem in each["problems"]]
    if problems:
        raise ReleaseDamaged(
            f"The analysts' release is no longer what was published: {' '.join(problems)}",
            where=str(release.folder),
            remedy="Restore the folder from a copy, then run again. The analysts' file was left as it is.",
        )


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def _write(target: Path, release: Path) -> None:
    import duckdb

    package = json.loads((release / PACKAGE).read_text(encoding="utf-8"))
    temporary = target.with_name(f".{target.name}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        with duckdb.connect(str(temporary)) as connection:
            for resource in package["resources"]:
                _write_table(connection, release, resource)
            connection.execute("checkpoint")
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _write_table(connection: duckdb.DuckDBPyConnection, release: Path, resource: dict[str, Any]) -> None:
    path = release / resource["path"]
    name = _name(path.stem)
    connection.execute(f"create table {name} as select * from read_parquet({_text(str(path))})")  # noqa: S608
    connection.execute(f"comment on table {name} is {_text(resource['description'])}")
    for field in resource["schema"]["fields"]:
        connection.execute(f"comment on column {name}.{_name(field['name'])} is {_text(field['description'])}")


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
