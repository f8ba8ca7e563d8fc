"""Source files are rendered from the schemas."""

from __future__ import annotations

import yaml

from pipelines.parsing import schema
from pipelines.registers import REGISTERS
from pipelines.tables import TYPES
from pipelines.warehouse.sources import SQL_TYPES, parsed_tables, source_files, source_tables


def test_every_type_has_a_name_in_duckdb() -> None:
    assert set(SQL_TYPES) == set(TYPES)


def test_registers_are_parsed_with_lineage() -> None:
    tables = parsed_tables()
    assert set(tables) == set(schema.TABLES) | {f"register_{name}" for name in REGISTERS}
    assert tables["register_members"].column_names[-4:] == ["_delivery_id", "_file_sha256", "_row_no", "_xpath"]


def test_the_files_are_yaml_that_names_every_table_once() -> None:
    named = [
        table["name"]
        for text in source_files().values()
        for source in yaml.safe_load(text)["sources"]
        for table in source["tables"]
    ]
    assert sorted(named) == sorted(source_tables())
