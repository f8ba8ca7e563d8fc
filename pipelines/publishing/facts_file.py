"""The facts of the gate and its releases, kept in a DuckDB file beside the warehouse.

Belongs here: reading the records that they follow from, writing them whole or not at all, and whether they are as the
records are. Not here: what the facts are (facts.py), attaching them (warehouse/read.py). No product reads them.

The file is made anew where the records are no longer those that it was made from, and only then. It is renamed into
place, so that whoever has the one before open goes on with that.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipelines.files import canonical_json, pretty_json, sha256_bytes, sha256_file, waiting_lock, write_atomically
from pipelines.gate.decisions import decisions_file, read_entries
from pipelines.gate.evidence import read_documents
from pipelines.home import Home
from pipelines.publishing import facts
from pipelines.publishing.listing import DAMAGED, published
from pipelines.publishing.store import read_manifest
from pipelines.tables import Table, arrow_table


def ensure_facts(home: Home) -> bool:
    """Make the facts say what gate and releases say now; return whether they were made anew.

    Raises:
        ConfigurationError: There are decisions, and the gate has no key to verify them with.
        VerdictMissing: The chain of decisions is broken; the facts that stand are left as they are.
    """
    with waiting_lock(home.warehouse / ".gate.lock"):
        digest = records_digest(home)
        if _made_from(home) == digest and home.gate_facts_file.is_file():
            return False
        _write(home.gate_facts_file, facts.all_facts(read_records(home)))
        write_atomically(_note(home), pretty_json({"records": digest}).encode())
    return True


def records_digest(home: Home) -> str:
    """Return the digest of what the facts follow from: decisions, what releases say of themselves, and this code.

    Evidence is named in the decisions by its digest.
    """
    here = Path(__file__).resolve().parent
    paths = [decisions_file(home), *home.releases.glob("*/*/*/*.json"), *home.releases.glob("*/*/*/*/manifest.json")]
    stated = {path.relative_to(home.path).as_posix(): sha256_file(path) for path in paths if path.is_file()}
    code = {path.name: sha256_file(path) for path in (here / "facts.py", here / "facts_file.py")}
    return sha256_bytes(canonical_json([stated, code]).encode())


def read_records(home: Home) -> facts.Records:
    """Return the records that the facts follow from.

    Raises:
        ConfigurationError: There are decisions, and the gate has no key to verify them with.
        VerdictMissing: The chain of decisions is broken.
    """
    decisions = read_entries(home)
    verdicts = [entry for entry in decisions if entry.get("kind") == "verdict"]
    released = []
    for release, state in published(home):
        manifest = read_manifest(release)
        shown = DAMAGED if manifest is None else state
        released.append(facts.Released(release.key, release.release_id, release.revision, shown, manifest))
    return facts.Records(decisions, read_documents(home, verdicts), released)


def _note(home: Home) -> Path:
    """Return where it is noted what the facts were made from: written after them, so that a kill makes them anew."""
    return home.gate_facts_file.with_suffix(".json")


def _made_from(home: Home) -> str:
    try:
        return str(json.loads(_note(home).read_text(encoding="utf-8"))["records"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return ""


def _write(target: Path, rows: dict[str, list[dict[str, Any]]]) -> None:
    import duckdb

    temporary = target.with_name(f".{target.name}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        with duckdb.connect(str(temporary)) as connection:
            for table in facts.TABLES:
                _write_table(connection, table, rows[table.name])
            connection.execute("checkpoint")
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _write_table(connection: Any, table: Table, rows: list[dict[str, Any]]) -> None:
    def quoted(text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    connection.register("rows_of_it", arrow_table(table, rows))
    connection.execute(f"create table {table.name} as select * from rows_of_it")  # noqa: S608  a name of facts.py
    connection.unregister("rows_of_it")
    connection.execute(f"comment on table {table.name} is {quoted(table.description)}")
    for column in table.columns:
        connection.execute(f"comment on column {table.name}.{column.name} is {quoted(column.description)}")
