"""Notes of a re-issue name rows and columns that changed, and no value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.candidates.products import PRODUCTS, WORKSHOP_RELEASE
from pipelines.publishing.changes import changes_bytes

SHARE = PRODUCTS[WORKSHOP_RELEASE]


def write(folder: Path, **tables: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    for name, rows in tables.items():
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")
    return folder


def cell(year: int, amount: int | None, code: str = "") -> dict[str, Any]:
    key = {"year": year, "municipality_no": "9901", "spend_category": "food"}
    return {**key, "other_nok_or_suppressed": amount, "suppression_code": code}


def test_rows_that_came_went_or_changed_are_named_without_what_they_hold(tmp_path: Path) -> None:
    before = write(tmp_path / "r1", market_view=[cell(2024, 71), cell(2025, 72), cell(2026, 73)])
    after = write(tmp_path / "r2", market_view=[cell(2025, None, "p"), cell(2026, 73), cell(2027, 74)])
    assert changes_bytes(SHARE, before, after).decode().splitlines() == [
        "table,change,key,columns",
        "market_view,removed,2024/9901/food,",
        "market_view,changed,2025/9901/food,other_nok_or_suppressed suppression_code",
        "market_view,added,2027/9901/food,",
    ]


def test_months_that_have_come_since_are_told(tmp_path: Path) -> None:
    before, after = write(tmp_path / "r1"), write(tmp_path / "r2")
    came = {"municipality_no": "9901", "months": ["2026-09"], "not_delivered": []}
    for folder, more in ((before, {"not_delivered": ["2026-10"]}), (after, {"months": ["2026-09", "2026-10"]})):
        coverage = [came | more, {**came, "municipality_no": "9902"}]
        (folder / "datapackage.json").write_text(json.dumps({"coverage": coverage}))
    assert changes_bytes(SHARE, before, after).decode().splitlines()[1:] == [
        "coverage,changed,9901,months not_delivered"
    ]


def test_a_table_that_the_earlier_version_lacked_is_new(tmp_path: Path) -> None:
    before, after = write(tmp_path / "r1"), write(tmp_path / "r2", market_view=[cell(2026, 73)])
    assert changes_bytes(SHARE, before, after).decode().splitlines()[1:] == ["market_view,added,2026/9901/food,"]
