"""A home to break: another home's folders by link, and copies of what is changed.

Belongs here: changing rendered bytes, the warehouse, registers and folders of a judged home without touching it, and
judging. Not here: what is broken (the modules named after where), the table (__main__.py).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.candidates.make import candidate_folder, inputs_digest, inputs_file
from pipelines.candidates.products import CandidateKey
from pipelines.candidates.render import csv_bytes, parquet_bytes
from pipelines.files import folder_digest
from pipelines.gate.case import EXTRACT
from pipelines.gate.judge import judge
from pipelines.gate.verdict import Verdict
from pipelines.home import Home
from pipelines.settings import Clock

Row = dict[str, Any]
_LINKED = ("landing", "parsed", "matched", "history", "expectations")


class BrokenHome:
    """One candidate of a home, to be changed and judged.

    Attributes:
        home: The copy.
        key: The candidate.
    """

    def __init__(self, original: Home, key: CandidateKey, folder: Path) -> None:
        """Link what is only read, copy the candidate, the settings and the warehouse."""
        self.key, path = key, folder / original.path.name
        path.mkdir(parents=True)
        for name in _LINKED:
            if (original.path / name).exists():
                (path / name).symlink_to(original.path / name)
        shutil.copytree(original.registers, path / "registers")
        shutil.copy(original.consortium_file, path)
        self.home = Home(path)
        shutil.copytree(candidate_folder(original, key), candidate_folder(self.home, key))
        for beside in candidate_folder(original, key).parent.glob(f"{key.recipient}.*"):
            target = candidate_folder(self.home, key).parent / beside.name
            shutil.copytree(beside, target) if beside.is_dir() else shutil.copy(beside, target)
        for other in (original.candidates / EXTRACT).glob("[!.]*/"):  # what a workshop's owners know
            if not (target := self.home.candidates / EXTRACT / other.name).exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(other)
        held = original.releases / key.product / key.recipient
        if held.is_dir():
            shutil.copytree(held, self.home.releases / key.product / key.recipient)
        for keys in original.path.parent.glob(f"{original.path.name}-keys"):
            (folder / keys.name).symlink_to(keys)
        self.home.warehouse.mkdir()
        for name in ("samandel.duckdb", "current.json"):
            shutil.copy(original.warehouse / name, self.home.warehouse / name)
        self.clock = Clock.pinned(original.consortium.as_of) if original.consortium.as_of else Clock.now()

    @property
    def folder(self) -> Path:
        """Where the candidate lies."""
        return candidate_folder(self.home, self.key)

    def sql(self, statement: str, *values: Any) -> None:
        """Change the warehouse."""
        with duckdb.connect(str(self.home.warehouse_file)) as connection:
            connection.execute(statement, list(values))

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the warehouse."""
        with duckdb.connect(str(self.home.warehouse_file), read_only=True) as connection:
            return connection.execute(query, list(values)).fetchall()

    def insert(self, table: str, **values: Any) -> None:
        """Add a row to a table of the warehouse; columns that are not named are empty."""
        names = ", ".join(values)
        self.sql(f"insert into {table} ({names}) values ({', '.join('?' for _ in values)})", *values.values())

    def rows(self, table: str) -> list[Row]:
        """Return a table's rows as they were rendered."""
        return pq.read_table(self.folder / f"{table}.parquet").to_pylist()

    def write(self, table: str, rows: list[Row], *more: str) -> None:
        """Render a table anew, both ways; ``more`` are columns that nobody agreed on."""
        schema = pq.read_schema(self.folder / f"{table}.parquet")
        for name in more:
            schema = schema.append(pa.field(name, pa.string()))
        decoded = pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema)
        (self.folder / f"{table}.csv").write_bytes(csv_bytes(decoded))
        (self.folder / f"{table}.parquet").write_bytes(parquet_bytes(decoded))

    def change(self, table: str, change: Callable[[list[Row]], object], *more: str) -> None:
        """Change a table's rows and render them anew."""
        rows = self.rows(table)
        change(rows)
        self.write(table, rows, *more)

    def package(self, change: Callable[[Row], object]) -> None:
        """Change the data package."""
        path = self.folder / "datapackage.json"
        document = json.loads(path.read_text(encoding="utf-8"))
        change(document)
        path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")

    def register(self, name: str, change: Callable[[list[str]], object]) -> None:
        """Change the lines of a register, its header first."""
        path = self.home.registers / f"{name}.csv"
        lines = path.read_text(encoding="utf-8").splitlines()
        change(lines)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def seal(self) -> None:
        """Note the bytes and inputs as those that were rendered: what was broken is to be found, not the seal."""
        self.home = Home(self.home.path)
        path = inputs_file(self.home, self.key)
        noted = json.loads(path.read_text(encoding="utf-8"))
        noted |= {"candidate_sha256": folder_digest(self.folder), "inputs_digest": inputs_digest(self.home, self.key)}
        path.write_text(json.dumps(noted), encoding="utf-8")

    def judge(self) -> Verdict:
        """Return the gate's verdict on what lies there."""
        self.home = Home(self.home.path)
        return judge(self.home, self.key, self.clock)
