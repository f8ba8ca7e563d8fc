"""Copy the marts out of the warehouse as Parquet, for analysts inside the house.

Belongs here: which tables, their order and bytes, where they may lie. Not here: what leaves the house (candidates/,
gate/, publishing/), the command (cli/export.py).

(1) The files hold names, persons' too, and clients' invoices: nothing is suppressed and no gate has seen them. Only the
    user that exports can read them, and they are written to no place that somebody else reads.
(2) Rows are sorted by all columns in their order: the same warehouse gives the same bytes.
(3) The folder appears whole or not at all; an earlier export in its place is replaced, anything else is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import ConfigurationError
from pipelines.files import folder_in_place, sha256_file, write_atomically
from pipelines.home import Home
from pipelines.settings import PROJECT_ROOT
from pipelines.tables import ParquetFile
from pipelines.warehouse.build import current_build_id
from pipelines.warehouse.read import connect

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

ABOUT = "READ_ME_FIRST.txt"
_ABOUT_BEGINS = "Marts of Samandel's warehouse."
_BATCH = 1 << 16
_MARTS = ("bridge_", "dim_", "fct_")


@dataclass(frozen=True)
class Exported:
    """A mart that was copied out.

    Attributes:
        table: Its name in the warehouse, and its file's stem.
        rows: How many rows it has.
        sha256: Digest of its file.
    """

    table: str
    rows: int
    sha256: str


def export_marts(home: Home, folder: Path, progress: Callable[[str, int, int], None]) -> list[Exported]:
    """Write every mart of the last green warehouse to ``<folder>/<mart>.parquet``; return what was written.

    Descriptions stand in the files: ``comment`` of the file and of each of its columns, and ``columns``, all of these
    as JSON, for readers that show a file's own notes only. Views are left out: what they show stands in the tables.

    Raises:
        ConfigurationError: Nothing has been built yet, or others read what lies there, or other files do.
    """
    target = folder.expanduser().resolve()
    _refuse_places_of_others(home, target)
    _refuse_other_files(target)
    try:
        with connect(home) as warehouse, folder_in_place(target) as made:
            made.chmod(0o700)
            return _write_all(warehouse, made, str(current_build_id(home)), progress)
    except OSError as error:
        raise ConfigurationError(
            f"The marts cannot be written: {error.strerror}.", where=str(target), remedy="Name a folder that can be."
        ) from None


def _refuse_places_of_others(home: Home, target: Path) -> None:
    """(1) A home's folders are read by members and recipients, and the installation by whoever runs it."""
    sources = {Path(home.path, source.url).resolve() for source in home.consortium.sources if not source.transport}
    within = next((place for place in (target, *target.parents) if (place / "consortium.yaml").is_file()), None)
    others = {home.path, PROJECT_ROOT, *sources, *([within] if within else [])}
    for place in sorted(others):
        if target.is_relative_to(place) or place.is_relative_to(target):
            raise ConfigurationError(
                "Marts are not exported to where members, recipients or backups of the home would read them: they hold "
                "names and single invoices, and no gate has seen them.",
                where=f"{target}, which is in, or around, {place}",
                remedy="Name a folder outside every home, inbox and the installation, that only analysts can read.",
            )


def _refuse_other_files(target: Path) -> None:
    """(3) Only an earlier export is replaced."""
    if not target.exists():
        return
    found = sorted(target.iterdir()) if target.is_dir() else [target]
    about = target / ABOUT
    is_ours = about.is_file() and about.read_text(encoding="utf-8", errors="replace").startswith(_ABOUT_BEGINS)
    strange = [path for path in found if path.name != ABOUT and not _is_mart_file(path)]
    if strange or (found and not is_ours):
        raise ConfigurationError(
            "The folder holds something else than an earlier export, which would be lost.",
            where=str((strange or found)[0]),
            remedy="Name a new or empty folder.",
        )


def _is_mart_file(path: Path) -> bool:
    return path.is_file() and path.suffix == ".parquet" and path.name.startswith(_MARTS)


def _write_all(
    warehouse: duckdb.DuckDBPyConnection, folder: Path, build_id: str, progress: Callable[[str, int, int], None]
) -> list[Exported]:
    counts = {name: _count(warehouse, name) for name in marts(warehouse)}
    total, done, written = sum(counts.values()), 0, []
    for name, rows in counts.items():
        path = folder / f"{name}.parquet"
        about, comments = _comments(warehouse, name)
        cursor = warehouse.execute(f'select * from main."{name}" order by all')  # noqa: S608  a name of the catalogue
        # Whatever else the connection is asked before it is read to its end would empty it.
        reader = cursor.to_arrow_reader(_BATCH)
        file = ParquetFile(path, _with_comments(reader.schema, about, comments, build_id))
        try:
            for batch in reader:
                file.write(_as(batch, file.schema))
                done += batch.num_rows
                progress("rows", done, total)
            file.finish()
        finally:
            file.discard()
        if file.rows != rows:
            raise AssertionError(f"{name} has {rows} rows, of which {file.rows} were written")
        path.chmod(0o600)
        written.append(Exported(name, rows, sha256_file(path)))
    write_atomically(folder / ABOUT, _about(build_id, written).encode(), mode=0o600)
    return written


def marts(warehouse: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the tables that are exported, by name."""
    rows = warehouse.execute(
        "select table_name from duckdb_tables() where schema_name = 'main' and not internal order by all"
    ).fetchall()
    return [name for (name,) in rows if name.startswith(_MARTS)]


def _count(warehouse: duckdb.DuckDBPyConnection, name: str) -> int:
    found = warehouse.execute(f'select count(*) from main."{name}"').fetchone()  # noqa: S608  a name of the catalogue
    return int(found[0]) if found else 0


def _comments(warehouse: duckdb.DuckDBPyConnection, name: str) -> tuple[str, dict[str, str]]:
    """Return what stands in the warehouse about a table, and about each of its columns."""
    about = warehouse.execute(
        "select coalesce(comment, '') from duckdb_tables() where schema_name = 'main' and table_name = $name",
        {"name": name},
    ).fetchone()
    columns = warehouse.execute(
        "select column_name, coalesce(comment, '') from duckdb_columns()"
        " where schema_name = 'main' and table_name = $name order by column_index",
        {"name": name},
    ).fetchall()
    return str(about[0]) if about else "", dict(columns)


def _with_comments(schema: pa.Schema, about: str, comments: dict[str, str], build_id: str) -> pa.Schema:
    import pyarrow as pa

    fields = [pa.field(field.name, field.type, metadata={"comment": comments[field.name]}) for field in schema]
    metadata: dict[Any, Any] = {
        "comment": about,
        "columns": json.dumps(comments, ensure_ascii=False),
        "build_id": build_id,
    }
    return pa.schema(fields, metadata=metadata)


def _as(batch: pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_arrays(list(batch.columns), schema=schema)


def _about(build_id: str, written: Iterable[Exported]) -> str:
    lines = [
        _ABOUT_BEGINS,
        "",
        "For analysts inside the house only. The files hold names, of persons too, and single invoices; nothing is",
        "suppressed and no gate has seen them. Give them to nobody, and delete them when you are done.",
        "",
        f"build {build_id}",
        *(f"{one.sha256}  {one.table}.parquet  {one.rows} rows" for one in written),
    ]
    return "\n".join(lines) + "\n"
