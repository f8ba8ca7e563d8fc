"""A candidate as it lies on disk: all renderings decoded, held against each other.

Belongs here: reading the rendered bytes (Parquet, both forms of CSV, datapackage.json), saying where they differ or
cannot be read. Not here: what the rows must be (suites, checks). Nothing is taken from the step that rendered them.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.gate.other_files import texts_about, texts_of
from pipelines.gate.suites import Suite

if TYPE_CHECKING:
    import pyarrow as pa

PACKAGE = "datapackage.json"
_SEPARATORS = {"csv": ",", "excel.csv": ";"}
_GUARD = r"(^|[;,])'([\"\s]*[=+\-@\t\r])"  # the apostrophe before text that a spreadsheet would run


@dataclass
class CandidateFiles:
    """What lies in a candidate's folder.

    Attributes:
        tables: Decoded rows by table, from the Parquet files.
        package: The data package's document; None where it is absent or unreadable.
        missing: Agreed files that are not there.
        extra: Files that nobody agreed on.
        unreadable: Files that cannot be decoded.
        differing: Where another rendering says something else than the Parquet.
        formulas: Cells that a spreadsheet would run.
        cells: How many cells were compared.
        other_texts: By file, the texts of those that nobody agreed on, and what is written about the agreed ones.
    """

    tables: dict[str, pa.Table] = field(default_factory=dict)
    package: dict[str, Any] | None = None
    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    formulas: list[str] = field(default_factory=list)
    cells: int = 0
    other_texts: dict[str, list[str]] = field(default_factory=dict)

    @property
    def columns_by_table(self) -> dict[str, list[str]]:
        """Return the column names of each decoded table."""
        return {name: rows.column_names for name, rows in self.tables.items()}


def read_candidate(folder: Path, suite: Suite) -> CandidateFiles:
    """Return what lies in a candidate's folder; whatever is wrong with it is listed, never raised."""
    files = CandidateFiles()
    agreed = {f"{table}.{ending}" for table in suite.tables for ending in suite.formats} | {PACKAGE}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    files.missing = sorted(agreed - there)
    files.extra = sorted(there - agreed)
    for table in sorted(suite.tables):
        _read_table(folder, table, files)
        for ending in sorted(set(suite.formats) & _SEPARATORS.keys()):
            _hold_against(folder, table, ending, files)
    for name in files.extra:
        files.other_texts[name] = [Path(name).name, *texts_of(folder / name)]
    for name in (f"{table}.parquet" for table in sorted(files.tables)):
        files.other_texts[name] = list(texts_about(folder / name))
    if PACKAGE in there:
        _read_package(folder / PACKAGE, files)
    return files


def _read_table(folder: Path, table: str, files: CandidateFiles) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    parquet = folder / f"{table}.parquet"
    if parquet.is_file():
        try:
            files.tables[table] = pq.read_table(pa.BufferReader(parquet.read_bytes()))
        except (pa.ArrowException, OSError):
            files.unreadable.append(parquet.name)


def _hold_against(folder: Path, table: str, ending: str, files: CandidateFiles) -> None:
    """Hold a form of CSV against the table's Parquet, and look for cells that a spreadsheet would run."""
    import pyarrow as pa

    text = folder / f"{table}.{ending}"
    if not text.is_file():
        return
    try:
        cells = _read_csv(text, _SEPARATORS[ending])
    except (pa.ArrowException, OSError):
        files.unreadable.append(text.name)
        return
    files.formulas += [f"{text.name}, {where}" for where in _formula_cells(cells, ending)]
    if table in files.tables:
        rows = files.tables[table]
        files.cells += rows.num_rows * rows.num_columns
        files.differing += [f"{text.name}, {where}" for where in _differences(rows, cells, ending)]


def _read_csv(path: Path, separator: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv as pc

    raw = path.read_bytes()
    parsed = pc.ParseOptions(delimiter=separator, newlines_in_values=True)
    header = pc.open_csv(io.BytesIO(raw), parse_options=parsed).schema.names
    return pc.read_csv(
        io.BytesIO(raw),
        parse_options=parsed,
        convert_options=pc.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False, null_values=[]
        ),
    )


def _formula_cells(cells: pa.Table, ending: str) -> Iterator[str]:
    """Give row and column of text that a spreadsheet would run, opened by either separator; numbers are none."""
    import pyarrow.compute as pc

    other = next(separator for separator in _SEPARATORS.values() if separator != _SEPARATORS[ending])
    for name, column in zip(cells.column_names, cells.columns, strict=True):
        begins = pc.match_substring_regex(column, rf"^[=+\-@\t\r]|[{other}\t\r\n][\"\s]*[=+\-@]")
        is_number = pc.match_substring_regex(column, r"^-?[0-9]+([.,][0-9]+)?([eE]-?[0-9]+)?$")
        yield from (f"row {row + 2}, column {name}" for row in _where(pc.and_not(begins, is_number)))


def _where(flags: Any) -> list[int]:
    """Return the positions of the true values."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = flags.combine_chunks() if isinstance(flags, pa.ChunkedArray) else flags
    return [int(row) for row in pc.indices_nonzero(whole).to_numpy()]


def _differences(rows: pa.Table, cells: pa.Table, ending: str) -> Iterator[str]:
    """Give where the two renderings of a table differ: in columns, rows or any cell; equal cells have equal sums."""
    if rows.column_names != cells.column_names:
        yield "row 1: other columns than in the Parquet file"
        return
    if rows.num_rows != cells.num_rows:
        yield f"{cells.num_rows} rows where the Parquet file has {rows.num_rows}"
        return
    for name in rows.column_names:
        text = cells[name] if ending == "csv" else _as_in_csv(cells[name], rows[name].type)
        for row in _differing_rows(rows[name], text):
            yield f"row {row + 2}, column {name}"


def _as_in_csv(text: Any, kind: Any) -> Any:
    """Return the cells of Excel's form as the RFC's form has them; what is not of Excel's form becomes what is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_date(kind):
        return pc.replace_substring_regex(text, r"^(\d\d)\.(\d\d)\.(\d{4})$", r"\3-\2-\1")
    if pa.types.is_boolean(kind):
        return pc.replace_substring_regex(pc.replace_substring_regex(text, "^ja$", "true"), "^nei$", "false")
    if pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        return pc.replace_substring(pc.replace_substring(text, ".", "?"), ",", ".")
    return text


def _differing_rows(exact: Any, text: Any) -> list[int]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(exact.type) or pa.types.is_large_string(exact.type):
        # CSV cannot tell an empty text from none, and marks text that a spreadsheet would run with an apostrophe.
        left, right = (
            pc.replace_substring_regex(pc.fill_null(side.cast(pa.string()), ""), _GUARD, r"\1\2")
            for side in (exact, text)
        )
        return _where(pc.not_equal(left, right))
    stated = pc.if_else(pc.equal(text, pa.scalar("")), pa.scalar(None, pa.string()), text)
    try:
        read = stated.cast(exact.type)
    except pa.ArrowException:
        # The first cell that cannot be read as the column's type stands for the column.
        return [next(row for row, value in enumerate(stated) if not _reads_as(value, exact.type))]
    both_null = pc.and_(pc.is_null(read), pc.is_null(exact))
    return _where(pc.invert(pc.or_(both_null, pc.fill_null(pc.equal(read, exact), False))))


def _reads_as(value: Any, kind: Any) -> bool:
    import pyarrow as pa

    try:
        value.cast(kind)
    except pa.ArrowException:
        return False
    return True


def _read_package(path: Path, files: CandidateFiles) -> None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        files.unreadable.append(path.name)
        return
    if isinstance(document, dict):
        files.package = document
    else:
        files.unreadable.append(path.name)
