"""The suites: what the consortium has signed about each table of a product, as YAML.

Belongs here: reading and checking ``expectations/<product>.yml``. Not here: running it (run_suite.py). A table's suite
begins with a row count and the exact column list: on an empty table column expectations would pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.candidates.products import PRODUCTS
from pipelines.errors import ConfigurationError
from pipelines.files import read_yaml

ROW_COUNT = "expect_table_row_count_to_be_between"
COLUMN_LIST = "expect_table_columns_to_match_ordered_list"
FORMATS = ("csv", "excel.csv", "parquet")
# What becomes of a joint product when a month of a member has not come: the member stays with what it has delivered, or
# nothing goes out.
LAST_GOOD, BLOCKED = "last_good", "none"


@dataclass(frozen=True)
class Expectation:
    """One expectation of a suite and the rule it belongs to."""

    type: str
    kwargs: Mapping[str, Any]
    rule: str


@dataclass(frozen=True)
class TableSuite:
    """What is expected of one table.

    Attributes:
        table: Its name, which is its files' stem.
        columns: The exact column list, in order.
        free_text: Columns that hold names or texts rather than codes; the privacy scanner reads them more strictly.
        allowed_texts: Those of them that the product may hold when free text is forbidden (PV06), each with a reason.
        when_empty: Why the table may be empty; "" where it may not.
        expectations: In order; the first is the row count, the second the column list.
    """

    table: str
    columns: tuple[str, ...]
    free_text: tuple[str, ...]
    allowed_texts: Mapping[str, str]
    when_empty: str
    expectations: tuple[Expectation, ...]


@dataclass(frozen=True)
class WorkbookSuite:
    """What a product's workbook holds.

    Attributes:
        file: Its name.
        words: The sheets of words.
        tables: By table, the sheet that its rows stand in.
        charts: By sheet of figures that are drawn, the question whose answer they are, asked of the product's tables.
    """

    file: str
    words: tuple[str, ...]
    tables: Mapping[str, str]
    charts: Mapping[str, str]


@dataclass(frozen=True)
class Suite:
    """What is expected of one product.

    Attributes:
        product: Its id.
        tables: By name.
        record: Its purpose, legal basis and retention, for consortia that record none of their own (PV09).
        formats: The endings of each table's files.
        when_a_month_is_missing: Of a joint product, LAST_GOOD or BLOCKED; empty for a product of one owner.
        workbook: What its workbook holds; None where it has none.
    """

    product: str
    tables: Mapping[str, TableSuite]
    record: Mapping[str, Any] = field(default_factory=dict)
    formats: tuple[str, ...] = FORMATS
    when_a_month_is_missing: str = ""
    workbook: WorkbookSuite | None = None

    @property
    def files(self) -> set[str]:
        """Return the agreed files but the package that describes them."""
        of_tables = {f"{table}.{ending}" for table in self.tables for ending in self.formats}
        return of_tables | ({self.workbook.file} if self.workbook else set())

    @property
    def rules(self) -> set[str]:
        """Return the rules that some expectation belongs to."""
        return {expectation.rule for table in self.tables.values() for expectation in table.expectations}


def read_suite(folder: Path, product: str) -> Suite:
    """Return a product's suite.

    Raises:
        ConfigurationError: The file is absent or not a suite; the message names table and remedy.
    """
    path = folder / f"{product}.yml"
    if not path.is_file():
        raise ConfigurationError(f"{product} has no suite.", where=str(path), remedy="Restore it from the repository.")
    document = read_yaml(path.read_text(encoding="utf-8"))
    if not isinstance(document, Mapping) or document.get("product") != product or not document.get("tables"):
        raise ConfigurationError(
            "A suite must state its product and its tables.", where=str(path), remedy=f"Write product: {product}."
        )
    tables = {str(name): _read_table(path, str(name), stated) for name, stated in document["tables"].items()}
    formats = tuple(str(ending) for ending in document.get("formats") or FORMATS)
    if "parquet" not in formats or not set(formats) <= set(FORMATS):
        raise ConfigurationError(
            f"A suite's formats are parquet, and any of {', '.join(FORMATS)}; {path.name} states {', '.join(formats)}.",
            where=str(path),
            remedy="Write formats: [parquet], or leave them out.",
        )
    carried = str(document.get("when_a_month_is_missing") or "")
    if carried not in ((LAST_GOOD, BLOCKED) if PRODUCTS[product].is_joint else ("",)):
        raise ConfigurationError(
            f"What becomes of {product} when a month is missing is stated as '{carried}'.",
            where=str(path),
            remedy=f"Write when_a_month_is_missing: {LAST_GOOD} or {BLOCKED}; in a suite of a joint product only.",
        )
    workbook = _read_workbook(path, document["workbook"], set(tables)) if document.get("workbook") else None
    return Suite(product, tables, dict(document.get("record") or {}), formats, carried, workbook)


def _read_workbook(path: Path, stated: Mapping[str, Any], tables: set[str]) -> WorkbookSuite:
    workbook = WorkbookSuite(
        file=f"{path.stem}.xlsx",
        words=tuple(str(sheet) for sheet in stated.get("words") or ()),
        tables={str(table): str(sheet) for table, sheet in (stated.get("tables") or {}).items()},
        charts={str(sheet): str(question) for sheet, question in (stated.get("charts") or {}).items()},
    )
    if set(workbook.tables) != tables:
        raise ConfigurationError(
            "A workbook must have a sheet for each of the product's tables.",
            where=str(path),
            remedy=f"Name a sheet for each of {', '.join(sorted(tables))} under workbook: tables.",
        )
    return workbook


def _read_table(path: Path, name: str, stated: Mapping[str, Any]) -> TableSuite:
    expectations = tuple(
        Expectation(item["type"], item.get("kwargs") or {}, (item.get("meta") or {}).get("rule", ""))
        for item in stated.get("expectations") or ()
    )
    if [item.type for item in expectations[:2]] != [ROW_COUNT, COLUMN_LIST]:
        raise ConfigurationError(
            f"The suite of table {name} must begin with the row count and the exact column list.",
            where=str(path),
            remedy=f"Put {ROW_COUNT} first and {COLUMN_LIST} second.",
        )
    if unnamed := [item.type for item in expectations if not item.rule]:
        raise ConfigurationError(
            f"Expectations of table {name} name no rule: {', '.join(unnamed)}.",
            where=str(path),
            remedy="Add meta: {rule: <ID>}.",
        )
    return TableSuite(
        table=name,
        columns=tuple(expectations[1].kwargs["column_list"]),
        free_text=tuple(stated.get("free_text") or ()),
        allowed_texts=dict(stated.get("allowed_texts") or {}),
        when_empty=str(stated.get("when_empty") or ""),
        expectations=expectations,
    )
