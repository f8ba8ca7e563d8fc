"""Rows become typed Arrow tables, and the same rows the same bytes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.parsing.schema import TABLES
from pipelines.registers import REGISTERS
from pipelines.tables import TYPES, Column, Table, arrow_schema, arrow_table, write_parquet

SAMPLE = Table("sample", "One of each type.", tuple(Column(name, name, "x") for name in TYPES))
ROW = {"text": "0301", "date": date(2026, 11, 15), "integer": 1, "boolean": True, "money": Decimal("1.50")}


def test_every_type_has_an_arrow_form() -> None:
    assert arrow_schema(SAMPLE).names == list(TYPES)
    assert arrow_schema(SAMPLE).field("money").type == pa.decimal128(18, 2)


def test_absent_keys_are_null_and_values_are_kept() -> None:
    (row,) = arrow_table(SAMPLE, [ROW]).to_pylist()
    assert row == dict.fromkeys(TYPES) | ROW


def test_no_rows_are_a_typed_table() -> None:
    assert arrow_table(SAMPLE, []).schema == arrow_schema(SAMPLE)


def test_a_column_that_the_table_lacks_is_refused() -> None:
    with pytest.raises(KeyError, match="other"):
        arrow_table(SAMPLE, [{"other": 1}])


def test_money_is_never_rounded_silently() -> None:
    with pytest.raises(pa.ArrowInvalid):
        arrow_table(SAMPLE, [{"money": Decimal("1.505")}])


def test_the_same_rows_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_parquet(tmp_path / f"{name}.parquet", arrow_table(SAMPLE, [ROW] * 3))
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert pq.ParquetFile(tmp_path / "a.parquet").read().to_pylist() == arrow_table(SAMPLE, [ROW] * 3).to_pylist()


@pytest.mark.parametrize("table", [*TABLES.values(), *REGISTERS.values()], ids=lambda table: table.name)
def test_every_table_is_described(table: Table) -> None:
    assert table.description.endswith((".", ":"))
    assert len(set(table.column_names)) == len(table.columns)
    assert set(table.key) <= set(table.column_names)
    assert all(column.description and column.type in TYPES for column in table.columns)
