"""``samandel status``, ``inspect`` and ``query``: looking, without changing anything."""

from __future__ import annotations

import csv
import io
import json as json_format
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.audit import note_question
from pipelines.cli.options import HomeOption, JsonOption, open_home
from pipelines.cli.output import as_json_value, print_json, print_json_line, print_rows
from pipelines.errors import ConfigurationError
from pipelines.home import Home


def status(home: HomeOption = None, json: JsonOption = False) -> None:
    """Say for every municipality and source what came last, what it covers, and since when it has been failing."""
    from pipelines.outcomes import status_rows

    rows = status_rows(open_home(home))
    if json:
        print_json(rows)
        return
    columns = ("municipality_no", "source", "last_delivery_id", "received_at", "covered_from", "covered_to")
    print_rows(rows, (*columns, "outcome", "failing_since"))


def inspect(
    files: Annotated[list[Path], typer.Argument(help="Files or folders.")],
    profile: Annotated[str | None, typer.Option(help="Ledger profile: a shipped name or a YAML file.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Say what a file is: format, header facts, rows, sums, rejects. Changes nothing; needs no home."""
    from pipelines.parsing.inspect import inspect_paths

    missing = [str(path) for path in files if not path.exists()]
    if missing:
        raise ConfigurationError("No such file or folder.", where=", ".join(missing), remedy="Check the path.")
    for facts in inspect_paths(files, profile=profile):
        if json:
            print_json_line(facts)
        else:
            _print_facts(facts)


def _print_facts(facts: dict[str, Any]) -> None:
    shown = [
        {"fact": name, "value": value}
        for name, value in facts.items()
        if name not in ("file", "rejects", "issues", "documents") and value is not None
    ]
    print_rows(shown, ("fact", "value"), title=str(facts["file"]))
    for name in ("documents", "rejects", "issues"):
        rows = facts.get(name) or []
        if rows:
            print_rows(rows[:20], tuple(rows[0]), title=f"{name}: {len(rows)}")


class TableFormat(StrEnum):
    """How query prints its rows."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def query(
    sql: Annotated[str, typer.Argument(help="One SQL query.")],
    internal: Annotated[
        bool, typer.Option("--internal", help="Ask the whole warehouse (service account; audited).")
    ] = False,
    table_format: Annotated[TableFormat, typer.Option("--format", help="How to print.")] = TableFormat.TABLE,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead (needed for parquet).")] = None,
    home: HomeOption = None,
) -> None:
    """Ask the warehouse, read-only; with --output, what would be a table is written as CSV."""
    opened = open_home(home)
    if internal:
        note_question(opened, sql=sql)
    names, rows, relation = _ask(opened, sql, internal=internal, parquet=table_format is TableFormat.PARQUET)
    if table_format is TableFormat.PARQUET:
        _write_parquet(relation, output)
        return
    text = _as_json(names, rows) if table_format is TableFormat.JSON else _as_csv(names, rows)
    if output is not None:
        _write(output, text.encode())
    elif table_format is TableFormat.TABLE:
        print_rows([dict(zip(names, row, strict=True)) for row in rows], names)
    else:
        sys.stdout.write(text)


def _ask(home: Home, sql: str, *, internal: bool, parquet: bool) -> tuple[list[str], list[tuple[Any, ...]], Any]:
    import duckdb

    from pipelines.warehouse.read import attach_gate_facts

    path = home.warehouse_file if internal else home.analyst_file
    if not path.is_file():
        raise ConfigurationError(
            "There is no warehouse to ask yet."
            if internal
            else "There is no warehouse for analysts: no release of consortium_mart (product P3) stands in this home.",
            where=str(path),
            remedy="Run 'samandel run' first."
            if internal
            else "The coordinator enters the analysts in registers/recipients.csv (product consortium_mart, recipient"
            " analysts), members agree in registers/consents.csv, and 'samandel run' publishes it; what the gate says"
            " stands in 'samandel gate show consortium_mart analysts'. Use --internal if you may.",
        )
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            if internal:
                attach_gate_facts(connection, home)
            connection.execute("set enable_external_access = false")
            connection.execute("set lock_configuration = true")
            statements = connection.extract_statements(sql)
            if len(statements) != 1:
                raise ConfigurationError(
                    f"{len(statements)} statements where one query is asked for.", where=sql, remedy="Ask one question."
                )
            # What is open is also open for writing over by COPY, whatever else is locked.
            if statements[0].type != duckdb.StatementType.SELECT:
                raise ConfigurationError(
                    "The query cannot be answered: it is no question.",
                    where=sql,
                    remedy="Ask with select, from, describe, summarize or show tables.",
                )
            cursor = connection.execute(sql)
            names = _told_apart([column[0] for column in cursor.description or []])
            if parquet:
                return names, [], cursor.to_arrow_table()
            return names, cursor.fetchall(), None
    except duckdb.Error as error:
        raise ConfigurationError(
            "The query cannot be answered.",
            where=str(error).strip(),
            remedy="Mend the query; 'show tables' and 'describe fct_purchases' say what there is.",
        ) from None


def _told_apart(names: list[str]) -> list[str]:
    """Return column names of which each stands once; the second `a` is `a_1`, as in DuckDB's own tables."""
    found: list[str] = []
    for name in names:
        number = 0
        while (told := f"{name}_{number}" if number else name) in found or (number and told in names):
            number += 1
        found.append(told)
    return found


def _as_csv(names: list[str], rows: list[tuple[Any, ...]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([as_json_value(value) for value in row] for row in rows)
    return buffer.getvalue()


def _as_json(names: list[str], rows: list[tuple[Any, ...]]) -> str:
    objects = [as_json_value(dict(zip(names, row, strict=True))) for row in rows]
    return json_format.dumps(objects, ensure_ascii=False, indent=2) + "\n"


def _write_parquet(table: Any, output: Path | None) -> None:
    import pyarrow.parquet as pq

    if output is None:
        raise ConfigurationError("Parquet needs a file.", where="--format parquet", remedy="Add --output FILE.")
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    _write(output, buffer.getvalue())


def _write(output: Path, raw: bytes) -> None:
    try:
        output.write_bytes(raw)
    except OSError as error:
        raise ConfigurationError(
            f"The answer cannot be written: {error.strerror}.", where=str(output), remedy="Name a file that can be."
        ) from None


COMMANDS = (status, inspect, query)
