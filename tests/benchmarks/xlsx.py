"""A table as XLSX: ours, openpyxl's write-only mode and pandas' to_excel side by side, with what each takes in memory.

Not a test: ``python -m tests.benchmarks.xlsx [--rows N] [--columns N]`` writes the same invented rows, each writer in a
process of its own, reads each file back with python-calamine, and prints seconds by the clock and of the processor, the
peak of memory beyond what holding the rows takes, and the size of the file. Ours has its front sheet, formats and
filter; openpyxl and pandas write values alone, but for the formats of dates that they cannot do without. Last is what
the gate takes to read ours back to the last character and hold it against the rows.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

_KINDS = ("text", "money", "date", "text", "integer", "text")
_TYPES = {"text": pa.string(), "money": pa.decimal128(18, 2), "date": pa.date32(), "integer": pa.int64()}


def rows_of(count: int, columns: int) -> pa.Table:
    """Return invented rows as a ledger has them: half texts, some of them few, the rest amounts, dates and numbers."""
    made = {}
    for column in range(columns):
        kind = _KINDS[column % len(_KINDS)]
        values: list[Any] = []
        for row in range(count):
            seed = (row * 7919 + column * 104729) % 1_000_003
            values.append(_value(kind, seed, is_few=column % 4 == 0))
        made[f"{kind}_{column}"] = pa.array(values, _TYPES[kind])
    return pa.table(made)


def _value(kind: str, seed: int, *, is_few: bool) -> Any:
    if kind == "money":
        return Decimal(seed * 37 - 9_000_000) / 100
    if kind == "date":
        return date(2025, 1, 1) + timedelta(days=seed % 700)
    if kind == "integer":
        return seed
    return f"Leverandør {seed % 40} & co" if is_few else f"L{seed:07d}-{seed % 97}"


def ours(rows: pa.Table, path: Path) -> None:
    """Write a workbook as candidates do."""
    from pipelines.candidates.products import CandidateKey, Field, Product, ProductTable, window_ending_in
    from pipelines.candidates.workbook import Book, workbook_bytes

    fields = tuple(Field(name, name.split("_")[0], name.capitalize(), "Oppdiktet.") for name in rows.column_names)
    table = ProductTable("lines", "Linjer", "Oppdiktet.", "", "", "all", "", (fields[0].name,), fields)
    product = Product("benchmark", "P0", "1.0.0", "Måling", "Oppdiktet.", "members", "municipality_no", (table,))
    key = CandidateKey("benchmark", "9901", "2026-10")
    book = Book(product, key, "Fjordvik", window_ending_in("2026-10", 12), {})
    path.write_bytes(workbook_bytes(book, {"lines": rows}))


def with_openpyxl(rows: pa.Table, path: Path) -> None:
    """Write values alone by openpyxl's write-only mode."""
    from openpyxl import Workbook

    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("Linjer")
    sheet.append(rows.column_names)
    for batch in rows.to_batches(max_chunksize=8_192):
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            sheet.append(row)
    workbook.save(path)


def with_pandas(rows: pa.Table, path: Path) -> None:
    """Write values alone by pandas, which hands them to XlsxWriter."""
    rows.to_pandas().to_excel(path, sheet_name="Linjer", index=False, engine="xlsxwriter")


WRITERS: dict[str, Callable[[pa.Table, Path], None]] = {
    "ours": ours,
    "openpyxl": with_openpyxl,
    "pandas": with_pandas,
}


def measure(writer: str, count: int, columns: int) -> dict[str, float]:
    """Return what a writer takes; asked in a process of its own, for memory is never given back."""
    rows = rows_of(count, columns)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines.xlsx"
        before, clock, processor = _peak(), time.perf_counter(), time.process_time()
        WRITERS[writer](rows, path)
        taken = {
            "seconds": time.perf_counter() - clock,
            "cpu": time.process_time() - processor,
            "megabytes": _peak() - before,
            "size": path.stat().st_size / 1e6,
        }
        _check(rows, path)
        if writer == "ours":
            taken["gate"] = _judged(rows, path)
    return taken


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _check(rows: pa.Table, path: Path) -> None:
    """Read the first and the last row back, and count them."""
    import python_calamine

    workbook = python_calamine.CalamineWorkbook.from_path(path)
    sheet = workbook.get_sheet_by_name("Linjer").to_python()
    assert len(sheet) == rows.num_rows + 1, len(sheet)
    for at in (0, rows.num_rows - 1):
        (row,) = rows.slice(at, 1).to_pylist()
        for stated, exact in zip(sheet[at + 1], row.values(), strict=True):
            is_number = isinstance(exact, int | Decimal)
            read = stated.date() if hasattr(stated, "date") else stated
            assert read == (float(exact) if is_number else exact), (stated, exact)


def _judged(rows: pa.Table, path: Path) -> float:
    from pipelines.gate.suites import WorkbookSuite
    from pipelines.gate.workbook_files import read_workbook

    agreed = WorkbookSuite(path.name, ("Om utgaven", "Kolonner"), {"lines": "Linjer"}, {})
    begun = time.process_time()
    found = read_workbook(path, agreed, {"lines": rows})
    assert (found.differing, found.formulas) == ([], []), (found.differing[:3], found.formulas[:3])
    return time.process_time() - begun


def main() -> None:
    """Measure every writer and print what each takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=30)
    parser.add_argument("--writer", choices=WRITERS, help="measure this one here, as JSON")
    given = parser.parse_args()
    if given.writer:
        print(json.dumps(measure(given.writer, given.rows, given.columns)))
        return
    print(f"{given.rows} rows, {given.columns} columns")
    size = ["--rows", str(given.rows), "--columns", str(given.columns)]
    for writer in WRITERS:
        command = [sys.executable, "-m", "tests.benchmarks.xlsx", "--writer", writer, *size]
        taken = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(
            f"{writer:10} {taken['seconds']:6.1f} s, {taken['cpu']:6.1f} s of processor,"
            f" {taken['megabytes']:6.0f} MB, file {taken['size']:.1f} MB"
        )
        if "gate" in taken:
            print(f"{'the gate':10} {taken['gate']:14.1f} s of processor to read it back and hold it against the rows")


if __name__ == "__main__":
    main()
