"""What one delivery gives, taken in batches and named only when it is whole.

Belongs here: lineage on every row, keeping count, and writing in constant memory. Not here: what is in a row (the
formats), which deliveries are read (parse.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.home import Home
from pipelines.landing.store import LandedFile, Receipt
from pipelines.mask import mask_file_name
from pipelines.parsing import schema
from pipelines.parsing.rejects import Reject
from pipelines.parsing.store import Row, table_path
from pipelines.tables import ParquetFile, Table, arrow_schema, arrow_table

if TYPE_CHECKING:
    import pyarrow as pa

REJECT, ISSUE = "reject", "issue"
_ROWS_AT_ONCE = 10_000


class RefusedLate(Exception):
    """A file turned out to be unreadable after rows of it had gone into the sink: the delivery is read without it."""

    def __init__(self, file: LandedFile, reject: Reject) -> None:
        self.file, self.reject = file, reject
        super().__init__(reject.rule)


class Sink:
    """The tables of one delivery in the making.

    Attributes:
        rows_in: Documents, data rows or units read; the reader counts.
        rows_out: Of these, how many went on.
        rejects: How many were refused.
        issues: How many remarks there are on those that went on.
        covered_from: First month, ``YYYY-MM``, or None.
        covered_to: Last month, or None.
        first_refusal: The first reject that is more than a sum row, or None.
    """

    def __init__(self, home: Home, receipt: Receipt, name: str, tables: Sequence[Table]) -> None:
        self.receipt = receipt
        self.rows_in = self.rows_out = self.rejects = self.issues = 0
        self.covered_from: str | None = None
        self.covered_to: str | None = None
        self.first_refusal: Reject | None = None
        self._waiting: dict[str, list[Row]] = {}
        self._tables = {table.name: table for table in (*tables, schema.REJECTS)}
        self._files = {
            table.name: ParquetFile(table_path(home, table, receipt.owner, name), arrow_schema(table))
            for table in self._tables.values()
        }

    def add(self, table: Table, file: LandedFile, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take rows of a table as mappings; absent columns are null, lineage is added."""
        waiting = self._waiting.setdefault(table.name, [])
        lineage = self._lineage(file)
        waiting.extend([{**row, **lineage} for row in rows])
        if len(waiting) >= _ROWS_AT_ONCE:
            self._flush(table.name)

    def add_arrow(self, table: Table, file: LandedFile, rows: pa.Table) -> None:
        """Take rows of a table as columns by name; absent columns are null, lineage is added.

        Raises:
            KeyError: A column that the table does not have.
        """
        self._add_columns(table, rows, self._lineage(file))

    def add_files(self, table: Table, rows: pa.Table) -> None:
        """Take rows of several files as columns by name; ``_file_sha256`` is among them, other lineage is added.

        Raises:
            KeyError: A column that the table does not have.
        """
        self._add_columns(table, rows, self._lineage())

    def _add_columns(self, table: Table, rows: pa.Table, lineage: Mapping[str, str]) -> None:
        import pyarrow as pa

        self._flush(table.name)  # rows keep the order in which they came
        wanted = self._files[table.name].schema
        if unknown := set(rows.column_names) - set(wanted.names):
            raise KeyError(f"{table.name} has no column {sorted(unknown)}")
        count = rows.num_rows
        columns = []
        for field in wanted:
            if field.name in lineage:
                columns.append(pa.repeat(pa.scalar(lineage[field.name], field.type), count))
            elif field.name in rows.column_names:
                columns.append(rows.column(field.name).cast(field.type))
            else:
                columns.append(pa.nulls(count, field.type))
        self._files[table.name].write(pa.table(columns, schema=wanted))

    def cover(self, month: str) -> None:
        """Note a month, ``YYYY-MM``, that the delivery has rows for."""
        self.covered_from = min(self.covered_from or month, month)
        self.covered_to = max(self.covered_to or month, month)

    def reject(self, file: LandedFile, reject: Reject) -> None:
        """Note what is refused: one for each document or row that does not go on."""
        self.rejects += 1
        if self.first_refusal is None and reject.rule != "IN08":
            self.first_refusal = reject
        self._note(file, reject, REJECT)

    def remark(self, file: LandedFile, issue: Reject) -> None:
        """Note what is wrong with something that goes on."""
        self.issues += 1
        self._note(file, issue, ISSUE)

    def _note(self, file: LandedFile, reject: Reject, severity: str) -> None:
        row = {
            "source": self.receipt.source,
            "severity": severity,
            "rule": reject.rule,
            "file_name": mask_file_name(file.name),
            "column_name": reject.column,
            "raw": reject.raw,
            "amount": reject.amount,
            "stated_month": None if reject.day is None else f"{reject.day:%Y-%m}",
            "message": reject.message,
            "_row_no": reject.row_no,
            "_xpath": reject.path,
        }
        self.add(schema.REJECTS, file, [row])

    def _lineage(self, file: LandedFile | None = None) -> dict[str, str]:
        lineage = {"municipality_no": self.receipt.owner, "_delivery_id": self.receipt.delivery_id}
        return lineage if file is None else lineage | {"_file_sha256": file.sha256}

    def _flush(self, name: str) -> None:
        if rows := self._waiting.pop(name, None):
            self._files[name].write(arrow_table(self._tables[name], rows))

    def finish(self) -> None:
        """Give every table its name; the rejects last.

        Raises:
            AssertionError: Rows were lost between the files and the tables.
        """
        if self.rows_in != self.rows_out + self.rejects:
            raise AssertionError("rows were lost between the files and the parsed tables")
        for name, file in self._files.items():
            self._flush(name)
            file.finish()

    def discard(self) -> None:
        """Leave nothing of what was not finished."""
        self._waiting.clear()
        for file in self._files.values():
            file.discard()
