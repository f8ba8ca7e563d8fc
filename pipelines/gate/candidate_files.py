"""A candidate as it lies on disk: all renderings decoded, held against each other.

Belongs here: reading the rendered bytes (Parquet, both forms of CSV, the package), saying where they differ or
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
from pipelines.gate.same_cells import differing_rows, where
from pipelines.gate.suites import Suite
from pipelines.gate.workbook_files import read_workbook

if TYPE_CHECKING:
    import pyarrow as pa

PACKAGE = "datapackage.json"
_SEPARATORS = {"csv": ",", "excel.csv": ";"}


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
        other_texts: By file, the texts of those that nobody agreed on, and what is written about or beside the rows of
            the agreed ones.
        words: What the workbook's sheets of words say.
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
    words: list[str] = field(default_factory=list)

    @property
    def columns_by_table(self) -> dict[str, list[str]]:
        """Return the column names of each decoded table."""
        return {name: rows.column_names for name, rows in self.tables.items()}


def read_candidate(folder: Path, suite: Suite) -> CandidateFiles:
    """Return what lies in a candidate's folder; whatever is wrong with it is listed, never raised."""
    files = CandidateFiles()
    agreed = suite.files | {PACKAGE}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    files.missing = sorted(agreed - there)
    files.extra = sorted(there - agreed)
    for table in sorted(suite.tables):
        _read_table(folder, table, files)
        for ending in sorted(set(suite.formats) & _SEPARATORS.keys()):
            _hold_against(folder, table, ending, files)
    if suite.workbook is not None and suite.workbook.file in there:
        _hold_workbook_against(folder, suite, files)
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


def _hold_workbook_against(folder: Path, suite: Suite, files: CandidateFiles) -> None:
    agreed = suite.workbook
    if agreed is None:
        return
    read = read_workbook(folder / agreed.file, agreed, files.tables)
    files.unreadable += [agreed.file] if read.is_unreadable else []
    files.differing += [f"{agreed.file}, {place}" for place in read.differing]
    files.formulas += [f"{agreed.file}, {place}" for place in read.formulas]
    files.cells += read.cells
    files.other_texts[agreed.file] = [*read.texts, *read.words]
    files.words = read.words


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
        yield from (f"row {row + 2}, column {name}" for row in where(pc.and_not(begins, is_number)))


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
        for row in differing_rows(rows[name], text):
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


def _read_package(path: Path, files: CandidateFiles) -> None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError):
        files.unreadable.append(path.name)
        return
    if isinstance(document, dict):
        files.package = document
    else:
        files.unreadable.append(path.name)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of the package; a name that stands twice hides what it said first."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found
