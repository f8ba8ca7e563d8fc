"""Say in dbt's words what lies under ``parsed/`` and ``matched/``.

Belongs here: the source YAML of the dbt project, rendered from parsing/schema.py, registers.py and matching/schema.py,
so that there is one authority for names and types; which files are not of these. Not here: what staging makes of them
(dbt_project/models/staging).

Run as a module to write the files again after a change of a schema: ``python -m pipelines.warehouse.sources``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pipelines.home import Home
from pipelines.matching import schema as matching_schema
from pipelines.parsing import schema
from pipelines.parsing.registers import as_parsed
from pipelines.registers import REGISTERS
from pipelines.settings import DBT_PROJECT
from pipelines.tables import Column, Table

# Column types in DuckDB's words.
SQL_TYPES = {
    "text": "varchar",
    "date": "date",
    "timestamp": "timestamp with time zone",
    "integer": "bigint",
    "boolean": "boolean",
    "money": "decimal(18,2)",
    "quantity": "decimal(24,8)",
    "fraction": "decimal(9,6)",
    "figure": "decimal(24,6)",
    "score": "decimal(5,4)",
}
_LOCATION = (
    "read_parquet('{{ env_var(\"SAMANDEL_PARSED\") }}/{name}/*/*.parquet', "
    "union_by_name = true, hive_partitioning = false)"
)
_MATCHED_LOCATION = "read_parquet('{{ env_var(\"SAMANDEL_MATCHED\") }}/{name}.parquet')"
_RECEIVED = (
    "select max(received_at) from read_parquet("
    "'{{{{ env_var(\"SAMANDEL_PARSED\") }}}}/outcomes/*/*.parquet', union_by_name = true, "
    "hive_partitioning = false) where source = '{source}'"
)
_WARN_AFTER_DAYS = 45  # a month and the time that members need to close it


def registers_as_parsed() -> dict[str, Table]:
    """Return every register as it lies under ``parsed/``: its own columns plus lineage."""
    return {f"register_{name}": as_parsed(table) for name, table in REGISTERS.items()}


def parsed_tables() -> dict[str, Table]:
    """Return every table that lies under ``parsed/``, by the name of its folder."""
    return {**schema.TABLES, **registers_as_parsed()}


def read_by_another_version(home: Home) -> list[str]:
    """Return ``<owner>/<table>`` of what was parsed with other columns than those of now, sorted.

    dbt would read a column that is new as empty, and one that is gone not at all.
    """
    import pyarrow.parquet as pq

    found = set()
    for name, table in parsed_tables().items():
        for path in (home.parsed / name).glob("*/*.parquet"):
            owner = path.parent.name.removeprefix("municipality_no=")
            # Files of _none are empty and made anew with each build.
            if owner != "_none" and pq.read_schema(path).names != list(table.column_names):
                found.add(f"{owner}/{name}")
    return sorted(found)


def source_tables() -> dict[str, Table]:
    """Return every table that dbt reads, parsed or matched, by its name."""
    return {**parsed_tables(), **{table.name: table for table in matching_schema.SOURCES}}


_SOURCES: dict[str, tuple[str, tuple[str, ...]]] = {
    "ehf": ("E-invoices, as parsed.", tuple(table.name for table in schema.EHF_TABLES)),
    "ledger": ("Postings of supplier ledgers, as parsed.", ("ledger_postings",)),
    "saft": ("Master files and taxes of SAF-T files, as parsed.", ("saft_suppliers", "saft_accounts", "saft_taxes")),
    "notices": ("Notices of procurements, as parsed.", ("notices", "notice_buyers")),
    "brreg": ("Units of the company register, as parsed.", ("companies",)),
    "landing": (
        "What was received, refused and settled.",
        ("outcomes", "rejects", "delivery_periods", "document_states"),
    ),
    "registers": ("The consortium's own registers, as parsed.", tuple(sorted(registers_as_parsed()))),
    "matched": (
        "Scores of supplier names and of item texts; no decisions.",
        tuple(table.name for table in matching_schema.SOURCES),
    ),
}


def source_files() -> dict[Path, str]:
    """Return the text of every source file by its path."""
    return {
        DBT_PROJECT / "models" / "staging" / name / f"_{name}__sources.yml": "\n".join(_source_lines(name)) + "\n"
        for name in _SOURCES
    }


def _source_lines(name: str) -> Iterator[str]:
    description, tables = _SOURCES[name]
    is_matched = name == "matched"
    authority = "pipelines/matching/schema.py" if is_matched else "pipelines/parsing/schema.py and registers.py"
    yield f"# Written by `python -m pipelines.warehouse.sources` from {authority}."
    yield "version: 2"
    yield ""
    yield "sources:"
    yield f"  - name: {name}"
    yield f"    description: {json.dumps(description)}"
    yield "    config:"
    yield "      meta:"
    yield f"        external_location: >-\n          {_MATCHED_LOCATION if is_matched else _LOCATION}"
    if name in ("ehf", "ledger", "saft", "notices", "brreg"):
        yield f"      loaded_at_query: >-\n          {_RECEIVED.format(source=name)}"
        yield f"      freshness: {{warn_after: {{count: {_WARN_AFTER_DAYS}, period: day}}}}"
    yield "    tables:"
    known = source_tables()
    for table in tables:
        yield f"      - name: {table}"
        yield f"        description: {json.dumps(known[table].description)}"
        yield "        columns:"
        yield from (_column_line(column) for column in known[table].columns)


def _column_line(column: Column) -> str:
    # Description as JSON text: valid YAML whatever punctuation it holds.
    text = json.dumps(column.description, ensure_ascii=False)
    return f"          - {{name: {column.name}, data_type: '{SQL_TYPES[column.type]}', description: {text}}}"


def write_source_files() -> None:
    """Write every source file anew."""
    for path, text in source_files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_source_files()
